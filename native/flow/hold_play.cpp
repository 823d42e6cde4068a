// FlowHold's time: what falls due at a tick.

#include <algorithm>
#include <cmath>

#include "hold.hpp"

namespace tidegate {

bool FlowHold::begin_play(std::int64_t at_micros) noexcept {
  if (plays_ != 0 && at_micros <= played_upto_) return false;
  ++plays_;
  played_upto_ = at_micros;
  return true;
}

/// The strokes that fall due go into `carry`, and a little of each into the even flow.
void FlowHold::beat(Flow& flow) noexcept {
  const auto beating = static_cast<double>(std::ranges::count(flow.strokes, true, &Stroke::beats));
  for (Stroke& stroke : flow.strokes) {
    if (!stroke.beats) continue;
    // By the number of plays, for then one window never holds a stroke twice, however plays are late; by the clock
    // when they fail to come.
    const bool by_number = plays_ >= stroke.due_play && played_upto_ > stroke.due_micros - options_.tick_micros;
    if (!by_number && played_upto_ < stroke.due_micros + options_.tick_micros) continue;
    const auto melted = [&](double amount, double rate) {
      return std::max(0.0, amount - rate * window_ * kMeltShare / beating);
    };
    stroke.amount = {melted(stroke.amount.packets, flow.rate.packets), melted(stroke.amount.bytes, flow.rate.bytes)};
    flow.carry.add(stroke.amount);
    stroke.due_play = plays_ + window_plays_;
    stroke.due_micros = std::max(stroke.due_micros, played_upto_ - options_.tick_micros) + options_.window_micros;
    stroke.beats = stroke.amount.packets > 0 || stroke.amount.bytes > 0;
  }
}

FlowHold::Step FlowHold::play_one(Flow& flow) noexcept {
  // After a stall no more than one window is made good: the rest of the volume comes later, not all at once.
  const auto passed = static_cast<double>(std::max<std::int64_t>(0, played_upto_ - flow.played_micros));
  flow.played_micros = std::max(flow.played_micros, played_upto_);
  if (flow.packets_left <= flow.next_below) settle(flow);
  beat(flow);
  Amount even = flow.rate;
  for (const Stroke& stroke : flow.strokes) even.add(stroke.amount, -1 / window_);
  // Where more has been emitted than what should be left by now says, it is paid back slowly.
  const auto until_next = static_cast<double>(flow.expected_micros - played_upto_) - window_;
  const double left = static_cast<double>(flow.packets_left) - flow.carry.packets;
  const bool owes = flow.goes_on && left < until_next * flow.rate.packets;
  const double share = std::min(passed, window_);
  flow.carry.add({std::max(0.0, even.packets), std::max(0.0, even.bytes)}, share);
  if (owes) flow.carry.add(flow.rate, -share * kRepayShare);

  if (flow.goes_on && played_upto_ >= flow.hold_until_micros) flow.goes_on = false;
  Step step;
  if (!flow.goes_on) {
    if (flow.packets_left <= 0) {
      write_off(flow);
      step.over = true;
      return step;
    }
    if (flow.carry.packets + 0.5 >= static_cast<double>(flow.packets_left)) {
      step.packets = static_cast<std::uint64_t>(flow.packets_left);
      step.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, flow.bytes_left));
      flow.packets_left = 0;
      flow.bytes_left -= static_cast<std::int64_t>(step.bytes);
      write_off(flow);  // bytes that were borrowed
      step.over = true;
      return step;
    }
  }
  if (flow.carry.packets < 1) return step;
  step.packets = static_cast<std::uint64_t>(flow.carry.packets);
  step.bytes = flow.carry.bytes < 1 ? 0 : static_cast<std::uint64_t>(flow.carry.bytes);
  const auto bytes_left = static_cast<std::uint64_t>(std::max<std::int64_t>(0, flow.bytes_left));
  if (!flow.goes_on) step.bytes = std::min(step.bytes, bytes_left);
  flow.carry.add({static_cast<double>(step.packets), static_cast<double>(step.bytes)}, -1);
  flow.packets_left -= static_cast<std::int64_t>(step.packets);
  flow.bytes_left -= static_cast<std::int64_t>(step.bytes);
  return step;
}

}  // namespace tidegate
