/// flow/observation and flow/duplicates: traffic that is reported twice, on one device and on two.
#include "../flow/observation.hpp"

#include <set>

#include "../base/address.hpp"
#include "../flow/duplicates.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kSecond = 1'000'000;

FlowDetail sight(FlowSide side, std::uint32_t input, std::uint32_t output, std::uint32_t point = 0) {
  FlowDetail detail;
  detail.side = side;
  detail.input = input;
  detail.output = output;
  detail.point = point;
  return detail;
}

Sighting flow(std::uint32_t number, std::uint64_t packets = 10, std::uint64_t bytes = 1'000) {
  Sighting sighting;
  sighting.facts.source = ipv4_address(number);
  sighting.facts.destination = ipv4_address(0xC000'0201);
  sighting.facts.destination_port = 80;
  sighting.facts.protocol = 6;
  sighting.packets = packets;
  sighting.bytes = bytes;
  return sighting;
}

}  // namespace

TEST("an egress record counts unless its packets were counted where they came in") {
  Observation observation{1024, 5};
  const auto twice = [&](std::uint64_t exporter, const FlowDetail& detail, std::int64_t at) {
    return observation.seen_twice(exporter, detail, at);
  };
  CHECK(!twice(1, sight(FlowSide::egress, 10, 20), 0));   // nothing is watched inward yet
  CHECK(!twice(1, sight(FlowSide::ingress, 10, 20), 0));
  CHECK(twice(1, sight(FlowSide::egress, 10, 20), kSecond));
  CHECK(!twice(1, sight(FlowSide::egress, 11, 20), kSecond));  // came in where nobody watches
  CHECK(!twice(2, sight(FlowSide::egress, 10, 20), kSecond));  // another device
  CHECK(!twice(1, sight(FlowSide::unknown, 10, 20), kSecond));
  CHECK(!twice(1, sight(FlowSide::ingress, 0, 20), kSecond));
  CHECK(!twice(1, sight(FlowSide::egress, 0, 20), kSecond));   // does not say where it came in
}

TEST("sFlow is known by its data source: the outward sample of what an inward one has shown is left out") {
  Observation observation{1024, 5};
  CHECK(!observation.seen_twice(1, sight(FlowSide::ingress, 3, 4, 3), 0));
  CHECK(observation.seen_twice(1, sight(FlowSide::egress, 3, 4, 4), 0));
  CHECK(!observation.seen_twice(1, sight(FlowSide::egress, 9, 4, 4), 0));
}

TEST("an interface that is no longer watched inward counts outward again after ten minutes") {
  Observation observation{1024, 5};
  for (std::int64_t at = 0; at <= 100 * kSecond; at += kSecond / 2) (void)observation.seen_twice(1, sight(FlowSide::ingress, 3, 4), at);
  CHECK(observation.seen_twice(1, sight(FlowSide::egress, 3, 4), 100 * kSecond + kIngressMicros - kSecond));
  CHECK(!observation.seen_twice(1, sight(FlowSide::egress, 3, 4), 100 * kSecond + kIngressMicros));
}

TEST("many interfaces stay within the bound, and what is pushed out is told") {
  Observation observation{64, 5};
  for (std::uint32_t i = 1; i <= 1'000; ++i) (void)observation.seen_twice(1, sight(FlowSide::ingress, i, 0), i);
  std::uint64_t watched = 0;
  for (std::uint32_t i = 1; i <= 1'000; ++i) watched += observation.seen_twice(1, sight(FlowSide::egress, i, 0), 1'000) ? 1 : 0;
  CHECK(watched <= 64U);
  CHECK(watched + observation.displaced() == 1'000U);
}

TEST("the same flow from two exporters is suspected, from one it is not") {
  Duplicates duplicates{7};
  std::uint64_t looked = 0;
  std::uint64_t twice = 0;
  std::uint64_t alone = 0;
  for (std::uint32_t i = 0; i < 4'000; ++i) {
    const std::int64_t at = i * kSecond / 100;
    alone += duplicates.look(flow(i), sight(FlowSide::ingress, 1, 2), 1, false, at).duplicate ? 1 : 0;
    alone += duplicates.look(flow(i, 10, 999), sight(FlowSide::ingress, 1, 2), 1, false, at).duplicate ? 1 : 0;
    const DuplicateLook other = duplicates.look(flow(i, 10, 999), sight(FlowSide::ingress, 5, 6), 2, false, at + 1);
    looked += other.looked ? 1 : 0;
    twice += other.duplicate ? 1 : 0;
  }
  CHECK(alone == 0U);
  CHECK(looked > 150U);
  CHECK(looked < 350U);
  CHECK(twice == looked);
}

TEST("unsampled, other amounts or too long apart are no duplicate; sampled, only the time counts") {
  struct Row {
    std::string_view claim;
    bool sampled;
    std::uint64_t bytes;
    std::int64_t apart;
    bool duplicate;
  };
  const Row rows[] = {{"same amounts", false, 1'000, 20 * kSecond, true},
                      {"other amounts", false, 1'001, 0, false},
                      {"an hour apart", false, 1'000, 3'600 * kSecond, false},
                      {"sampled, other amounts", true, 64, kSecond, true},
                      {"sampled, a while apart", true, 1'000, 10 * kSecond, false}};
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    Duplicates duplicates{7};
    std::uint64_t looked = 0;
    std::uint64_t found = 0;
    for (std::uint32_t i = 0; i < 2'000; ++i) {
      (void)duplicates.look(flow(i), sight(FlowSide::unknown, 1, 2), 1, row.sampled, 0);
      const DuplicateLook second = duplicates.look(flow(i, 10, row.bytes), sight(FlowSide::unknown, 1, 2), 2, row.sampled, row.apart);
      looked += second.looked ? 1 : 0;
      found += second.duplicate ? 1 : 0;
    }
    CHECK(looked > 0U);
    CHECK(found == (row.duplicate ? looked : 0U));
  }
}

TEST("a flood of flows is looked at less within its first second") {
  Duplicates duplicates{7};
  std::uint64_t looked = 0;
  for (std::uint32_t i = 0; i < 2'000'000; ++i) {
    looked += duplicates.look(flow(i), sight(FlowSide::unknown, 1, 2), 1, false, i / 2).looked ? 1 : 0;
  }
  CHECK(looked > kDuplicateSlots / 2);
  CHECK(looked < 2 * kDuplicateSlots);
}

TEST("the faster flows come, the fewer are looked at, so that what is remembered lasts") {
  Duplicates duplicates{7};
  std::uint64_t looked = 0;
  std::uint64_t found = 0;
  for (std::uint32_t second = 0; second < 40; ++second) {
    for (std::uint32_t i = 0; i < 50'000; ++i) {
      const std::int64_t at = second * kSecond + i * 20;
      const std::uint32_t number = second * 50'000 + i;
      (void)duplicates.look(flow(number), sight(FlowSide::unknown, 1, 2), 1, false, at);
      if (second < 30) continue;  // ten seconds later, from elsewhere
      const DuplicateLook again = duplicates.look(flow(number - 500'000), sight(FlowSide::unknown, 1, 2), 2, false, at);
      looked += again.looked ? 1 : 0;
      found += again.duplicate ? 1 : 0;
    }
  }
  CHECK(looked > 500U);
  CHECK(found * 10 > looked * 7);
}
