/// One captured frame → its facts. The only way into wire/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../base/errors.hpp"
#include "../base/facts.hpp"
#include "../base/link.hpp"
#include "ipv4.hpp"

namespace tidegate {

struct WireOptions {
  bool length_from_ip = false;  ///< wire_length becomes the IP header's total length
};

inline constexpr unsigned kMaxVlanTags = 4;
inline constexpr unsigned kMaxMplsLabels = 16;
/// IPv6 extension headers in a row.
inline constexpr unsigned kMaxExtensionHeaders = 16;
/// Options read in a hop-by-hop header while looking for a jumbo payload length.
inline constexpr unsigned kMaxHopByHopOptions = 32;

namespace wire {
/// All frames but IPv4 directly in Ethernet. `out.wire_length` is left to the caller.
DecodeError read_other_frame(LinkType link, std::span<const std::byte> captured, std::uint32_t wire_length,
                             PacketFacts& out) noexcept;
inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
}  // namespace wire

/// Reads link, tags, labels, IP and the start of the transport header.
///
/// `captured` may be cut short anywhere; `wire_length` is the frame's length in bytes before that.
/// A whole IP header is counted with what is known: ports and flags stay zero where the capture, or the
/// datagram itself, ends before them. `out` is written in full on success and is unspecified otherwise.
/// Never allocates, locks or throws. Inline as far as the most common frame goes.
inline DecodeError decode_frame(LinkType link, std::span<const std::byte> captured, std::uint32_t wire_length,
                                WireOptions options, PacketFacts& out) noexcept {
  DecodeError error = DecodeError::none;
  // IEEE 802.3 section 3.1: destination (6), source (6), type or length (2).
  if (link == LinkType::ethernet && captured.size() >= wire::kEthernetBytes &&
      Fields<wire::kEthernetBytes>{captured.first<wire::kEthernetBytes>()}.u16<12>() == wire::kEthertypeIpv4) [[likely]] {
    constexpr auto kBefore = static_cast<std::uint32_t>(wire::kEthernetBytes);
    error = read_ipv4(captured.subspan(wire::kEthernetBytes), wire_length > kBefore ? wire_length - kBefore : 0, out);
  } else {
    error = wire::read_other_frame(link, captured, wire_length, out);
  }
  out.wire_length = options.length_from_ip ? out.ip_length : wire_length;
  return error;
}

/// The same from an IP header on; the version nibble decides. For samples without a link header.
inline DecodeError decode_ip(std::span<const std::byte> captured, std::uint32_t wire_length, WireOptions options,
                             PacketFacts& out) noexcept {
  return decode_frame(LinkType::raw_ip, captured, wire_length, options, out);
}

}  // namespace tidegate
