/// What the decoders say of one packet: the hand-over between wire/, flow/ and counters/.
#pragma once

#include <cstdint>

namespace tidegate {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };

/// An address as two host-order words; IPv4 in the lower 32 bits of `low`, `high` zero.
struct Address {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  Family family = Family::ipv4;

  friend constexpr bool operator==(const Address&, const Address&) noexcept = default;
};

/// Facts of one packet. Ports are zero where the transport header is absent (later fragments, cut captures).
struct PacketFacts {
  Address source;
  Address destination;
  std::uint32_t wire_length = 0;  ///< bytes on the wire, from the link header on, or by the IP header if so configured
  std::uint32_t ip_length = 0;    ///< bytes from the outermost IP header on, as that header says
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;      ///< of the last header: 6, 17, 1, 58, …
  std::uint8_t tcp_flags = 0;     ///< RFC 9293 section 3.1: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128
  std::uint8_t ttl = 0;           ///< or hop limit
  bool fragment = false;          ///< IPv4: MF or offset; IPv6: a Fragment header that is not atomic (RFC 6946)
  bool first_fragment = false;    ///< a fragment with offset zero
};

/// A packet or a flow record as it is counted: sampling is already undone.
struct Sighting {
  PacketFacts facts;
  std::uint64_t packets = 1;
  std::uint64_t bytes = 0;
  std::uint32_t sampling = 1;  ///< packets that one observed stands for; `packets / sampling` were observed
  std::uint32_t origin = 0;    ///< of a flow record: who sent it, the lower half of `Exporter::id`
};

}  // namespace tidegate
