/// Packets for tests, readable: packet().ethernet().vlan(7).ipv4("192.0.2.1", "198.51.100.7").udp(1234, 53).bytes().
///
/// Each layer names the next one's type when that is added; lengths are filled in by bytes(). Checksums stay zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tidegate::test {

class PacketBuilder {
 public:
  PacketBuilder& ethernet();
  PacketBuilder& vlan(std::uint16_t id, std::uint16_t tpid = 0x8100);
  PacketBuilder& mpls(std::uint32_t label, bool bottom);
  PacketBuilder& pppoe();
  /// A pseudowire's control word (RFC 4385), for ethernet() to follow.
  PacketBuilder& control_word();
  PacketBuilder& ethertype(std::uint16_t type);  ///< says the type in place of the next layer
  PacketBuilder& ipv4(std::string_view source, std::string_view destination);
  PacketBuilder& ipv4_options(std::size_t words);
  /// Offset in units of 8 bytes.
  PacketBuilder& fragment(std::uint16_t offset, bool more);
  PacketBuilder& total_length(std::uint16_t bytes);  ///< of the last IP header, in place of the true one
  PacketBuilder& ipv6(std::string_view source, std::string_view destination);
  /// An extension header of `units` · 8 bytes; for AH `units` · 4 + 8.
  PacketBuilder& extension(std::uint8_t type, std::size_t units = 1);
  PacketBuilder& fragment_header(std::uint16_t offset, bool more);
  PacketBuilder& jumbo(std::uint32_t payload_length);
  PacketBuilder& tcp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags);
  PacketBuilder& udp(std::uint16_t source_port, std::uint16_t destination_port);
  PacketBuilder& icmp();
  PacketBuilder& protocol(std::uint8_t number);  ///< says the protocol without a header
  PacketBuilder& payload(std::size_t bytes);
  PacketBuilder& raw(std::initializer_list<unsigned> bytes);

  [[nodiscard]] std::vector<std::byte> bytes() const;
  /// As bytes(), cut to the first `captured`.
  [[nodiscard]] std::vector<std::byte> cut(std::size_t captured) const;

 private:
  struct IpHeader {
    std::size_t at = 0;
    std::size_t length_at = 0;
    std::size_t counted_from = 0;  ///< IPv4 counts its header, IPv6 does not
    std::optional<std::uint16_t> forced;
  };
  void put8(unsigned value);
  void put16(unsigned value);
  void put32(std::uint32_t value);
  void next_type(std::uint16_t type);
  void next_protocol(std::uint8_t number);

  std::vector<std::byte> bytes_;
  std::optional<std::size_t> type_at_;      ///< where the next layer's EtherType goes
  std::optional<std::size_t> protocol_at_;  ///< where the next header's number goes
  bool ppp_ = false;                        ///< type_at_ wants a PPP protocol number
  std::vector<IpHeader> ip_;
};

inline PacketBuilder packet() { return {}; }

}  // namespace tidegate::test
