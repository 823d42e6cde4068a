/// engine/flow_lumps: hosts that records bring near a threshold, whatever is in each, and the ticks of records that are played out.
#include "../engine/flow_lumps.hpp"

#include <cmath>

#include "../base/address.hpp"
#include "../engine/flow_counting.hpp"
#include "../engine/played_ticks.hpp"
#include "check.hpp"
#include "meter_feed.hpp"
#include "netflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000;
constexpr std::uint32_t kHost = 0xC633'6405;     // 198.51.100.5
constexpr std::uint32_t kForeign = 0xCB00'7105;  // 203.0.113.5
constexpr double kThreshold = 20'000;

/// A listener's counting, of which hosts that come near kThreshold packets/s are asked.
struct Watching {
  std::shared_ptr<Engine> engine;
  GroupSteps::Entry entry;
  TappedLane lane;
  FlowCounting counting;

  explicit Watching(std::int64_t window, std::optional<HoldOptions> hold = std::nullopt)
      : engine{make_engine()},
        entry{engine->steps().enter(0, steps_for(judging_pps(kThreshold, window).limits, window))},
        lane{TappedLane::make(*engine, HandedOver::in_turn, true)},
        counting{lane, options(hold)} {
    counting.watch_near(engine->steps().shared());
  }
  static std::shared_ptr<Engine> make_engine() {
    EngineSettings settings;
    const std::array networks{*parse_prefix("198.51.96.0/20")};
    const std::vector<HostgroupPrefixes> groups{{"global", {}}};
    settings.space = HostSpace::compile(networks, groups).space;
    settings.group_prefixes.resize(1);
    settings.lane.ipv6_hosts = 64;
    return std::make_shared<Engine>(std::move(settings));
  }
  static CollectorOptions options(const std::optional<HoldOptions>& hold) {
    CollectorOptions made;
    made.hold = hold;
    return made;
  }
  void take(const NetflowRecord& record, std::int64_t at) {
    counting.take(netflow_of({}, std::vector{record}), ipv4_address(0xC000'0201), at);
  }
};

NetflowRecord record_of(std::uint32_t packets, std::uint32_t destination = kHost) {
  NetflowRecord record;
  record.source = kForeign;
  record.destination = destination;
  record.packets = packets;
  record.bytes = packets * 100;
  record.first_ms = record.last_ms;
  return record;
}

/// Packets that had come in whole records before the one by which the host was near; nothing: it was not within `windows`.
std::optional<std::uint64_t> had_before_near(std::int64_t window, double pps, std::uint32_t packets, int windows) {
  Watching watching{window};
  const auto apart = static_cast<std::int64_t>(packets / pps * 1e6);
  std::uint64_t had = 0;
  for (std::int64_t at = kStart; at < kStart + windows * window; at += apart) {
    watching.take(record_of(packets), at);
    if (watching.counting.times_near() != 0) return had;
    had += packets;
  }
  return std::nullopt;
}

}  // namespace

TEST("an attack is near before it has had a twelfth of what makes it one, however many packets its records hold") {
  for (const std::int64_t window : {kSecond, 5 * kSecond, 60 * kSecond}) {
    const double limit = kThreshold * static_cast<double>(window) / 1e6;
    for (const std::uint32_t packets : {1U, 7U, 100U, 255U, 256U, 300U, 900U, 1'023U, 1'024U, 1'025U, 4'000U, 20'000U, 1'000'000U}) {
      for (const double multiple : {1.0, 1.5, 15.0}) {
        if (packets == 1 && window > kSecond) continue;
        NOTE(std::to_string(window) + " " + std::to_string(packets) + " " + std::to_string(multiple));
        const auto had = had_before_near(window, kThreshold * multiple, packets, 2);
        REQUIRE(had.has_value());
        CHECK(static_cast<double>(*had) <= limit / 12);
      }
    }
  }
}

TEST("records far from the threshold bring no host near, in small amounts or in a few large ones") {
  CHECK(!had_before_near(kSecond, kThreshold / 16, 10, 20).has_value());
  CHECK(!had_before_near(kSecond, kThreshold / 40, 400, 20).has_value());
  Watching watching{kSecond};
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    const std::uint32_t one_of_many = 0xC633'6000 + i % 4'000;
    watching.take(record_of(300, one_of_many), kStart + std::int64_t{i} * 1'000);
    watching.take(record_of(1'000'000, kForeign + 1), kStart + std::int64_t{i} * 1'000);  // of nobody we know
  }
  CHECK(watching.counting.times_near() == 0);
}

TEST("what is played out comes near as what comes does") {
  Watching watching{kSecond, HoldOptions{}};
  NetflowRecord lasting = record_of(180'000);
  lasting.first_ms = lasting.last_ms - 60'000;  // 3,000 packets/s
  watching.take(lasting, kStart);
  const std::uint64_t as_it_came = watching.counting.times_near();
  CHECK(as_it_came != 0);
  for (std::int64_t at = kTick; at <= 2 * kSecond; at += kTick) watching.counting.play(kStart + at);
  CHECK(watching.counting.times_near() > as_it_came);
}

TEST("nobody is told near where nobody asks") {
  Watching watching{kSecond};
  watching.counting.watch_near(nullptr);
  watching.take(record_of(1'000'000), kStart);
  CHECK(watching.counting.times_near() == 0);
}

TEST("ticks that are played out begin with each drain, and by the clock while drains are seldom") {
  PlayedTicks ticks{kStart, kTick};
  CHECK(!ticks.begun(kStart, 1, kStart + kTick));  // none has been drained
  std::int64_t drained = kStart + kTick;
  CHECK(ticks.begun(drained, 1, drained + 10));
  CHECK(ticks.end() == drained + kTick);
  CHECK(!ticks.begun(drained, 1, drained + kTick + 10'000));  // the drain is late: its tick lasts
  drained += kTick + 20'000;
  CHECK(ticks.begun(drained, 5, drained + 10));
  int begun = 0;
  for (std::int64_t now = drained + 10; now < drained + 10 * kTick; now += 5'000) {
    if (!ticks.begun(drained, 5, now)) continue;
    ++begun;
    CHECK(ticks.end() > now);
    CHECK(ticks.end() <= now + kTick);
  }
  CHECK(begun == 4);  // five in all; then a drain is overdue, and nothing is played ahead of it
  drained += 5 * kTick;
  CHECK(ticks.begun(drained, 5, drained + 1));
  CHECK(ticks.end() == drained + kTick);
}
