/// engine/flow_counting: datagrams that came together count as they would one by one.
#include "../engine/flow_counting.hpp"

#include <vector>

#include "../base/address.hpp"
#include "check.hpp"
#include "netflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000;
constexpr std::uint32_t kOurs = 0xC633'6400;     // 198.51.100.0
constexpr std::uint32_t kForeign = 0xCB00'7105;  // 203.0.113.5
constexpr std::size_t kExporters = 3;

std::shared_ptr<Engine> engine() {
  EngineSettings settings;
  const std::array networks{*parse_prefix("198.51.100.0/24")};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  settings.space = HostSpace::compile(networks, groups).space;
  settings.group_prefixes.resize(1);
  settings.lane.ipv6_hosts = 64;
  return std::make_shared<Engine>(std::move(settings));
}

struct Sent {
  std::vector<std::byte> bytes;
  Address sender;
};

/// From three exporters in turn, `records` a datagram; of exporter n every (n + 2)nd is neither from nor to a host of ours.
std::vector<Sent> telemetry(std::size_t datagrams, std::size_t records) {
  std::vector<Sent> all;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < datagrams; ++i) {
    const std::size_t exporter = i % kExporters;
    std::vector<NetflowRecord> said(records);
    for (NetflowRecord& record : said) {
      const bool outside = ++number % (exporter + 2) == 0;
      record.source = outside ? kForeign + 1 : kOurs + number % 256;
      record.destination = kForeign;
      record.packets = number;
      record.bytes = number * 100;
      record.first_ms = record.last_ms;
    }
    all.push_back({netflow_of({.sequence = number}, said), ipv4_address(0xC000'0201 + static_cast<std::uint32_t>(exporter))});
  }
  return all;
}

/// All that can be asked of a lane and its collector afterwards.
struct Counted {
  LaneStats lane;
  std::vector<std::uint64_t> host_words;
  std::vector<std::uint64_t> outside;  // by exporter
};

Counted count(const std::vector<Sent>& sent, bool together) {
  const auto of = engine();
  TappedLane lane = TappedLane::make(*of);
  CollectorOptions options;
  options.hold = HoldOptions{};
  FlowCounting counting{lane, std::move(options)};
  std::vector<Datagram> datagrams;
  for (const Sent& one : sent) datagrams.push_back({one.bytes, one.sender, 0});
  if (together) {
    counting.take(datagrams, kNow);
  } else {
    for (const Sent& one : sent) counting.take(one.bytes, one.sender, kNow);
  }
  Counted counted;
  counted.lane = lane.lane->stats();
  BatchBuilder builder{of->space(), kNow, kNow + 100'000};
  lane.lane->drain(builder);
  const auto batches = builder.take();
  if (!batches.empty()) counted.host_words = batches[0].host_words;
  std::vector<ExporterStats> exporters;
  counting.collector().snapshot(exporters);
  for (const ExporterStats& exporter : exporters) counted.outside.push_back(exporter.counts.records_outside);
  return counted;
}

}  // namespace

TEST("datagrams counted together leave what they leave one by one, and each exporter its own records outside") {
  struct Row {
    std::size_t datagrams;
    std::size_t records;
  };
  // One; less than is gathered; exactly that; more than once over, ending within a datagram; datagrams without records.
  for (const Row row : {Row{1, 7}, Row{16, 24}, Row{16, 32}, Row{100, 29}, Row{5, 0}}) {
    const auto sent = telemetry(row.datagrams, row.records);
    const Counted one_by_one = count(sent, false);
    const Counted together = count(sent, true);
    CHECK(together.lane.packets == one_by_one.lane.packets);
    CHECK(together.lane.bytes == one_by_one.lane.bytes);
    for (std::size_t i = 0; i < kDirections; ++i) {
      CHECK(together.lane.totals[i].packets == one_by_one.lane.totals[i].packets);
      CHECK(together.lane.totals[i].bytes == one_by_one.lane.totals[i].bytes);
    }
    CHECK(together.host_words == one_by_one.host_words);
    CHECK(together.outside == one_by_one.outside);
    std::uint64_t outside = 0;
    for (const std::uint64_t records : together.outside) outside += records;
    CHECK((outside != 0) == (row.records != 0));
  }
}
