/// engine/engine: what its lanes may keep back follows from the thresholds of its meters.
#include <limits>

#include "../engine/engine.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

std::unique_ptr<Engine> some_engine(std::int64_t tick_micros = 100'000) {
  EngineSettings settings;
  const Prefix network = *parse_prefix("10.0.0.0/24");
  const HostgroupPrefixes group{"global", {}};
  settings.space = HostSpace::compile({&network, 1}, {&group, 1}).space;
  settings.tick_micros = tick_micros;
  return std::make_unique<Engine>(settings);
}

MeterOptions judged_by(double pps, double mbps, std::int64_t tick_micros = 100'000) {
  MetricLimits none;
  none.fill(std::numeric_limits<double>::quiet_NaN());
  MeterOptions meter;
  meter.tick_micros = tick_micros;
  meter.limits = {none, none, none, none};
  meter.limits.incoming[0] = pps;
  meter.limits.outgoing[1] = mbps;
  return meter;
}

}  // namespace

TEST("a lane keeps back at most a sixty-fourth of what a host at its threshold adds in a tick") {
  const auto engine = some_engine();
  CHECK(engine->hot_steps().exact());
  engine->judge_by(0, judged_by(20'000, 1'000));
  // 20,000 / 10 / 64 = 31.25 packets; 125,000,000 / 10 / 64 = 195,312 bytes.
  CHECK(engine->hot_steps().masks().packets == ~std::uint32_t{15});
  CHECK(engine->hot_steps().masks().bytes == ~std::uint64_t{131'071});
  engine->judge_by(1, judged_by(6'400, 1'000));
  CHECK(engine->hot_steps().masks().packets == ~std::uint32_t{7});
  engine->judge_by(1, judged_by(64, 1'000));
  CHECK(engine->hot_steps().exact());
  engine->judge_by(1, judged_by(20'000, 1'000));
  CHECK(engine->hot_steps().masks().packets == ~std::uint32_t{15});
}

TEST("lanes share what may be kept back, and a tick too long for turns within a window means exact") {
  const auto engine = some_engine();
  engine->judge_by(0, judged_by(20'000, 1'000));
  const auto first = engine->make_lane();
  CHECK(engine->hot_steps().masks().packets == ~std::uint32_t{15});
  const auto second = engine->make_lane();
  CHECK(engine->hot_steps().masks().packets == ~std::uint32_t{7});
  const auto slow = some_engine(200'000);
  slow->judge_by(0, judged_by(20'000, 1'000, 200'000));
  CHECK(slow->hot_steps().exact());
}
