#include "records.hpp"

#include <algorithm>

namespace tidegate::sflow {

namespace {

// Record formats, section 5.3: enterprise in the upper 20 bits (0: sFlow.org), format below.
constexpr std::uint32_t kRawPacketHeader = 1;
constexpr std::uint32_t kSampledIpv4 = 3;
constexpr std::uint32_t kSampledIpv6 = 4;

// enum header_protocol
constexpr std::uint32_t kHeaderEthernet = 1;
constexpr std::uint32_t kHeaderPpp = 7;
constexpr std::uint32_t kHeaderIpv4 = 11;
constexpr std::uint32_t kHeaderIpv6 = 12;

void note(Packet& packet, DecodeError error) noexcept {
  if (packet.error == DecodeError::none) packet.error = error;
}

DecodeError decode_header(std::uint32_t protocol, WireOptions options, Packet& packet, PacketFacts& facts) noexcept {
  switch (protocol) {
    case kHeaderEthernet: packet.link = LinkType::ethernet; break;
    case kHeaderPpp: packet.link = LinkType::ppp; break;
    case kHeaderIpv4: packet.link = LinkType::raw_ipv4; break;
    case kHeaderIpv6: packet.link = LinkType::raw_ipv6; break;
    default: return DecodeError::sflow_unsupported_header;
  }
  return decode_frame(packet.link, packet.bytes, packet.frame_length, options, facts);
}

// sampled_header, section 5.3.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |          Protocol: 1 Ethernet, 7 PPP, 11 IPv4, 12 IPv6        |
//  +---------------+---------------+---------------+---------------+
//  |            Frame length, bytes on the wire, FCS included      |
//  +---------------+---------------+---------------+---------------+
//  |             Stripped: bytes taken off before the header       |
//  +---------------+---------------+---------------+---------------+
//  |                  Header length, then the header               |
//  +---------------+---------------+---------------+---------------+
void read_raw_header(Cursor in, WireOptions options, Packet& packet) noexcept {
  if (packet.from_header) return;  // a second one describes the same packet
  const std::uint32_t protocol = in.u32();
  const std::uint32_t frame_length = in.u32();
  in.skip(sizeof(std::uint32_t));
  const auto bytes = in.bytes(in.u32());
  if (!in.ok()) return note(packet, DecodeError::sflow_bad_record_length);
  if (frame_length > kMaxFrameLength) return note(packet, DecodeError::sflow_bad_frame_length);

  Packet tried = packet;
  tried.bytes = bytes;
  tried.frame_length = frame_length;
  tried.seen = true;
  tried.from_header = true;
  PacketFacts facts;
  const DecodeError error = decode_header(protocol, options, tried, facts);
  if (error == DecodeError::none) {
    tried.facts = facts;
    tried.readable = true;
  } else {
    note(tried, error);
    tried.bytes = {};
  }
  packet = tried;
}

// sampled_ipv4 and sampled_ipv6, section 5.3: length of the IP packet, protocol, addresses, ports, TCP flags, priority.
void read_sampled_ip(Cursor in, Family family, Packet& packet) noexcept {
  if (packet.readable) return;
  PacketFacts facts;
  const std::uint32_t length = in.u32();
  const std::uint32_t protocol = in.u32();
  for (Address* const address : {&facts.source, &facts.destination}) {
    address->family = family;
    if (family == Family::ipv6) address->high = in.u64();
    address->low = family == Family::ipv6 ? in.u64() : in.u32();
  }
  const std::uint32_t source_port = in.u32();
  const std::uint32_t destination_port = in.u32();
  const std::uint32_t tcp_flags = in.u32();
  in.skip(sizeof(std::uint32_t));
  if (!in.ok()) return note(packet, DecodeError::sflow_bad_record_length);
  if (length > kMaxFrameLength) return note(packet, DecodeError::sflow_bad_frame_length);
  facts.wire_length = length;
  facts.ip_length = length;
  // Each is an unsigned int on the wire, and on the link it was narrower.
  facts.protocol = static_cast<std::uint8_t>(protocol);
  facts.source_port = static_cast<std::uint16_t>(source_port);
  facts.destination_port = static_cast<std::uint16_t>(destination_port);
  facts.tcp_flags = static_cast<std::uint8_t>(tcp_flags);
  packet.facts = facts;
  packet.bytes = {};
  if (!packet.seen) packet.frame_length = length;
  packet.seen = true;
  packet.readable = true;
}

}  // namespace

void read_records(Cursor& in, std::uint32_t count, WireOptions options, Packet& packet) noexcept {
  if (count > kMaxRecordsPerSample) return note(packet, DecodeError::sflow_too_many_records);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t format = in.u32();
    const std::uint32_t length = in.u32();
    const Cursor record = in.slice(length);
    if (!in.ok()) return note(packet, DecodeError::sflow_bad_record_length);
    skip_padding(in, length);
    switch (format) {
      case kRawPacketHeader: read_raw_header(record, options, packet); break;
      case kSampledIpv4: read_sampled_ip(record, Family::ipv4, packet); break;
      case kSampledIpv6: read_sampled_ip(record, Family::ipv6, packet); break;
      default: break;  // switch, router, gateway and vendors' own: nothing to count by
    }
  }
}

}  // namespace tidegate::sflow
