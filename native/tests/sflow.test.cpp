/// flow/sflow: real datagrams with known totals, built ones with each kind of damage, and the plain reference.
#include "../flow/sflow/sflow.hpp"

#include <filesystem>
#include <fstream>

#include "../base/address.hpp"
#include "../capture/capture_file.hpp"
#include "../flow/sflow/collector.hpp"
#include "../flow/udp_in_frame.hpp"
#include "../fuzz/sflow_reference.hpp"
#include "captures.hpp"
#include "check.hpp"
#include "sflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

std::vector<std::byte> file_bytes(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in.good());
  std::vector<std::byte> bytes;
  for (char c; in.get(c);) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

/// IPv4 (RFC 791) with a UDP header behind it; `total` is what the IP header says.
std::vector<std::byte> ipv4_udp(std::uint32_t source, std::uint32_t destination, std::uint16_t total) {
  FileWriter out{false};
  out.u16(0x4500).u16(total).u32(0).u16(0x4011).u16(0).u32(source).u32(destination);
  return out.u16(53).u16(4444).u16(total - 20).u16(0).done();
}
std::vector<std::byte> ethernet(std::uint16_t type, std::span<const std::byte> payload) {
  return FileWriter{false}.zeros(12).u16(type).bytes(payload).done();
}
std::vector<std::byte> ipv6_udp(const Address& source, const Address& destination, std::uint16_t payload) {
  FileWriter out{false};
  out.u32(0x6000'0000).u16(payload).u16(0x1140);
  out.u64(source.high).u64(source.low).u64(destination.high).u64(destination.low);
  return out.u16(53).u16(4444).u16(payload).u16(0).done();
}

const Address kSix{0x2001'0db8'0000'0000, 1, Family::ipv6};
const Address kOtherSix{0x2001'0db8'0000'0000, 2, Family::ipv6};
constexpr std::uint32_t kFour = 0xC633'6401;
constexpr std::uint32_t kOtherFour = 0xCB00'7105;

std::string errors_of(const sflow::Datagram& datagram) {
  std::string text;
  for (const auto error : datagram.errors) text += (text.empty() ? "" : " ") + std::string{error_name(error)};
  return text;
}

}  // namespace

TEST("real sFlow datagrams give the samples, rates and bytes that their folders state") {
  struct Row {
    std::string_view file;
    sflow::Totals totals;
    std::uint64_t estimated_packets;
    std::uint64_t estimated_bytes;
  };
  const Row rows[] = {
      {"goflow2/sflow-flow-sample.bin", {1, 1, 0, 0, 0, 1, 82}, 2048, 167'936},
      {"goflow2/sflow-expanded-flow-samples.bin", {1, 5, 0, 0, 0, 5, 7562}, 81'915, 123'888'246},
      {"goflow2/sflow-drop-2.bin", {1, 0, 0, 1, 0, 0, 0}, 0, 0},
      {"goflow2/sflow-drop-3.bin", {1, 0, 0, 1, 0, 0, 0}, 0, 0},
      {"logstash-codec-sflow/spec/codecs/sflow_flow_sample.dat", {1, 1, 0, 0, 0, 1, 490}, 2048, 1'003'520},
      {"logstash-codec-sflow/spec/codecs/sflow_counters_sample.dat", {1, 0, 12, 0, 0, 0, 0}, 0, 0},
      {"telegraf/plugins/inputs/netflow/testcases/sflow_v5_example/sflow_v5.bin", {1, 0, 1, 0, 0, 0, 0}, 0, 0},
      {"telegraf/plugins/inputs/netflow/testcases/sflow_issue_15375/sflow_drop_1036.bin", {1, 0, 0, 1, 0, 0, 0}, 0, 0},
  };
  const auto folder = captures_folder();
  for (const auto& row : rows) {
    NOTE(std::string{row.file});
    sflow::Decoder decoder{{}};
    const auto bytes = file_bytes(folder / row.file);
    const auto& datagram = decoder.decode(bytes);
    CHECK(errors_of(datagram) == "");
    CHECK(decoder.totals() == row.totals);
    std::uint64_t packets = 0;
    std::uint64_t estimated = 0;
    for (const auto& sighting : datagram.sightings) {
      packets += sighting.packets;
      estimated += sighting.bytes;
    }
    CHECK(packets == row.estimated_packets);
    CHECK(estimated == row.estimated_bytes);
    CHECK(sflow::reference::difference(bytes) == "");
  }
}

TEST("sFlow datagrams are found in captures, and what they sampled is read") {
  const auto folder = captures_folder();
  const auto collect = [&](std::string_view name, std::vector<std::string>& seen) {
    auto file = CaptureFile::open(folder / name);
    REQUIRE(file.ok());
    sflow::Collector collector{{}, 16, 1};
    FileFrame frame;
    while (file.value().next(frame)) {
      const auto udp = udp_in_frame(*link_type_of(frame.link), frame.frame.bytes);
      if (!udp || udp->destination_port != 6343) continue;
      CHECK(sflow::reference::difference(udp->payload) == "");
      for (const auto& sighting : collector.take(udp->payload, udp->source, frame.frame.at_micros).sightings) {
        seen.push_back(format_address(sighting.facts.source) + " " + format_address(sighting.facts.destination) + " " +
                       std::to_string(sighting.facts.protocol) + " " + std::to_string(sighting.packets) + " " +
                       std::to_string(sighting.bytes));
      }
    }
    return std::pair{collector.totals(), collector.exporters().all().size()};
  };
  std::vector<std::string> seen;
  const auto [expanded, exporters] = collect("tcpdump/tests/sflow_expanded.pcap", seen);
  CHECK(expanded == sflow::Totals{1, 1, 0, 0, 0, 1, 126});
  CHECK(exporters == 1);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0] == "52.52.52.52 53.53.53.53 6 1000 126000");
  const auto [counters, more] = collect("tcpdump/tests/sflow_multiple_counter_30_pdus.pcap", seen);
  CHECK(counters == sflow::Totals{25, 0, 144, 0, 0, 0, 0});
  CHECK(more >= 1);
}

TEST("a sample is read from Ethernet, IPv4 and IPv6 headers and from sampled IP records, sampling undone") {
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  const auto six = ipv6_udp(kSix, kOtherSix, 300);
  SflowBuilder builder;
  builder.flow_sample(100, 7).raw_header(1, 518, ethernet(0x0800, four));
  builder.flow_sample(200).raw_header(11, 500, four);
  builder.expanded_flow_sample(300).raw_header(12, 340, six);
  builder.flow_sample(0).raw_header(1, 358, ethernet(0x86DD, six));
  builder.flow_sample(400).sampled_ipv4(900, kFour, kOtherFour);
  builder.expanded_flow_sample(500, 9).sampled_ipv6(1000, kSix, kOtherSix);
  const auto bytes = builder.done();
  sflow::Decoder decoder{{}};
  const auto& datagram = decoder.decode(bytes);
  CHECK(errors_of(datagram) == "");
  struct Row {
    std::uint64_t packets, length;
    bool is_six;
    std::uint8_t protocol;
    std::size_t header;
  };
  const Row rows[] = {{100, 518, false, 17, 42}, {200, 500, false, 17, 28},  {300, 340, true, 17, 48},
                      {1, 358, true, 17, 62},    {400, 900, false, 6, 0}, {500, 1000, true, 17, 0}};
  REQUIRE(datagram.sightings.size() == std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    NOTE("sample " + std::to_string(i));
    const Row& row = rows[i];
    const Sighting& sighting = datagram.sightings[i];
    CHECK(sighting.packets == row.packets);
    CHECK(sighting.sampling == row.packets);
    CHECK(sighting.bytes == row.packets * row.length);
    CHECK(sighting.facts.wire_length == row.length);
    CHECK(sighting.facts.source == (row.is_six ? kSix : Address{0, kFour, Family::ipv4}));
    CHECK(sighting.facts.destination == (row.is_six ? kOtherSix : Address{0, kOtherFour, Family::ipv4}));
    CHECK(sighting.facts.protocol == row.protocol);
    CHECK(datagram.samples[i].bytes.size() == row.header);
    CHECK(datagram.samples[i].frame_length == row.length);
    CHECK(datagram.samples[i].sampling_rate == row.packets);
  }
  CHECK(datagram.sightings[4].facts.source_port == 443);
  CHECK(datagram.sightings[4].facts.tcp_flags == 18);
  CHECK(datagram.samples[0].drops == 7);
  CHECK(datagram.samples[5].drops == 9);
  CHECK(decoder.totals() == sflow::Totals{1, 6, 0, 0, 0, 6, 518 + 500 + 340 + 358 + 900 + 1000});
  CHECK(sflow::reference::difference(bytes) == "");
}

TEST("with lengths from the IP header a sample's bytes are those") {
  sflow::Decoder decoder{{.length_from_ip = true}};
  const auto bytes = SflowBuilder{}.flow_sample(10).raw_header(1, 518, ethernet(0x0800, ipv4_udp(kFour, kOtherFour, 500))).done();
  REQUIRE(decoder.decode(bytes).sightings.size() == 1);
  CHECK(decoder.decode(bytes).sightings[0].bytes == 5000);
}

TEST("a raw header is preferred, and where it cannot be read the sampled IP record stands in") {
  sflow::Decoder decoder{{}};
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  auto both = SflowBuilder{}.flow_sample(1).sampled_ipv4(900, 1, 2).raw_header(11, 500, four).done();
  REQUIRE(decoder.decode(both).sightings.size() == 1);
  CHECK(decoder.decode(both).sightings[0].facts.source.low == kFour);
  auto only = SflowBuilder{}.flow_sample(1).raw_header(2, 500, four).sampled_ipv4(900, 1, 2).done();
  REQUIRE(decoder.decode(only).sightings.size() == 1);
  CHECK(decoder.decode(only).sightings[0].facts.source.low == 1);
  CHECK(sflow::reference::difference(both) == "");
  CHECK(sflow::reference::difference(only) == "");
}

TEST("each kind of damage has its own name, and the samples around it count") {
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  struct Row {
    std::string_view errors;
    std::size_t sightings;
    std::vector<std::byte> bytes;
  };
  const auto around = [&](auto damage) {
    SflowBuilder builder;
    builder.flow_sample(1).raw_header(11, 500, four);
    damage(builder);
    return builder.flow_sample(1).raw_header(11, 500, four).done();
  };
  auto cut = around([](SflowBuilder&) {});
  cut.resize(cut.size() - 4);
  SflowBuilder many;
  for (std::size_t i = 0; i <= sflow::kMaxSamplesPerDatagram; ++i) many.sample(2, FileWriter{false});
  FileWriter too_many{false};
  too_many.zeros(28).u32(sflow::kMaxRecordsPerSample + 1).zeros(8 * (sflow::kMaxRecordsPerSample + 1));
  const Row rows[] = {
      {"sflow_truncated", 0, std::vector<std::byte>(7)},
      {"sflow_bad_version", 0, SflowBuilder{}.version(4).done()},
      {"sflow_bad_address_type", 0, SflowBuilder{}.agent_type(3).done()},
      {"sflow_truncated", 0, SflowBuilder{}.agent_type(2).done()},
      {"sflow_truncated", 1, SflowBuilder{}.stated_samples(3).flow_sample(1).raw_header(11, 500, four).done()},
      {"sflow_bad_sample_length", 1, cut},
      {"sflow_too_many_samples", 0, many.done()},
      {"sflow_too_many_records", 2, around([&](auto& b) { b.sample(1, too_many); })},
      {"sflow_bad_sample_length", 2, around([](auto& b) { b.sample(1, FileWriter{false}.zeros(28)); })},
      {"sflow_bad_record_length", 2, around([](auto& b) { b.sample(3, FileWriter{false}.zeros(40).u32(1).u32(1).u32(99)); })},
      {"sflow_bad_record_length", 2, around([](auto& b) { b.flow_sample(1).record(1, FileWriter{false}.u32(1).u32(60).u32(0).u32(5).u32(0)); })},
      {"sflow_bad_record_length", 2, around([](auto& b) { b.flow_sample(1).record(3, FileWriter{false}.zeros(28)); })},
      {"sflow_bad_frame_length", 2, around([&](auto& b) { b.flow_sample(1).raw_header(11, sflow::kMaxFrameLength + 1, four); })},
      {"sflow_unsupported_header", 2, around([&](auto& b) { b.flow_sample(1).raw_header(2, 500, four); })},
      {"sflow_no_packet", 2, around([](auto& b) { b.flow_sample(1).record(1001, FileWriter{false}.zeros(16)); })},
      {"not_ip", 2, around([](auto& b) { b.flow_sample(1).raw_header(1, 64, ethernet(0x0806, std::vector<std::byte>(28))); })},
      {"", 2, around([](auto& b) { b.sample(0x1000 << 12 | 1, FileWriter{false}.zeros(3)); })},
  };
  sflow::Decoder decoder{{}};
  for (const auto& row : rows) {
    NOTE(std::string{row.errors});
    const auto& datagram = decoder.decode(row.bytes);
    CHECK(errors_of(datagram) == row.errors);
    CHECK(datagram.sightings.size() == row.sightings);
    CHECK(sflow::reference::difference(row.bytes) == "");
  }
}

TEST("a datagram cut at any byte agrees with the reference and never counts more than the whole") {
  const auto bytes = SflowBuilder{}
                         .flow_sample(10).raw_header(1, 518, ethernet(0x0800, ipv4_udp(kFour, kOtherFour, 500)))
                         .expanded_flow_sample(10).sampled_ipv6(99, kSix, kOtherSix).done();
  sflow::Decoder decoder{{}};
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = std::span{bytes}.first(size);
    CHECK(sflow::reference::difference(cut) == "");
    const auto& datagram = decoder.decode(cut);
    CHECK(datagram.errors.size() == 1);
    CHECK(datagram.sightings.size() <= 1);
  }
}

TEST("inputs that once broke the decoder agree with the reference") {
  const std::filesystem::path folder = "native/fuzz/found/sflow";
  if (!std::filesystem::is_directory(folder)) SKIP("none has been found yet");
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    NOTE(entry.path().string());
    CHECK(sflow::reference::difference(file_bytes(entry.path())) == "");
  }
}
