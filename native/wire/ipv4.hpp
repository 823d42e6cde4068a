/// IPv4: header, options, fragments.
#pragma once

#include <algorithm>

#include "../base/errors.hpp"
#include "transport.hpp"

namespace tidegate {

// IPv4 header, RFC 791 section 3.1.
//
//   0               8               16              24            31
//  +-------+-------+---------------+-------------------------------+
//  |Version|  IHL  |Type of service|     Total length, this header included
//  +-------+-------+---------------+-----+-------------------------+
//  |         Identification        |R|D|M|     Fragment offset     |
//  +---------------+---------------+-----+-------------------------+
//  |  Time to live |    Protocol   |        Header checksum        |
//  +---------------+---------------+-------------------------------+
//  |                        Source address                         |
//  +---------------------------------------------------------------+
//  |                      Destination address                      |
//  +---------------------------------------------------------------+
/// `wire_left`: bytes that the frame had from here on. A total length of zero means so many: an interface
/// with segmentation offload leaves the field empty in packets that it has yet to cut.
inline DecodeError read_ipv4(std::span<const std::byte> bytes, std::uint32_t wire_left, PacketFacts& out) noexcept {
  constexpr std::size_t kHeaderBytes = 20;
  constexpr std::uint16_t kMoreFragments = 0x2000;
  constexpr std::uint16_t kOffsetMask = 0x1fff;
  if (bytes.size() < kHeaderBytes) return DecodeError::ipv4_truncated;
  const Fields<kHeaderBytes> header{bytes.first<kHeaderBytes>()};
  const std::uint8_t version_and_length = header.u8<0>();
  if (version_and_length >> 4 != 4) return DecodeError::ipv4_bad_version;
  const std::size_t header_length = (version_and_length & 15U) * 4U;
  if (header_length < kHeaderBytes) return DecodeError::ipv4_bad_header_length;
  const std::uint16_t total_length = header.u16<2>();
  const std::uint32_t ip_length = total_length != 0 ? total_length : wire_left;
  if (ip_length < header_length) return DecodeError::ipv4_bad_total_length;
  if (bytes.size() < header_length) return DecodeError::ipv4_truncated;

  const std::uint16_t fragmentation = header.u16<6>();
  const bool later = (fragmentation & kOffsetMask) != 0;
  const bool more = (fragmentation & kMoreFragments) != 0;
  out.source = {0, header.u32<12>(), Family::ipv4};
  out.destination = {0, header.u32<16>(), Family::ipv4};
  out.ip_length = ip_length;
  out.protocol = header.u8<9>();
  out.ttl = header.u8<8>();
  out.fragment = later || more;
  out.first_fragment = more && !later;

  // Bytes past the datagram are Ethernet padding; a later fragment has no transport header.
  const std::size_t payload = later ? 0 : std::min<std::size_t>(bytes.size(), ip_length) - header_length;
  read_transport(out.protocol, bytes.subspan(header_length, payload), out);
  return DecodeError::none;
}

}  // namespace tidegate
