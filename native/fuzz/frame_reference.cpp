#include "frame_reference.hpp"

#include <algorithm>
#include <array>

#include "../base/cursor.hpp"

namespace tidegate::reference {
namespace {

/// Everything by position, one byte at a time; a byte outside is absent, not an error by itself.
struct Bytes {
  std::span<const std::byte> all;

  [[nodiscard]] bool has(std::size_t at, std::size_t count) const { return at + count <= all.size(); }
  [[nodiscard]] unsigned u8(std::size_t at) const { return std::to_integer<unsigned>(all[at]); }
  [[nodiscard]] unsigned u16(std::size_t at) const { return u8(at) * 256 + u8(at + 1); }
  [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t count) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value * 256 + u8(at + i);
    return value;
  }
};

/// `end`: where the datagram ends, by its own header or by the capture, whichever comes first.
void transport(const Bytes& in, std::size_t at, std::size_t end, PacketFacts& out) {
  const unsigned p = out.protocol;
  const bool ports = p == 6 || p == 17 || p == 33 || p == 132 || p == 136;
  if (ports && at + 4 <= end) {
    out.source_port = static_cast<std::uint16_t>(in.u16(at));
    out.destination_port = static_cast<std::uint16_t>(in.u16(at + 2));
  }
  if (p == 6 && at + 14 <= end) out.tcp_flags = static_cast<std::uint8_t>(in.u8(at + 13));
}

DecodeError ipv4(const Bytes& in, std::size_t at, std::uint32_t wire_length, PacketFacts& out) {
  if (!in.has(at, 20)) return DecodeError::ipv4_truncated;
  if (in.u8(at) / 16 != 4) return DecodeError::ipv4_bad_version;
  const std::size_t header = in.u8(at) % 16 * 4;
  if (header < 20) return DecodeError::ipv4_bad_header_length;
  std::size_t total = in.u16(at + 2);
  if (total == 0) total = wire_length > at ? wire_length - at : 0;
  if (total < header) return DecodeError::ipv4_bad_total_length;
  if (!in.has(at, header)) return DecodeError::ipv4_truncated;
  const unsigned offset = in.u16(at + 6) % 0x2000;
  const bool more = in.u16(at + 6) / 0x2000 % 2 == 1;
  out.source = {0, in.number(at + 12, 4), Family::ipv4};
  out.destination = {0, in.number(at + 16, 4), Family::ipv4};
  out.ip_length = static_cast<std::uint32_t>(total);
  out.protocol = static_cast<std::uint8_t>(in.u8(at + 9));
  out.ttl = static_cast<std::uint8_t>(in.u8(at + 8));
  out.fragment = offset != 0 || more;
  out.first_fragment = offset == 0 && more;
  if (offset == 0) transport(in, at + header, std::min(in.all.size(), at + total), out);
  return DecodeError::none;
}

bool leads_on(unsigned next) {
  for (const unsigned type : {0U, 43U, 44U, 51U, 60U, 135U, 139U, 140U}) {
    if (next == type) return true;
  }
  return false;
}

/// The first Jumbo option among the options in [at, end), or zero.
std::size_t jumbo(const Bytes& in, std::size_t at, std::size_t end) {
  for (unsigned read = 0; read < kMaxHopByHopOptions && at < end; ++read) {
    const unsigned type = in.u8(at);
    if (type == 0) {
      at += 1;
      continue;
    }
    if (at + 1 >= end) return 0;
    const unsigned length = in.u8(at + 1);
    if (type == 0xc2 && length == 4) return at + 6 <= end ? in.number(at + 2, 4) : 0;
    at += 2 + length;
  }
  return 0;
}

DecodeError ipv6(const Bytes& in, std::size_t at, std::uint32_t wire_length, PacketFacts& out) {
  if (!in.has(at, 40)) return DecodeError::ipv6_truncated;
  if (in.u8(at) / 16 != 6) return DecodeError::ipv6_bad_version;
  out.source = {in.number(at + 8, 8), in.number(at + 16, 8), Family::ipv6};
  out.destination = {in.number(at + 24, 8), in.number(at + 32, 8), Family::ipv6};
  out.ttl = static_cast<std::uint8_t>(in.u8(at + 7));
  std::size_t payload = in.u16(at + 4);
  unsigned next = in.u8(at + 6);
  std::size_t here = at + 40;
  if (payload == 0 && wire_length > here && wire_length - here > 65535) {
    payload = wire_length - here;
    if (next == 0 && in.has(here, 2)) {
      const std::size_t end = std::min(in.all.size(), here + (in.u8(here + 1) + 1) * 8);
      const std::size_t claimed = jumbo(in, here + 2, end);
      if (claimed > 65535 && claimed < payload) payload = claimed;
    }
  }
  out.ip_length = static_cast<std::uint32_t>(40 + payload);
  const std::size_t end = std::min(in.all.size(), at + 40 + payload);
  unsigned headers = 0;
  while (leads_on(next) && here + 2 <= end) {
    if (++headers > kMaxExtensionHeaders) return DecodeError::ipv6_too_many_extensions;
    if (next == 44) {
      if (here + 8 > end) break;
      const unsigned placing = in.u16(here + 2);
      if (placing >= 8 || placing % 2 == 1) out.fragment = true;
      out.first_fragment = placing < 8 && placing % 2 == 1;
      next = in.u8(here);
      if (placing >= 8) {
        out.protocol = static_cast<std::uint8_t>(next);
        return DecodeError::none;
      }
      here += 8;
      continue;
    }
    const std::size_t length = next == 51 ? (in.u8(here + 1) + 2) * 4 : (in.u8(here + 1) + 1) * 8;
    next = in.u8(here);
    here = std::min(end, here + length);
  }
  out.protocol = static_cast<std::uint8_t>(next);
  transport(in, here, end, out);
  return DecodeError::none;
}

DecodeError by_type(const Bytes& in, std::size_t at, unsigned type, std::uint32_t wire_length, PacketFacts& out,
                    unsigned tags, unsigned labels, bool pseudowire);

DecodeError mpls(const Bytes& in, std::size_t at, std::uint32_t wire_length, PacketFacts& out, unsigned tags,
                 unsigned labels, bool pseudowire) {
  for (;;) {
    if (labels == kMaxMplsLabels) return DecodeError::mpls_too_deep;
    if (!in.has(at, 4)) return DecodeError::mpls_truncated;
    const bool bottom = in.u8(at + 2) % 2 == 1;
    ++labels;
    at += 4;
    if (bottom) break;
  }
  if (!in.has(at, 1)) return DecodeError::mpls_truncated;
  if (in.u8(at) / 16 == 4) return ipv4(in, at, wire_length, out);
  if (in.u8(at) / 16 == 6) return ipv6(in, at, wire_length, out);
  if (in.u8(at) / 16 != 0 || pseudowire) return DecodeError::not_ip;
  for (const std::size_t skip : {4U, 0U}) {
    if (!in.has(at + skip, 14)) continue;
    const unsigned type = in.u16(at + skip + 12);
    for (const unsigned carried : {0x0800U, 0x86ddU, 0x8100U, 0x88a8U, 0x9100U, 0x9200U}) {
      if (type == carried) return by_type(in, at + skip + 14, type, wire_length, out, tags, labels, true);
    }
  }
  return DecodeError::not_ip;
}

unsigned type_of_ppp(unsigned protocol) {
  if (protocol == 0x21) return 0x0800;
  if (protocol == 0x57) return 0x86dd;
  if (protocol == 0x281) return 0x8847;
  if (protocol == 0x283) return 0x8848;
  return 0xffff;
}

DecodeError by_type(const Bytes& in, std::size_t at, unsigned type, std::uint32_t wire_length, PacketFacts& out,
                    unsigned tags, unsigned labels, bool pseudowire) {
  if (type == 0x0800) return ipv4(in, at, wire_length, out);
  if (type == 0x86dd) return ipv6(in, at, wire_length, out);
  if (type == 0x8847 || type == 0x8848) return mpls(in, at, wire_length, out, tags, labels, pseudowire);
  if (type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200) {
    if (tags == kMaxVlanTags) return DecodeError::vlan_too_deep;
    if (!in.has(at, 4)) return DecodeError::link_truncated;
    return by_type(in, at + 4, in.u16(at + 2), wire_length, out, tags + 1, labels, pseudowire);
  }
  if (type == 0x8864) {
    if (!in.has(at, 8)) return DecodeError::link_truncated;
    if (in.u8(at) != 0x11 || in.u8(at + 1) != 0 || in.u16(at + 4) < 2) return DecodeError::pppoe_malformed;
    return by_type(in, at + 8, type_of_ppp(in.u16(at + 6)), wire_length, out, tags, labels, pseudowire);
  }
  if (type == 0 || type >= 0x600 || !in.has(at, 8)) return DecodeError::not_ip;
  const bool snap = in.number(at, 6) == 0xaaaa03000000;
  const unsigned inner = in.u16(at + 6);
  if (!snap || inner < 0x600) return DecodeError::not_ip;
  return by_type(in, at + 8, inner, wire_length, out, tags, labels, pseudowire);
}

DecodeError ppp(const Bytes& in, std::uint32_t wire_length, PacketFacts& out) {
  std::size_t at = 0;
  if (!in.has(0, 1)) return DecodeError::link_truncated;
  if (in.u8(0) == 0xff) at = 2;
  if (!in.has(at, 1)) return DecodeError::link_truncated;
  if (in.u8(at) % 2 == 1) return by_type(in, at + 1, type_of_ppp(in.u8(at)), wire_length, out, 0, 0, false);
  if (!in.has(at, 2)) return DecodeError::link_truncated;
  return by_type(in, at + 2, type_of_ppp(in.u16(at)), wire_length, out, 0, 0, false);
}

DecodeError loopback(const Bytes& in, bool either_order, std::uint32_t wire_length, PacketFacts& out) {
  if (!in.has(0, 4)) return DecodeError::link_truncated;
  std::uint64_t family = in.number(0, 4);
  if (either_order && family > 0xffff) {
    family = in.u8(0) + in.u8(1) * 0x100 + in.u8(2) * 0x10000 + std::uint64_t{in.u8(3)} * 0x1000000;
  }
  if (family == 2) return ipv4(in, 4, wire_length, out);
  if (family == 10 || family == 24 || family == 28 || family == 30) return ipv6(in, 4, wire_length, out);
  return DecodeError::not_ip;
}

DecodeError cooked(const Bytes& in, std::size_t header, std::size_t type_at, std::size_t hardware_at,
                   std::uint32_t wire_length, PacketFacts& out) {
  if (!in.has(0, header)) return DecodeError::link_truncated;
  if (in.u16(hardware_at) == 824) return DecodeError::not_ip;
  return by_type(in, header, in.u16(type_at), wire_length, out, 0, 0, false);
}

DecodeError by_link(LinkType link, const Bytes& in, std::uint32_t wire_length, PacketFacts& out) {
  switch (link) {
    case LinkType::ethernet:
      if (!in.has(0, 14)) return DecodeError::link_truncated;
      return by_type(in, 14, in.u16(12), wire_length, out, 0, 0, false);
    case LinkType::raw_ip:
      if (!in.has(0, 1)) return DecodeError::link_truncated;
      if (in.u8(0) / 16 == 4) return ipv4(in, 0, wire_length, out);
      if (in.u8(0) / 16 == 6) return ipv6(in, 0, wire_length, out);
      return DecodeError::not_ip;
    case LinkType::raw_ipv4: return ipv4(in, 0, wire_length, out);
    case LinkType::raw_ipv6: return ipv6(in, 0, wire_length, out);
    case LinkType::null_loopback: return loopback(in, true, wire_length, out);
    case LinkType::loop: return loopback(in, false, wire_length, out);
    case LinkType::ppp: return ppp(in, wire_length, out);
    case LinkType::cisco_hdlc:
      if (!in.has(0, 4)) return DecodeError::link_truncated;
      return by_type(in, 4, in.u16(2), wire_length, out, 0, 0, false);
    case LinkType::linux_sll: return cooked(in, 16, 14, 2, wire_length, out);
    case LinkType::linux_sll2: return cooked(in, 20, 0, 8, wire_length, out);
  }
  return DecodeError::link_unsupported;
}

}  // namespace

Decoded<PacketFacts> decode_frame(LinkType link, std::span<const std::byte> captured, std::uint32_t wire_length,
                                  WireOptions options) noexcept {
  PacketFacts out;
  const DecodeError error = by_link(link, Bytes{captured}, wire_length, out);
  if (error != DecodeError::none) return error;
  out.wire_length = options.length_from_ip ? out.ip_length : wire_length;
  return out;
}

bool decoders_agree(std::span<const std::byte> input) noexcept {
  constexpr std::array kLinks{LinkType::ethernet,   LinkType::raw_ip,     LinkType::null_loopback, LinkType::loop,
                              LinkType::ppp,        LinkType::cisco_hdlc, LinkType::linux_sll,     LinkType::linux_sll2,
                              LinkType::raw_ipv4,   LinkType::raw_ipv6};
  Cursor in{input};
  const LinkType link = kLinks[in.u8() % kLinks.size()];
  const WireOptions options{(in.u8() & 1) != 0};
  const std::uint32_t wire_length = static_cast<std::uint32_t>(in.u8()) << 16 | in.u16();
  if (!in.ok()) return true;
  const auto plain = decode_frame(link, in.rest(), wire_length, options);
  PacketFacts fast;
  const DecodeError error = tidegate::decode_frame(link, in.rest(), wire_length, options, fast);
  if (error != plain.error()) return false;
  return error != DecodeError::none || same_facts(fast, plain.value());
}

bool same_facts(const PacketFacts& a, const PacketFacts& b) noexcept {
  return a.source == b.source && a.destination == b.destination && a.wire_length == b.wire_length &&
         a.ip_length == b.ip_length && a.source_port == b.source_port && a.destination_port == b.destination_port &&
         a.protocol == b.protocol && a.tcp_flags == b.tcp_flags && a.ttl == b.ttl && a.fragment == b.fragment &&
         a.first_fragment == b.first_fragment;
}

}  // namespace tidegate::reference
