/// flow/hold: what a sum over the last window reads of flows that are exported in long records.
#include "../flow/hold.hpp"

#include <algorithm>
#include <string>

#include "../base/hash.hpp"
#include "../flow/timeouts.hpp"
#include "check.hpp"
#include "hold_clock.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr double kPacketsPerSecond = 8'333;  // of 1,500 bytes: 100 Mbit/s
constexpr std::uint64_t kPacketBytes = 1'500;

std::uint64_t packets_until(std::int64_t micros, double per_second) {
  return static_cast<std::uint64_t>(static_cast<double>(micros) * per_second / 1e6);
}

struct Lowest {
  double low = 1e9;
  double high = 0;
  void see(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

struct Transfer {
  std::int64_t active_micros;
  std::int64_t window_micros;
  bool late_cut;    ///< jitter lengthens the span; else it delays the datagram
  bool says_why;    ///< the record carries its end reason; else hold goes by what is learned
  bool plays_first;
};

/// A constant transfer of five records and a last one, through a clock. Reads the window at every tick from the first record on.
void check_transfer(const Transfer& transfer, std::uint64_t seed) {
  HoldClock clock{{transfer.window_micros, 100'000, 64, seed}, transfer.plays_first};
  FlowTimeouts timeouts;
  const std::int64_t began = clock.now() + static_cast<std::int64_t>(next_random(seed) % kSecond);
  std::int64_t cut = began;
  std::int64_t arrives = began;
  std::int64_t sent_to = began;
  int exported = 0;
  const int records = transfer.active_micros > 60 * kSecond ? 6 : 14;
  const auto schedule = [&] {
    const auto jitter = static_cast<std::int64_t>(next_random(seed) % (3 * kSecond + 1));
    cut += transfer.active_micros + (transfer.late_cut ? jitter : 0);
    arrives = std::max(arrives + 1, cut + (transfer.late_cut ? 20'000 : jitter));
  };
  schedule();
  Lowest read;
  const double truth = kPacketsPerSecond * static_cast<double>(transfer.window_micros) / 1e6;
  while (exported < records) {
    while (exported < records && arrives < clock.tick_end()) {
      const std::uint64_t packets = packets_until(cut - began, kPacketsPerSecond) - packets_until(sent_to - began, kPacketsPerSecond);
      const bool last = exported + 1 == records;
      FlowDetail detail = span_detail(sent_to, cut, FlowEnd::unknown);
      if (transfer.says_why) detail.end = last ? FlowEnd::finished : FlowEnd::active;
      Sighting record = record_of_flow(1, packets, packets * kPacketBytes);
      if (last && !transfer.says_why) {
        record.facts.protocol = 17;
        detail.last_micros -= transfer.active_micros / 4;  // it fell silent before the timeout
      }
      timeouts.learn(record.facts, detail, cut);
      (void)clock.take(record, detail, arrives, {1, timeouts.active_micros(), 0});
      ++exported;
      sent_to = cut;
      if (!last) schedule();
    }
    clock.tick();
    if (exported > 0 && exported < records) read.see(static_cast<double>(clock.packets_in_window) / truth);
  }
  CHECK(read.low >= 0.95);
  CHECK(read.high <= 1.05);
  // From the end on: never too high, and gone in the end, with all that was reported.
  Lowest after;
  for (std::int64_t i = 0; i < transfer.active_micros / 100'000 * 3 + 600; ++i) {
    clock.tick();
    after.see(static_cast<double>(clock.packets_in_window) / truth);
  }
  CHECK(after.high <= 1.34);  // the last record of those that do not say why is a quarter shorter, so its rate a third higher
  if (transfer.says_why) CHECK(after.high <= 1.05);
  CHECK(after.low == 0);
  CHECK(clock.hold.held() == 0U);
  const HoldCounts& counts = clock.hold.counts();
  CHECK(clock.emitted_packets == clock.reported_packets + counts.borrowed_packets);
  CHECK(clock.emitted_bytes == clock.reported_bytes + counts.borrowed_bytes);
  CHECK(counts.dropped_packets == 0U);
  // A last record a quarter below a short timeout looks like one that goes on.
  if (transfer.says_why || transfer.active_micros > 15 * kSecond) CHECK(counts.borrowed_packets == 0U);
  CHECK(clock.empty_sightings == 0U);
}

}  // namespace

TEST("a constant transfer reads right within 5 % at every tick, whatever the active timeout, jitter and window") {
  std::uint64_t seed = 1;
  for (const std::int64_t active : {5, 15, 30, 60, 300, 1800}) {
    for (const std::int64_t window : {1, 5}) {
      for (const bool late_cut : {false, true}) {
        for (const bool says_why : {false, true}) {
          for (const bool plays_first : {false, true}) {
            NOTE("active " + std::to_string(active) + " window " + std::to_string(window) + " late cut " +
                 std::to_string(late_cut) + " says why " + std::to_string(says_why) + " plays first " + std::to_string(plays_first));
            check_transfer({active * kSecond, window * kSecond, late_cut, says_why, plays_first}, ++seed);
          }
        }
      }
    }
  }
}

TEST("a flood under a timeout of 60 seconds is seen whole on the tick at which its first record comes") {
  for (const std::int64_t window : {1, 5}) {
    for (const bool plays_first : {false, true}) {
      HoldClock clock{{window * kSecond, 100'000, 64, 3}, plays_first};
      for (int i = 0; i < 123; ++i) clock.tick();
      const std::int64_t at = clock.now() + 30'000;
      const std::uint64_t packets = 60ULL * 1'000'000;
      (void)clock.take(record_of_flow(1, packets, packets * 60), span_detail(at - 60 * kSecond, at, FlowEnd::active), at);
      clock.tick();
      CHECK(clock.packets_in_window >= static_cast<std::uint64_t>(window) * 999'999);
      CHECK(clock.packets_in_window <= static_cast<std::uint64_t>(window) * 1'000'000);
    }
  }
}

TEST("a record that comes on the very edge of a tick reads at no tick higher than it was, nor lower") {
  HoldClock clock{{kSecond, 100'000, 64, 3}, false};
  for (int i = 0; i < 123; ++i) clock.tick();
  const std::int64_t at = clock.now();
  constexpr std::uint64_t kPerSecond = 10'000;
  (void)clock.take(record_of_flow(1, 60 * kPerSecond, 60 * kPerSecond * 100), span_detail(at - 60 * kSecond, at, FlowEnd::active), at);
  for (int i = 0; i < 300; ++i) {
    clock.tick();
    CHECK(clock.packets_in_window <= kPerSecond * 102 / 100);
    CHECK(clock.packets_in_window >= kPerSecond * 97 / 100);
  }
}

TEST("a flow that grows into a flood is seen on the tick that reports it, one that shrinks within a window") {
  HoldClock clock{{kSecond, 100'000, 64, 3}, true};
  std::int64_t from = clock.now();
  const auto minute_at = [&](std::uint64_t per_second) {
    const std::int64_t to = from + 60 * kSecond;
    while (clock.tick_end() <= to) clock.tick();
    (void)clock.take(record_of_flow(1, per_second * 60, per_second * 60 * 500), span_detail(from, to, FlowEnd::active), to);
    from = to;
    clock.tick();
  };
  minute_at(100);
  minute_at(100);
  CHECK(clock.packets_in_window >= 97U);
  CHECK(clock.packets_in_window <= 103U);
  minute_at(900'000);
  CHECK(clock.packets_in_window >= 890'000U);
  CHECK(clock.packets_in_window <= 905'000U);
  for (int i = 0; i < 100; ++i) {
    clock.tick();
    CHECK(clock.packets_in_window >= 860'000U);
    CHECK(clock.packets_in_window <= 920'000U);
  }
  minute_at(1'000);
  for (int i = 0; i < 11; ++i) clock.tick();
  CHECK(clock.packets_in_window <= 1'050U);
  CHECK(clock.packets_in_window >= 900U);
}

TEST("a flood of smaller packets in a held flow is seen though its bytes do not grow") {
  HoldClock clock{{kSecond, 100'000, 64, 3}, true};
  const std::int64_t start = clock.now();
  (void)clock.take(record_of_flow(1, 600'000, 900'000'000), span_detail(start - 60 * kSecond, start, FlowEnd::active), start);
  for (int i = 0; i < 600; ++i) clock.tick();
  (void)clock.take(record_of_flow(1, 12'000'000, 900'000'000), span_detail(start, start + 60 * kSecond, FlowEnd::active), clock.now());
  clock.tick();
  CHECK(clock.packets_in_window >= 195'000U);
  CHECK(clock.packets_in_window <= 205'000U);
  CHECK(clock.bytes_in_window <= 15'700'000U);
  CHECK(clock.bytes_in_window >= 14'200'000U);
}

TEST("records no longer than the window, or without a span, count whole at once and take no place") {
  HoldClock clock{{kSecond, 100'000, 64, 3}, true};
  const std::int64_t at = clock.now();
  struct Row {
    std::string_view claim;
    std::int64_t first, last;
    std::uint64_t nonsense;
  };
  const Row rows[] = {
      {"a window long", at - kSecond, at, 0},
      {"no times", 0, 0, 0},
      {"one instant", at, at, 0},
      {"it ends before it begins", at, at - 5, 1},
      {"it ends tomorrow", at, at + 3600 * kSecond, 1},
      {"it has lasted a month", 1, at + 30 * 86'400 * kSecond, 1},
  };
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    HoldClock fresh{{kSecond, 100'000, 64, 3}, true, row.last > 10 * at ? row.last : at};
    const Sighting now = fresh.take(record_of_flow(1, 777, 99'999), span_detail(row.first, row.last, FlowEnd::finished), fresh.now());
    CHECK(now.packets == 777U);
    CHECK(now.bytes == 99'999U);
    CHECK(fresh.hold.held() == 0U);
    CHECK(fresh.hold.counts().nonsense == row.nonsense);
  }
}

TEST("a flow of ten hours that is reported at its end counts at its own rate, and two hours of it are played") {
  HoldClock clock{{kSecond, 100'000, 64, 3}, true};
  const std::int64_t at = clock.now() + 36'000 * kSecond;
  HoldClock late{{kSecond, 100'000, 64, 3}, true, at};
  const Sighting now = late.take(record_of_flow(1, 36'000'000, 36'000'000'000), span_detail(at - 36'000 * kSecond, at, FlowEnd::finished), at);
  CHECK(now.packets == 1'000U);
  for (int i = 0; i < 71'000; ++i) {
    late.tick();
    CHECK(late.packets_in_window <= 1'010U);
  }
  CHECK(late.packets_in_window >= 970U);
  for (int i = 0; i < 3'000; ++i) late.tick();
  CHECK(late.hold.held() == 0U);
  CHECK(late.emitted_packets == 7'200'000U);
  CHECK(late.hold.counts().dropped_packets == 28'800'000U);
}

TEST("many long flows of one host with phases of their own read right together") {
  HoldClock clock{{kSecond, 100'000, 1024, 9}, true};
  constexpr std::uint32_t kFlows = 400;
  constexpr std::int64_t kActive = 60 * kSecond;
  const std::int64_t start = clock.now();
  std::uint64_t seed = 77;
  std::vector<std::int64_t> cut(kFlows);
  for (auto& at : cut) at = start + static_cast<std::int64_t>(next_random(seed) % static_cast<std::uint64_t>(kActive));
  Lowest read;
  for (int i = 0; i < 4'000; ++i) {
    for (std::uint32_t flow = 0; flow < kFlows; ++flow) {
      if (cut[flow] >= clock.tick_end()) continue;
      (void)clock.take(record_of_flow(flow, 6'000, 6'000'000), span_detail(cut[flow] - kActive, cut[flow], FlowEnd::active), cut[flow]);
      cut[flow] += kActive;
    }
    clock.tick();
    if (i >= 600) read.see(static_cast<double>(clock.packets_in_window) / (kFlows * 100.0));
  }
  CHECK(clock.hold.held() == 400U);
  CHECK(read.low >= 0.95);
  CHECK(read.high <= 1.05);
}

TEST("a full table stays within its bound, drops nothing unsaid, and cannot be made into an attack") {
  HoldClock clock{{kSecond, 100'000, 100, 5}, true};
  const std::int64_t at = clock.now();
  for (std::uint32_t flow = 0; flow < 100; ++flow) {
    (void)clock.take(record_of_flow(flow, 6'000'000, 6'000'000'000), span_detail(at - 60 * kSecond, at, FlowEnd::active), at);
  }
  CHECK(clock.hold.held() == 100U);
  const std::uint64_t before = clock.emitted_packets;
  // A thousand records of 600 packets a minute: ten each belong to the last second.
  for (std::uint32_t flow = 1'000; flow < 2'000; ++flow) {
    (void)clock.take(record_of_flow(flow, 600, 600'000), span_detail(at - 60 * kSecond, at, FlowEnd::finished), at);
  }
  const HoldCounts& counts = clock.hold.counts();
  CHECK(clock.hold.held() == 100U);
  CHECK(counts.refused == 1'000U);
  CHECK(clock.emitted_packets - before <= 10'000 + kHurriedPackets);
  CHECK(clock.emitted_packets - before > 10'000U);
  CHECK(clock.emitted_packets - before + counts.dropped_packets == 600'000U);
  // A far larger flow finds a place all the same.
  (void)clock.take(record_of_flow(5'000, 60'000'000, 60'000'000'000), span_detail(at - 60 * kSecond, at, FlowEnd::active), at);
  CHECK(counts.displaced == 1U);
  CHECK(clock.hold.held() == 100U);
}

TEST("a flow whose next record never comes is let go soon after it was due, and what was borrowed is told") {
  HoldClock clock{{kSecond, 100'000, 64, 5}, true};
  const std::int64_t at = clock.now();
  (void)clock.take(record_of_flow(1, 60'000, 60'000'000), span_detail(at - 60 * kSecond, at, FlowEnd::active), at);
  while (clock.now() < at + 60 * kSecond) clock.tick();
  CHECK(clock.hold.held() == 1U);
  while (clock.now() < at + 71 * kSecond) clock.tick();
  CHECK(clock.hold.held() == 0U);
  CHECK(clock.emitted_packets == clock.reported_packets + clock.hold.counts().borrowed_packets);
  CHECK(clock.hold.counts().borrowed_packets <= 12'000U);
}

TEST("of a long record with SYN and answers the SYN flag goes, of one with SYN alone it stays") {
  HoldClock clock{{kSecond, 100'000, 64, 5}, true};
  const std::int64_t at = clock.now();
  Sighting download = record_of_flow(1, 60'000, 60'000'000);
  download.facts.protocol = 6;
  download.facts.tcp_flags = 2 | 16 | 8;
  Sighting flood = record_of_flow(2, 60'000, 60'000 * 40);
  flood.facts.protocol = 6;
  flood.facts.tcp_flags = 2;
  const FlowDetail detail = span_detail(at - 60 * kSecond, at, FlowEnd::active);
  CHECK(clock.take(download, detail, at).facts.tcp_flags == (16 | 8));
  CHECK(clock.take(flood, detail, at).facts.tcp_flags == 2);
}

TEST("after a stall no more than one window is made good at once") {
  FlowHold hold{{kSecond, 100'000, 64, 5}};
  std::int64_t at = 1'000 * kSecond;
  std::uint64_t played = 0;
  const auto play = [&] {
    played = 0;
    hold.play(at, [&](const Sighting& due) { played += due.packets; });
  };
  play();
  Sighting record = record_of_flow(1, 600'000, 600'000'000);
  hold.take(record, span_detail(at - 60 * kSecond, at, FlowEnd::active), {1, 0, 0}, at);
  for (int stall = 0; stall < 4; ++stall) {
    for (int i = 0; i < 73; ++i) {
      at += 100'000;
      play();
    }
    at += 7 * kSecond;
    play();
    CHECK(played <= 10'001U);
    at -= 1;
    play();  // a clock that goes back plays nothing
    CHECK(played == 0U);
    at += 1;
  }
}

TEST("plays that come late and early by a third of a tick never put a stroke twice into one window") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    std::uint64_t random = seed;
    FlowHold hold{{kSecond, 100'000, 64, seed}};
    std::int64_t grid = 1'000 * kSecond;
    std::vector<std::uint64_t> cells;
    for (int tick = 0; tick < 400; ++tick) {
      grid += 100'000;
      cells.push_back(0);
      const std::int64_t late = static_cast<std::int64_t>(next_random(random) % 66'000) - 33'000;
      if (tick == 20) {
        const std::int64_t at = grid - static_cast<std::int64_t>(next_random(random) % 60'000) - 35'000;
        Sighting record = record_of_flow(1, 600'000, 600'000'000);
        hold.take(record, span_detail(at - 60 * kSecond, at, FlowEnd::active), {1, 0, 0}, at);
        cells.back() += record.packets;
      }
      hold.play(grid + late, [&](const Sighting& due) { cells.back() += due.packets; });
      if (tick < 31) continue;
      std::uint64_t sum = 0;
      for (std::size_t i = cells.size() - 10; i < cells.size(); ++i) sum += cells[i];
      CHECK(sum <= 10'700U);
      CHECK(sum >= 9'000U);
    }
  }
}

TEST("a flow is found again however many others have come and gone since") {
  // Enough to make the hints anew several times, and to leave stale ones.
  constexpr std::uint32_t kPassing = 6'000;
  constexpr std::uint32_t kStaying = 300;
  FlowHold hold{{.max_held = 8'192, .seed = 5}};
  std::int64_t now = 1'000 * kSecond;
  const auto take = [&](std::uint32_t flow, FlowEnd end) {
    Sighting sighting = record_of_flow(flow, 600, 60'000);
    hold.take(sighting, span_detail(now - 2 * kSecond, now, end), {1, 60 * kSecond, 0}, now);
    return sighting.packets;
  };
  for (std::uint32_t flow = 0; flow < kStaying; ++flow) CHECK(take(flow, FlowEnd::active) == 300U);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t flow = 0; flow < kPassing; ++flow) (void)take(1'000 + flow, FlowEnd::finished);
    CHECK(hold.held() == kStaying + kPassing);
    for (int tick = 0; tick < 40; ++tick) hold.play(now += 100'000, [](const Sighting&) {});
    CHECK(hold.held() == kStaying);
    // The rate is the one that is held: nothing more counts now, which of a new flow would be half of it.
    for (std::uint32_t flow = 0; flow < kStaying; ++flow) CHECK(take(flow, FlowEnd::active) == 0U);
  }
}
