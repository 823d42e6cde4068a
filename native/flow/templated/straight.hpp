/// Records of the usual layouts: a straight line of loads.
#pragma once

#include <cstddef>
#include <span>

#include "../record.hpp"
#include "message_time.hpp"
#include "plan.hpp"

namespace tidegate::templated {

/// IE 61 flowDirection and IE 136 flowEndReason as we name them; unknown for other values.
[[nodiscard]] constexpr FlowSide side_of(std::uint64_t direction) noexcept {
  return direction < 2 ? static_cast<FlowSide>(direction + 1) : FlowSide::unknown;
}
[[nodiscard]] constexpr FlowEnd end_of(std::uint64_t reason) noexcept {
  return reason <= 5 ? static_cast<FlowEnd>(reason) : FlowEnd::unknown;
}
/// IE 89 forwardingStatus: the upper two bits are 2 for what was dropped (RFC 7270 section 4.12). A registry note lets
/// exporters send the status in four bytes, where the last is meant.
[[nodiscard]] constexpr bool dropped_by(std::uint64_t forwarding) noexcept { return (forwarding & 0xC0) == 0x80; }

inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kIcmp6 = 58;
/// Exporters put type and code into a port or leave it zero. A sampled packet has none, and so has a record.
[[nodiscard]] constexpr bool has_ports(std::uint8_t protocol) noexcept { return protocol != kIcmp && protocol != kIcmp6; }

/// Can these records be read by read_straight()? Uptimes only where the device's start is known.
[[nodiscard]] inline bool straight_reads(const Plan& plan, const MessageTime& time) noexcept {
  return plan.straight.usable && (plan.straight.clock != Clock::uptime || time.uptime_known);
}

/// Reads `count` records from `first` on in `bytes`, in front of which at least kFront bytes can be read. The records lie
/// whole within `bytes`, and `out` has room for them.
void read_straight(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                   const MessageTime& time, RecordBatch& out) noexcept;

/// The two ways in which read_straight() does so, apart for tests: any plan that is straight can be read by loads, by
/// shuffles only those whose shuffles are usable, on machines that have them (x86-64 with SSSE3).
void read_by_loads(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                   const MessageTime& time, RecordBatch& out) noexcept;
void read_by_shuffles(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                      const MessageTime& time, RecordBatch& out) noexcept;
[[nodiscard]] bool has_shuffles() noexcept;

}  // namespace tidegate::templated
