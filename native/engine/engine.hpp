/// Engine: what all sources, meters and taps of one configuration share. Immutable but for its taps and ingresses, and
/// for the steps that its meters leave room for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../counters/lane.hpp"
#include "../counters/space.hpp"
#include "group_steps.hpp"
#include "ingress.hpp"
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
  explicit Engine(EngineSettings settings)
      : settings_{std::move(settings)},
        taps_{settings_.sample_bytes, settings_.lane.seed},
        ingresses_{settings_.lane.seed},
        steps_{settings_.space->hostgroups().size()} {}

  [[nodiscard]] const EngineSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] const HostSpace& space() const noexcept { return *settings_.space; }
  [[nodiscard]] Taps& taps() noexcept { return taps_; }
  [[nodiscard]] Ingresses& ingresses() noexcept { return ingresses_; }
  [[nodiscard]] GroupSteps& steps() noexcept { return steps_; }
  /// To be kept by a lane whose hosts wait for their turn.
  [[nodiscard]] std::shared_ptr<const void> in_turn() const noexcept { return in_turn_; }
  [[nodiscard]] std::size_t lanes_in_turn() const noexcept { return static_cast<std::size_t>(in_turn_.use_count()) - 1; }

 private:
  EngineSettings settings_;
  Taps taps_;
  Ingresses ingresses_;
  GroupSteps steps_;
  std::shared_ptr<const void> in_turn_ = std::make_shared<const char>();
};

}  // namespace tidegate
