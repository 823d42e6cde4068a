/// NetFlow versions 1, 5 and 7 → records (Cisco, "NetFlow Export Datagram Formats").
///
/// - Stateless: all that a datagram means is in it.
/// - A header that promises more records than there are is one netflow_truncated; the whole ones count. Bytes behind
///   the last record are passed over.
/// - Fields that a version 7 record marks as invalid (its switch keeps them only under some flow masks) are zero on
///   the wire, and so they are here.
/// - Protocols without ports have ports zero: the format puts ICMP's type and code there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../record.hpp"

namespace tidegate::netflow5 {

/// A record that ends later than its own datagram, by less than this, comes from a clock read twice; else it is damage.
inline constexpr std::int32_t kMaxAheadMs = 60'000;
/// Flows are cut after minutes, after a week by the slowest exporters; what began longer ago did not.
inline constexpr std::int32_t kMaxAgeMs = 8 * 86'400'000;

/// Reads one UDP payload that `sender` sent into `out`, which it clears first. False: there is no header to go by,
/// and only the error is told.
bool decode(std::span<const std::byte> payload, const Address& sender, RecordBatch& out) noexcept;

}  // namespace tidegate::netflow5
