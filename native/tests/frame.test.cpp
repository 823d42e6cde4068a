/// wire/: one row a rule; every row is also given to the reference decoder.
#include "../wire/frame.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "../base/hash.hpp"
#include "../base/prefix.hpp"
#include "../fuzz/frame_reference.hpp"
#include "check.hpp"
#include "packet_builder.hpp"

using namespace tidegate;
using test::packet;

namespace {

using Frame = std::vector<std::byte>;

struct Row {
  std::string claim;
  LinkType link;
  Frame frame;
  DecodeError error = DecodeError::none;
  std::string source = "192.0.2.1";
  unsigned protocol = 17;
  unsigned source_port = 1000;
  unsigned destination_port = 53;
  bool fragment = false;
  bool first_fragment = false;
};

constexpr auto kSource = "192.0.2.1";
constexpr auto kTarget = "198.51.100.7";
constexpr auto kSource6 = "2001:db8::1";
constexpr auto kTarget6 = "2001:db8::2";

test::PacketBuilder ipv4() { return packet().ethernet().ipv4(kSource, kTarget); }
test::PacketBuilder ipv6() { return packet().ethernet().ipv6(kSource6, kTarget6); }
Row good(std::string claim, const test::PacketBuilder& built) { return {std::move(claim), LinkType::ethernet, built.bytes()}; }
Row bad(std::string claim, Frame frame, DecodeError error) { return {std::move(claim), LinkType::ethernet, std::move(frame), error}; }
Row on(LinkType link, std::string claim, Frame frame) { return {std::move(claim), link, std::move(frame)}; }
Row good6(std::string claim, const test::PacketBuilder& built) {
  Row row = good(std::move(claim), built);
  row.source = kSource6;
  return row;
}
/// Without ports: `protocol` only.
Row bare(Row row, unsigned protocol) {
  row.protocol = protocol;
  row.source_port = row.destination_port = 0;
  return row;
}
Row fragmented(Row row, bool first) {
  row.fragment = true;
  row.first_fragment = first;
  return row;
}

Frame joined(std::initializer_list<unsigned> head, Frame tail) {
  Frame all;
  for (const unsigned b : head) all.push_back(static_cast<std::byte>(b));
  all.insert(all.end(), tail.begin(), tail.end());
  return all;
}

std::vector<Row> rows() {
  const Frame bare4 = packet().ipv4(kSource, kTarget).udp(1000, 53).payload(4).bytes();
  const auto deep = [](unsigned tags) {
    auto built = packet().ethernet();
    for (unsigned i = 0; i < tags; ++i) built.vlan(7);
    return built.ipv4(kSource, kTarget).udp(1000, 53).payload(8);
  };
  const auto labels = [](unsigned count) {
    auto built = packet().ethernet();
    for (unsigned i = 1; i <= count; ++i) built.mpls(16 + i, i == count);
    return built;
  };
  auto extensions = [](unsigned count) {
    auto built = ipv6();
    for (unsigned i = 0; i < count; ++i) built.extension(60);
    return built.udp(1000, 53).payload(8);
  };
  std::vector<Row> all{
      good("UDP over IPv4", ipv4().udp(1000, 53).payload(20)),
      good("UDP without payload", ipv4().udp(1000, 53)),
      good("IPv4 options are stepped over", ipv4().ipv4_options(10).udp(1000, 53).payload(8)),
      good("one VLAN tag", packet().ethernet().vlan(7).ipv4(kSource, kTarget).udp(1000, 53)),
      good("QinQ, 802.1ad outside", packet().ethernet().vlan(7, 0x88a8).vlan(8).ipv4(kSource, kTarget).udp(1000, 53)),
      good("QinQ, 9100 and 9200", packet().ethernet().vlan(7, 0x9100).vlan(8, 0x9200).ipv4(kSource, kTarget).udp(1000, 53)),
      good("as many VLAN tags as allowed", deep(kMaxVlanTags)),
      bad("one VLAN tag too many", deep(kMaxVlanTags + 1).bytes(), DecodeError::vlan_too_deep),
      bad("a VLAN tag cut short", packet().ethernet().vlan(7).cut(16), DecodeError::link_truncated),
      good("an MPLS stack over IPv4", labels(3).ipv4(kSource, kTarget).udp(1000, 53)),
      good("as many MPLS labels as allowed", labels(kMaxMplsLabels).ipv4(kSource, kTarget).udp(1000, 53)),
      bad("one MPLS label too many", labels(kMaxMplsLabels + 1).bytes(), DecodeError::mpls_too_deep),
      bad("an MPLS stack without a bottom", labels(2).cut(20), DecodeError::mpls_truncated),
      good6("MPLS over IPv6", labels(1).ipv6(kSource6, kTarget6).udp(1000, 53)),
      good("an Ethernet pseudowire with a control word", labels(2).control_word().ethernet().ipv4(kSource, kTarget).udp(1000, 53)),
      bad("something else under MPLS", labels(1).raw({0x10, 2, 3, 4}).bytes(), DecodeError::not_ip),
      good("PPPoE", packet().ethernet().pppoe().ipv4(kSource, kTarget).udp(1000, 53)),
      bad("PPPoE of another version", packet().ethernet().ethertype(0x8864).raw({0x21, 0, 0, 1, 0, 4, 0, 0x21}).bytes(), DecodeError::pppoe_malformed),
      good("802.3 with SNAP", packet().ethernet().ethertype(100).raw({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}).ipv4(kSource, kTarget).udp(1000, 53)),
      bad("802.3 with another LLC", packet().ethernet().ethertype(100).raw({0x42, 0x42, 3, 0, 0, 0, 8, 0}).bytes(), DecodeError::not_ip),
      bad("ARP", packet().ethernet().ethertype(0x0806).payload(28).bytes(), DecodeError::not_ip),
      bad("no whole Ethernet header", ipv4().cut(13), DecodeError::link_truncated),
      bad("nothing at all", {}, DecodeError::link_truncated),
      bad("an IPv4 header cut short", ipv4().udp(1, 2).cut(33), DecodeError::ipv4_truncated),
      bad("IPv4 options cut short", ipv4().ipv4_options(4).udp(1, 2).cut(40), DecodeError::ipv4_truncated),
      bad("an IPv4 total length below the header", ipv4().total_length(19).udp(1, 2).bytes(), DecodeError::ipv4_bad_total_length),
      good("an IPv4 total length of zero is an offloaded segment", ipv4().total_length(0).udp(1000, 53).payload(30)),
      bare(good("a protocol without ports", ipv4().protocol(47).payload(30)), 47),
      bare(good("ICMP has no ports", ipv4().icmp().payload(30)), 1),
      bare(good("ports past the datagram are padding", ipv4().total_length(22).udp(1000, 53).payload(18)), 17),
      bare({"a UDP header cut short counts without ports", LinkType::ethernet, ipv4().udp(1000, 53).cut(37)}, 17),
      fragmented(good("the first fragment has its ports", ipv4().fragment(0, true).udp(1000, 53).payload(8)), true),
      fragmented(bare(good("a later fragment has none", ipv4().fragment(10, true).udp(1000, 53).payload(8)), 17), false),
      fragmented(bare(good("nor has the last", ipv4().fragment(10, false).udp(1000, 53).payload(8)), 17), false),
      good6("UDP over IPv6", ipv6().udp(1000, 53).payload(8)),
      good6("hop-by-hop, routing, destination options", ipv6().extension(0).extension(43, 3).extension(60).udp(1000, 53)),
      good6("AH, mobility, HIP, shim6", ipv6().extension(51, 4).extension(135).extension(139).extension(140).udp(1000, 53)),
      good6("as many extension headers as allowed", extensions(kMaxExtensionHeaders)),
      bad("one extension header too many", extensions(kMaxExtensionHeaders + 1).bytes(), DecodeError::ipv6_too_many_extensions),
      bare(good6("ESP hides what follows", ipv6().protocol(50).payload(40)), 50),
      bare(good6("no next header", ipv6().protocol(59).payload(40)), 59),
      fragmented(good6("the first IPv6 fragment", ipv6().fragment_header(0, true).udp(1000, 53).payload(8)), true),
      fragmented(bare(good6("a later IPv6 fragment", ipv6().fragment_header(5, true).udp(1000, 53).payload(8)), 17), false),
      good6("an atomic fragment is none (RFC 6946)", ipv6().fragment_header(0, false).udp(1000, 53).payload(8)),
      bare({"an extension header cut short counts with its own number", LinkType::ethernet, ipv6().extension(60).udp(1, 2).cut(55), DecodeError::none, kSource6}, 60),
      bare({"a long extension header cut short counts with what follows it", LinkType::ethernet, ipv6().extension(60, 4).udp(1, 2).cut(60), DecodeError::none, kSource6}, 17),
      bad("an IPv6 header cut short", ipv6().udp(1, 2).cut(53), DecodeError::ipv6_truncated),
      bare(good6("ICMPv6", ipv6().icmp().payload(8)), 58),
      on(LinkType::raw_ip, "raw IP, by the nibble", bare4),
      on(LinkType::raw_ipv4, "raw IPv4", bare4),
      on(LinkType::null_loopback, "BSD loopback, little-endian", joined({2, 0, 0, 0}, bare4)),
      on(LinkType::null_loopback, "BSD loopback, big-endian", joined({0, 0, 0, 2}, bare4)),
      on(LinkType::loop, "OpenBSD loopback", joined({0, 0, 0, 2}, bare4)),
      on(LinkType::ppp, "PPP", joined({0x00, 0x21}, bare4)),
      on(LinkType::ppp, "PPP in HDLC framing, protocol compressed", joined({0xff, 0x03, 0x21}, bare4)),
      on(LinkType::cisco_hdlc, "Cisco HDLC", joined({0x0f, 0, 8, 0}, bare4)),
      on(LinkType::linux_sll, "Linux cooked", joined({0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0}, bare4)),
      on(LinkType::linux_sll2, "Linux cooked, second version", joined({8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0}, bare4)),
      {"netlink in a cooked capture", LinkType::linux_sll, joined({0, 0, 3, 0x38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}, bare4), DecodeError::not_ip},
      {"version 5", LinkType::raw_ipv4, joined({0x55}, Frame(40)), DecodeError::ipv4_bad_version},
      {"a header length of 16", LinkType::raw_ipv4, joined({0x44}, Frame(40)), DecodeError::ipv4_bad_header_length},
      {"IPv6 of version 4", LinkType::raw_ipv6, bare4, DecodeError::ipv6_truncated},
      {"raw IP of no version", LinkType::raw_ip, joined({0x15}, Frame(40)), DecodeError::not_ip},
  };
  return all;
}

void check_same_as_reference(LinkType link, const Frame& frame, std::uint32_t wire_length, WireOptions options) {
  PacketFacts facts;
  const DecodeError error = decode_frame(link, frame, wire_length, options, facts);
  const auto plain = reference::decode_frame(link, frame, wire_length, options);
  CHECK(error_name(error) == error_name(plain.error()));
  if (error == DecodeError::none && plain.ok()) CHECK(reference::same_facts(facts, plain.value()));
}

PacketFacts facts_of(const Frame& frame, std::uint32_t wire_length, WireOptions options = {}) {
  PacketFacts facts;
  CHECK(decode_frame(LinkType::ethernet, frame, wire_length, options, facts) == DecodeError::none);
  return facts;
}

}  // namespace

TEST("each rule of the wire, in the fast decoder and in the reference") {
  for (const Row& row : rows()) {
    NOTE(row.claim);
    const auto length = static_cast<std::uint32_t>(row.frame.size());
    PacketFacts facts;
    const DecodeError error = decode_frame(row.link, row.frame, length, {}, facts);
    CHECK(error_name(error) == error_name(row.error));
    check_same_as_reference(row.link, row.frame, length, {});
    if (error != DecodeError::none) continue;
    CHECK(format_address(facts.source) == row.source);
    CHECK(facts.protocol == row.protocol);
    CHECK(facts.source_port == row.source_port);
    CHECK(facts.destination_port == row.destination_port);
    CHECK(facts.fragment == row.fragment);
    CHECK(facts.first_fragment == row.first_fragment);
    CHECK(facts.wire_length == length);
    CHECK(facts.ttl == 64U);
  }
}

TEST("a frame cut anywhere, or with one bit turned, reads as the reference reads it") {
  std::uint64_t random = 5;
  for (const Row& row : rows()) {
    NOTE(row.claim);
    for (std::size_t captured = 0; captured <= row.frame.size(); ++captured) {
      const Frame cut{row.frame.begin(), row.frame.begin() + static_cast<std::ptrdiff_t>(captured)};
      check_same_as_reference(row.link, cut, static_cast<std::uint32_t>(row.frame.size()), {true});
    }
    for (int turn = 0; turn < 200 && !row.frame.empty(); ++turn) {
      Frame turned = row.frame;
      turned[next_random(random) % turned.size()] ^= static_cast<std::byte>(1U << next_random(random) % 8);
      check_same_as_reference(row.link, turned, static_cast<std::uint32_t>(next_random(random) % 200'000), {turn % 2 == 0});
    }
  }
}

TEST("TCP flags are read where they are captured, and zero where they are not") {
  CHECK(facts_of(ipv4().tcp(1, 2, 0x12).bytes(), 60).tcp_flags == 0x12U);
  CHECK(facts_of(ipv4().tcp(1, 2, 0x12).cut(14 + 20 + 13), 60).tcp_flags == 0U);
  CHECK(facts_of(ipv4().tcp(1, 2, 0x12).cut(14 + 20 + 13), 60).destination_port == 2U);
  CHECK(facts_of(ipv4().udp(1, 2).payload(20).raw({0xff, 0xff, 0xff}).bytes(), 60).tcp_flags == 0U);
}

TEST("the length is that of the wire, or the IP header's when so configured") {
  const Frame frame = ipv4().total_length(1480).udp(1, 2).bytes();
  CHECK(facts_of(frame, 1494).wire_length == 1494U);
  CHECK(facts_of(frame, 1494, {true}).wire_length == 1480U);
  CHECK(facts_of(ipv6().udp(1, 2).payload(10).bytes(), 200, {true}).wire_length == 58U);
  CHECK(facts_of(ipv4().total_length(0).udp(1, 2).bytes(), 64014, {true}).wire_length == 64000U);
}

TEST("a jumbogram says its length, but is not believed beyond its frame") {
  const Frame frame = ipv6().jumbo(100'000).udp(1, 2).bytes();
  CHECK(facts_of(frame, 14 + 40 + 100'000).ip_length == 100'040U);
  CHECK(facts_of(frame, 14 + 40 + 100'002).ip_length == 100'040U);
  CHECK(facts_of(frame, 14 + 40 + 90'000).ip_length == 90'040U);
  CHECK(facts_of(frame, 100).ip_length == 40U);
}

TEST("inputs that once broke the wire decoder, and the fuzzer's seeds, read the same in both decoders") {
  std::size_t read = 0;
  for (const char* folder : {"native/fuzz/found/wire", "native/fuzz/seeds/wire"}) {
    if (!std::filesystem::is_directory(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
      std::ifstream file{entry.path(), std::ios::binary};
      const std::string text{std::istreambuf_iterator<char>{file}, {}};
      NOTE(entry.path().string());
      CHECK(reference::decoders_agree(std::as_bytes(std::span{text})));
      ++read;
    }
  }
  CHECK(read > 0U);
}
