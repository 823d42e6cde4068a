/// engine/: taps and the recent ring.
#include <atomic>
#include <thread>

#include "../base/address.hpp"
#include "../engine/taps.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

const Address kVictim = ipv4_address(0xc6336407);
const Address kOther = ipv4_address(0xc6336408);
const Address kForeign = ipv4_address(0xcb007101);
constexpr std::int64_t kEpoch = 1'795'480'780'000'000;

/// A batch of equal packets, one every `gap` micros.
class Packets {
 public:
  Packets(std::size_t count, const Address& source, const Address& destination, std::int64_t at, std::int64_t gap = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      Sighting sighting;
      sighting.facts.source = source;
      sighting.facts.destination = destination;
      sighting.facts.source_port = static_cast<std::uint16_t>(i);
      sightings_.push_back(sighting);
      directions_.push_back(Direction::incoming);
      frames_.push_back({bytes_, at + static_cast<std::int64_t>(i) * gap, 1});
    }
  }
  void shown_to(PacketObserver& observer) const { observer.observe({sightings_, directions_, frames_}); }

 private:
  std::array<std::byte, 100> bytes_{std::byte{0xaa}};
  std::vector<Sighting> sightings_;
  std::vector<Direction> directions_;
  std::vector<FrameView> frames_;
};

Prefix host(const Address& address) { return make_prefix(address, address_bits(address.family)); }

}  // namespace

TEST("a flow record stands for all its packets, shows their mean length, and is not crowded out by lighter ones") {
  Taps taps{64, 1};
  const auto lane = taps.for_lane();
  lane->set_time(kEpoch);
  std::vector<Sighting> records(300);
  for (Sighting& record : records) {
    record.facts.source = kForeign;
    record.facts.destination = kVictim;
    record.packets = 10;
    record.bytes = 1'000;
  }
  records[7].packets = 30'000;  // sampling undone
  records[7].bytes = 30'000 * 1'400 + 5;
  records[7].sampling = 10;
  const std::vector<Direction> directions(records.size(), Direction::incoming);
  lane->observe({records, directions, {}});
  const auto recent = taps.open(host(kVictim), 20)->read();
  REQUIRE(recent.size() == 10U);
  CHECK(recent[0].sampling == 30'000U);
  CHECK(recent[0].facts.wire_length == 1'400U);
  CHECK(recent[0].facts.ip_length == 1'400U);
  CHECK(recent[9].sampling == 10U);
  CHECK(recent[9].facts.wire_length == 100U);
  const auto tap = taps.open(host(kVictim), 2);
  records[0].packets = std::uint64_t{1} << 40;
  lane->observe({records, directions, {}});
  CHECK(tap->read().back().sampling == 0xffff'ffffU);
}

TEST("a tap gives packets to and from its host alone, cut to the sample length, and no more than asked") {
  Taps taps{64, 1};
  const auto lane = taps.for_lane();
  const auto tap = taps.open(host(kVictim), 20);
  Packets{10, kForeign, kOther, kEpoch}.shown_to(*lane);
  Packets{5, kForeign, kVictim, kEpoch + 100}.shown_to(*lane);
  Packets{5, kVictim, kForeign, kEpoch + 200}.shown_to(*lane);
  auto read = tap->read();
  REQUIRE(read.size() == 10U);
  CHECK(read[0].at_micros == kEpoch + 100);
  CHECK(read[0].bytes.size() == 64U);
  CHECK(read[0].bytes[0] == std::byte{0xaa});
  CHECK(read[9].facts.source == kVictim);
  CHECK(tap->read().empty());
  Packets{100, kForeign, kVictim, kEpoch + 300}.shown_to(*lane);
  CHECK(tap->read().size() == 10U);
  CHECK(!tap->wants_more());
}

TEST("what a tap has gathered is known unread, is read a part at a time in its order, and stays after the tap is closed") {
  Taps taps{64, 1};
  const auto lane = taps.for_lane();
  Packets{4, kForeign, kVictim, kEpoch, 1000}.shown_to(*lane);
  const auto tap = taps.open(host(kVictim), 8);
  CHECK(tap->gathered() == 4);
  Packets{3, kForeign, kVictim, kEpoch + 10'000}.shown_to(*lane);
  CHECK(tap->gathered() == 7);
  taps.close(tap);
  Packets{1, kForeign, kVictim, kEpoch + 20'000}.shown_to(*lane);
  const auto first = tap->read(5);
  REQUIRE(first.size() == 5U);
  CHECK(first[0].at_micros == kEpoch);
  CHECK(first[4].at_micros == kEpoch + 10'000);
  const auto rest = tap->read(5);
  REQUIRE(rest.size() == 2U);
  CHECK(rest[1].at_micros == kEpoch + 10'002);
  CHECK(tap->gathered() == 7);
  CHECK(tap->read(5).empty());
}

TEST("a prefix is tapped whole, and a packet within it is taken once") {
  Taps taps{64, 1};
  const auto lane = taps.for_lane();
  const auto tap = taps.open(make_prefix(kVictim, 24), 100);
  Packets{3, kOther, kVictim, kEpoch}.shown_to(*lane);
  Packets{3, kForeign, kOther, kEpoch}.shown_to(*lane);
  CHECK(tap->read().size() == 6U);
  taps.close(tap);
  Packets{3, kForeign, kOther, kEpoch}.shown_to(*lane);
  CHECK(tap->read().empty());
  CHECK(taps.active() == 0U);
}

TEST("packets from before the tap come first, at most half of what is asked for") {
  Taps taps{64, 1};
  const auto lane = taps.for_lane();
  Packets{500, kForeign, kVictim, kEpoch, 1000}.shown_to(*lane);
  const auto tap = taps.open(host(kVictim), 100);
  Packets{500, kForeign, kVictim, kEpoch + 1'000'000}.shown_to(*lane);
  const auto read = tap->read();
  REQUIRE(read.size() == 100U);
  CHECK(read[0].at_micros == kEpoch + 450'000);
  CHECK(read[49].at_micros == kEpoch + 499'000);
  CHECK(read[50].at_micros == kEpoch + 1'000'000);
}

TEST("the recent ring spans about two seconds at any steady rate") {
  for (const std::int64_t gap : {std::int64_t{1}, std::int64_t{10}, std::int64_t{100}, std::int64_t{500}}) {
    RecentRing ring{64};
    constexpr std::int64_t kBatch = 32;
    struct Feed final : PacketObserver {
      RecentRing& ring;
      HostMemory memory{1};
      explicit Feed(RecentRing& to) : ring{to} {}
      void observe(const ObservedBatch& batch) noexcept override { ring.observe(batch, 0, memory); }
    } feed{ring};
    const std::int64_t end = kEpoch + 6'000'000;
    for (std::int64_t at = kEpoch; at < end; at += kBatch * gap) {
      Packets{kBatch, kForeign, kVictim, at, gap}.shown_to(feed);
    }
    const auto all = ring.matching(host(kVictim), kRecentSlots);
    REQUIRE(!all.empty());
    NOTE("a packet every " + std::to_string(gap) + " us");
    const std::int64_t span = end - all.front().at_micros;
    CHECK(span > kRecentSpanMicros / 2);
    CHECK(span < kRecentSpanMicros * 3);
  }
}

TEST("more taps than the bound are refused and counted, and still give packets from before") {
  Taps taps{16, 1};
  const auto lane = taps.for_lane();
  Packets{10, kForeign, kVictim, kEpoch, 1000}.shown_to(*lane);
  std::vector<std::shared_ptr<Tap>> open;
  for (std::size_t i = 0; i < kMaxTaps; ++i) open.push_back(taps.open(host(kOther), 10));
  CHECK(taps.refused() == 0U);
  const auto refused = taps.open(host(kVictim), 10);
  CHECK(taps.refused() == 1U);
  Packets{10, kForeign, kVictim, kEpoch + 20'000}.shown_to(*lane);
  CHECK(refused->read().size() == 5U);
}

TEST("lanes offer while taps open, are read and close") {
  Taps taps{64, 1};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&taps, &stop] {
      const auto lane = taps.for_lane();
      for (std::int64_t at = kEpoch; !stop.load(); at += 32) Packets{32, kForeign, kVictim, at}.shown_to(*lane);
    });
  }
  std::size_t read = 0;
  for (int round = 0; round < 200; ++round) {
    const auto tap = taps.open(host(kVictim), 50);
    for (int wait = 0; wait < 1000 && tap->wants_more(); ++wait) std::this_thread::yield();
    const std::size_t got = tap->read().size();
    CHECK(got <= 50U);
    read += got;
    taps.close(tap);
  }
  stop.store(true);
  for (auto& thread : threads) thread.join();
  CHECK(read > 0U);
}

TEST("a tap remembers packets from the minutes before, far apart, whatever flood came last") {
  Taps taps{64, 1};
  const auto lane = taps.for_lane();
  constexpr std::int64_t kSecond = 1'000'000;
  for (std::int64_t second = 0; second < 120; ++second) {
    Packets{1, kForeign, kVictim, kEpoch + second * kSecond}.shown_to(*lane);
  }
  const std::int64_t flood = kEpoch + 120 * kSecond;
  for (std::int64_t batch = 0; batch < 2'000; ++batch) {
    Packets{256, kOther, kVictim, flood + batch * 500}.shown_to(*lane);
  }
  const auto tap = taps.open(host(kVictim), 100);
  const auto& before = tap->before();
  std::size_t old = 0;
  for (const Sample& sample : before) old += sample.at_micros < flood ? 1U : 0U;
  CHECK(old >= 24U);
  CHECK(before.size() - old <= 2U);
  CHECK(before.size() <= HostMemory::kPerHost);
  CHECK(before.front().facts.source == kForeign);
  CHECK(before.front().facts.destination == kVictim);
  // From all of the time, not of its end alone.
  CHECK(before.front().at_micros < kEpoch + 16 * kSecond);
  CHECK(std::ranges::is_sorted(before, {}, &Sample::at_micros));
  CHECK(taps.open(host(kForeign), 100)->before().empty());
}

TEST("a prefix's tap remembers for all its hosts, and hosts that come later push out those seen longest ago") {
  Taps taps{64, 1};
  const auto lane = taps.for_lane();
  constexpr std::uint32_t kMany = 20'000;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    const Address one = ipv4_address(0x0a000000U + i);
    Packets{1, kForeign, one, kEpoch + std::int64_t{i} * 1'000}.shown_to(*lane);
  }
  const auto all = taps.open({ipv4_address(0x0a000000), 8}, 100);
  CHECK(all->before().size() <= kMostBefore);
  CHECK(all->before().size() == kMostBefore);
  std::size_t late = 0;
  for (const Sample& sample : all->before()) late += sample.at_micros > kEpoch + 10'000'000 ? 1U : 0U;
  CHECK(late == kMostBefore);
  CHECK(taps.open(host(ipv4_address(0x0a000000U + kMany - 1)), 100)->before().size() == 1U);
}
