/// A template compiled: what to take from where in each record.
///
/// - Every plan has steps, which read any record front to back (walk.hpp).
/// - Plans of the usual layouts (fixed places, one pair of addresses, counters, times of one kind) also have fixed
///   places for all they read, so that a record is a straight line of loads (straight.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "../../base/errors.hpp"
#include "shuffles.hpp"
#include "template_record.hpp"

namespace tidegate::templated {

/// Fields that mean something to us and stretches of variable-length ones that do not, in one template.
inline constexpr std::size_t kMaxSteps = 64;

/// Passes over `skip` bytes, then takes a field of `length` bytes; or passes over `length` variable-length fields.
struct Step {
  std::uint16_t skip = 0;
  std::uint16_t length = 0;  ///< kVariableLength: stated in the record
  Slot slot = Slot::none;    ///< none: `length` variable-length fields to pass over
  Reading reading = Reading::number;
};

/// Loads reach in front of a field, never past its end: a record needs so many readable bytes in front of it.
/// The headers of datagram and set are longer.
inline constexpr std::size_t kFront = 8;

/// A field of up to 4 bytes: the 4 that end where it ends, less those in front of it. `at` counts from kFront bytes
/// in front of the record. What is not in the template has mask 0.
struct Narrow {
  std::uint16_t at = 0;
  std::uint32_t mask = 0;
};
/// The same with 8 bytes.
struct Wide {
  std::uint16_t at = 0;
  std::uint64_t mask = 0;
};

enum class Clock : std::uint8_t { none, uptime, millis, seconds };

struct Straight {
  bool usable = false;
  bool six = false;
  Clock clock = Clock::none;
  bool more = false;  ///< some of the last five are there
  std::uint16_t source_at = 0;
  std::uint16_t destination_at = 0;
  Narrow source_port, destination_port, protocol, tcp_flags, input, output, source_as, destination_as;
  Wide octets, packets, first, last;
  Narrow direction, end_reason, forwarding, ttl;
  Wide sampler;
  Shuffles shuffles;  ///< the same once more, for machines that have them
};

struct Plan {
  bool options = false;
  bool netflow9 = false;
  bool variable = false;           ///< some field states its length in each record
  bool both_directions = false;    ///< a record tells of two (RFC 5103, firewalls)
  bool six_first = false;          ///< of both families, IPv6 stands in front: the outer header of a tunnel
  std::uint8_t implied_protocol = 0;  ///< where only ports tell it
  std::uint16_t record_bytes = 0;  ///< of each record, or variable: the least, never zero
  std::uint16_t tail = 0;          ///< bytes behind the last step
  std::uint8_t step_count = 0;
  Straight straight;
  std::array<Step, kMaxSteps> steps{};
};

/// none, template_malformed (records without bytes, or of more than 65,535) or template_too_many_fields.
[[nodiscard]] DecodeError compile(const TemplateRecord& record, Plan& out) noexcept;

}  // namespace tidegate::templated
