#include "steps.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidegate {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;

bool any_judged(const MetricLimits& limits) {
  return std::ranges::any_of(limits, [](double limit) { return !std::isnan(limit); });
}

/// The lesser of two steps, 0 being none.
constexpr std::uint64_t lesser(std::uint64_t a, std::uint64_t b) noexcept {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

}  // namespace

Steps steps_for(const MeterLimits& limits, std::int64_t window_micros) {
  if (any_judged(limits.total) || any_judged(limits.network)) return {};
  Steps steps;
  bool too_small = false;
  for (const JudgedValue& judged : JudgedValues{limits.incoming, limits.outgoing, window_micros}) {
    // Far beyond what a window can hold.
    constexpr double kMostWithheld = 4e18;
    const double withheld = std::min(judged.limit * kWithheldShare, kMostWithheld);
    const std::uint64_t step = std::bit_floor(static_cast<std::uint64_t>(withheld));
    const std::size_t within = judged.value % kDirectionValues;
    const bool bytes = within >= kBytesAt && within < kFlowsAt;
    too_small = too_small || step < (bytes ? kLeastByteStep : kLeastPacketStep);
    std::uint64_t& of = bytes ? steps.bytes : within == kFlowsAt ? steps.flows : steps.packets;
    of = lesser(of, step);
  }
  if (too_small) return {};
  steps.turn_micros = std::clamp(window_micros, kMicrosPerSecond, kLongestTurnMicros);
  steps.near_micros = window_micros / kNearParts;
  return steps;
}

Steps stricter(const Steps& a, const Steps& b) noexcept {
  if (a.turn_micros == 0 || b.turn_micros == 0) return {};
  return {lesser(a.packets, b.packets), lesser(a.bytes, b.bytes), lesser(a.flows, b.flows),
          std::min(a.turn_micros, b.turn_micros), std::max(a.near_micros, b.near_micros)};
}

}  // namespace tidegate
