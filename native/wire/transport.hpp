/// Ports and TCP flags from the first bytes of a transport header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../base/cursor.hpp"
#include "../base/facts.hpp"

namespace tidegate {

// Protocol numbers, from the IANA registry.
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolDccp = 33;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;
inline constexpr std::uint8_t kProtocolSctp = 132;
inline constexpr std::uint8_t kProtocolUdpLite = 136;

/// TCP, UDP, DCCP, SCTP and UDP-Lite all begin with source and destination port.
constexpr bool has_ports(std::uint8_t protocol) noexcept {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolDccp ||
         protocol == kProtocolSctp || protocol == kProtocolUdpLite;
}

/// All ones where a protocol has ports: selected, not branched on, for which protocol comes next is what a
/// mix of traffic makes hard to predict.
inline constexpr auto kPortMasks = [] {
  std::array<std::uint32_t, 256> masks{};
  for (std::size_t protocol = 0; protocol < masks.size(); ++protocol) {
    masks[protocol] = has_ports(static_cast<std::uint8_t>(protocol)) ? ~std::uint32_t{0} : 0;
  }
  return masks;
}();

//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |          Source port          |       Destination port        |
//  +---------------+---------------+---------------+---------------+
//  |     TCP: sequence number (4..7), acknowledgment (8..11)       |
//  +-------+-------+---------------+-------------------------------+
//  |Offset | Rsrvd |     Flags     |   RFC 9293 section 3.1
//  +-------+-------+---------------+
/// `payload` ends where the datagram or the capture does. What does not fit stays zero.
inline void read_transport(std::uint8_t protocol, std::span<const std::byte> payload, PacketFacts& out) noexcept {
  constexpr std::size_t kPortBytes = 4;
  constexpr std::size_t kFlagsEnd = 14;
  if (payload.size() >= kFlagsEnd) [[likely]] {
    const Fields<kFlagsEnd> header{payload.first<kFlagsEnd>()};
    const std::uint32_t ports = header.u32<0>() & kPortMasks[protocol];
    out.source_port = static_cast<std::uint16_t>(ports >> 16);
    out.destination_port = static_cast<std::uint16_t>(ports & 0xffff);
    out.tcp_flags = static_cast<std::uint8_t>(header.u8<13>() * (protocol == kProtocolTcp));
    return;
  }
  out.source_port = 0;
  out.destination_port = 0;
  out.tcp_flags = 0;
  if (payload.size() >= kPortBytes && has_ports(protocol)) {
    const Fields<kPortBytes> header{payload.first<kPortBytes>()};
    out.source_port = header.u16<0>();
    out.destination_port = header.u16<2>();
  }
}

}  // namespace tidegate
