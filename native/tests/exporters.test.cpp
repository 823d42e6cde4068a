/// flow/: sequence gaps, and the bounded table of exporters.
#include "../flow/exporters.hpp"

#include "../flow/sflow/collector.hpp"
#include "check.hpp"
#include "sflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {
ExporterKey key_of(std::uint32_t address, std::uint32_t sub_agent = 0) {
  return {{0, address, Family::ipv4}, {0, address, Family::ipv4}, sub_agent};
}
}  // namespace

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
  ExporterTable table{1000, 42};
  for (std::uint32_t round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < 1000; ++i) {
      Exporter* const row = table.find_or_add(key_of(i / 2, i % 2), 1);
      REQUIRE(row != nullptr);
      CHECK(row->datagrams == round);
      ++row->datagrams;
      row->last_seen_micros = 1;
    }
  }
  CHECK(table.all().size() == 1000);
  CHECK(table.find_or_add(key_of(5000), 1) == nullptr);
  CHECK(table.refused() == 1);
  CHECK(table.find_or_add(key_of(3), 1)->datagrams == 2);
}

TEST("a full table gives the rows of silent exporters to new ones and keeps the others") {
  ExporterTable table{4, 7};
  for (std::uint32_t i = 0; i < 4; ++i) table.find_or_add(key_of(i), 0)->last_seen_micros = i < 2 ? 0 : kIdleMicros;
  CHECK(table.find_or_add(key_of(10), kIdleMicros - 1) == nullptr);
  CHECK(table.find_or_add(key_of(10), kIdleMicros) == nullptr);  // looked for idle rows a moment ago
  Exporter* const row = table.find_or_add(key_of(10), kIdleMicros + kReclaimEveryMicros);
  REQUIRE(row != nullptr);
  CHECK(row->key == key_of(10));
  CHECK(row->datagrams == 0);
  CHECK(table.all().size() == 3);
  CHECK(table.refused() == 2);
  CHECK(table.find_or_add(key_of(2), 0)->last_seen_micros == kIdleMicros);
  CHECK(table.find_or_add(key_of(3), 0)->last_seen_micros == kIdleMicros);
}

TEST("the collector books datagrams, samples, gaps and rates to whom they come from") {
  sflow::Collector collector{{}, 2, 1};
  const Address sender{0, 0x0A00'0001, Family::ipv4};
  const Address agent{0, 0xC000'0201, Family::ipv4};
  const auto take = [&](std::uint32_t sub_agent, std::uint32_t sequence, std::uint32_t rate, std::int64_t at) {
    const auto bytes = SflowBuilder{agent, sub_agent, sequence}.flow_sample(rate, 5).sampled_ipv4(100, 1, 2).done();
    return collector.take(bytes, sender, at).sightings.size();
  };
  CHECK(take(0, 10, 100, 1000) == 1);
  CHECK(take(0, 13, 200, 2000) == 1);
  CHECK(take(1, 1, 300, 3000) == 1);
  CHECK(take(2, 1, 300, 4000) == 1);  // no row left, and its traffic counts all the same
  CHECK(collector.take(std::vector<std::byte>(8), sender, 5000).errors.size() == 1);
  const auto all = collector.exporters().all();
  REQUIRE(all.size() == 2);
  CHECK(collector.exporters().refused() == 1);
  CHECK(all[0].key == ExporterKey{sender, agent, 0});
  CHECK(all[0].datagrams == 2);
  CHECK(all[0].samples == 2);
  CHECK(all[0].sequence.lost() == 2);
  CHECK(all[0].sampling_rate == 200);
  CHECK(all[0].device_drops == 5);
  CHECK(all[0].last_seen_micros == 2000);
  CHECK(all[1].key.sub_agent == 1);
  CHECK(collector.totals().packets == 4);
}
