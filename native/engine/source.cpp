#include "source.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace tidegate {

namespace {

/// A drain later than so many ticks after the last: the process stood still.
constexpr std::int64_t kStallTicks = 3;
/// What waited in sockets and rings meanwhile is counted within this time of going on.
constexpr std::int64_t kCatchUpMicros = 500'000;

std::int64_t steady_micros() noexcept {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

TappedLane TappedLane::make(Engine& engine, HandedOver how, bool tells_near) {
  LaneOptions options = engine.settings().lane;
  options.tells_near = tells_near;
  if (how == HandedOver::in_turn) options.steps = engine.steps().shared();
  const auto tap = engine.taps().for_lane();
  // It keeps the tap whose packets it looks back at.
  const std::shared_ptr<const RecentRing> recent{tap, &tap->recent()};
  TappedLane made{Lane::make(engine.settings().space, options), tap, engine.ingresses().for_lane(recent),
                  how == HandedOver::in_turn ? engine.in_turn() : nullptr};
  made.tap->show_to(*made.ingress);
  if (made.lane) made.lane->set_observer(made.tap.get());
  return made;
}

Source::Source(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, std::int64_t opened_at)
    : engine_{std::move(engine)},
      lanes_{std::move(lanes)},
      drained_at_{opened_at},
      near_at_{steady_micros()},
      last_drain_{opened_at} {}

bool Source::none_near() noexcept {
  const bool may_be = engine_->lanes_in_turn() <= kMostCalmLanes &&
                      std::ranges::all_of(lanes_, [](const TappedLane& lane) { return lane.lane->in_turn(); });
  // Before the look at the last time: a host that comes near meanwhile is seen here, or its thread sees that it is to tell.
  to_tell_.store(may_be, std::memory_order_seq_cst);
  const bool calm = may_be && steady_micros() - near_at_.load(std::memory_order_seq_cst) > kCalmAfterMicros;
  if (!calm) to_tell_.store(false, std::memory_order_relaxed);
  drained_seldom_.store(calm, std::memory_order_relaxed);
  return calm;
}

void Source::watch_near(std::function<void()> tell) {
  const std::lock_guard lock{near_mutex_};
  tell_near_ = std::move(tell);
}

void Source::look_for_near(std::uint64_t times, std::uint64_t& seen) {
  if (times == seen) [[likely]] return;
  seen = times;
  near_at_.store(steady_micros(), std::memory_order_seq_cst);
  if (!to_tell_.load(std::memory_order_seq_cst) || !to_tell_.exchange(false, std::memory_order_seq_cst)) return;
  const std::lock_guard lock{near_mutex_};
  if (tell_near_) tell_near_();
}

std::vector<Batch> Source::drain(std::int64_t at) {
  const std::lock_guard lock{draining_};
  const std::int64_t expected_ticks = kStallTicks + (drained_seldom_.load(std::memory_order_relaxed) ? kCalmTicks : 0);
  if (at - drained_at_ > expected_ticks * engine_->settings().tick_micros) {
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
