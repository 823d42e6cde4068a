/// engine/source: which time a batch spans, also after the process stood still.
#include "../engine/source.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

std::shared_ptr<Engine> engine() {
  EngineSettings settings;
  const std::array networks{*parse_prefix("198.51.100.0/24")};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  settings.space = HostSpace::compile(networks, groups).space;
  settings.group_prefixes.resize(1);
  settings.lane.ipv6_hosts = 64;
  settings.tick_micros = 100'000;
  return std::make_shared<Engine>(std::move(settings));
}

constexpr std::int64_t kEpoch = 1'795'480'780'000'000;
constexpr std::int64_t kTick = 100'000;

std::vector<TappedLane> one_lane(Engine& engine) {
  std::vector<TappedLane> lanes;
  lanes.push_back(TappedLane::make(engine));
  return lanes;
}

/// A source without a thread: the test counts.
class StandIn final : public Source {
 public:
  explicit StandIn(const std::shared_ptr<Engine>& of) : Source{of, one_lane(*of), kEpoch} {}
  void close() noexcept override {}

  /// Since when the one batch of this drain counts, from the source's opening on.
  std::int64_t since(std::int64_t at) {
    Sighting sighting;
    sighting.facts.destination.low = 0xC6336407;  // 198.51.100.7
    sighting.facts.source.low = 0xCB007101;       // 203.0.113.1
    sighting.facts.protocol = 17;
    sighting.bytes = 64;
    const std::array batch{sighting};
    lane(0).lane->count(batch, kEpoch + at, {});
    const auto drained = drain(kEpoch + at);
    REQUIRE(drained.size() == 1);
    CHECK(drained[0].to_micros == kEpoch + at);
    return drained[0].from_micros - kEpoch;
  }
};

}  // namespace

TEST("a batch spans the time since the last drain, also when that was a little late") {
  StandIn source{engine()};
  CHECK(source.since(kTick) == 0);
  CHECK(source.since(2 * kTick) == kTick);
  CHECK(source.since(5 * kTick) == 2 * kTick);
  CHECK(source.since(6 * kTick) == 5 * kTick);
}

TEST("after a stall of three seconds batches reach back to its beginning, until what had waited is counted") {
  StandIn source{engine()};
  CHECK(source.since(kTick) == 0);
  CHECK(source.since(31 * kTick) == kTick);
  CHECK(source.since(32 * kTick) == kTick);
  CHECK(source.since(35 * kTick) == kTick);
  CHECK(source.since(36 * kTick) == 35 * kTick);
}
