#include "records.hpp"

#include <optional>

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

std::optional<LinkType> link_of(std::uint32_t protocol) noexcept {
  switch (protocol) {
    case kHeaderEthernet: return LinkType::ethernet;
    case kHeaderPpp: return LinkType::ppp;
    case kHeaderIpv4: return LinkType::raw_ipv4;
    case kHeaderIpv6: return LinkType::raw_ipv6;
    default: return std::nullopt;
  }
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
constexpr std::size_t kRawHeaderHead = 16;

void read_raw_header(Cursor in, WireOptions options, Packet& packet, PacketFacts& facts) noexcept {
  const auto head = in.bytes(kRawHeaderHead);
  if (!in.ok()) return note(packet, DecodeError::sflow_bad_record_length);
  const Fields<kRawHeaderHead> fields{head.first<kRawHeaderHead>()};
  const auto bytes = in.bytes(fields.u32<12>());
  if (!in.ok()) return note(packet, DecodeError::sflow_bad_record_length);
  const std::uint32_t frame_length = fields.u32<4>();
  if (frame_length > kMaxFrameLength) return note(packet, DecodeError::sflow_bad_frame_length);
  packet.frame_length = frame_length;
  packet.seen = true;
  packet.from_header = true;

  const auto link = link_of(fields.u32<0>());
  if (!link) return note(packet, DecodeError::sflow_unsupported_header);
  PacketFacts kept;
  if (packet.readable) kept = facts;  // of a sampled IP record before; decoding may spoil them
  const DecodeError error = decode_frame(*link, bytes, frame_length, options, facts);
  if (error != DecodeError::none) {
    if (packet.readable) facts = kept;
    return note(packet, error);
  }
  packet.readable = true;
  packet.bytes = bytes;
  packet.link = *link;
}

// sampled_ipv4 and sampled_ipv6, section 5.3: length of the IP packet, protocol, addresses, ports, TCP flags, priority.
void read_sampled_ip(Cursor in, Family family, Packet& packet, PacketFacts& out) noexcept {
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
  out = facts;
  if (!packet.seen) packet.frame_length = length;
  packet.seen = true;
  packet.readable = true;
}

}  // namespace

void read_records(Cursor& in, std::uint32_t count, WireOptions options, Packet& packet, PacketFacts& facts) noexcept {
  if (count > kMaxRecordsPerSample) return note(packet, DecodeError::sflow_too_many_records);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto head = in.bytes(kPartHead);
    if (!in.ok()) return note(packet, DecodeError::sflow_bad_record_length);
    const Fields<kPartHead> fields{head.first<kPartHead>()};
    const std::uint32_t length = fields.u32<4>();
    const Cursor record = in.slice(length);
    if (!in.ok()) return note(packet, DecodeError::sflow_bad_record_length);
    skip_padding(in, length);
    switch (fields.u32<0>()) {
      case kRawPacketHeader:
        if (!packet.from_header) read_raw_header(record, options, packet, facts);
        break;
      case kSampledIpv4:
        if (!packet.readable) read_sampled_ip(record, Family::ipv4, packet, facts);
        break;
      case kSampledIpv6:
        if (!packet.readable) read_sampled_ip(record, Family::ipv6, packet, facts);
        break;
      default: break;  // switch, router, gateway and vendors' own: nothing to count by
    }
  }
}

}  // namespace tidegate::sflow
