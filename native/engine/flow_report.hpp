/// What a flow listener tells of itself and its exporters: written by its threads once a second, read by any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "../flow/collector.hpp"

namespace tidegate {

/// `FlowListenerStats` of domain/flow.ts.
struct FlowListenerReport {
  CollectorTotals totals;
  std::uint64_t dropped = 0;
  std::size_t receive_buffer_asked = 0;
  std::size_t receive_buffer = 0;
  std::uint64_t exporters_refused = 0;
  std::uint64_t held = 0;
  std::uint64_t held_bound = 0;
  std::uint64_t held_refused = 0;
  std::uint64_t templates = 0;
  std::uint64_t templates_bound = 0;

  /// Another thread of the same listener.
  void add(const FlowListenerReport& other);
};

/// How often a thread tells, at most.
inline constexpr std::int64_t kReportEveryMicros = 1'000'000;
/// Templates that a thread hands over at one telling; more come with the next.
inline constexpr std::size_t kMostTemplatesReported = 1024;
/// Templates that wait to be taken by the journal; past it they stay in the decoder until there is room.
inline constexpr std::size_t kMostTemplatesWaiting = 65'536;

/// One thread's side. The thread never waits for a reader for longer than one list is copied or swapped.
class FlowReports {
 public:
  /// From the thread. `more`: what the collector does not know.
  void publish(Collector& collector, const FlowListenerReport& more);

  /// Adds this thread's to the others'.
  void add_exporters(std::vector<ExporterStats>& into) const;
  [[nodiscard]] FlowListenerReport listener() const;
  void take_templates(std::vector<templated::StoredTemplate>& into);

 private:
  std::vector<ExporterStats> next_;  // of the thread
  mutable std::mutex mutex_;
  // Under mutex_:
  std::vector<ExporterStats> exporters_;
  FlowListenerReport listener_;
  std::vector<templated::StoredTemplate> templates_;
};

}  // namespace tidegate
