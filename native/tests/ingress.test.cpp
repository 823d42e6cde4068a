/// engine/: how much comes to a subject, by lane and by who told of it.
#include <atomic>
#include <thread>

#include "../base/address.hpp"
#include "../engine/ingress.hpp"
#include "../engine/taps.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

const Address kVictim = ipv4_address(0xc6336407);
const Address kNeighbour = ipv4_address(0xc6336408);
const Address kForeign = ipv4_address(0xcb007101);
constexpr std::int64_t kEpoch = 1'795'480'780'000'000;

Prefix host(const Address& address) { return make_prefix(address, address_bits(address.family)); }

Sighting towards(const Address& destination, std::uint32_t origin = 0, std::uint64_t packets = 1) {
  Sighting sighting;
  sighting.facts.source = kForeign;
  sighting.facts.destination = destination;
  sighting.packets = packets;
  sighting.bytes = packets * 100;
  sighting.origin = origin;
  return sighting;
}

/// A lane as sources make it.
struct WatchedLane {
  explicit WatchedLane(Taps& taps, Ingresses& all) : tap{taps.for_lane()} {
    ingress = all.for_lane({tap, &tap->recent()});
    tap->show_to(*ingress);
  }
  void sees(const std::vector<Sighting>& sightings, std::int64_t at = kEpoch, Direction direction = Direction::incoming) const {
    tap->set_time(at);
    tap->observe({sightings, std::vector<Direction>(sightings.size(), direction), {}});
  }
  [[nodiscard]] std::vector<IngressCount> seen(const Ingress& of) const {
    std::vector<IngressCount> counts;
    if (const IngressCells* const cells = of.of_lane(ingress->number())) cells->read(counts);
    return counts;
  }
  std::shared_ptr<LaneTap> tap;
  std::shared_ptr<LaneIngress> ingress;
};

}  // namespace

TEST("an ingress counts what comes to its subject from outside, each lane by itself, and nothing else") {
  Taps taps{64, 1};
  Ingresses all{1};
  const WatchedLane one{taps, all};
  const WatchedLane two{taps, all};
  const auto victim = all.open(host(kVictim), kEpoch);
  const auto both = all.open(make_prefix(kVictim, 24), kEpoch);
  one.sees({towards(kVictim), towards(kNeighbour), towards(kVictim, 0, 10)});
  two.sees({towards(kVictim, 0, 5)});
  two.sees({towards(kVictim, 0, 1000)}, kEpoch, Direction::outgoing);
  two.sees({towards(kVictim, 0, 1000)}, kEpoch, Direction::internal);
  REQUIRE(one.seen(*victim).size() == 1U);
  CHECK(one.seen(*victim)[0].packets == 11U);
  CHECK(one.seen(*victim)[0].bytes == 1'100U);
  CHECK(one.seen(*victim)[0].origin == 0U);
  CHECK(two.seen(*victim)[0].packets == 5U);
  CHECK(one.seen(*both)[0].packets == 12U);
  all.close(victim);
  one.sees({towards(kVictim)});
  CHECK(one.seen(*victim)[0].packets == 11U);
  CHECK(one.seen(*both)[0].packets == 13U);
}

TEST("an ingress tells exporters apart up to its bound, and counts the others together") {
  Taps taps{64, 1};
  Ingresses all{1};
  const WatchedLane lane{taps, all};
  const auto ingress = all.open(host(kVictim), kEpoch);
  constexpr std::uint32_t kExporters = kMaxIngressOrigins + 10;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    for (std::uint32_t origin = 1; origin <= kExporters; ++origin) lane.sees({towards(kVictim, origin, origin)});
  }
  const auto seen = lane.seen(*ingress);
  REQUIRE(seen.size() == kMaxIngressOrigins + 1);
  std::uint64_t packets = 0;
  for (const IngressCount& one : seen) {
    packets += one.packets;
    if (one.origin) CHECK(one.packets == 3 * std::uint64_t{*one.origin});
  }
  CHECK(packets == 3 * std::uint64_t{kExporters} * (kExporters + 1) / 2);
  CHECK(!seen.back().origin.has_value());
}

TEST("an ingress knows what rate came just before it was opened, by who told of it") {
  Taps taps{64, 1};
  Ingresses all{1};
  const WatchedLane lane{taps, all};
  // 20,000 packets a second of one exporter for a second, 1,000 of another; then almost nothing for half a second.
  for (std::int64_t ms = 0; ms < 1000; ++ms) {
    std::vector<Sighting> batch(20, towards(kVictim, 7));
    batch.push_back(towards(kVictim, 8));
    lane.sees(batch, kEpoch + ms * 1000);
  }
  for (std::int64_t ms = 1000; ms < 1500; ms += 100) lane.sees({towards(kVictim, 7)}, kEpoch + ms * 1000);
  const auto ingress = all.open(host(kVictim), kEpoch + 1'500'000);
  double seven = 0;
  double eight = 0;
  for (const IngressCount& one : lane.seen(*ingress)) {
    CHECK(one.packets == 0U);
    (one.origin == 7U ? seven : eight) = one.pps_before;
  }
  CHECK(seven > 15'000.0);
  CHECK(seven < 25'000.0);
  CHECK(eight > 300.0);
  CHECK(eight < 3'000.0);
  const auto later = all.open(host(kVictim), kEpoch + 60'000'000);
  CHECK(lane.seen(*later).empty());
}

TEST("a lane that takes the number of one that is gone begins at zero, and lanes and ingresses are bounded") {
  Taps taps{64, 1};
  Ingresses all{1};
  auto old = std::make_unique<WatchedLane>(taps, all);
  const auto ingress = all.open(host(kVictim), kEpoch);
  old->sees({towards(kVictim)});
  CHECK(old->seen(*ingress)[0].packets == 1U);
  const std::size_t number = old->ingress->number();
  old.reset();
  const WatchedLane next{taps, all};
  CHECK(next.ingress->number() == number);
  CHECK(next.seen(*ingress).empty());
  next.sees({towards(kVictim)});
  CHECK(next.seen(*ingress)[0].packets == 1U);
  std::vector<std::shared_ptr<Ingress>> many;
  for (std::size_t i = 1; i < kMaxIngresses; ++i) many.push_back(all.open(host(kNeighbour), kEpoch));
  CHECK(many.back() != nullptr);
  CHECK(all.open(host(kNeighbour), kEpoch) == nullptr);
  CHECK(all.refused() == 1U);
}

TEST("ingresses come and go while lanes count: what one lane counted is all there") {
  Taps taps{64, 1};
  Ingresses all{1};
  const WatchedLane lane{taps, all};
  const auto kept = all.open(host(kVictim), kEpoch);
  constexpr std::uint64_t kBatches = 20'000;
  lane.sees({towards(kVictim)});  // takes the index over before others come
  std::atomic<bool> done{false};
  std::thread counter{[&] {
    const std::vector<Sighting> batch(4, towards(kVictim));
    for (std::uint64_t i = 0; i < kBatches; ++i) lane.sees(batch);
    done = true;
  }};
  std::uint64_t last = 0;
  while (!done) {
    const auto passing = all.open(host(kNeighbour), kEpoch);
    const std::uint64_t now = lane.seen(*kept)[0].packets;
    CHECK(now >= last);
    last = now;
    all.close(passing);
  }
  counter.join();
  CHECK(lane.seen(*kept)[0].packets == 4 * kBatches + 1);
}
