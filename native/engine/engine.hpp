/// Engine: what all sources, meters and taps of one configuration share. Immutable but for its taps and the steps at
/// which its lanes call a host hot, which follow from the thresholds of its meters.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../counters/lane.hpp"
#include "../counters/meter.hpp"
#include "../counters/space.hpp"
#include "taps.hpp"

namespace tidegate {

struct EngineSettings {
  std::shared_ptr<const HostSpace> space;
  /// By hostgroup; what a group's total goes by where the group has only one prefix.
  std::vector<std::vector<Prefix>> group_prefixes;
  std::int64_t tick_micros = 100'000;
  LaneOptions lane;
  std::size_t sample_bytes = 256;
};

class Engine {
 public:
  explicit Engine(EngineSettings settings);

  [[nodiscard]] const EngineSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] const HostSpace& space() const noexcept { return *settings_.space; }
  [[nodiscard]] Taps& taps() noexcept { return taps_; }

  /// A lane of this engine, or null without memory for it. From the owner's thread, as judge_by().
  [[nodiscard]] std::unique_ptr<Lane> make_lane();
  /// What a hostgroup's hosts are judged by from now on. Until the first call lanes hand over everything at every drain.
  void judge_by(std::uint32_t hostgroup, const MeterOptions& meter);
  [[nodiscard]] const HotSteps& hot_steps() const noexcept { return *hot_; }

 private:
  void set_steps() noexcept;

  EngineSettings settings_;
  Taps taps_;
  std::shared_ptr<HotSteps> hot_ = std::make_shared<HotSteps>();
  std::map<std::uint32_t, KeptBack> kept_back_;  // by hostgroup
};

}  // namespace tidegate
