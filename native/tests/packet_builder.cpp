#include "packet_builder.hpp"

#include <algorithm>

#include "../base/address.hpp"

namespace tidegate::test {

void PacketBuilder::put8(unsigned value) { bytes_.push_back(static_cast<std::byte>(value & 255)); }
void PacketBuilder::put16(unsigned value) {
  put8(value >> 8);
  put8(value);
}
void PacketBuilder::put32(std::uint32_t value) {
  put16(value >> 16);
  put16(value & 0xffff);
}

void PacketBuilder::next_type(std::uint16_t type) {
  if (!type_at_) return;
  unsigned number = type;
  if (ppp_) number = type == 0x0800 ? 0x0021 : type == 0x86dd ? 0x0057 : type == 0x8847 ? 0x0281 : type;
  bytes_[*type_at_] = static_cast<std::byte>(number >> 8);
  bytes_[*type_at_ + 1] = static_cast<std::byte>(number & 255);
  type_at_.reset();
  ppp_ = false;
}

void PacketBuilder::next_protocol(std::uint8_t number) {
  if (protocol_at_) bytes_[*protocol_at_] = static_cast<std::byte>(number);
  protocol_at_.reset();
}

PacketBuilder& PacketBuilder::ethernet() {
  for (const unsigned b : {2U, 0U, 0U, 0U, 0U, 1U, 2U, 0U, 0U, 0U, 0U, 2U}) put8(b);
  type_at_ = bytes_.size();
  put16(0);
  return *this;
}

PacketBuilder& PacketBuilder::vlan(std::uint16_t id, std::uint16_t tpid) {
  next_type(tpid);
  put16(id);
  type_at_ = bytes_.size();
  put16(0);
  return *this;
}

PacketBuilder& PacketBuilder::mpls(std::uint32_t label, bool bottom) {
  next_type(0x8847);
  put32(label << 12 | (bottom ? 1U << 8 : 0U) | 64);
  return *this;
}

PacketBuilder& PacketBuilder::control_word() {
  put32(0);
  return *this;
}

PacketBuilder& PacketBuilder::pppoe() {
  next_type(0x8864);
  put16(0x1100);
  put16(1);
  put16(100);
  type_at_ = bytes_.size();
  ppp_ = true;
  put16(0);
  return *this;
}

PacketBuilder& PacketBuilder::ethertype(std::uint16_t type) {
  next_type(type);
  return *this;
}

PacketBuilder& PacketBuilder::ipv4(std::string_view source, std::string_view destination) {
  next_type(0x0800);
  next_protocol(4);
  const std::size_t at = bytes_.size();
  ip_.push_back({at, at + 2, at, std::nullopt});
  put32(0x45000000);
  put32(0);
  put32(64U << 24);
  protocol_at_ = at + 9;
  put32(static_cast<std::uint32_t>(parse_address(source)->low));
  put32(static_cast<std::uint32_t>(parse_address(destination)->low));
  return *this;
}

PacketBuilder& PacketBuilder::ipv4_options(std::size_t words) {
  bytes_[ip_.back().at] = static_cast<std::byte>(0x45 + words);
  for (std::size_t i = 0; i < words; ++i) put32(0x01010101);
  return *this;
}

PacketBuilder& PacketBuilder::fragment(std::uint16_t offset, bool more) {
  const std::size_t at = ip_.back().at + 6;
  bytes_[at] = static_cast<std::byte>((more ? 0x20 : 0) | offset >> 8);
  bytes_[at + 1] = static_cast<std::byte>(offset & 255);
  return *this;
}

PacketBuilder& PacketBuilder::total_length(std::uint16_t bytes) {
  ip_.back().forced = bytes;
  return *this;
}

PacketBuilder& PacketBuilder::ipv6(std::string_view source, std::string_view destination) {
  next_type(0x86dd);
  next_protocol(41);
  const std::size_t at = bytes_.size();
  ip_.push_back({at, at + 4, at + 40, std::nullopt});
  put32(0x60000000);
  put16(0);
  protocol_at_ = bytes_.size();
  put8(59);
  put8(64);
  for (const std::string_view text : {source, destination}) {
    const Address address = *parse_address(text);
    for (const std::uint64_t half : {address.high, address.low}) {
      put32(static_cast<std::uint32_t>(half >> 32));
      put32(static_cast<std::uint32_t>(half));
    }
  }
  return *this;
}

PacketBuilder& PacketBuilder::extension(std::uint8_t type, std::size_t units) {
  const bool authentication = type == 51;
  next_protocol(type);
  protocol_at_ = bytes_.size();
  put8(59);
  put8(static_cast<unsigned>(authentication ? units : units - 1));
  const std::size_t size = authentication ? units * 4 + 8 : units * 8;
  return payload(size - 2);
}

PacketBuilder& PacketBuilder::fragment_header(std::uint16_t offset, bool more) {
  next_protocol(44);
  protocol_at_ = bytes_.size();
  put8(59);
  put8(0);
  put16(static_cast<unsigned>(offset << 3 | (more ? 1 : 0)));
  put32(0x12345678);
  return *this;
}

PacketBuilder& PacketBuilder::jumbo(std::uint32_t payload_length) {
  next_protocol(0);
  protocol_at_ = bytes_.size();
  put8(59);
  put8(0);
  put16(0xc204);
  put32(payload_length);
  ip_.back().forced = 0;
  return *this;
}

PacketBuilder& PacketBuilder::tcp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags) {
  next_protocol(6);
  put16(source_port);
  put16(destination_port);
  put32(1);
  put32(2);
  put8(0x50);
  put8(flags);
  put16(1024);
  put32(0);
  return *this;
}

PacketBuilder& PacketBuilder::udp(std::uint16_t source_port, std::uint16_t destination_port) {
  next_protocol(17);
  put16(source_port);
  put16(destination_port);
  put32(0);
  return *this;
}

PacketBuilder& PacketBuilder::icmp() {
  next_protocol(!ip_.empty() && ip_.back().counted_from != ip_.back().at ? 58 : 1);
  put32(0x08000000);
  put32(0x00010001);
  return *this;
}

PacketBuilder& PacketBuilder::protocol(std::uint8_t number) {
  next_protocol(number);
  return *this;
}

PacketBuilder& PacketBuilder::payload(std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) put8(0);
  return *this;
}

PacketBuilder& PacketBuilder::raw(std::initializer_list<unsigned> bytes) {
  for (const unsigned b : bytes) put8(b);
  return *this;
}

std::vector<std::byte> PacketBuilder::bytes() const {
  std::vector<std::byte> out = bytes_;
  for (const IpHeader& header : ip_) {
    const std::size_t length = header.forced ? *header.forced : out.size() - header.counted_from;
    out[header.length_at] = static_cast<std::byte>(length >> 8 & 255);
    out[header.length_at + 1] = static_cast<std::byte>(length & 255);
  }
  return out;
}

std::vector<std::byte> PacketBuilder::cut(std::size_t captured) const {
  std::vector<std::byte> out = bytes();
  out.resize(std::min(captured, out.size()));
  return out;
}

}  // namespace tidegate::test
