#include "udp_in_frame.hpp"

#include "../base/cursor.hpp"
#include "../wire/frame.hpp"

namespace tidegate {

namespace {
constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
constexpr std::uint16_t kEthertypeIpv6 = 0x86DD;
constexpr std::uint16_t kEthertypeVlan = 0x8100;
constexpr std::uint16_t kEthertypeService = 0x88A8;
constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kUdpHeaderBytes = 8;

/// Leaves the cursor at the IP header. False where the link leads elsewhere.
bool enter_ip(LinkType link, Cursor& in) noexcept {
  std::uint16_t type = 0;
  switch (link) {
    case LinkType::raw_ip:
    case LinkType::raw_ipv4:
    case LinkType::raw_ipv6: return true;
    case LinkType::ethernet:
      in.skip(12);
      type = in.u16();
      for (unsigned tags = 0; tags < kMaxVlanTags && (type == kEthertypeVlan || type == kEthertypeService); ++tags) {
        in.skip(2);
        type = in.u16();
      }
      break;
    case LinkType::linux_sll:  // packet type, hardware type, address length, address, protocol
      in.skip(14);
      type = in.u16();
      break;
    case LinkType::linux_sll2:  // protocol, then 18 bytes about the interface and the sender
      type = in.u16();
      in.skip(18);
      break;
    default: return false;
  }
  return in.ok() && (type == kEthertypeIpv4 || type == kEthertypeIpv6);
}

// RFC 791 section 3.1. Leaves the cursor at what follows, cut to the total length.
bool read_ipv4(Cursor& in, UdpInFrame& out) noexcept {
  const std::size_t header = (in.u8() & 0x0FU) * std::size_t{4};
  in.skip(1);
  const std::size_t total = in.u16();
  in.skip(2);
  const std::uint16_t fragment = in.u16();
  in.skip(1);
  const std::uint8_t protocol = in.u8();
  in.skip(2);
  out.source = {0, in.u32(), Family::ipv4};
  out.destination = {0, in.u32(), Family::ipv4};
  constexpr std::size_t kLeastHeader = 20;
  constexpr std::uint16_t kMoreOrOffset = 0x3FFF;
  if (!in.ok() || header < kLeastHeader || total < header) return false;
  if (protocol != kUdp || (fragment & kMoreOrOffset) != 0) return false;
  in.skip(header - kLeastHeader);
  in = in.slice(total - header);
  return in.ok();
}

// RFC 8200 section 3.
bool read_ipv6(Cursor& in, UdpInFrame& out) noexcept {
  in.skip(4);
  const std::size_t payload = in.u16();
  const std::uint8_t next = in.u8();
  in.skip(1);
  for (Address* const address : {&out.source, &out.destination}) {
    address->family = Family::ipv6;
    address->high = in.u64();
    address->low = in.u64();
  }
  in = in.slice(payload);
  return in.ok() && next == kUdp;
}
}  // namespace

std::optional<UdpInFrame> udp_in_frame(LinkType link, std::span<const std::byte> frame) noexcept {
  Cursor in{frame};
  if (!enter_ip(link, in) || in.left() == 0) return std::nullopt;
  UdpInFrame found;
  const unsigned version = std::to_integer<unsigned>(in.rest().front()) >> 4;
  if (version == 4 ? !read_ipv4(in, found) : version != 6 || !read_ipv6(in, found)) return std::nullopt;
  // RFC 768: ports, length with these 8 bytes, checksum.
  found.source_port = in.u16();
  found.destination_port = in.u16();
  const std::size_t length = in.u16();
  in.skip(2);
  if (!in.ok() || length < kUdpHeaderBytes) return std::nullopt;
  found.payload = in.bytes(length - kUdpHeaderBytes);
  if (!in.ok()) return std::nullopt;
  return found;
}

}  // namespace tidegate
