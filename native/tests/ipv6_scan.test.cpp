/// A scan over a /32 of ours: memory stays as it is, an attacked host keeps its row, sums stay exact.
#include <fstream>
#include <string>

#include "../base/hash.hpp"
#include "../counters/lane.hpp"
#include "batch_reading.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

constexpr std::uint64_t kOurs = 0x20010db800000000U;

std::size_t resident_pages() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident;
}

Sighting to(const Address& destination) {
  Sighting sighting;
  sighting.facts.source = *parse_address("2001:db9::1");
  sighting.facts.destination = destination;
  sighting.facts.protocol = 17;
  sighting.bytes = 100;
  return sighting;
}

std::shared_ptr<const HostSpace> space() {
  const std::vector<Prefix> networks{*parse_prefix("2001:db8::/32")};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  return HostSpace::compile(networks, groups).space;
}

}  // namespace

TEST("under a scan of a million new IPv6 hosts a second an attacked host has a row within two drains and keeps it") {
  const auto ours = space();
  const auto lane = Lane::make(ours, {.ipv6_hosts = 4096, .seed = 4});
  REQUIRE(lane != nullptr);
  const Address victim = *parse_address("2001:db8:1234::80");
  constexpr int kTicks = 10;             // of 100 ms
  constexpr int kScannedInTick = 100'000;
  constexpr int kVictimInTick = 2000;    // 20 kpps
  std::uint64_t random = 99;
  std::uint64_t network_packets = 0;
  std::size_t resident_after_first = 0;
  std::vector<Sighting> sightings;
  for (int tick = 0; tick < kTicks; ++tick) {
    sightings.clear();
    for (int i = 0; i < kScannedInTick; ++i) {
      sightings.push_back(to(ipv6_address(kOurs | (next_random(random) & 0xffffffffU), next_random(random))));
      // The victim is met only once the scan has filled the table.
      if (tick >= 2 && i % (kScannedInTick / kVictimInTick) == 0) sightings.push_back(to(victim));
    }
    lane->count(sightings, tick * 100'000);
    BatchReading read;
    BatchBuilder builder{*ours, 0, 1};
    lane->drain(builder);
    read.add(builder.take());
    NOTE("tick " + std::to_string(tick));
    CHECK(read.host_entries <= 4096U);
    for (const auto& [key, values] : read.networks) network_packets += values[kPacketsAt];
    if (tick >= 4) CHECK(read.hosts["0 2001:db8:1234::80"][kPacketsAt] == static_cast<std::uint64_t>(kVictimInTick));
    if (tick == 2) resident_after_first = resident_pages();
  }
  CHECK(network_packets == static_cast<std::uint64_t>(kTicks * kScannedInTick + (kTicks - 2) * kVictimInTick));
  CHECK(lane->stats().host_overflow > 0U);
  CHECK(lane->stats().host_overflow < network_packets);
  // Room for what the test itself keeps; rows for the 700,000 hosts scanned since would take 130 MB.
  constexpr std::size_t kPagesOf32Megabytes = 8192;
  CHECK(resident_pages() < resident_after_first + kPagesOf32Megabytes);
}

TEST("hosts that were there before the scan outlast it while they have traffic, and give way when idle") {
  const auto ours = space();
  const auto lane = Lane::make(ours, {.ipv6_hosts = 64, .seed = 5});
  const Address steady = *parse_address("2001:db8::1");
  std::uint64_t random = 1;
  const auto drained_packets = [&](const char* host) {
    BatchReading read;
    BatchBuilder builder{*ours, 0, 1};
    lane->drain(builder);
    read.add(builder.take());
    return read.hosts[host][kPacketsAt];
  };
  for (int tick = 0; tick < 50; ++tick) {
    std::vector<Sighting> sightings;
    for (int i = 0; i < 40; ++i) {
      sightings.push_back(to(steady));
      sightings.push_back(to(ipv6_address(kOurs | (next_random(random) & 0xffffffffU), next_random(random))));
    }
    lane->count(sightings, tick * 100'000);
    NOTE("tick " + std::to_string(tick));
    CHECK(drained_packets("0 2001:db8::1") == 40U);
  }
  // A minute and more later the rows of the others, and the steady host's own, are free for newcomers.
  std::vector<Sighting> late;
  for (std::uint64_t i = 0; i < 64; ++i) late.push_back(to(ipv6_address(kOurs | 0x77, i)));
  const std::uint64_t overflow_before = lane->stats().host_overflow;
  lane->count(late, 100'000'000);
  // All buckets are idle, so only those that more than eight newcomers share can overflow.
  CHECK(lane->stats().host_overflow - overflow_before < 24U);
}
