/// Hosts that are handed over at once and hosts that wait for their turn: what is withheld, for how long, and what the
/// meter makes of it.
#include "../counters/steps.hpp"

#include <map>
#include <thread>

#include "../base/hash.hpp"
#include "../counters/lane.hpp"
#include "../engine/group_steps.hpp"
#include "batch_reading.hpp"
#include "check.hpp"
#include "meter_feed.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr Steps kSomeSteps{.packets = 16, .bytes = 8192, .flows = 8, .turn_micros = kSecond};

/// Two networks, one of them in two hostgroups, of more pages than are handed over at once.
std::shared_ptr<const HostSpace> wide_space() {
  const std::vector<Prefix> networks{*parse_prefix("10.0.0.0/20"), *parse_prefix("10.0.3.0/25"), *parse_prefix("2001:db8::/32")};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}, {"web", {*parse_prefix("10.0.1.64/26")}}};
  return HostSpace::compile(networks, groups).space;
}

/// One packet to or from a host of ours; few hosts get most of them.
Sighting some_packet(std::uint64_t& random) {
  Sighting sighting;
  const std::uint64_t bits = next_random(random);
  const bool ipv6 = bits % 16 == 0;
  const std::uint64_t host = (bits >> 8) % 2 == 0 ? (bits >> 16) % 7 : (bits >> 16) % 4096;
  const Address ours = ipv6 ? ipv6_address(0x20010db800000000U, host % 64) : ipv4_address(0x0a000000U + static_cast<std::uint32_t>(host));
  const Address theirs = ipv6 ? ipv6_address(0x20010db900000000U, 1) : ipv4_address(0xc0000201U + static_cast<std::uint32_t>(bits >> 40 & 3));
  const bool incoming = (bits >> 50) % 3 != 0;
  sighting.facts.source = incoming ? theirs : ours;
  sighting.facts.destination = incoming ? ours : theirs;
  sighting.facts.protocol = (bits >> 44) % 2 == 0 ? 6 : 17;
  sighting.facts.source_port = static_cast<std::uint16_t>(bits >> 46 & 3);
  sighting.facts.tcp_flags = (bits >> 48) % 2 == 0 ? 2 : 16;
  sighting.facts.fragment = (bits >> 52) % 8 == 0;
  sighting.packets = 1;
  sighting.bytes = 40 + (bits >> 54) % 1400;
  return sighting;
}

std::vector<Batch> drained(Lane& lane, const HostSpace& space, std::int64_t from, std::int64_t to) {
  BatchBuilder builder{space, from, to};
  lane.drain(builder);
  return builder.take();
}

/// What is handed over of the same packets by a lane where nobody waits.
struct Pair {
  std::unique_ptr<Lane> waiting;
  std::unique_ptr<Lane> plain;
  BatchReading read;
  BatchReading plain_read;

  void drain(const HostSpace& space, std::int64_t from, std::int64_t to) {
    read.add(drained(*waiting, space, from, to));
    plain_read.add(drained(*plain, space, from, to));
  }
};

std::shared_ptr<SharedSteps> in_force(const Steps& steps) {
  auto shared = std::make_shared<SharedSteps>();
  shared->set(steps);
  return shared;
}

/// At ticks, packets of a steady stream, for as long as `until`; returns the tick's end at which the host is reported.
std::optional<std::int64_t> decided_at(double pps, double threshold, std::int64_t window, bool waits) {
  const auto space = wide_space();
  MeterOptions options = judging_pps(threshold, window);
  const auto steps = in_force(steps_for(options.limits, window));
  const auto lane = Lane::make(space, {.steps = waits ? steps : nullptr});
  Meter meter{options};
  const std::int64_t start = 1'000 * kSecond;
  for (std::int64_t at = start; at < start + 3 * window; at += kTick) {
    Sighting sighting;
    sighting.facts.source = ipv4_address(0xc0000201U);
    sighting.facts.destination = ipv4_address(0x0a000105U);
    sighting.facts.protocol = 17;
    sighting.bytes = 100;
    const std::vector<Sighting> sightings(steady(pps, start, at, at + kTick), sighting);
    lane->count(sightings, at);
    for (const Batch& batch : drained(*lane, *space, at, at + kTick)) {
      if (batch.hostgroup == 0) meter.absorb(batch);
    }
    if (!meter.judge(at + kTick).exceeded.empty()) return at + kTick - start;
  }
  return std::nullopt;
}

}  // namespace

TEST("steps are a thousandth of the least limit over the window, as a power of two") {
  MeterOptions options = judging_pps(20'000);
  options.limits.outgoing[3] = 30'000;   // tcp_pps
  options.limits.incoming[1] = 1'000;    // mbps
  options.limits.incoming[2] = 100'000;  // flows
  CHECK((steps_for(options.limits, kSecond) == Steps{16, 65'536, 64, kSecond, kSecond / 16}));
  CHECK((steps_for(options.limits, 5 * kSecond) == Steps{64, 524'288, 256, 5 * kSecond, 5 * kSecond / 16}));
  CHECK((steps_for(options.limits, 60 * kSecond) == Steps{1024, 4'194'304, 4096, 5 * kSecond, 60 * kSecond / 16}));
}

TEST("a threshold too small for steps, a judged total and a judged network leave no room for any") {
  CHECK((steps_for(judging_pps(7'999).limits, kSecond) == Steps{}));
  CHECK((steps_for(judging_pps(8'000).limits, kSecond) == Steps{8, 0, 0, kSecond, kSecond / 16}));
  MeterOptions options = judging_pps(20'000);
  options.limits.outgoing[1] = 30;  // mbps
  CHECK((steps_for(options.limits, kSecond) == Steps{}));
  for (MetricLimits MeterLimits::*of : {&MeterLimits::total, &MeterLimits::network}) {
    MeterOptions judged = judging_pps(20'000);
    (judged.limits.*of)[0] = 1e9;
    CHECK((steps_for(judged.limits, kSecond) == Steps{}));
  }
}

TEST("nothing judged: nobody is handed over at once, all in turn") {
  CHECK((steps_for(quiet_options().limits, 2 * kSecond) == Steps{0, 0, 0, 2 * kSecond, 2 * kSecond / 16}));
}

TEST("the strictest of all hostgroups is in force, and none while a group has no meter") {
  GroupSteps groups{2};
  const auto shared = groups.shared();
  const auto first = groups.enter(0, {64, 8192, 0, 5 * kSecond});
  CHECK(shared->turn_micros() == 0);
  CHECK(shared->masks().packets == ~std::uint64_t{0});
  auto second = groups.enter(1, {0, 4096, 16, 2 * kSecond});
  CHECK(shared->turn_micros() == 2 * kSecond);
  CHECK(shared->masks().packets == ~std::uint64_t{63});
  CHECK(shared->masks().bytes == ~std::uint64_t{4095});
  CHECK(shared->masks().flows == ~std::uint64_t{15});
  CHECK(shared->masks().strides().packets == ~std::uint64_t{1023});
  CHECK(shared->masks().strides().flows == ~std::uint64_t{255});
  {
    const auto also = groups.enter(1, {});
    CHECK(shared->turn_micros() == 0);
  }
  CHECK(shared->turn_micros() == 2 * kSecond);
  second.reset();
  CHECK(shared->turn_micros() == 0);
}

TEST("what a host withholds is below a step, comes within a turn, and nothing is lost or counted twice") {
  const auto space = wide_space();
  REQUIRE(space != nullptr);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    NOTE("seed " + std::to_string(seed));
    std::uint64_t random = seed;
    const LaneOptions plain{.ipv6_hosts = 1024, .count_flows = true, .flow_slots = 1U << 16, .seed = seed};
    LaneOptions waiting = plain;
    waiting.steps = in_force(kSomeSteps);
    Pair lanes{Lane::make(space, waiting), Lane::make(space, plain), {}, {}};
    std::int64_t at = 1'000 * kSecond;
    lanes.drain(*space, at - kTick, at);
    std::size_t waited = 0;
    const auto tick = [&](std::size_t packets) {
      std::vector<Sighting> sightings(packets);
      for (Sighting& sighting : sightings) sighting = some_packet(random);
      lanes.waiting->count(sightings, at);
      lanes.plain->count(sightings, at);
      at += kTick;
      lanes.drain(*space, at - kTick, at);
    };
    for (int i = 0; i < 35; ++i) {
      tick(next_random(random) % 1500);
      for (const auto& [host, all] : lanes.plain_read.hosts) {
        const HostDelta& known = lanes.read.hosts[host];
        const bool ipv6 = host.find(':') != std::string::npos;
        for (const std::size_t way : {std::size_t{0}, kDirectionValues}) {
          const std::uint64_t packets = all[way + kPacketsAt] - known[way + kPacketsAt];
          waited += packets;
          CHECK(packets < (ipv6 ? 1 : kSomeSteps.packets));
          CHECK(all[way + kBytesAt] - known[way + kBytesAt] < (ipv6 ? 1 : kSomeSteps.bytes));
          CHECK(all[way + kFlowsAt] - known[way + kFlowsAt] < (ipv6 ? 1 : kSomeSteps.flows));
        }
      }
    }
    CHECK(waited > 0U);
    for (int i = 0; i < 11; ++i) tick(0);
    CHECK(lanes.read.hosts == lanes.plain_read.hosts);
    CHECK(lanes.read.networks == lanes.plain_read.networks);
    CHECK(lanes.waiting->stats().hosts == lanes.plain->stats().hosts);
    CHECK(lanes.read.host_entries < lanes.plain_read.host_entries);
  }
}

TEST("the drain after steps have gone hands over all that waited") {
  const auto space = wide_space();
  const auto steps = in_force({.packets = 1024, .bytes = 0, .flows = 0, .turn_micros = kSecond});
  Pair lanes{Lane::make(space, {.steps = steps}), Lane::make(space, {}), {}, {}};
  std::uint64_t random = 3;
  std::vector<Sighting> sightings(2000);
  for (Sighting& sighting : sightings) sighting = some_packet(random);
  lanes.drain(*space, 0, kTick);
  lanes.waiting->count(sightings, 0);
  lanes.plain->count(sightings, 0);
  lanes.drain(*space, kTick, 2 * kTick);
  CHECK(lanes.read.host_entries < lanes.plain_read.host_entries);
  steps->set({});
  lanes.drain(*space, 2 * kTick, 3 * kTick);
  CHECK(lanes.read.hosts == lanes.plain_read.hosts);
  lanes.waiting->count(sightings, 0);
  lanes.plain->count(sightings, 0);
  lanes.drain(*space, 3 * kTick, 4 * kTick);
  CHECK(lanes.read.hosts == lanes.plain_read.hosts);
  CHECK(lanes.read.networks == lanes.plain_read.networks);
}

TEST("who counts sampled packets waits for no turn: packets and what is uncertain of them come at the next drain, together") {
  const auto space = wide_space();
  Pair lanes{Lane::make(space, {.steps = in_force(kSomeSteps)}), Lane::make(space, {}), {}, {}};
  lanes.drain(*space, 0, kTick);
  std::uint64_t random = 7;
  std::vector<Sighting> sightings(500);
  for (std::size_t i = 0; i < sightings.size(); ++i) {
    sightings[i] = some_packet(random);
    // Hosts of their own for either kind, a packet each, below every step.
    const auto host = static_cast<std::uint32_t>(0x0a000000U + 2 * i + (i % 3 == 0 ? 1 : 0));
    sightings[i].facts.source = ipv4_address(0xc0000201U);
    sightings[i].facts.destination = ipv4_address(host);
    if (i % 3 == 0) sightings[i].sampling = 2;
    sightings[i].packets = sightings[i].sampling;
  }
  lanes.waiting->count(sightings, kTick);
  lanes.plain->count(sightings, kTick);
  lanes.drain(*space, kTick, kTick + 1);
  std::size_t sampled = 0;
  for (const auto& [host, all] : lanes.plain_read.hosts) {
    if (all[kHostValues] == 0) continue;
    ++sampled;
    CHECK(lanes.read.hosts[host] == all);
  }
  CHECK(sampled > 100U);
  CHECK(lanes.read.host_entries < lanes.plain_read.host_entries);
}

TEST("a space of few pages has no turns") {
  const auto space = HostSpace::compile(std::vector{*parse_prefix("10.0.0.0/22")}, std::vector<HostgroupPrefixes>{{"global", {}}}).space;
  const auto lane = Lane::make(space, {.steps = in_force(kSomeSteps)});
  std::uint64_t random = 5;
  Sighting sighting = some_packet(random);
  sighting.facts.destination = ipv4_address(0x0a000001U);
  sighting.facts.source = ipv4_address(0xc0000201U);
  (void)drained(*lane, *space, 0, kTick);
  lane->count({&sighting, 1}, 0);
  BatchReading read;
  read.add(drained(*lane, *space, kTick, kTick + 1));
  CHECK(read.hosts["0 10.0.0.1"][kPacketsAt] == 1U);
}

TEST("while a thread counts, another drains in turns and steps come and go, every packet is in exactly one drain") {
  const auto space = wide_space();
  const auto steps = in_force(kSomeSteps);
  const auto lane = Lane::make(space, {.ipv6_hosts = 1024, .count_flows = true, .flow_slots = 1U << 16, .seed = 3, .steps = steps});
  const auto plain = Lane::make(space, {.ipv6_hosts = 1024, .count_flows = true, .flow_slots = 1U << 16, .seed = 3});
  constexpr int kRounds = 3000;
  std::uint64_t random = 11;
  std::vector<std::vector<Sighting>> work(16);
  for (auto& sightings : work) {
    sightings.resize(300);
    for (Sighting& sighting : sightings) sighting = some_packet(random);
  }
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    for (int round = 0; round < kRounds; ++round) lane->count(work[static_cast<std::size_t>(round) % work.size()], round * 50'000);
    done = true;
  }};
  BatchReading read;
  std::int64_t at = kSecond;
  for (int drains = 0; !done; ++drains) {
    if (drains % 5 == 4) steps->set(drains % 2 == 0 ? Steps{} : kSomeSteps);
    read.add(drained(*lane, *space, at, at + kTick));
    at += kTick;
  }
  writer.join();
  steps->set({});
  read.add(drained(*lane, *space, at, at + kTick));
  steps->set(kSomeSteps);
  for (int i = 0; i < 12; ++i, at += kTick) read.add(drained(*lane, *space, at, at + kTick));

  for (int round = 0; round < kRounds; ++round) plain->count(work[static_cast<std::size_t>(round) % work.size()], round * 50'000);
  BatchReading expected;
  expected.add(drained(*plain, *space, 0, at));
  CHECK(read.hosts == expected.hosts);
  CHECK(read.networks == expected.networks);
}

TEST("hosts that come once each, while turns go round, are each handed over once") {
  const auto space = wide_space();
  constexpr std::uint32_t kHosts = 4096;
  constexpr int kRounds = 20;
  std::vector<std::vector<Sighting>> work(kHosts / 32, std::vector<Sighting>(32));
  for (std::uint32_t i = 0; i < kHosts; ++i) {
    Sighting& sighting = work[i / 32][i % 32];
    sighting.facts.source = ipv4_address(0xc0000201U);
    // in an order in which neighbours come far apart: 1,031 has no factor in common with the number of hosts
    sighting.facts.destination = ipv4_address(0x0a000000U + i * 1031 % kHosts);
    sighting.packets = 1;
    sighting.bytes = 64;
  }
  for (int round = 0; round < kRounds; ++round) {
    const auto lane = Lane::make(space, {.ipv6_hosts = 8, .seed = 5, .steps = in_force(kSomeSteps)});
    std::atomic<bool> done{false};
    std::thread writer{[&] {
      for (const auto& sightings : work) lane->count(sightings, 0);
      done = true;
    }};
    BatchReading read;
    std::int64_t at = kSecond;
    for (bool last = false; !last; at += kSecond) {  // a whole turn a drain
      last = done;
      read.add(drained(*lane, *space, at, at + kSecond));
    }
    writer.join();
    CHECK(lane->stats().hosts == kHosts);
    CHECK(read.hosts.size() == kHosts);
    bool once = true;
    for (const auto& [host, delta] : read.hosts) once = once && delta[kPacketsAt] == 1;
    CHECK(once);
  }
}

TEST("an attack is decided no later than where nobody waits, and what stays below the threshold is not") {
  for (const std::int64_t window : {kSecond, 5 * kSecond}) {
    for (const double multiple : {1.05, 1.5, 5.0, 15.0}) {
      NOTE(std::to_string(window) + " " + std::to_string(multiple));
      const auto decided = decided_at(20'000 * multiple, 20'000, window, true);
      REQUIRE(decided.has_value());
      CHECK(*decided <= static_cast<std::int64_t>(static_cast<double>(window) / multiple) + 2 * kTick);
      CHECK(decided == decided_at(20'000 * multiple, 20'000, window, false));
    }
    CHECK(!decided_at(20'000, 20'000, window, true).has_value());
  }
}

TEST("a quiet host is shown with its rate at any time, and with none once it has fallen silent") {
  const auto space = wide_space();
  const std::int64_t window = 2 * kSecond;
  const MeterOptions options = judging_pps(20'000, window);
  const auto lane = Lane::make(space, {.steps = in_force(steps_for(options.limits, window))});
  Meter meter{options};
  Sighting sighting;
  sighting.facts.source = ipv4_address(0xc0000201U);
  sighting.facts.destination = ipv4_address(0x0a000905U);
  sighting.facts.protocol = 17;
  sighting.bytes = 100;
  const std::int64_t start = 1'000 * kSecond + 30'000;
  constexpr double kPerSecond = 10;
  const auto tick = [&](std::int64_t at, double rate) {
    const std::vector<Sighting> sightings(steady(rate, start, at, at + kTick), sighting);
    lane->count(sightings, at);
    for (const Batch& batch : drained(*lane, *space, at, at + kTick)) {
      if (batch.hostgroup == 0) meter.absorb(batch);
    }
  };
  std::int64_t at = start;
  for (; at < start + 4 * window; at += kTick) tick(at, kPerSecond);
  for (; at < start + 9 * window; at += kTick) {
    tick(at, kPerSecond);
    const auto rates = meter.rates(sighting.facts.destination, at + kTick);
    REQUIRE(rates.has_value());
    CHECK(std::abs((*rates)[kPps] - kPerSecond) <= 1);
    const auto top = meter.top(kPps, 3, at + kTick);
    REQUIRE(top.size() == 1U);
    CHECK(top[0].rates[kPps] == (*rates)[kPps]);
  }
  for (const std::int64_t end = at + 3 * window; at < end; at += kTick) tick(at, 0);
  const auto rates = meter.rates(sighting.facts.destination, at);
  CHECK((*rates)[kPps] == 0);
  CHECK(meter.top(kPps, 3, at).empty());
}
