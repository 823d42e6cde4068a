/// flow/sflow, version 5: real datagrams with known totals, built ones, and the plain reference.
#include "../flow/sflow/sflow.hpp"

#include "../capture/capture_file.hpp"
#include "../flow/protocol.hpp"
#include "../flow/udp_in_frame.hpp"
#include "../fuzz/sflow_reference.hpp"
#include "expected_flows.hpp"
#include "sflow_packets.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

/// As tshark shows them.
constexpr std::uint32_t kCapturedSourceAs = 203'476;
constexpr std::uint32_t kCapturedDestinationAs = 203'361;

/// Payloads of sFlow in a file: itself, or those in a capture.
std::vector<std::vector<std::byte>> payloads_in(const std::filesystem::path& path) {
  if (path.extension() != ".pcap") return {file_bytes(path)};
  std::vector<std::vector<std::byte>> payloads;
  auto file = CaptureFile::open(path.string());
  REQUIRE(file.ok());
  FileFrame frame;
  while (file.value().next(frame)) {
    const auto udp = udp_in_frame(*link_type_of(frame.link), frame.frame.bytes);
    if (!udp || protocol_of(udp->payload) != FlowProtocol::sflow5) continue;
    payloads.emplace_back(udp->payload.begin(), udp->payload.end());
  }
  return payloads;
}

}  // namespace

TEST("every sFlow datagram of the captures gives the samples, rates and bytes that its folder states") {
  std::size_t entries = 0;
  for (const ExpectedFlows& expected : expected_flows("sflow5_datagrams")) {
    std::map<std::string, std::uint64_t> sums;
    RecordBatch batch;
    for (const auto& path : expected.files) {
      NOTE(path.string());
      for (const auto& payload : payloads_in(path)) {
        CHECK(sflow::decode(payload, {}, batch));
        CHECK(errors_of(batch) == "");
        CHECK(sflow::reference::difference(payload) == "");
        ++sums["datagrams"];
        sums["counters"] += batch.extras.counter_samples;
        sums["drops"] += batch.extras.discard_samples;
        for (std::size_t i = 0; i < batch.details().size(); ++i) {
          ++sums["samples"];
          sums["frame_bytes"] += batch.details()[i].frame_length;
          sums["packets"] += batch.sightings()[i].packets * batch.details()[i].sampling;
          sums["bytes"] += batch.sightings()[i].bytes * batch.details()[i].sampling;
        }
      }
    }
    CHECK(sums["datagrams"] == expected.count("sflow5_datagrams"));
    CHECK(sums["samples"] == expected.count("flow_samples") + expected.count("exp_flow_samples"));
    CHECK(sums["counters"] == expected.count("counter_samples") + expected.count("exp_counter_samples"));
    CHECK(sums["drops"] == expected.count("drop_samples"));
    CHECK(sums["frame_bytes"] == expected.count("sum.frame_bytes"));
    CHECK(sums["packets"] == expected.count("sum.est_packets"));
    CHECK(sums["bytes"] == expected.count("sum.est_bytes"));
    ++entries;
  }
  CHECK(entries == 10);
}

TEST("a sampled packet of a capture is read with its gateway record") {
  RecordBatch batch;
  const auto payloads = payloads_in(captures_folder() / "tcpdump/tests/sflow_expanded.pcap");
  REQUIRE(payloads.size() == 1);
  REQUIRE(sflow::decode(payloads[0], {}, batch));
  REQUIRE(batch.sightings().size() == 1);
  const PacketFacts& facts = batch.sightings()[0].facts;
  CHECK(format_address(facts.source) == "52.52.52.52");
  CHECK(format_address(facts.destination) == "53.53.53.53");
  CHECK(facts.protocol == 6);
  CHECK(facts.wire_length == 126);
  CHECK(batch.details()[0].sampling == 1000);
  CHECK(batch.details()[0].source_as == kCapturedSourceAs);
  CHECK(batch.details()[0].destination_as == kCapturedDestinationAs);
}

TEST("a sample is read from Ethernet, IPv4 and IPv6 headers and from sampled IP records, as exported") {
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  const auto six = ipv6_udp(kSix, kOtherSix, 300);
  const std::vector<std::byte> ppp_four = FileWriter{false}.u32(0xFF03'0021).bytes(four).done();
  SflowBuilder builder{{0, 0xC000'0201, Family::ipv4}, 12, 345};
  builder.flow_sample(100, 7).raw_header(1, 518, ethernet(0x0800, four));
  builder.flow_sample(200).raw_header(11, 500, four);
  builder.expanded_flow_sample(300).raw_header(12, 340, six);
  builder.flow_sample(0).raw_header(1, 358, ethernet(0x86DD, six));
  builder.flow_sample(400).sampled_ipv4(900, kFour, kOtherFour);
  builder.flow_sample(450).sampled_ethernet(918).sampled_ipv4(900, kFour, kOtherFour);
  builder.flow_sample(460).raw_header(14, 508, ppp_four);
  builder.expanded_flow_sample(500, 9).sampled_ipv6(1000, kSix, kOtherSix);
  const auto bytes = builder.done();
  RecordBatch batch;
  REQUIRE(sflow::decode(bytes, {}, batch));
  CHECK(errors_of(batch) == "");
  CHECK(batch.header.protocol == FlowProtocol::sflow5);
  CHECK(batch.header.agent == ipv4_address(0xC000'0201));
  CHECK(batch.header.domain == 12);
  CHECK(batch.header.sequence == 345);
  CHECK(batch.header.units == 1);
  CHECK(batch.header.sequenced);
  CHECK(batch.header.uptime_ms == 123'456);
  CHECK(batch.header.export_micros == 0);
  struct Row {
    std::uint32_t sampling, length;
    bool is_six;
    std::uint8_t protocol;
    std::size_t header;
  };
  const Row rows[] = {{100, 518, false, 17, 42}, {200, 500, false, 17, 28}, {300, 340, true, 17, 48}, {0, 358, true, 17, 62},
                      {400, 900, false, 6, 0},   {450, 918, false, 6, 0},   {460, 508, false, 17, 32}, {500, 1000, true, 17, 0}};
  REQUIRE(batch.sightings().size() == std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    NOTE("sample " + std::to_string(i));
    const Row& row = rows[i];
    const Sighting& sighting = batch.sightings()[i];
    const FlowDetail& detail = batch.details()[i];
    CHECK(sighting.packets == 1);
    CHECK(sighting.sampling == 1);
    CHECK(sighting.bytes == row.length);
    CHECK(sighting.facts.wire_length == row.length);
    CHECK(sighting.facts.source == (row.is_six ? kSix : Address{0, kFour, Family::ipv4}));
    CHECK(sighting.facts.destination == (row.is_six ? kOtherSix : Address{0, kOtherFour, Family::ipv4}));
    CHECK(sighting.facts.protocol == row.protocol);
    CHECK(detail.bytes.size() == row.header);
    CHECK(detail.frame_length == row.length);
    CHECK(detail.sampling == row.sampling);
    CHECK(detail.counts);
    CHECK(!detail.short_header);
  }
  CHECK(batch.sightings()[4].facts.source_port == 443);
  CHECK(batch.sightings()[4].facts.tcp_flags == 18);
  CHECK(batch.details()[6].link == LinkType::ppp);
  CHECK(batch.extras.device_drops == 9);
  CHECK(sflow::reference::difference(bytes) == "");
}

TEST("interfaces, side and what was dropped come from the sample's head") {
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  struct Row {
    std::string_view claim;
    std::uint32_t source, input, output;
    std::uint32_t input_index, output_index;
    FlowSide side;
    bool dropped;
  };
  constexpr std::uint32_t kInternal = 0x3FFF'FFFF;
  const Row rows[] = {
      {"seen where it came in", 5, 5, 6, 5, 6, FlowSide::ingress, false},
      {"seen where it went out", 6, 5, 6, 5, 6, FlowSide::egress, false},
      {"turned back on its interface", 5, 5, 5, 5, 5, FlowSide::ingress, false},
      {"seen elsewhere", 7, 5, 6, 5, 6, FlowSide::unknown, false},
      {"a VLAN as source", 1U << 24 | 5, 5, 6, 5, 6, FlowSide::unknown, false},
      {"dropped for reason 256", 5, 5, 1U << 30 | 256, 5, 0, FlowSide::ingress, true},
      {"out of three interfaces", 5, 5, 2U << 30 | 3, 5, 0, FlowSide::ingress, false},
      {"for the device itself", 5, 5, kInternal, 5, 0, FlowSide::ingress, false},
      {"from the device itself", 6, kInternal, 6, 0, 6, FlowSide::egress, false},
      {"interfaces unknown", 0, 0, 0, 0, 0, FlowSide::unknown, false},
  };
  RecordBatch batch;
  for (const Row& row : rows) {
    for (const bool expanded : {false, true}) {
      NOTE(std::string{row.claim} + (expanded ? ", expanded" : ""));
      SflowBuilder builder;
      if (expanded) {
        const auto value = [](std::uint32_t word) { return word & 0x3FFF'FFFF; };
        builder.expanded_head(row.source >> 24, row.source & 0xFF'FFFF, row.input >> 30, value(row.input), row.output >> 30,
                              value(row.output));
      } else {
        builder.head(row.source, row.input, row.output);
      }
      const auto bytes = builder.raw_header(11, 500, four).done();
      REQUIRE(sflow::decode(bytes, {}, batch));
      REQUIRE(batch.details().size() == 1);
      const FlowDetail& detail = batch.details()[0];
      CHECK(detail.input == row.input_index);
      CHECK(detail.output == row.output_index);
      CHECK(detail.side == row.side);
      CHECK(detail.dropped == row.dropped);
      CHECK(detail.point == row.source);
      CHECK(detail.counts);
      CHECK(sflow::reference::difference(bytes) == "");
    }
  }
}

TEST("a gateway record says from and to which AS, and other extended records are passed over") {
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  const auto gateway = [](std::uint32_t address_type, std::size_t address, std::uint32_t segments) {
    FileWriter body{false};
    body.u32(address_type).zeros(address).u32(64'496).u32(64'500).u32(64'497).u32(segments);
    return body;
  };
  const auto path = gateway(1, 4, 2).u32(2).u32(2).u32(64'498).u32(64'499).u32(1).u32(1).u32(4'200'000'000);
  const auto whole = FileWriter{path}.u32(2).u32(7).u32(8).u32(100);
  struct Row {
    std::string_view claim;
    FileWriter record;
    std::uint32_t source_as, destination_as;
    std::string_view errors;
  };
  const Row rows[] = {
      {"a sequence, then a set", whole, 64'500, 4'200'000'000, ""},
      {"no path: the destination is here", gateway(2, 16, 0).u32(0).u32(100), 64'500, 0, ""},
      {"the next hop unknown", gateway(0, 0, 1).u32(2).u32(1).u32(65'000).u32(0).u32(100), 64'500, 65'000, ""},
      {"no local preference", path, 0, 0, "sflow_bad_gateway"},
      {"an address of no known type", gateway(3, 4, 0).u32(0).u32(100), 0, 0, "sflow_bad_gateway"},
      {"too many segments", gateway(1, 4, 65).zeros(65 * 8 + 8), 0, 0, "sflow_bad_gateway"},
      {"a path longer than the record", gateway(1, 4, 1).u32(2).u32(0x4000'0000).u32(1).u32(0).u32(0), 0, 0, "sflow_bad_gateway"},
  };
  RecordBatch batch;
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    SflowBuilder builder;
    builder.flow_sample(1).record(1001, FileWriter{false}.zeros(16)).record(1003, row.record);
    const auto bytes = builder.raw_header(11, 500, four).record(1006, FileWriter{false}.zeros(5)).done();
    REQUIRE(sflow::decode(bytes, {}, batch));
    CHECK(errors_of(batch) == row.errors);
    REQUIRE(batch.details().size() == 1);
    CHECK(batch.details()[0].counts);
    CHECK(batch.details()[0].source_as == row.source_as);
    CHECK(batch.details()[0].destination_as == row.destination_as);
    CHECK(sflow::reference::difference(bytes) == "");
  }
}

TEST("a header that ends before its transport header is called short, and a whole one is not") {
  const auto tcp = [](std::uint16_t flags) {
    FileWriter out{false};
    out.u16(0x4500).u16(1000).u32(0).u16(0x4006).u16(0).u32(kFour).u32(kOtherFour);
    return out.u16(443).u16(50'000).u32(1).u32(2).u16(0x5000 | flags).u16(0).u32(0).done();
  };
  const auto icmp = FileWriter{false}.u16(0x4500).u16(84).u32(0).u16(0x4001).u16(0).u32(kFour).u32(kOtherFour).done();
  const auto later = FileWriter{false}.u16(0x4500).u16(84).u16(1).u16(100).u16(0x4011).u16(0).u32(kFour).u32(kOtherFour).done();
  const auto no_ports = FileWriter{false}.u16(0x4500).u16(1000).u32(0).u16(0x4011).u16(0).u32(kFour).u32(kOtherFour).zeros(8).done();
  const auto first = [](std::vector<std::byte> bytes, std::size_t size) { return bytes.resize(size), bytes; };
  const auto options = FileWriter{false}.u32(0x6000'0000).u16(500).u16(0x0040).zeros(32).u16(0x1100).zeros(6).done();
  struct Row {
    std::string_view claim;
    std::uint32_t protocol, frame_length;
    std::vector<std::byte> header;
    bool is_short, counts;
  };
  const Row rows[] = {
      {"all of TCP", 11, 1000, tcp(2), false, true},
      {"TCP without flags set", 11, 1000, tcp(0), false, true},
      {"TCP up to its flags", 11, 1000, first(tcp(2), 33), true, true},
      {"TCP without ports", 11, 1000, first(tcp(2), 20), true, true},
      {"UDP from and to port 0", 11, 1000, no_ports, false, true},
      {"UDP without ports", 11, 1000, first(no_ports, 22), true, true},
      {"ICMP", 11, 84, icmp, false, true},
      {"a later fragment", 11, 84, later, false, true},
      {"hop-by-hop options, then nothing", 12, 540, options, true, true},
      {"in the middle of IPv6 options", 12, 540, first(options, 41), true, true},
      {"half an IPv4 header", 11, 1000, first(tcp(2), 12), true, false},
      {"a whole packet that ends there", 11, 22, first(FileWriter{false}.u16(0x4500).u16(22).u32(0).u16(0x4011).zeros(12).done(), 22), false, true},
  };
  RecordBatch batch;
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    const auto bytes = SflowBuilder{}.flow_sample(1).raw_header(row.protocol, row.frame_length, row.header).done();
    REQUIRE(sflow::decode(bytes, {}, batch));
    REQUIRE(batch.details().size() == 1);
    CHECK(batch.details()[0].short_header == row.is_short);
    CHECK(batch.details()[0].counts == row.counts);
    CHECK(sflow::reference::difference(bytes) == "");
  }
}

TEST("with lengths from the IP header a sample's bytes are those") {
  RecordBatch batch;
  const auto bytes = SflowBuilder{}.flow_sample(10).raw_header(1, 518, ethernet(0x0800, ipv4_udp(kFour, kOtherFour, 500))).done();
  REQUIRE(sflow::decode(bytes, {.length_from_ip = true}, batch));
  REQUIRE(batch.sightings().size() == 1);
  CHECK(batch.sightings()[0].bytes == 500);
  CHECK(batch.details()[0].frame_length == 518);
}

TEST("a raw header is preferred, and where it cannot be read the sampled IP record stands in") {
  RecordBatch batch;
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  auto both = SflowBuilder{}.flow_sample(1).sampled_ipv4(900, 1, 2).raw_header(11, 500, four).done();
  REQUIRE(sflow::decode(both, {}, batch));
  REQUIRE(counted(batch) == 1);
  CHECK(batch.sightings()[0].facts.source.low == kFour);
  auto only = SflowBuilder{}.flow_sample(1).raw_header(2, 500, four).sampled_ipv4(900, 1, 2).done();
  REQUIRE(sflow::decode(only, {}, batch));
  REQUIRE(counted(batch) == 1);
  CHECK(batch.sightings()[0].facts.source.low == 1);
  CHECK(sflow::reference::difference(both) == "");
  CHECK(sflow::reference::difference(only) == "");
}
