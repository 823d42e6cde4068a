/// A captured frame, as every kind of capture hands it over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidegate {

/// What a frame begins with: a LINKTYPE_ number (draft-ietf-opsawg-pcaplinktype). capture/ passes numbers
/// on as it finds them, wire/ knows which of them it reads. These two are those of live capture.
using LinkNumber = std::uint32_t;
inline constexpr LinkNumber kLinkEthernet = 1;
inline constexpr LinkNumber kLinkRawIp = 101;

/// Views into the ring, the mapped file or the receive buffer: good until its giver is asked again.
struct CapturedFrame {
  std::span<const std::byte> bytes;  ///< from the link header on, perhaps cut
  std::int64_t at_micros = 0;        ///< since the Unix epoch
  std::uint32_t wire_length = 0;     ///< bytes on the wire, a stripped tag included
  std::uint32_t vlan_tag = 0;        ///< TPID in the upper, TCI in the lower half, where the kernel has stripped it; else 0
};

/// Copies the frame into `out` as it was on the wire, a stripped VLAN tag put back behind the two
/// MAC addresses (IEEE 802.1Q section 9.3). Returns how much of `out` was filled.
std::size_t copy_as_on_wire(const CapturedFrame& frame, std::span<std::byte> out) noexcept;

}  // namespace tidegate
