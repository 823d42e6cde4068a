/// Hosts that come near a threshold: told long before there is an attack, not told of hosts far from it, and what is decided
/// by drains that are seldom until then.
#include "../counters/near.hpp"

#include <cmath>

#include "../counters/lane.hpp"
#include "batch_reading.hpp"
#include "check.hpp"
#include "meter_feed.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kStart = 1'000 * kSecond;
/// Packets are counted in such slices.
constexpr std::int64_t kSlice = 5'000;
constexpr std::int64_t kSeldom = 5 * kTick;

std::shared_ptr<const HostSpace> a_space() {
  const std::vector<Prefix> networks{*parse_prefix("10.0.0.0/20"), *parse_prefix("2001:db8::/32")};
  return HostSpace::compile(networks, std::vector<HostgroupPrefixes>{{"global", {}}}).space;
}

Sighting packet_to(const Address& host) {
  Sighting sighting;
  const bool ipv6 = host.family == Family::ipv6;
  sighting.facts.source = ipv6 ? ipv6_address(0x20010db900000000U, 1) : ipv4_address(0xc0000201U);
  sighting.facts.destination = host;
  sighting.facts.protocol = 17;
  sighting.bytes = 1000;
  return sighting;
}

const Address kHost = ipv4_address(0x0a000105U);

/// Lanes that share what comes to one host evenly; `within`: the windows sent.
struct Lanes {
  std::vector<std::unique_ptr<Lane>> all;
  std::uint64_t sent = 0;

  Lanes(const MeterOptions& options, std::size_t count, bool flows = false) {
    const auto space = a_space();
    auto steps = std::make_shared<SharedSteps>();
    steps->set(steps_for(options.limits, options.window_micros));
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(Lane::make(space, {.ipv6_hosts = 1024, .count_flows = flows, .flow_slots = 1U << 16, .steps = steps, .tells_near = true}));
    }
  }
  [[nodiscard]] bool any_near() const {
    return std::ranges::any_of(all, [](const auto& lane) { return lane->times_near() > 0; });
  }
  /// Sends until a host is near or `until`. True: near.
  bool send(Sighting sighting, double pps, std::int64_t until) {
    for (std::int64_t at = kStart; at < until; at += kSlice) {
      for (std::size_t i = steady(pps, kStart, at, at + kSlice); i > 0; --i) {
        sighting.facts.source_port = static_cast<std::uint16_t>(++sent);
        all[sent % all.size()]->count({&sighting, 1}, at);
        if (any_near()) return true;
      }
    }
    return false;
  }
};

/// The tick's end at which an attack that begins at kStart + `phase` is decided, drained every tick or seldom until it is near.
std::optional<std::int64_t> decided_at(double pps, std::int64_t window, std::int64_t phase, bool seldom) {
  const auto space = a_space();
  const MeterOptions options = judging_pps(20'000, window);
  auto steps = std::make_shared<SharedSteps>();
  steps->set(steps_for(options.limits, window));
  const auto lane = Lane::make(space, {.steps = steps, .tells_near = true});
  Meter meter{options};
  const std::int64_t begin = kStart + phase;
  std::int64_t drained = kStart - 3 * window;
  const auto drain = [&](std::int64_t at) {
    BatchBuilder builder{*space, drained, at};
    lane->drain(builder);
    for (const Batch& batch : builder.take()) meter.absorb(batch);
    drained = at;
    return !meter.judge(at).exceeded.empty();
  };
  const Sighting quiet = packet_to(ipv4_address(0x0a000206U));
  bool calm = seldom;
  for (std::int64_t at = drained; at < begin + 3 * window; at += kSlice) {
    lane->count({&quiet, 1}, at);
    const std::vector<Sighting> sightings(at < begin ? 0 : steady(pps, begin, at, at + kSlice), packet_to(kHost));
    lane->count(sightings, at);
    const std::int64_t now = at + kSlice;
    const bool near = calm && lane->times_near() > 0;
    if (near) calm = false;
    if (!near && now - drained < (calm ? kSeldom : kTick)) continue;
    if (drain(now)) return now - begin;
  }
  return std::nullopt;
}

}  // namespace

TEST("a host is near at a quarter of its threshold, before it has had a thirtieth of what makes an attack") {
  for (const std::int64_t window : {kSecond, 5 * kSecond, 60 * kSecond}) {
    const MeterOptions options = judging_pps(20'000, window);
    const double limit = 20'000 * static_cast<double>(window) / 1e6;
    for (const double multiple : {0.26, 1.0, 1.5, 15.0}) {
      NOTE(std::to_string(window) + " " + std::to_string(multiple));
      Lanes lanes{options, 1};
      CHECK(lanes.send(packet_to(kHost), 20'000 * multiple, kStart + window));
      CHECK(static_cast<double>(lanes.sent) <= limit / 30);
    }
    Lanes lanes{options, 1};
    CHECK(!lanes.send(packet_to(kHost), 20'000 * 0.12, kStart + 2 * window));
  }
}

TEST("many hosts far from the threshold are not near, however much comes to all of them") {
  Lanes lanes{judging_pps(20'000), 1};
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    const Sighting sighting = packet_to(ipv4_address(0x0a000000U + i % 4000));
    lanes.all[0]->count({&sighting, 1}, kStart + std::int64_t{i} * 5);  // 50 packets/s each
  }
  CHECK(!lanes.any_near());
}

TEST("bytes, flows and hosts of IPv6 come near as packets of IPv4 do") {
  MeterOptions bits = quiet_options();
  bits.limits.incoming[1] = 1'000;  // mbps
  Lanes by_bytes{bits, 1};
  CHECK(by_bytes.send(packet_to(kHost), 125'000, kStart + kSecond));
  CHECK(by_bytes.sent <= 125'000U / 30);

  MeterOptions flows = quiet_options();
  flows.limits.incoming[2] = 20'000;
  Lanes by_flows{flows, 1, true};
  CHECK(by_flows.send(packet_to(kHost), 20'000, kStart + kSecond));
  CHECK(by_flows.sent <= 20'000U / 30);

  Lanes ipv6{judging_pps(20'000), 1};
  CHECK(ipv6.send(packet_to(ipv6_address(0x20010db800000000U, 5)), 20'000, kStart + kSecond));
  CHECK(ipv6.sent <= 20'000U / 30);
}

TEST("what three lanes share comes near in one of them before it has had a tenth of what makes an attack") {
  Lanes lanes{judging_pps(20'000), 3};
  CHECK(lanes.send(packet_to(kHost), 20'000, kStart + kSecond));
  CHECK(lanes.sent <= 20'000U / 10);
}

TEST("without steps in force nobody asks who is near") {
  MeterOptions options = judging_pps(20'000);
  options.limits.total[0] = 1e9;
  Lanes lanes{options, 1};
  CHECK(!lanes.send(packet_to(kHost), 300'000, kStart + kSecond));
  CHECK(!lanes.all[0]->in_turn());
}

TEST("an attack is decided in time by drains that were seldom before it came near") {
  for (const std::int64_t window : {kSecond, 5 * kSecond}) {
    for (const double multiple : {1.1, 1.5, 5.0, 15.0}) {
      for (std::int64_t phase = 0; phase < kSeldom; phase += 35'000) {
        NOTE(std::to_string(window) + " " + std::to_string(multiple) + " " + std::to_string(phase));
        const auto decided = decided_at(20'000 * multiple, window, phase, true);
        REQUIRE(decided.has_value());
        CHECK(*decided <= static_cast<std::int64_t>(static_cast<double>(window) / multiple) + 2 * kTick);
      }
      NOTE("none seldom");
      CHECK(decided_at(20'000 * multiple, window, 0, false).has_value());
    }
    CHECK(!decided_at(20'000 * 0.98, window, 0, true).has_value());
  }
}
