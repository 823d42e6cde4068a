/// What the fields of NetFlow v9 and IPFIX mean to us: element numbers → slots of a record.
///
/// Many elements can fill one slot; of those in a template the one with the lowest rank does. Elements are those of
/// the IANA registry "IP Flow Information Export", which NetFlow v9's field types (RFC 3954 section 8) begin.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidegate::templated {

/// A field of a template as stated.
struct FieldSpec {
  std::uint32_t enterprise = 0;  ///< zero: IANA's own
  std::uint16_t element = 0;
  std::uint16_t length = 0;      ///< bytes; kVariableLength: stated in each record (RFC 7011 section 7)

  friend constexpr bool operator==(const FieldSpec&, const FieldSpec&) noexcept = default;
};
inline constexpr std::uint16_t kVariableLength = 0xFFFF;
/// RFC 5103 section 6.1: an element under this number is that of the flow's other direction.
inline constexpr std::uint32_t kReverseEnterprise = 29305;

/// Where a value goes. Each is one thing to know of a record, whatever element said it.
enum class Slot : std::uint8_t {
  none,
  source4, destination4, source6, destination6,
  source_port, destination_port,
  udp_source_port, udp_destination_port, tcp_source_port, tcp_destination_port,
  protocol, tcp_flags,
  octets, packets,            ///< of the direction that the addresses name
  back_octets, back_packets,  ///< of the other one (RFC 5103, firewalls)
  back_tcp_flags,
  input, output, source_as, destination_as,
  first, last, observed,      ///< microseconds of the epoch
  first_uptime, last_uptime,  ///< milliseconds since the device started
  duration,                   ///< microseconds
  boot,                       ///< when the device started, microseconds of the epoch
  direction, end_reason, forwarding,
  interval, packet_interval, packet_space, sample_size, population, probability, sampler,
  fragment_offset, fragment_flags, ttl,
  firewall_event, nat_event,
  ip_section, link_section, frame_size, section_size, ip_total_length,
  scope_interface,            ///< options: what is said is said of this interface
};
inline constexpr std::size_t kSlots = static_cast<std::size_t>(Slot::scope_interface) + 1;
static_assert(kSlots <= 64, "a record's values are marked in one word");

/// How the bytes of a field become its slot's value.
enum class Reading : std::uint8_t {
  number,         ///< up to 8 bytes, big-endian; shorter than usual where the exporter saves bytes (RFC 7011 section 6.2)
  address6,
  seconds, millis, micros,
  ntp,            ///< 32 bits of seconds since 1900, 32 of fraction (RFC 7011 sections 6.1.9 and 6.1.10)
  before_export,  ///< microseconds before the message's export time
  section,        ///< the bytes themselves: a piece of a packet
};

struct Meaning {
  Slot slot = Slot::none;
  Reading reading = Reading::number;
  std::uint8_t rank = 0;
};

/// Slot::none where it means nothing to us, or has a length that its reading cannot have.
[[nodiscard]] Meaning meaning_of(const FieldSpec& field) noexcept;
/// The same for the scope fields of options: v9 numbers kinds of scope (RFC 3954 section 6.1), IPFIX elements.
[[nodiscard]] Meaning scope_meaning_of(const FieldSpec& field, bool netflow9) noexcept;

}  // namespace tidegate::templated
