/// IPv6: header, the chain of extension headers, jumbograms.
#pragma once

#include <algorithm>

#include "../base/errors.hpp"
#include "frame.hpp"
#include "transport.hpp"

namespace tidegate {

inline constexpr std::uint32_t kIpv6HeaderBytes = 40;

/// Extension headers that lead on to another header (IANA "IPv6 Extension Header Types").
/// ESP (50) hides what follows and 'no next header' (59) ends the chain, so both count as protocols.
enum class Extension : std::uint8_t {
  hop_by_hop = 0,
  routing = 43,
  fragment = 44,
  authentication = 51,
  destination_options = 60,
  mobility = 135,
  host_identity = 139,
  shim6 = 140,
};

constexpr bool is_extension(std::uint8_t next) noexcept {
  switch (Extension{next}) {
    case Extension::hop_by_hop:
    case Extension::routing:
    case Extension::fragment:
    case Extension::authentication:
    case Extension::destination_options:
    case Extension::mobility:
    case Extension::host_identity:
    case Extension::shim6: return true;
  }
  return false;
}

/// The jumbo payload length in a hop-by-hop header's options (RFC 2675 section 2), or zero.
inline std::uint32_t jumbo_length(std::span<const std::byte> options) noexcept {
  constexpr std::uint8_t kPadOne = 0;
  constexpr std::uint8_t kJumbo = 0xc2;
  Cursor in{options};
  for (unsigned read = 0; read < kMaxHopByHopOptions && in.left() > 0; ++read) {
    const std::uint8_t type = in.u8();
    if (type == kPadOne) continue;
    const std::uint8_t length = in.u8();
    if (type == kJumbo && length == 4) return in.u32();
    in.skip(length);
  }
  return 0;
}

/// Follows the chain that begins with `next`, and reads the transport header behind it. A chain that the capture
/// or the datagram cuts short counts with the last header known.
inline DecodeError read_extensions(std::uint8_t next, std::span<const std::byte> rest, PacketFacts& out) noexcept {
  for (unsigned headers = 0; is_extension(next) && rest.size() >= 2; ++headers) {
    if (headers == kMaxExtensionHeaders) return DecodeError::ipv6_too_many_extensions;
    const Fields<2> start{rest.first<2>()};
    std::size_t length = (start.u8<1>() + 1U) * 8U;  // RFC 8200 section 4: in 8 bytes, the first 8 not counted
    if (Extension{next} == Extension::authentication) {
      length = (start.u8<1>() + 2U) * 4U;  // RFC 4302 section 2.2: in 4 bytes, less two
    } else if (Extension{next} == Extension::fragment) {
      length = 8;
      if (rest.size() < length) break;
      const std::uint16_t placing = Fields<4>{rest.first<4>()}.u16<2>();  // RFC 8200 section 4.5
      const bool later = placing >> 3 != 0;
      const bool more = (placing & 1) != 0;
      out.fragment = out.fragment || later || more;
      out.first_fragment = more && !later;
      if (later) {
        next = start.u8<0>();
        rest = {};
        break;
      }
    }
    next = start.u8<0>();
    rest = rest.subspan(std::min(length, rest.size()));
  }
  out.protocol = next;
  read_transport(next, rest, out);
  return DecodeError::none;
}

// IPv6 header, RFC 8200 section 3.
//
//   0               8               16              24            31
//  +-------+---------------+---------------------------------------+
//  |Version| Traffic class |              Flow label               |
//  +-------+-------+-------+-------+---------------+---------------+
//  |         Payload length        |  Next header  |   Hop limit   |
//  +-------------------------------+---------------+---------------+
//  |                   Source address, 16 bytes                    |
//  +---------------------------------------------------------------+
//  |                 Destination address, 16 bytes                 |
//  +---------------------------------------------------------------+
inline DecodeError read_ipv6(std::span<const std::byte> bytes, std::uint32_t wire_left, PacketFacts& out) noexcept {
  constexpr std::uint32_t kMaxPayload = 65535;
  if (bytes.size() < kIpv6HeaderBytes) return DecodeError::ipv6_truncated;
  const Fields<kIpv6HeaderBytes> header{bytes.first<kIpv6HeaderBytes>()};
  if (header.u8<0>() >> 4 != 6) return DecodeError::ipv6_bad_version;
  const std::uint8_t next = header.u8<6>();
  std::span<const std::byte> rest = bytes.subspan(kIpv6HeaderBytes);

  std::uint32_t payload = header.u16<4>();
  const std::uint32_t payload_left = wire_left > kIpv6HeaderBytes ? wire_left - kIpv6HeaderBytes : 0;
  if (payload == 0 && payload_left > kMaxPayload) {
    // Too long for the field: a jumbogram says how long; large offloaded segments do not and fill the frame.
    payload = payload_left;
    if (Extension{next} == Extension::hop_by_hop && rest.size() >= 2) {
      const std::size_t length = (Fields<2>{rest.first<2>()}.u8<1>() + 1U) * 8U;
      const std::uint32_t jumbo = jumbo_length(rest.first(std::min(length, rest.size())).subspan(2));
      if (jumbo > kMaxPayload && jumbo < payload) payload = jumbo;
    }
  }
  out.source = {header.u64<8>(), header.u64<16>(), Family::ipv6};
  out.destination = {header.u64<24>(), header.u64<32>(), Family::ipv6};
  out.ip_length = kIpv6HeaderBytes + payload;
  out.ttl = header.u8<7>();
  out.fragment = false;
  out.first_fragment = false;
  return read_extensions(next, rest.first(std::min<std::size_t>(rest.size(), payload)), out);
}

}  // namespace tidegate
