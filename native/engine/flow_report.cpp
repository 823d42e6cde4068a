#include "flow_report.hpp"

#include <algorithm>
#include <iterator>

namespace tidegate {

void FlowListenerReport::add(const FlowListenerReport& other) {
  totals.datagrams += other.totals.datagrams;
  totals.records += other.totals.records;
  totals.samples += other.totals.samples;
  totals.packets += other.totals.packets;
  totals.bytes += other.totals.bytes;
  totals.decode_errors += other.totals.decode_errors;
  totals.refused += other.totals.refused;
  if (other.totals.last_refused) totals.last_refused = other.totals.last_refused;
  for (std::size_t i = 0; i < totals.strays.size(); ++i) {
    const Stray& stray = other.totals.strays[i];
    totals.strays[i].datagrams += stray.datagrams;
    if (stray.datagrams != 0) totals.strays[i].last_from = stray.last_from;
  }
  dropped += other.dropped;
  exporters_refused += other.exporters_refused;
  held += other.held;
  held_bound += other.held_bound;
  held_refused += other.held_refused;
  templates += other.templates;
  templates_bound += other.templates_bound;
}

void FlowReports::publish(Collector& collector, const FlowListenerReport& more) {
  collector.snapshot(next_);
  const auto known = collector.templates().store;
  FlowListenerReport report;
  report.totals = collector.totals();
  report.exporters_refused = collector.exporters_refused();
  report.held = collector.held();
  report.held_bound = collector.held_bound();
  report.held_refused = collector.held_refused();
  report.templates = known.templates;
  report.templates_bound = known.bound;
  report.add(more);
  const std::lock_guard lock{mutex_};
  exporters_.swap(next_);
  listener_ = report;
  if (templates_.size() >= kMostTemplatesWaiting) return;
  auto changed = collector.take_templates(std::min(kMostTemplatesReported, kMostTemplatesWaiting - templates_.size()));
  std::ranges::move(changed, std::back_inserter(templates_));
}

void FlowReports::add_exporters(std::vector<ExporterStats>& into) const {
  const std::lock_guard lock{mutex_};
  into.insert(into.end(), exporters_.begin(), exporters_.end());
}

FlowListenerReport FlowReports::listener() const {
  const std::lock_guard lock{mutex_};
  return listener_;
}

void FlowReports::take_templates(std::vector<templated::StoredTemplate>& into) {
  const std::lock_guard lock{mutex_};
  std::ranges::move(templates_, std::back_inserter(into));
  templates_.clear();
}

}  // namespace tidegate
