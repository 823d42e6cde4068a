/// What lies between a link header and IP: VLAN tags, LLC/SNAP, PPPoE, MPLS and pseudowires.
#pragma once

#include "frame.hpp"
#include "ipv4.hpp"
#include "ipv6.hpp"

namespace tidegate {

/// EtherTypes, from the IEEE registry.
namespace ethertype {
inline constexpr std::uint16_t kLeast = 0x0600;  ///< below: a length, IEEE 802.3 section 3.2.6
inline constexpr std::uint16_t kIpv4 = wire::kEthertypeIpv4;
inline constexpr std::uint16_t kIpv6 = 0x86dd;
inline constexpr std::uint16_t kVlan = 0x8100;      ///< IEEE 802.1Q customer tag
inline constexpr std::uint16_t kService = 0x88a8;   ///< IEEE 802.1Q service tag (QinQ)
inline constexpr std::uint16_t kOldQinq = 0x9100;   ///< the same before it was standardised
inline constexpr std::uint16_t kOldQinq2 = 0x9200;
inline constexpr std::uint16_t kMpls = 0x8847;      ///< RFC 5332 section 3
inline constexpr std::uint16_t kMplsUpstream = 0x8848;
inline constexpr std::uint16_t kPppoeSession = 0x8864;
inline constexpr std::uint16_t kNone = 0;           ///< of ours: nothing here that could lead to IP
}  // namespace ethertype

/// PPP protocol numbers (IANA "PPP Numbers") as the EtherType of the same thing.
constexpr std::uint16_t ethertype_of_ppp(std::uint16_t protocol) noexcept {
  switch (protocol) {
    case 0x0021: return ethertype::kIpv4;
    case 0x0057: return ethertype::kIpv6;
    case 0x0281: return ethertype::kMpls;
    case 0x0283: return ethertype::kMplsUpstream;
    default: return ethertype::kNone;
  }
}

/// The way down through one frame. `rest` is what `type` says it is.
struct Layers {
  std::span<const std::byte> rest;
  std::uint16_t type = ethertype::kNone;
  std::uint8_t vlan_tags = 0;
  std::uint8_t mpls_labels = 0;
  bool in_pseudowire = false;
};

/// Where the frame's bytes end on the wire, to know how much of it lies beyond any point.
struct FrameExtent {
  std::size_t captured = 0;
  std::uint32_t wire_length = 0;

  [[nodiscard]] std::uint32_t wire_left(std::span<const std::byte> rest) const noexcept {
    const std::size_t before = captured - rest.size();
    return wire_length > before ? wire_length - static_cast<std::uint32_t>(before) : 0;
  }
};

using wire::kEthernetBytes;

// IEEE 802.1Q section 9: TPID (read already as the type), then 2 bytes of tag, then the next type.
inline DecodeError read_vlan(Layers& at) noexcept {
  if (at.vlan_tags == kMaxVlanTags) return DecodeError::vlan_too_deep;
  if (at.rest.size() < 4) return DecodeError::link_truncated;
  ++at.vlan_tags;
  at.type = Fields<4>{at.rest.first<4>()}.u16<2>();
  at.rest = at.rest.subspan(4);
  return DecodeError::none;
}

// IEEE 802 section 9.4: LLC aa-aa-03, OUI 00-00-00, then an EtherType. No other LLC carries IP today.
inline DecodeError read_llc(Layers& at) noexcept {
  if (at.rest.size() < 8) return DecodeError::not_ip;
  const Fields<8> header{at.rest.first<8>()};
  if (header.u32<0>() != 0xaaaa0300 || header.u16<4>() != 0) return DecodeError::not_ip;
  at.type = header.u16<6>();
  at.rest = at.rest.subspan(8);
  return at.type < ethertype::kLeast ? DecodeError::not_ip : DecodeError::none;
}

// RFC 2516 section 4: version and type 1, code 0, session (2), length (2); then the PPP protocol.
inline DecodeError read_pppoe(Layers& at) noexcept {
  if (at.rest.size() < 8) return DecodeError::link_truncated;
  const Fields<8> header{at.rest.first<8>()};
  if (header.u16<0>() != 0x1100 || header.u16<4>() < 2) return DecodeError::pppoe_malformed;
  at.type = ethertype_of_ppp(header.u16<6>());
  at.rest = at.rest.subspan(8);
  return DecodeError::none;
}

/// Ethernet's type, when the bytes from `skip` on may be an Ethernet frame that leads to IP; else kNone.
inline std::uint16_t pseudowire_type(std::span<const std::byte> rest, std::size_t skip) noexcept {
  if (rest.size() < skip + kEthernetBytes) return ethertype::kNone;
  const std::uint16_t type = Fields<2>{rest.subspan(skip + 12).first<2>()}.u16<0>();
  switch (type) {
    case ethertype::kIpv4:
    case ethertype::kIpv6:
    case ethertype::kVlan:
    case ethertype::kService:
    case ethertype::kOldQinq:
    case ethertype::kOldQinq2: return type;
    default: return ethertype::kNone;
  }
}

// RFC 3032 section 2.1: label (20 bits), traffic class (3), bottom of stack (1), TTL (8). Nothing names what lies
// below, so its first nibble tells: 4 and 6 are IP; 0 is a pseudowire, with a control word (RFC 4385 section 3)
// or an Ethernet address that begins with 0. Inside one pseudowire no other is looked for.
inline DecodeError read_mpls(Layers& at) noexcept {
  for (bool bottom = false; !bottom;) {
    if (at.mpls_labels == kMaxMplsLabels) return DecodeError::mpls_too_deep;
    if (at.rest.size() < 4) return DecodeError::mpls_truncated;
    ++at.mpls_labels;
    bottom = (Fields<4>{at.rest.first<4>()}.u8<2>() & 1) != 0;
    at.rest = at.rest.subspan(4);
  }
  if (at.rest.empty()) return DecodeError::mpls_truncated;
  const unsigned nibble = std::to_integer<unsigned>(at.rest.front()) >> 4;
  if (nibble == 4 || nibble == 6) {
    at.type = nibble == 4 ? ethertype::kIpv4 : ethertype::kIpv6;
    return DecodeError::none;
  }
  if (nibble != 0 || at.in_pseudowire) return DecodeError::not_ip;
  at.in_pseudowire = true;
  for (const std::size_t control_word : {std::size_t{4}, std::size_t{0}}) {
    at.type = pseudowire_type(at.rest, control_word);
    if (at.type == ethertype::kNone) continue;
    at.rest = at.rest.subspan(control_word + kEthernetBytes);
    return DecodeError::none;
  }
  return DecodeError::not_ip;
}

/// Down to IP. Ends: every step but IP uses up a tag, a label, the pseudowire or eight bytes of a frame.
inline DecodeError read_layers(Layers at, const FrameExtent& extent, PacketFacts& out) noexcept {
  for (;;) {
    DecodeError error = DecodeError::none;
    switch (at.type) {
      case ethertype::kIpv4: return read_ipv4(at.rest, extent.wire_left(at.rest), out);
      case ethertype::kIpv6: return read_ipv6(at.rest, extent.wire_left(at.rest), out);
      case ethertype::kVlan:
      case ethertype::kService:
      case ethertype::kOldQinq:
      case ethertype::kOldQinq2: error = read_vlan(at); break;
      case ethertype::kMpls:
      case ethertype::kMplsUpstream: error = read_mpls(at); break;
      case ethertype::kPppoeSession: error = read_pppoe(at); break;
      case ethertype::kNone: return DecodeError::not_ip;
      default:
        if (at.type >= ethertype::kLeast) return DecodeError::not_ip;
        error = read_llc(at);
    }
    if (error != DecodeError::none) return error;
  }
}

}  // namespace tidegate
