/// flow/collector: whose datagrams are read, what of them counts, and what is booked to their exporters.
#include "../flow/collector.hpp"

#include "../base/address.hpp"
#include "check.hpp"
#include "netflow_builder.hpp"
#include "sflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'250'000;
const Address kSender = ipv4_address(0x0A00'0001);

std::vector<std::byte> netflow9_data(std::uint32_t sequence, std::uint32_t bytes) {
  FileWriter out{false};
  out.u16(9).u16(1).u32(100'000).u32(1'700'000'000).u32(sequence).u32(5);
  out.u16(300).u16(4 + 16).u32(0xC633'6401).u32(0xCB00'7105).u32(bytes).u32(3);
  return out.done();
}

std::vector<std::byte> netflow9_template(std::uint32_t sequence) {
  FileWriter out{false};
  out.u16(9).u16(1).u32(100'000).u32(1'700'000'000).u32(sequence).u32(5);
  out.u16(0).u16(4 + 4 + 4 * 4).u16(300).u16(4);
  for (const unsigned field : {8U, 12U, 1U, 2U}) out.u16(field).u16(4);  // source, destination, bytes, packets
  return out.done();
}

std::vector<ExporterStats> exporters_of(const Collector& collector) {
  std::vector<ExporterStats> all;
  collector.snapshot(all);
  return all;
}

CollectorOptions unspread() { return {}; }

}  // namespace

TEST("sFlow samples are counted with their sampling undone, and booked as exported") {
  Collector collector{unspread()};
  const Address agent = ipv4_address(0xC000'0201);
  const auto take = [&](std::uint32_t sub_agent, std::uint32_t sequence, std::uint32_t rate, std::int64_t at) {
    const auto bytes = SflowBuilder{agent, sub_agent, sequence}.flow_sample(rate, 5).sampled_ipv4(100, 1, 2).done();
    const Collected collected = collector.take(bytes, kSender, at);
    REQUIRE(collected.sightings.size() == 1);
    CHECK(collected.sightings[0].packets == rate);
    CHECK(collected.sightings[0].bytes == std::uint64_t{100} * rate);
    CHECK(collected.packets == 1U);
  };
  take(0, 10, 100, 1000);
  take(0, 13, 200, 2000);
  take(1, 1, 300, 3000);
  const auto all = exporters_of(collector);
  REQUIRE(all.size() == 2);
  CHECK(all[0].key == ExporterKey{FlowProtocol::sflow5, kSender, agent, 0});
  CHECK(all[0].counts.datagrams == 2U);
  CHECK(all[0].counts.records == 2U);
  CHECK(all[0].counts.packets == 2U);
  CHECK(all[0].counts.bytes == 200U);
  CHECK(all[0].sequence_lost == 2U);
  CHECK(all[0].sampling.rate == 200U);
  CHECK(all[0].counts.device_drops == 5U);
  CHECK(all[0].last_seen_micros == 2000);
  CHECK(collector.totals().samples == 3U);
}

TEST("a v5 header's sampling is undone, unless the operator says otherwise") {
  const std::vector<SamplingOverride> overrides{{*parse_prefix("10.0.0.2"), std::nullopt, 7}};
  CollectorOptions options;
  options.sampling = SamplingPolicy{overrides, std::nullopt};
  Collector collector{std::move(options)};
  NetflowHeader header;
  header.sampling = 1 << 14 | 100;
  const auto datagram = netflow_of(header, {NetflowRecord{}});
  CHECK(collector.take(datagram, kSender, kNow).sightings[0].packets == 1000U);
  CHECK(collector.take(datagram, ipv4_address(0x0A00'0002), kNow).sightings[0].packets == 70U);
}

TEST("what a listener does not take is a stray, counted by protocol with its last sender") {
  CollectorOptions options;
  options.accepts = {};
  options.accepts.add(FlowFamily::sflow);
  Collector collector{std::move(options)};
  const auto v5 = netflow_of({}, {NetflowRecord{}});
  CHECK(collector.take(v5, kSender, kNow).sightings.empty());
  CHECK(collector.take(v5, ipv4_address(9), kNow).sightings.empty());
  CHECK(collector.take(std::vector<std::byte>(8), kSender, kNow).errors.empty());
  const Strays& strays = collector.totals().strays;
  CHECK(strays[static_cast<std::size_t>(FlowProtocol::netflow5)].datagrams == 2U);
  CHECK(strays[static_cast<std::size_t>(FlowProtocol::netflow5)].last_from == ipv4_address(9));
  CHECK(strays[kFlowProtocols].datagrams == 1U);
  CHECK(collector.totals().datagrams == 0U);
  CHECK(collector.exporters() == 0U);
}

TEST("who is not in the access list is counted, and read only where that is wanted") {
  const std::array allowed{*parse_prefix("192.0.2.0/24"), *parse_prefix("2001:db8::/32"), *parse_prefix("192.0.2.128/25")};
  for (const bool refuse : {false, true}) {
    CollectorOptions options;
    options.allow = AccessList{allowed};
    options.refuse_unknown = refuse;
    Collector collector{std::move(options)};
    const auto v5 = netflow_of({}, {NetflowRecord{}});
    for (const auto* const inside : {"192.0.2.0", "192.0.2.200", "192.0.2.255", "2001:db8:ffff::1"}) {
      CHECK(collector.take(v5, *parse_address(inside), kNow).sightings.size() == 1U);
    }
    for (const auto* const outside : {"192.0.1.255", "192.0.3.0", "2001:db9::", "::c000:200"}) {
      CHECK(collector.take(v5, *parse_address(outside), kNow).sightings.size() == (refuse ? 0U : 1U));
      CHECK(collector.totals().last_refused == *parse_address(outside));
    }
    CHECK(collector.totals().refused == 4U);
  }
}

TEST("records that a filter drops count for nobody, the others move up") {
  CollectorOptions options;
  FilterRule rule;
  rule.conditions.push_back({FilterField::source_port, false, {{53, 53}}, {}});
  options.filter = *FlowFilter::compile(std::span{&rule, 1});
  Collector collector{std::move(options)};
  NetflowRecord kept;
  kept.source_port = 80;
  const Collected collected = collector.take(netflow_of({}, {NetflowRecord{}, kept, NetflowRecord{}, kept}), kSender, kNow);
  REQUIRE(collected.sightings.size() == 2);
  for (const Sighting& sighting : collected.sightings) CHECK(sighting.facts.source_port == 80);
  CHECK(collected.packets == 40U);  // as exported, all of them
  CHECK(exporters_of(collector)[0].counts.records_filtered == 2U);
  CHECK(exporters_of(collector)[0].counts.records == 4U);
}

TEST("data that came before its template counts when that comes, whatever port or lost packet lies between") {
  Collector collector{unspread()};
  CHECK(collector.take(netflow9_data(1, 400), kSender, kNow).sightings.empty());
  const Collected recovered = collector.take(netflow9_template(2), kSender, kNow + 1'000'000);
  REQUIRE(recovered.sightings.size() == 1);
  CHECK(recovered.sightings[0].bytes == 400U);
  CHECK(collector.take(netflow9_data(4, 500), kSender, kNow + 2'000'000).sightings.size() == 1U);
  const auto all = exporters_of(collector);
  REQUIRE(all.size() == 1);
  CHECK(all[0].counts.sets_without_template == 1U);
  CHECK(all[0].counts.records_recovered == 1U);
  CHECK(all[0].counts.templates == 1U);
  CHECK(all[0].sequence_lost == 1U);
  CHECK(collector.totals().records == 2U);
}

TEST("templates that were kept are known again after a restart") {
  Collector first{unspread()};
  (void)first.take(netflow9_template(1), kSender, kNow);
  const auto kept = first.take_templates(16);
  REQUIRE(kept.size() == 1);
  Collector second{unspread()};
  CHECK(second.restore(kept[0], kNow + 5'000'000));
  CHECK(second.take(netflow9_data(2, 700), kSender, kNow + 6'000'000).sightings.size() == 1U);
}

TEST("a session's templates are its own") {
  Collector collector{unspread()};
  templated::Decoder one{Collector::session_limits({}), 1, {}};
  templated::Decoder other{Collector::session_limits({}), 2, {}};
  (void)collector.take(netflow9_template(1), kSender, kNow, one);
  CHECK(collector.take(netflow9_data(2, 1), kSender, kNow, one).sightings.size() == 1U);
  CHECK(collector.take(netflow9_data(3, 1), kSender, kNow, other).sightings.empty());
}

TEST("a long record counts a window's worth at once and the rest as time goes on, to the last packet") {
  CollectorOptions options;
  options.hold = HoldOptions{};
  Collector collector{std::move(options)};
  NetflowRecord record;  // 9 seconds long
  record.packets = 9'000;
  record.bytes = 900'000;
  record.protocol = 6;
  record.tcp_flags = 1;  // over
  const Collected now = collector.take(netflow_of({}, {record}), kSender, kNow);
  REQUIRE(now.sightings.size() == 1);
  CHECK(now.sightings[0].packets >= 990U);
  CHECK(now.sightings[0].packets <= 1'010U);
  CHECK(collector.held() == 1U);
  std::uint64_t packets = now.sightings[0].packets;
  for (int tick = 1; tick <= 150; ++tick) {
    collector.play(kNow + tick * 100'000, [&](const Sighting& due) { packets += due.packets; });
  }
  CHECK(packets == 9'000U);
  CHECK(collector.held() == 0U);
}

TEST("the template interval is that of the last refreshes: a device that is mended is soon told as such") {
  Collector collector{unspread()};
  std::int64_t at = kNow;
  std::uint32_t sequence = 0;
  const auto refresh = [&](std::int64_t after_seconds) {
    at += after_seconds * 1'000'000;
    (void)collector.take(netflow9_template(sequence++), kSender, at);
    return exporters_of(collector).at(0).counts.template_interval_seconds;
  };
  CHECK(refresh(0) == 0U);
  for (int i = 0; i < 3; ++i) CHECK(refresh(1'800) == 1'800U);
  CHECK(refresh(60) == 1'800U);
  CHECK(refresh(70) == 1'800U);
  CHECK(refresh(60) == 1'800U);
  CHECK(refresh(60) == 70U);
  for (int i = 0; i < 8; ++i) (void)refresh(60);
  CHECK(refresh(60) == 60U);
  CHECK(refresh(900) == 900U);
}

TEST("a sample that is cut within its IP header has a short header, though it cannot count") {
  Collector collector{unspread()};
  const auto header = FileWriter{false}.zeros(12).u16(0x0800).u16(0x4500).u16(1'000).zeros(6).done();
  (void)collector.take(SflowBuilder{}.flow_sample(100).raw_header(1, 1'014, header).done(), kSender, kNow);
  const ExporterCounts counts = exporters_of(collector).at(0).counts;
  CHECK(counts.short_headers == 1U);
  CHECK(counts.decode_errors == 1U);
  CHECK(counts.records == 1U);
}

TEST("of records that are played later some stand for all, whatever the order they come in") {
  CollectorOptions options;
  options.hold = HoldOptions{};
  Collector collector{std::move(options)};
  constexpr std::uint32_t kFlows = 4'000;
  std::uint64_t held = 0;
  std::uint64_t told = 0;
  std::uint64_t odd = 0;
  for (std::uint32_t i = 0; i < kFlows; ++i) {  // one packet in three seconds: nothing of it counts at once
    NetflowRecord record;
    record.source = 0x0B00'0000 + i;
    record.packets = 1;
    record.bytes = 100;
    const Collected now = collector.take(netflow_of({}, {record}), kSender, kNow);
    held += now.sightings.empty() ? 1 : 0;
    for (const HeldRecord& one : now.held) {
      told += one.records;
      odd += one.source.low % 2 == 1 ? one.records : 0;
      CHECK(one.source == ipv4_address(record.source));
    }
  }
  CHECK(held > kFlows / 2);
  CHECK(told <= held);
  CHECK(told + 2 * kHeldPerLook > held);
  CHECK(odd > told * 2 / 5);
  CHECK(odd < told * 3 / 5);
}
