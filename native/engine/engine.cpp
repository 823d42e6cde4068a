#include "engine.hpp"

#include <algorithm>
#include <limits>

namespace tidegate {

namespace {

/// A host at its threshold adds so many steps a tick, or more. What is kept back of it delays a decision by that part of
/// a tick, and a host that begins anew is read higher by at most that part of a tick's worth.
constexpr double kStepsInTick = 64;

KeptBack most_kept_back(const MeterOptions& meter) noexcept {
  constexpr double kAny = std::numeric_limits<double>::infinity();
  KeptBack most{kAny, kAny, kAny};
  // A host's turn must come within a window, or the cheap form would see it come and go.
  if (meter.tick_micros * kSweepDrains > meter.window_micros) return {};
  const double step_seconds = static_cast<double>(meter.tick_micros) / 1e6 / kStepsInTick;
  for (const JudgedValue& judged : JudgedValues{meter.limits.incoming, meter.limits.outgoing, 1'000'000}) {
    const std::size_t within = judged.value % kDirectionValues;
    double& of = within == kFlowsAt ? most.flows : within < kBytesAt ? most.packets : most.bytes;
    of = std::min(of, judged.limit * step_seconds);
  }
  return most;
}

}  // namespace

Engine::Engine(EngineSettings settings)
    : settings_{std::move(settings)}, taps_{settings_.sample_bytes, settings_.lane.seed} {}

std::unique_ptr<Lane> Engine::make_lane() {
  LaneOptions options = settings_.lane;
  options.hot = hot_;
  auto lane = Lane::make(settings_.space, options);
  options.hot.reset();
  set_steps();
  return lane;
}

void Engine::judge_by(std::uint32_t hostgroup, const MeterOptions& meter) {
  kept_back_.insert_or_assign(hostgroup, most_kept_back(meter));
  set_steps();
}

void Engine::set_steps() noexcept {
  if (kept_back_.empty()) return;
  KeptBack most = kept_back_.begin()->second;
  for (const auto& [group, kept] : kept_back_) {
    most = {std::min(most.packets, kept.packets), std::min(most.bytes, kept.bytes), std::min(most.flows, kept.flows)};
  }
  // Each lane keeps back its own; every lane holds the steps.
  const auto lanes = static_cast<double>(std::max<std::int64_t>(1, hot_.use_count() - 1));
  hot_->set({most.packets / lanes, most.bytes / lanes, most.flows / lanes});
}

}  // namespace tidegate
