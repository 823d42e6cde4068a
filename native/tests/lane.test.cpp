/// Lane against a slow model of maps: what drains hand over, and what the totals say.
#include "../counters/lane.hpp"

#include <map>
#include <set>
#include <thread>
#include <tuple>

#include "../base/hash.hpp"
#include "batch_reading.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

std::shared_ptr<const HostSpace> some_space() {
  const std::vector<Prefix> networks{*parse_prefix("10.0.0.0/22"), *parse_prefix("10.0.1.0/25"),
                                     *parse_prefix("2001:db8::/32"), *parse_prefix("2001:db8:1::/48")};
  const std::vector<HostgroupPrefixes> groups{
      {"global", {}}, {"web", {*parse_prefix("10.0.1.64/26"), *parse_prefix("2001:db8:1::/64")}}};
  return HostSpace::compile(networks, groups).space;
}

// A few addresses, ours and foreign, so that every direction and many repetitions occur.
Address some_address(std::uint64_t& random, bool ipv6) {
  const std::uint64_t bits = next_random(random);
  if (ipv6) return ipv6_address(bits % 3 == 0 ? 0x20010db900000000U : 0x20010db800000000U | (bits >> 8 & 1) << 16, bits >> 16 & 15);
  return ipv4_address((bits % 3 == 0 ? 0x0b000000U : 0x0a000000U) + static_cast<std::uint32_t>(bits >> 8 & 0x3ff));
}

Sighting some_sighting(std::uint64_t& random) {
  constexpr std::uint8_t kProtocols[] = {6, 17, 1, 58, 47};
  Sighting sighting;
  const bool ipv6 = next_random(random) % 4 == 0;
  sighting.facts.source = some_address(random, ipv6);
  sighting.facts.destination = some_address(random, ipv6);
  sighting.facts.protocol = kProtocols[next_random(random) % 5];
  sighting.facts.source_port = static_cast<std::uint16_t>(next_random(random) % 3);
  sighting.facts.tcp_flags = next_random(random) % 2 == 0 ? 2 : 16;
  sighting.facts.fragment = next_random(random) % 8 == 0;
  sighting.packets = 1 + next_random(random) % 5;
  sighting.bytes = 40 + next_random(random) % 2000;
  if (next_random(random) % 3 == 0) {  // a sampled packet, or a record of several
    sighting.sampling = 2 + static_cast<std::uint32_t>(next_random(random) % 2000);
    if (next_random(random) % 3 != 0) {  // else a part of a record that is laid over its time
      sighting.packets *= sighting.sampling;
      sighting.bytes *= sighting.sampling;
    }
  }
  return sighting;
}

/// What a lane should say, computed the obvious way.
struct Model {
  std::map<std::string, HostDelta> hosts;  // by 'group address'
  std::map<std::pair<std::uint32_t, std::uint32_t>, HostDelta> networks;  // by group and network
  std::array<DirectionTotal, kDirections> totals{};
  std::set<std::tuple<std::int64_t, std::string, std::string, int, int, int>> flows;

  void count(const HostSpace& space, const Sighting& seen, std::int64_t second) {
    const PacketFacts& facts = seen.facts;
    const auto source = space.find(facts.source);
    const auto destination = space.find(facts.destination);
    const Direction direction = destination ? (source ? Direction::internal : Direction::incoming)
                                            : (source ? Direction::outgoing : Direction::other);
    totals[static_cast<std::size_t>(direction)].packets += seen.packets;
    totals[static_cast<std::size_t>(direction)].bytes += seen.bytes;
    if (source.has_value() == destination.has_value()) return;
    const Cell cell = destination ? *destination : *source;
    const Address& host = destination ? facts.destination : facts.source;
    const bool fresh = flows.insert({second, format_address(facts.source), format_address(facts.destination),
                                     facts.source_port, facts.destination_port, facts.protocol}).second;
    add(hosts[std::to_string(cell.hostgroup) + " " + format_address(host)], direction, seen, fresh);
    add(networks[{cell.hostgroup, cell.network}], direction, seen, fresh);
  }

  static void add(HostDelta& to, Direction direction, const Sighting& seen, bool fresh) {
    const std::size_t at = static_cast<std::size_t>(direction) * kDirectionValues;
    const bool ipv4 = seen.facts.destination.family == Family::ipv4;
    const std::array<bool, kCounterClasses> counts{
        true,
        seen.facts.protocol == 6,
        seen.facts.protocol == 17,
        seen.facts.protocol == (ipv4 ? 1 : 58),
        seen.facts.protocol == 6 && (seen.facts.tcp_flags & 2) != 0,
        seen.facts.fragment,
    };
    for (std::size_t i = 0; i < kCounterClasses; ++i) {
      if (!counts[i]) continue;
      to[at + kPacketsAt + i] += seen.packets;
      to[at + kBytesAt + i] += seen.bytes;
    }
    to[at + kFlowsAt] += fresh ? 1 : 0;
    if (seen.sampling == 1) return;
    const std::size_t variances = kHostValues + static_cast<std::size_t>(direction) * kDirectionVariances;
    const std::uint64_t variance = seen.packets * (seen.sampling - 1);  // packets / sampling of them, each w(w − 1)
    const long double length = static_cast<long double>(seen.bytes) / static_cast<long double>(seen.packets);
    to[variances + kPacketVarianceAt] += variance;
    to[variances + kByteVarianceAt] += static_cast<std::uint64_t>(
        static_cast<long double>(variance) * length * length / 65536 + 1);  // squares of 256 bytes, rounded up
  }
};

}  // namespace

TEST("drains hand over exactly what a model of maps counts, hosts, networks, totals and flows") {
  const auto space = some_space();
  REQUIRE(space != nullptr);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    NOTE("seed " + std::to_string(seed));
    std::uint64_t random = seed;
    const auto lane = Lane::make(space, {.ipv6_hosts = 1024, .count_flows = true, .flow_slots = 1U << 16, .seed = seed});
    REQUIRE(lane != nullptr);
    Model model;
    BatchReading read;
    for (std::int64_t second = 1; second <= 6; ++second) {
      std::vector<Sighting> sightings(next_random(random) % 300);
      for (Sighting& sighting : sightings) {
        sighting = some_sighting(random);
        model.count(*space, sighting, second);
      }
      lane->count(sightings, second * 1'000'000);
      if (second % 2 == 0) continue;
      BatchBuilder builder{*space, 0, second * 1'000'000};
      lane->drain(builder);
      read.add(builder.take());
    }
    BatchBuilder builder{*space, 0, 7'000'000};
    lane->drain(builder);
    read.add(builder.take());
    CHECK(read.hosts == model.hosts);
    CHECK(read.networks == model.networks);
    const LaneStats stats = lane->stats();
    for (std::size_t i = 0; i < kDirections; ++i) {
      CHECK(stats.totals[i].packets == model.totals[i].packets);
      CHECK(stats.totals[i].bytes == model.totals[i].bytes);
    }
    CHECK(stats.hosts == model.hosts.size());
    CHECK(stats.host_overflow == 0);
    CHECK(stats.flow_overflow == 0);
    CHECK(lane->dirty_estimate() == 0U);
  }
}

TEST("a drain without traffic gives no batch") {
  const auto space = some_space();
  const auto lane = Lane::make(space, {});
  BatchBuilder builder{*space, 0, 1};
  lane->drain(builder);
  CHECK(builder.take().empty());
}

TEST("a sighting that claims absurdly many packets is clamped in its row, and that is counted") {
  const auto space = some_space();
  const auto lane = Lane::make(space, {});
  Sighting sighting;
  sighting.facts.source = *parse_address("192.0.2.1");
  sighting.facts.destination = *parse_address("10.0.0.1");
  sighting.packets = kMaxSightingPackets + 1;
  lane->count({&sighting, 1}, 0);
  BatchReading read;
  BatchBuilder builder{*space, 0, 1};
  lane->drain(builder);
  read.add(builder.take());
  CHECK(read.hosts["0 10.0.0.1"][kPacketsAt] == kMaxSightingPackets);
  CHECK(lane->stats().clamped == 1U);
}

TEST("errors count under their own name and as unparsed") {
  const auto lane = Lane::make(some_space(), {});
  lane->count_raw(3, 180);
  lane->count_error(DecodeError::not_ip);
  lane->count_error(DecodeError::not_ip);
  lane->count_error(DecodeError::vlan_too_deep);
  const LaneStats stats = lane->stats();
  CHECK(stats.packets == 3U);
  CHECK(stats.bytes == 180U);
  CHECK(stats.unparsed == 3U);
  CHECK(stats.errors[static_cast<std::size_t>(DecodeError::not_ip)] == 2U);
  CHECK(stats.errors[static_cast<std::size_t>(DecodeError::vlan_too_deep)] == 1U);
}

TEST("an observer sees every batch with directions and frames side by side") {
  struct Watcher final : PacketObserver {
    std::size_t packets = 0;
    std::size_t incoming = 0;
    bool frames_match = true;
    void observe(const ObservedBatch& batch) noexcept override {
      packets += batch.sightings.size();
      frames_match = frames_match && batch.frames.size() == batch.sightings.size();
      for (std::size_t i = 0; i < batch.sightings.size(); ++i) {
        incoming += batch.directions[i] == Direction::incoming ? 1 : 0;
        frames_match = frames_match && batch.frames[i].sampling == batch.sightings[i].bytes;
      }
    }
  } watcher;
  const auto lane = Lane::make(some_space(), {});
  lane->set_observer(&watcher);
  std::vector<Sighting> sightings(100);
  std::vector<FrameView> frames(100);
  for (std::size_t i = 0; i < sightings.size(); ++i) {
    sightings[i].facts.source = *parse_address("192.0.2.1");
    sightings[i].facts.destination = i % 4 == 0 ? *parse_address("10.0.0.1") : *parse_address("192.0.2.2");
    sightings[i].bytes = i;
    frames[i].sampling = static_cast<std::uint32_t>(i);
  }
  lane->count(sightings, 0, frames);
  CHECK(watcher.packets == 100U);
  CHECK(watcher.incoming == 25U);
  CHECK(watcher.frames_match);
}

TEST("while a thread counts and another drains, every packet is in exactly one drain") {
  const auto space = some_space();
  const auto lane = Lane::make(space, {.ipv6_hosts = 64, .count_flows = true, .flow_slots = 1024, .seed = 3});
  REQUIRE(lane != nullptr);
  constexpr int kRounds = 8000;
  Model model;
  std::atomic<bool> done{false};
  std::uint64_t random = 11;
  std::vector<std::vector<Sighting>> work(16);
  for (auto& sightings : work) {
    sightings.resize(200);
    for (Sighting& sighting : sightings) sighting = some_sighting(random);
  }
  for (const auto& sightings : work) {
    for (const Sighting& sighting : sightings) model.count(*space, sighting, 0);
  }
  std::thread writer{[&] {
    for (int round = 0; round < kRounds; ++round) lane->count(work[static_cast<std::size_t>(round) % work.size()], round * 50'000);
    done = true;
  }};
  BatchReading read;
  while (!done) {
    BatchBuilder builder{*space, 0, 1};
    lane->drain(builder);
    read.add(builder.take());
  }
  writer.join();
  BatchBuilder builder{*space, 0, 1};
  lane->drain(builder);
  read.add(builder.take());

  constexpr std::uint64_t kTimes = kRounds / 16;
  std::uint64_t expected = 0;
  std::uint64_t networks = 0;
  for (auto& [name, values] : model.hosts) {
    NOTE(name);
    expected += (values[kPacketsAt] + values[kDirectionValues + kPacketsAt]) * kTimes;
    if (name.find(':') != std::string::npos) continue;
    CHECK(read.hosts[name][kPacketsAt] == values[kPacketsAt] * kTimes);
    CHECK(read.hosts[name][kDirectionValues + kBytesAt] == values[kDirectionValues + kBytesAt] * kTimes);
    CHECK(read.hosts[name][kBytesAt + 5] == values[kBytesAt + 5] * kTimes);
  }
  for (const auto& [key, values] : read.networks) networks += values[kPacketsAt] + values[kDirectionValues + kPacketsAt];
  CHECK(networks == expected);
}
