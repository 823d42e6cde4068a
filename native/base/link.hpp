/// Link types that frames come in, numbered as in pcap files.
#pragma once

#include <cstdint>
#include <optional>

namespace tidegate {

/// Values are the LINKTYPE_ numbers of pcap files (draft-ietf-opsawg-pcaplinktype).
enum class LinkType : std::uint16_t {
  null_loopback = 0,  ///< BSD: address family in the writer's byte order
  ethernet = 1,
  ppp = 9,            ///< with or without HDLC address and control (RFC 1662)
  raw_ip = 101,       ///< the version nibble decides
  cisco_hdlc = 104,
  loop = 108,         ///< OpenBSD: address family in network byte order
  linux_sll = 113,
  raw_ipv4 = 228,
  raw_ipv6 = 229,
  linux_sll2 = 276,
};

/// The link type that a capture file names, its older numbers for raw IP (12, 14) and PPP (50) included.
/// Nothing for one that wire/ does not read.
constexpr std::optional<LinkType> link_type_of(std::uint32_t number) noexcept {
  switch (number) {
    case 0: return LinkType::null_loopback;
    case 1: return LinkType::ethernet;
    case 9:
    case 50: return LinkType::ppp;
    case 12:
    case 14:
    case 101: return LinkType::raw_ip;
    case 104: return LinkType::cisco_hdlc;
    case 108: return LinkType::loop;
    case 113: return LinkType::linux_sll;
    case 228: return LinkType::raw_ipv4;
    case 229: return LinkType::raw_ipv6;
    case 276: return LinkType::linux_sll2;
    default: return std::nullopt;
  }
}

}  // namespace tidegate
