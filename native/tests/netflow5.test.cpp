/// flow/netflow5: real datagrams with known records, built ones of each version, damage, and the plain reference.
#include "../flow/netflow5/netflow5.hpp"

#include "../base/address.hpp"
#include "../capture/capture_file.hpp"
#include "../flow/protocol.hpp"
#include "../flow/udp_in_frame.hpp"
#include "../fuzz/netflow5_reference.hpp"
#include "expected_flows.hpp"
#include "netflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

const Address kSender = ipv4_address(0xC000'0209);
constexpr std::int64_t kExported = 1'700'000'000'250'000;

std::string errors_of(const RecordBatch& batch) {
  std::string text;
  for (const auto error : batch.errors()) text += (text.empty() ? "" : " ") + std::string{error_name(error)};
  return text;
}

/// As the folders write a record.
std::map<std::string, std::string> shown(const Sighting& sighting, const FlowDetail& detail) {
  const auto text = [](std::uint64_t value) { return std::to_string(value); };
  return {{"bytes", text(sighting.bytes)},
          {"packets", text(sighting.packets)},
          {"proto", text(sighting.facts.protocol)},
          {"src", format_address(sighting.facts.source)},
          {"dst", format_address(sighting.facts.destination)},
          {"sport", text(sighting.facts.source_port)},
          {"dport", text(sighting.facts.destination_port)},
          {"tcp_flags", text(sighting.facts.tcp_flags)},
          {"in_if", text(detail.input)},
          {"out_if", text(detail.output)},
          {"src_as", text(detail.source_as)},
          {"dst_as", text(detail.destination_as)}};
}

/// Payloads of version 5 in a file: itself, or those in a capture.
std::vector<std::vector<std::byte>> payloads_in(const std::filesystem::path& path) {
  std::vector<std::vector<std::byte>> payloads;
  if (path.extension() != ".pcap") {
    std::ifstream in{path, std::ios::binary};
    REQUIRE(in.good());
    auto& whole = payloads.emplace_back();
    for (char c; in.get(c);) whole.push_back(static_cast<std::byte>(c));
    return payloads;
  }
  auto file = CaptureFile::open(path.string());
  REQUIRE(file.ok());
  FileFrame frame;
  while (file.value().next(frame)) {
    const auto udp = udp_in_frame(*link_type_of(frame.link), frame.frame.bytes);
    if (!udp || protocol_of(udp->payload) != FlowProtocol::netflow5) continue;
    payloads.emplace_back(udp->payload.begin(), udp->payload.end());
  }
  return payloads;
}

}  // namespace

TEST("every version 5 datagram of the captures gives exactly the records that its folder states") {
  std::size_t entries = 0;
  for (const ExpectedFlows& expected : expected_flows("v5_datagrams")) {
    RecordBatch batch;
    std::uint64_t datagrams = 0;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::vector<std::map<std::string, std::string>> records;
    for (const auto& path : expected.files) {
      NOTE(path.string());
      for (const auto& payload : payloads_in(path)) {
        CHECK(netflow5::decode(payload, kSender, batch));
        CHECK(errors_of(batch) == "");
        CHECK(netflow5::reference::difference(payload) == "");
        ++datagrams;
        for (std::size_t i = 0; i < batch.sightings().size(); ++i) {
          packets += batch.sightings()[i].packets;
          bytes += batch.sightings()[i].bytes;
          records.push_back(shown(batch.sightings()[i], batch.details()[i]));
        }
      }
    }
    CHECK(datagrams == expected.count("v5_datagrams"));
    CHECK(records.size() == expected.count("v5_records"));
    CHECK(packets == expected.count("sum.packets"));
    CHECK(bytes == expected.count("sum.bytes"));
    REQUIRE(records.size() == expected.records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      for (const auto& [name, value] : expected.records[i]) {
        if (name == "tos") continue;
        NOTE("record " + std::to_string(i) + " " + name);
        CHECK(records[i][name] == value);
      }
    }
    ++entries;
  }
  CHECK(entries == 5);
}

TEST("each version's fields are read from where its format has them") {
  struct Row {
    std::uint16_t version;
    FlowProtocol protocol;
    std::uint32_t domain, sequence, units, sampling, source_as;
  };
  const Row rows[] = {{1, FlowProtocol::netflow1, 0, 0, 0, 0, 0},
                      {5, FlowProtocol::netflow5, 0x0102, 77, 2, 1000, 64'500},
                      {7, FlowProtocol::netflow7, 0, 77, 2, 0, 64'500}};
  RecordBatch batch;
  for (const Row& row : rows) {
    NOTE("version " + std::to_string(row.version));
    const NetflowRecord tcp{.packets = 4, .bytes = 161, .tcp_flags = 18, .protocol = 6};
    const auto bytes = netflow_of({.version = row.version, .sampling = 0x4000 | 1000}, {{}, tcp});
    REQUIRE(netflow5::decode(bytes, kSender, batch));
    CHECK(errors_of(batch) == "");
    CHECK(netflow5::reference::difference(bytes) == "");
    CHECK(batch.header.protocol == row.protocol);
    CHECK(batch.header.agent == kSender);
    CHECK(batch.header.domain == row.domain);
    CHECK(batch.header.sequence == row.sequence);
    CHECK(batch.header.units == row.units);
    CHECK(batch.header.sequenced == (row.version != 1));
    CHECK(batch.header.sampling == row.sampling);
    CHECK(batch.header.uptime_ms == 100'000);
    CHECK(batch.header.export_micros == kExported);
    REQUIRE(batch.sightings().size() == 2);
    const Sighting& first = batch.sightings()[0];
    CHECK(first.facts.source == ipv4_address(0xC633'6401));
    CHECK(first.facts.destination == ipv4_address(0xCB00'7105));
    CHECK(first.facts.source_port == 53);
    CHECK(first.facts.destination_port == 4444);
    CHECK(first.facts.protocol == 17);
    CHECK(first.packets == 10);
    CHECK(first.bytes == 6'000);
    CHECK(first.sampling == 1);
    CHECK(first.facts.wire_length == 600);
    CHECK(first.facts.ip_length == 600);
    const FlowDetail& detail = batch.details()[0];
    CHECK(detail.first_micros == kExported - 10'000'000);
    CHECK(detail.last_micros == kExported - 1'000'000);
    CHECK(detail.input == 3);
    CHECK(detail.output == 4);
    CHECK(detail.source_as == row.source_as);
    CHECK(detail.destination_as == (row.version == 1 ? 0 : 64'501));
    CHECK(detail.counts);
    CHECK(batch.sightings()[1].facts.tcp_flags == 18);
    CHECK(batch.sightings()[1].facts.ip_length == 40);
  }
}

TEST("records of version 1 have 48 or 52 bytes: the length tells") {
  RecordBatch batch;
  for (const bool is_long : {false, true}) {
    NOTE(is_long ? "52" : "48");
    const auto bytes = netflow_of({.version = 1, .is_long = is_long}, {{}, {.source = 7, .packets = 3}, {.bytes = 99}});
    CHECK(bytes.size() == 16 + 3 * (is_long ? 52U : 48U));
    REQUIRE(netflow5::decode(bytes, kSender, batch));
    CHECK(errors_of(batch) == "");
    REQUIRE(batch.sightings().size() == 3);
    CHECK(batch.sightings()[1].facts.source == ipv4_address(7));
    CHECK(batch.sightings()[1].packets == 3);
    CHECK(batch.sightings()[2].bytes == 99);
    CHECK(netflow5::reference::difference(bytes) == "");
  }
}

TEST("a span is said in Unix time, across a wrap of the uptime too, and not where it cannot be") {
  struct Row {
    std::string_view claim;
    std::uint32_t uptime, first, last, seconds;
    std::int64_t first_ago_ms, last_ago_ms;  ///< -1: not said
  };
  const Row rows[] = {
      {"in the past", 100'000, 40'000, 99'000, 5, 60'000, 1'000},
      {"one packet now", 100'000, 100'000, 100'000, 5, 0, 0},
      {"begun before the uptime wrapped", 5'000, 0xFFFF'FFFF - 999, 4'000, 5, 6'000, 1'000},
      {"all before the wrap", 5'000, 0xFFFF'FFFF - 1'999, 0xFFFF'FFFF - 999, 5, 7'000, 6'000},
      {"ends a moment later than the header says", 100'000, 90'000, 100'500, 5, 10'000, -500},
      {"ends long after its export", 100'000, 90'000, 160'001, 5, -1, -1},
      {"first after last", 100'000, 99'000, 98'000, 5, -1, -1},
      {"older than any flow", 700'000'000, 1, 699'000'000, 5, -1, -1},
      {"no uptimes", 100'000, 0, 0, 5, -1, -1},
      {"no clock", 100'000, 40'000, 99'000, 0, -1, -1},
  };
  RecordBatch batch;
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    const auto bytes = netflow_of({.uptime_ms = row.uptime, .seconds = row.seconds == 0 ? 0U : 1'700'000'000U},
                                  {{.first_ms = row.first, .last_ms = row.last}});
    REQUIRE(netflow5::decode(bytes, kSender, batch));
    CHECK(netflow5::reference::difference(bytes) == "");
    const bool said = row.first_ago_ms != -1;
    CHECK(batch.details()[0].first_micros == (said ? kExported - row.first_ago_ms * 1000 : 0));
    CHECK(batch.details()[0].last_micros == (said ? kExported - row.last_ago_ms * 1000 : 0));
  }
}

TEST("a header that promises more than there is costs the records that are not whole, and is one error") {
  const auto whole = netflow_of({}, {{}, {}, {}});
  RecordBatch batch;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    NOTE("cut to " + std::to_string(size));
    const auto cut = std::span{whole}.first(size);
    CHECK(netflow5::decode(cut, kSender, batch) == (size >= 24));
    CHECK(errors_of(batch) == "netflow_truncated");
    CHECK(batch.sightings().size() == (size < 24 ? 0 : (size - 24) / 48));
    CHECK(netflow5::reference::difference(cut) == "");
  }
}

TEST("odd datagrams: what they give, and the error that names them") {
  const auto longer = [](std::vector<std::byte> bytes, std::size_t by) {
    bytes.resize(bytes.size() + by);
    return bytes;
  };
  struct Row {
    std::string_view claim;
    std::string_view errors;
    std::size_t records;
    std::vector<std::byte> bytes;
  };
  const Row rows[] = {
      {"bytes behind the last record", "", 2, longer(netflow_of({}, {{}, {}}), 100)},
      {"a header without records", "", 0, netflow_of({}, {})},
      {"version 6", "netflow_bad_version", 0, netflow_of({.version = 6}, {{}})},
      {"version 9", "netflow_bad_version", 0, netflow_of({.version = 9}, {{}})},
      {"one byte", "netflow_truncated", 0, std::vector<std::byte>(1)},
      {"version 1 without its nanoseconds", "netflow_truncated", 0, FileWriter{false}.u16(1).u16(1).zeros(11).done()},
      {"as many records as 16 bits can promise", "netflow_truncated", 1, netflow_of({.stated = 65'535}, {{}})},
      {"more than any datagram holds", "", 1364, netflow_of({}, std::vector<NetflowRecord>(1364))},
  };
  RecordBatch batch;
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    netflow5::decode(row.bytes, kSender, batch);
    CHECK(errors_of(batch) == row.errors);
    CHECK(batch.sightings().size() == row.records);
    CHECK(netflow5::reference::difference(row.bytes) == "");
  }
}

TEST("a record without packets has no mean length to divide by, and ICMP has no ports") {
  RecordBatch batch;
  const auto bytes = netflow_of({.nanos = 4'000'000'000}, {{.packets = 0, .bytes = 0},
                                                           {.destination_port = 2048, .tcp_flags = 16, .protocol = 1}});
  REQUIRE(netflow5::decode(bytes, kSender, batch));
  CHECK(batch.header.export_micros == 1'700'000'000'000'000);
  CHECK(batch.sightings()[0].facts.wire_length == 0);
  CHECK(batch.sightings()[1].facts.source_port == 0);
  CHECK(batch.sightings()[1].facts.destination_port == 0);
  CHECK(batch.sightings()[1].facts.tcp_flags == 0);
  CHECK(netflow5::reference::difference(bytes) == "");
}
