#include "packet.hpp"

#include <array>
#include <optional>

#include "../../wire/ipv6.hpp"

namespace tidegate::sflow {

namespace {

// enum header_protocol
constexpr std::uint32_t kHeaderEthernet = 1;
constexpr std::uint32_t kHeaderPpp = 7;
constexpr std::uint32_t kHeaderIpv4 = 11;
constexpr std::uint32_t kHeaderIpv6 = 12;
constexpr std::uint32_t kHeaderPppOverSonet = 14;

std::optional<LinkType> link_of(std::uint32_t protocol) noexcept {
  switch (protocol) {
    case kHeaderEthernet: return LinkType::ethernet;
    case kHeaderPpp:
    case kHeaderPppOverSonet: return LinkType::ppp;
    case kHeaderIpv4: return LinkType::raw_ipv4;
    case kHeaderIpv6: return LinkType::raw_ipv6;
    default: return std::nullopt;
  }
}

/// Whether an error says that bytes were missing.
bool is_cut(DecodeError error) noexcept {
  return error == DecodeError::link_truncated || error == DecodeError::mpls_truncated ||
         error == DecodeError::ipv4_truncated || error == DecodeError::ipv6_truncated;
}

/// Whether more bytes of the packet would have told more: it is read once more with others behind its own.
[[gnu::noinline]] bool more_would_tell(LinkType link, std::span<const std::byte> bytes, std::uint32_t frame_length,
                                       WireOptions options, const PacketFacts& facts) noexcept {
  constexpr std::size_t kLongest = 256;  // nobody's headers reach so far
  constexpr std::size_t kMore = 64;
  if (bytes.size() >= frame_length || bytes.size() > kLongest) return false;
  std::array<std::byte, kLongest + kMore> longer;
  longer.fill(std::byte{0xff});
  std::ranges::copy(bytes, longer.begin());
  PacketFacts more;
  const std::size_t size = std::min<std::size_t>(bytes.size() + kMore, frame_length);
  const auto error = decode_frame(link, std::span{longer}.first(size), frame_length, options, more);
  return error != DecodeError::none || more.protocol != facts.protocol || more.source_port != facts.source_port ||
         more.destination_port != facts.destination_port || more.tcp_flags != facts.tcp_flags;
}

/// A packet that lacks what its protocol has: only such are looked at twice.
bool lacks_something(const PacketFacts& facts) noexcept {
  const bool later_fragment = facts.fragment && !facts.first_fragment;
  const bool without_ports = kPortMasks[facts.protocol] != 0 && (facts.source_port | facts.destination_port) == 0;
  const bool without_flags = facts.protocol == kProtocolTcp && facts.tcp_flags == 0;
  return !later_fragment && (without_ports || without_flags || is_extension(facts.protocol));
}

}  // namespace

// sampled_header, section 5.3; version 4: section 4 of RFC 3176, without the word of stripped bytes.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |  Protocol: 1 Ethernet, 7 PPP, 11 IPv4, 12 IPv6, 14 PPP on SDH |
//  +---------------+---------------+---------------+---------------+
//  |            Frame length, bytes on the wire, FCS included      |
//  +---------------+---------------+---------------+---------------+
//  |          5: stripped, bytes taken off before the header       |
//  +---------------+---------------+---------------+---------------+
//  |                  Header length, then the header               |
//  +---------------+---------------+---------------+---------------+
bool read_raw_header(Cursor& in, bool with_stripped, WireOptions options, OpenSample& sample) noexcept {
  const auto head = in.bytes(with_stripped ? 16 : 12);
  if (!in.ok()) return false;
  const Fields<8> fields{head.first<8>()};
  const auto bytes = in.bytes(Fields<4>{head.last<4>()}.u32<0>());
  if (!in.ok()) return false;

  take_raw_header(fields.u32<0>(), fields.u32<4>(), bytes, options, sample);
  return true;
}

void take_raw_header(std::uint32_t protocol, std::uint32_t frame_length, std::span<const std::byte> bytes,
                     WireOptions options, OpenSample& sample) noexcept {
  if (frame_length > kMaxFrameLength) return sample.note(DecodeError::sflow_bad_frame_length);
  sample.see_length(LengthOf::sampled_frame, frame_length);
  const auto link = link_of(protocol);
  if (!link) return sample.note(DecodeError::sflow_unsupported_header);
  FlowDetail& detail = sample.detail;
  PacketFacts& facts = sample.sighting.facts;
  DecodeError error = DecodeError::none;
  if (sample.readable) [[unlikely]] {  // by a sampled IP record before, which a header that cannot be read must not spoil
    PacketFacts better;
    error = decode_frame(*link, bytes, frame_length, options, better);
    if (error == DecodeError::none) facts = better;
  } else {
    error = decode_frame(*link, bytes, frame_length, options, facts);
  }
  if (error != DecodeError::none) {
    detail.short_header = is_cut(error) && bytes.size() < frame_length;
    return sample.note(error);
  }
  sample.readable = true;
  if (lacks_something(facts)) detail.short_header = more_would_tell(*link, bytes, frame_length, options, facts);
  detail.bytes = bytes;
  detail.link = *link;
}

// sampled_ipv4 and sampled_ipv6, section 5.3: length of the IP packet, protocol, addresses, ports, TCP flags, priority.
bool read_sampled_ip(Cursor& in, Family family, OpenSample& sample) noexcept {
  const std::uint32_t length = in.u32();
  const std::uint32_t protocol = in.u32();
  PacketFacts facts;
  for (Address* const address : {&facts.source, &facts.destination}) {
    address->family = family;
    if (family == Family::ipv6) address->high = in.u64();
    address->low = family == Family::ipv6 ? in.u64() : in.u32();
  }
  const std::uint32_t source_port = in.u32();
  const std::uint32_t destination_port = in.u32();
  const std::uint32_t tcp_flags = in.u32();
  in.skip(sizeof(std::uint32_t));
  if (!in.ok()) return false;
  if (sample.readable) return true;  // a second one describes the same packet
  if (length > kMaxFrameLength) return sample.note(DecodeError::sflow_bad_frame_length), true;
  facts.wire_length = length;
  facts.ip_length = length;
  // Each is an unsigned int on the wire, and on the link it was narrower.
  facts.protocol = static_cast<std::uint8_t>(protocol);
  if (has_ports(facts.protocol)) {
    facts.source_port = static_cast<std::uint16_t>(source_port);
    facts.destination_port = static_cast<std::uint16_t>(destination_port);
  }
  if (facts.protocol == kProtocolTcp) facts.tcp_flags = static_cast<std::uint8_t>(tcp_flags);
  sample.sighting.facts = facts;
  sample.see_length(LengthOf::ip_packet, length);
  sample.readable = true;
  return true;
}

// sampled_ethernet, section 5.3: length of the frame with its FCS, source and destination address, type. Addresses are
// padded to whole words, though not by all.
bool read_sampled_ethernet(Cursor& in, OpenSample& sample) noexcept {
  constexpr std::size_t kUnpadded = 16;
  const std::uint32_t length = in.u32();
  in.skip(kUnpadded);
  if (!in.ok()) return false;
  if (length > kMaxFrameLength) return sample.note(DecodeError::sflow_bad_frame_length), true;
  sample.see_length(LengthOf::ethernet_frame, length);
  return true;
}

}  // namespace tidegate::sflow
