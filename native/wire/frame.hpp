/// One captured frame → its facts. The only way into wire/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../base/errors.hpp"
#include "../base/facts.hpp"
#include "../base/link.hpp"

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

/// Reads link, tags, labels, IP and the start of the transport header.
///
/// `captured` may be cut short anywhere; `wire_length` is the frame's length in bytes before that.
/// A whole IP header is counted with what is known: ports and flags stay zero where the capture, or the
/// datagram itself, ends before them. `out` is written in full on success and is unspecified otherwise.
/// Never allocates, locks or throws.
DecodeError decode_frame(LinkType link, std::span<const std::byte> captured, std::uint32_t wire_length,
                         WireOptions options, PacketFacts& out) noexcept;

/// The same from an IP header on; the version nibble decides. For samples without a link header.
DecodeError decode_ip(std::span<const std::byte> captured, std::uint32_t wire_length, WireOptions options,
                      PacketFacts& out) noexcept;

}  // namespace tidegate
