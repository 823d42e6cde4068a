#include "frame.hpp"

#include "layers.hpp"

namespace tidegate {
namespace {

using Bytes = std::span<const std::byte>;

DecodeError read_version_nibble(Bytes bytes, std::uint32_t wire_left, PacketFacts& out) noexcept {
  if (bytes.empty()) return DecodeError::link_truncated;
  switch (std::to_integer<unsigned>(bytes.front()) >> 4) {
    case 4: return read_ipv4(bytes, wire_left, out);
    case 6: return read_ipv6(bytes, wire_left, out);
    default: return DecodeError::not_ip;
  }
}

// BSD address families: IPv4 is 2 everywhere; IPv6 is 10 on Linux, 24, 28 or 30 on the BSDs and macOS.
std::uint16_t ethertype_of_family(std::uint32_t family) noexcept {
  switch (family) {
    case 2: return ethertype::kIpv4;
    case 10:
    case 24:
    case 28:
    case 30: return ethertype::kIpv6;
    default: return ethertype::kNone;
  }
}

DecodeError link_loopback(Bytes frame, bool network_order, Layers& at) noexcept {
  if (frame.size() < 4) return DecodeError::link_truncated;
  std::uint32_t family = Fields<4>{frame.first<4>()}.u32<0>();
  // In the writer's byte order: a family is small, so the order that makes it small is the right one.
  if (!network_order && family > 0xffff) family = __builtin_bswap32(family);
  at = Layers{frame.subspan(4), ethertype_of_family(family)};
  return DecodeError::none;
}

// RFC 1661 section 2, with or without the address and control bytes ff-03 of RFC 1662 section 3.1;
// a protocol number may be compressed to one odd byte.
DecodeError link_ppp(Bytes frame, Layers& at) noexcept {
  Cursor in{frame};
  std::uint16_t protocol = in.u8();
  if (protocol == 0xff) {
    in.skip(1);
    protocol = in.u8();
  }
  if ((protocol & 1) == 0) protocol = static_cast<std::uint16_t>(protocol << 8 | in.u8());
  if (!in.ok()) return DecodeError::link_truncated;
  at = Layers{in.rest(), ethertype_of_ppp(protocol)};
  return DecodeError::none;
}

// Linux cooked capture, LINKTYPE_LINUX_SLL: packet type, ARPHRD type, address length (2 each), address (8), protocol (2).
// LINKTYPE_LINUX_SLL2: protocol (2), reserved (2), interface (4), ARPHRD type (2), packet type, address length, address (8).
DecodeError link_cooked(Bytes frame, LinkType link, Layers& at) noexcept {
  constexpr std::uint16_t kArphrdNetlink = 824;  // its 'protocol' is a netlink family
  const bool second = link == LinkType::linux_sll2;
  const std::size_t header = second ? 20 : 16;
  if (frame.size() < header) return DecodeError::link_truncated;
  const Fields<16> fields{frame.first<16>()};
  const std::uint16_t hardware = second ? fields.u16<8>() : fields.u16<2>();
  const std::uint16_t protocol = second ? fields.u16<0>() : fields.u16<14>();
  at = Layers{frame.subspan(header), hardware == kArphrdNetlink ? ethertype::kNone : protocol};
  return DecodeError::none;
}

DecodeError read_link(LinkType link, Bytes frame, Layers& at) noexcept {
  switch (link) {
    case LinkType::null_loopback: return link_loopback(frame, false, at);
    case LinkType::loop: return link_loopback(frame, true, at);
    case LinkType::ppp: return link_ppp(frame, at);
    case LinkType::cisco_hdlc:  // address, control, then an EtherType
      if (frame.size() < 4) return DecodeError::link_truncated;
      at = Layers{frame.subspan(4), Fields<4>{frame.first<4>()}.u16<2>()};
      return DecodeError::none;
    case LinkType::linux_sll:
    case LinkType::linux_sll2: return link_cooked(frame, link, at);
    case LinkType::raw_ipv4: at = Layers{frame, ethertype::kIpv4}; return DecodeError::none;
    case LinkType::raw_ipv6: at = Layers{frame, ethertype::kIpv6}; return DecodeError::none;
    case LinkType::ethernet:
      if (frame.size() < kEthernetBytes) return DecodeError::link_truncated;
      at = Layers{frame.subspan(kEthernetBytes), Fields<kEthernetBytes>{frame.first<kEthernetBytes>()}.u16<12>()};
      return DecodeError::none;
    case LinkType::raw_ip: break;  // its version nibble tells: see read_other_frame
  }
  return DecodeError::link_unsupported;
}

}  // namespace

DecodeError wire::read_other_frame(LinkType link, Bytes captured, std::uint32_t wire_length,
                                   PacketFacts& out) noexcept {
  const FrameExtent extent{captured.size(), wire_length};
  if (link == LinkType::raw_ip) return read_version_nibble(captured, wire_length, out);
  Layers at;
  const DecodeError error = read_link(link, captured, at);
  return error == DecodeError::none ? read_layers(at, extent, out) : error;
}

}  // namespace tidegate
