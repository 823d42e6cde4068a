/// flow/: sequence gaps, and the bounded table of exporters.
#include "../flow/exporters.hpp"

#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {
ExporterKey key_of(std::uint32_t address, std::uint32_t domain = 0) {
  return {FlowProtocol::netflow9, {0, address, Family::ipv4}, {0, address, Family::ipv4}, domain};
}

constexpr std::int64_t kSecond = 1'000'000;

/// The row of a key in the table, or null.
const Exporter* row_of(const ExporterTable& table, const ExporterKey& key) {
  for (const Exporter& row : table.all()) {
    if (row.key == key) return &row;
  }
  return nullptr;
}
}  // namespace

TEST("an exporter that counts a datagram in its own number loses nothing by it, and what it loses shows") {
  SequenceTracker tracker;
  std::uint32_t number = 0xffff'fff0;  // goes past zero
  for (const std::uint32_t units : {20U, 29U, 30U, 30U, 12U, 1U, 28U}) tracker.advance(number += units, units);
  CHECK(tracker.lost() == 0U);
  tracker.advance(number += 25 + 13, 13);
  CHECK(tracker.lost() == 25U);
  tracker.advance(number - 13, 25);  // it was only late
  CHECK(tracker.lost() == 0U);
  tracker.advance(number += 7, 7);
  CHECK(tracker.lost() == 0U);
  CHECK(tracker.restarts() == 0U);
}

TEST("an exporter that leaves options data out of its numbers loses nothing by it, whichever end it counts by") {
  for (const bool counts_itself : {false, true}) {
    SequenceTracker tracker;
    std::uint32_t number = 100;
    for (std::uint32_t i = 0; i < 40; ++i) {
      const std::uint32_t options = i % 16 == 5 ? 1 : 0;
      const std::uint32_t records = 10 + i % 7;
      if (counts_itself) number += records;
      tracker.advance(number, records + options, options);
      if (!counts_itself) number += records;
    }
    CHECK(tracker.lost() == 0U);
    tracker.advance(number + 50 + (counts_itself ? 9 : 0), 9);
    CHECK(tracker.lost() == 50U);
    CHECK(tracker.restarts() == 0U);
  }
}

TEST("lost units are counted by their numbers, late ones taken off, restarts are no loss") {
  struct Row {
    std::string_view claim;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> datagrams;  ///< first number, units
    std::uint64_t lost, restarts;
  };
  const Row rows[] = {
      {"one behind the other", {{5, 1}, {6, 1}, {7, 1}}, 0, 0},
      {"the first number is no gap", {{4'000'000, 1}}, 0, 0},
      {"two missing", {{1, 1}, {4, 1}}, 2, 0},
      {"overtaken, then there", {{1, 1}, {3, 1}, {2, 1}, {4, 1}}, 0, 0},
      {"repeated datagrams find nothing lost to take off", {{1, 1}, {1, 1}, {2, 1}}, 0, 0},
      {"round the end of 32 bits", {{0xFFFF'FFFE, 1}, {0xFFFF'FFFF, 1}, {1, 1}}, 1, 0},
      {"restart at zero", {{900'000, 1}, {0, 1}, {1, 1}}, 0, 1},
      {"a wild jump ahead", {{1, 1}, {2'000'000, 1}, {2'000'002, 1}}, 1, 1},
      {"units of many records", {{0, 30}, {30, 30}, {90, 30}}, 30, 0},
  };
  for (const auto& row : rows) {
    NOTE(std::string{row.claim});
    SequenceTracker tracker;
    for (const auto& [first, units] : row.datagrams) tracker.advance(first, units);
    CHECK(tracker.lost() == row.lost);
    CHECK(tracker.restarts() == row.restarts);
  }
}

TEST("every exporter has its own row, however many there are, up to the bound") {
  const SamplingPolicy policy;
  ExporterTable table{1000, 42, policy};
  for (std::uint32_t round = 1; round <= 2; ++round) {
    for (std::uint32_t i = 0; i < 1000; ++i) {
      const Exporter& row = table.hear(key_of(i / 2, i % 2), kSecond);
      CHECK(row.key == key_of(i / 2, i % 2));
      CHECK(row.counts.datagrams == round);
    }
  }
  CHECK(table.all().size() == 1000U);
  ExporterKey other_protocol = key_of(3);
  other_protocol.protocol = FlowProtocol::ipfix;
  CHECK(table.hear(other_protocol, kSecond).counts.datagrams == 1U);
  CHECK(table.refused() == 1U);
  CHECK(table.hear(key_of(3), kSecond).counts.datagrams == 3U);
}

TEST("who is refused gets an emptied row, and the same id each time and later in a row of its own") {
  const SamplingOverride said[] = {{*parse_prefix("0.0.0.9/32"), std::nullopt, 77}};
  const SamplingPolicy policy{said, std::nullopt};
  ExporterTable table{1, 42, policy};
  (void)table.hear(key_of(1), 0);
  Exporter& spare = table.hear(key_of(9), 0);
  const std::uint64_t id = spare.id;
  CHECK(spare.sampling.resolve(policy, key_of(9).address, {}).rate == 77U);
  spare.counts.records = 5;
  CHECK(table.hear(key_of(9), 0).counts.records == 0U);
  CHECK(table.refused() == 2U);
  CHECK(row_of(table, key_of(9)) == nullptr);
  for (int i = 0; i < kKnockings; ++i) (void)table.hear(key_of(9), 5 * kSecond);
  REQUIRE(row_of(table, key_of(9)) != nullptr);  // the other one sent a single datagram, long ago
  CHECK(row_of(table, key_of(9))->id == id);
  CHECK(table.replaced() == 1U);
}

TEST("an established exporter gives up its row after a minute of silence, and not before") {
  const SamplingPolicy policy;
  ExporterTable table{4, 7, policy};
  for (std::uint32_t i = 0; i < 4; ++i) {
    for (std::uint64_t n = 0; n < kEstablishedDatagrams; ++n) (void)table.hear(key_of(i), i * kSecond);
  }
  for (int i = 0; i < 20; ++i) (void)table.hear(key_of(10), kSilentMicros - 1);
  CHECK(row_of(table, key_of(10)) == nullptr);
  CHECK(table.hear(key_of(10), kSilentMicros).key == key_of(10));
  CHECK(row_of(table, key_of(0)) == nullptr);
  for (std::uint32_t i = 1; i < 4; ++i) CHECK(row_of(table, key_of(i)) != nullptr);
  CHECK(row_of(table, key_of(10)) != nullptr);
}

TEST("one that was heard for long keeps its row through as long a silence, for half an hour at most") {
  const SamplingPolicy policy;
  ExporterTable table{1, 7, policy};
  constexpr std::int64_t kMinute = 60 * kSecond;
  std::int64_t at = 0;
  const auto rival_gets_in = [&] {
    for (int i = 0; i < 20; ++i) (void)table.hear(key_of(10), at);
    return row_of(table, key_of(10)) != nullptr;
  };
  for (int i = 0; i < 20; ++i) (void)table.hear(key_of(1), at += kMinute);
  at += 19 * kMinute - 1;
  CHECK(!rival_gets_in());
  at += 1;
  CHECK(rival_gets_in());
  ExporterTable longer{1, 7, policy};
  at = 0;
  for (int i = 0; i < 300; ++i) (void)longer.hear(key_of(1), at += kMinute);
  at += 30 * kMinute - 1;
  for (int i = 0; i < 20; ++i) (void)longer.hear(key_of(10), at);
  CHECK(row_of(longer, key_of(10)) == nullptr);
  at += 1;
  for (int i = 0; i < 20; ++i) (void)longer.hear(key_of(10), at);
  CHECK(row_of(longer, key_of(10)) != nullptr);
}

TEST("200,000 spoofed exporters push out none that is heard, and a real one that comes later finds a row") {
  const SamplingPolicy policy;
  ExporterTable table{1024, 99, policy};
  constexpr std::uint32_t kReal = 500;
  constexpr std::uint32_t kSpoofed = 200'000;
  std::int64_t at = 0;
  const auto reals = [&](std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) (void)table.hear(key_of(i), at);
  };
  for (int i = 0; i < 20; ++i) {
    at += kSecond;
    reals(kReal);
  }
  std::uint64_t seed = 5;
  for (int second = 0; second < 30; ++second) {  // each spoofed address comes 1.5 times in all
    at += kSecond;
    for (int n = 0; n < 10'000; ++n) (void)table.hear(key_of(1'000'000 + static_cast<std::uint32_t>(next_random(seed) % kSpoofed)), at);
    reals(second < 10 ? kReal : kReal + 100);
  }
  CHECK(table.all().size() == 1024U);
  for (std::uint32_t i = 0; i < kReal; ++i) {
    const Exporter* const row = row_of(table, key_of(i));
    REQUIRE(row != nullptr);
    CHECK(row->counts.datagrams == 50U);
  }
  std::uint32_t late = 0;
  for (std::uint32_t i = kReal; i < kReal + 100; ++i) late += row_of(table, key_of(i)) != nullptr ? 1 : 0;
  CHECK(late == 100U);
  CHECK(table.refused() > 200'000U);
}

TEST("a table in which rows change hands finds the same exporters as a plain map") {
  const SamplingPolicy policy;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    ExporterTable table{16, seed, policy};
    std::uint64_t random = seed;
    std::int64_t at = 0;
    for (int i = 0; i < 5000; ++i) {
      at += static_cast<std::int64_t>(next_random(random) % 300'000);
      const ExporterKey key = key_of(static_cast<std::uint32_t>(at / (60 * kSecond) * 8 + static_cast<std::int64_t>(next_random(random) % 12)));  // a crowd that moves on
      const Exporter* const before = row_of(table, key);
      const std::uint64_t datagrams = before != nullptr ? before->counts.datagrams : 0;
      const Exporter& row = table.hear(key, at);
      CHECK(row.key == key);
      CHECK(row.counts.datagrams == datagrams + 1);
      for (const Exporter& one : table.all()) {
        std::size_t same = 0;
        for (const Exporter& other : table.all()) same += one.key == other.key ? 1 : 0;
        CHECK(same == 1U);
      }
    }
    CHECK(table.all().size() == 16U);
    CHECK(table.replaced() > 5U);
  }
}
