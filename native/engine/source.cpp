#include "source.hpp"

#include <pthread.h>

#include <chrono>

namespace tidegate {

namespace {

/// A drain later than so many ticks after the last: the process stood still.
constexpr std::int64_t kStallTicks = 3;
/// What waited in sockets and rings meanwhile is counted within this time of going on.
constexpr std::int64_t kCatchUpMicros = 500'000;

}  // namespace

TappedLane TappedLane::make(Engine& engine, HandedOver how) {
  LaneOptions options = engine.settings().lane;
  if (how == HandedOver::in_turn) options.steps = engine.steps().shared();
  const auto tap = engine.taps().for_lane();
  // It keeps the tap whose packets it looks back at.
  const std::shared_ptr<const RecentRing> recent{tap, &tap->recent()};
  TappedLane made{Lane::make(engine.settings().space, options), tap, engine.ingresses().for_lane(recent)};
  made.tap->show_to(*made.ingress);
  if (made.lane) made.lane->set_observer(made.tap.get());
  return made;
}

Source::Source(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, std::int64_t opened_at)
    : engine_{std::move(engine)}, lanes_{std::move(lanes)}, drained_at_{opened_at}, last_drain_{opened_at} {}

std::vector<Batch> Source::drain(std::int64_t at) {
  const std::lock_guard lock{draining_};
  if (at - drained_at_ > kStallTicks * engine_->settings().tick_micros) {
    stood_still_since_ = drained_at_;
    caught_up_at_ = at + kCatchUpMicros;
  }
  const std::int64_t since = at < caught_up_at_ ? stood_still_since_ : drained_at_;
  BatchBuilder builder{engine_->space(), std::min(since, at - 1), at};
  for (TappedLane& lane : lanes_) lane.lane->drain(builder);
  drained_at_ = at;
  last_drain_.store(at, std::memory_order_release);
  return builder.take();
}

void Source::skip_to(std::int64_t at) {
  const std::lock_guard lock{draining_};
  drained_at_ = at;
  caught_up_at_ = at;
}

std::uint32_t Source::dirty_estimate() const noexcept {
  std::uint32_t hosts = 0;
  for (const TappedLane& lane : lanes_) hosts += lane.lane->dirty_estimate();
  return hosts;
}

SourceCounts Source::stats() {
  const std::unique_lock lock{draining_, std::try_to_lock};
  if (!lock.owns_lock()) return last_counts_;  // as of a moment ago
  SourceCounts sum;
  for (const TappedLane& lane : lanes_) {
    const LaneStats of = lane.lane->stats();
    sum.lanes.packets += of.packets;
    sum.lanes.bytes += of.bytes;
    sum.lanes.unparsed += of.unparsed;
    sum.lanes.hosts += of.hosts;
    sum.lanes.host_overflow += of.host_overflow;
    sum.lanes.flow_overflow += of.flow_overflow;
    sum.lanes.clamped += of.clamped;
    for (std::size_t i = 0; i < kDecodeErrors; ++i) sum.lanes.errors[i] += of.errors[i];
    for (std::size_t i = 0; i < kDirections; ++i) {
      sum.lanes.totals[i].packets += of.totals[i].packets;
      sum.lanes.totals[i].bytes += of.totals[i].bytes;
    }
  }
  sum.dropped = dropped();
  last_counts_ = sum;
  return sum;
}

std::vector<IngressCount> Source::seen_of(const Ingress& ingress) const {
  std::vector<IngressCount> seen;
  for (const TappedLane& lane : lanes_) {
    if (const IngressCells* const cells = ingress.of_lane(lane.ingress->number())) cells->read(seen);
  }
  return seen;
}

std::optional<std::string> Source::fault() const {
  const std::lock_guard lock{fault_mutex_};
  return fault_;
}

void Source::set_fault(std::string_view text) {
  const std::lock_guard lock{fault_mutex_};
  fault_ = std::string{text};
}

void Source::clear_fault() {
  const std::lock_guard lock{fault_mutex_};
  fault_.reset();
}

void name_this_thread(const std::string& name) noexcept {
  constexpr std::size_t kLongest = 15;
  (void)pthread_setname_np(pthread_self(), name.substr(0, kLongest).c_str());
}

std::int64_t wall_micros() noexcept {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace tidegate
