/// The clock of one message, by which the times in its records are told.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tidegate::templated {

struct MessageTime {
  std::int64_t export_micros = 0;  ///< of the epoch, by the exporter
  std::uint32_t uptime_ms = 0;     ///< of the device at that time
  bool uptime_known = false;       ///< IPFIX: only where systemInitTimeMilliseconds has been said
};

inline constexpr std::uint64_t kMicrosPerMilli = 1'000;
inline constexpr std::uint64_t kMicrosPerSecond = 1'000'000;
/// Some 146,000 years. Times past it are damage, and told as not said: differences of two cannot overflow.
inline constexpr std::uint64_t kMaxMicros = std::uint64_t{1} << 62;

constexpr std::int64_t sane_micros(std::uint64_t micros) noexcept {
  return micros < kMaxMicros ? static_cast<std::int64_t>(micros) : 0;
}
/// Milliseconds or seconds as microseconds; zero where they do not fit.
constexpr std::int64_t scaled_micros(std::uint64_t value, std::uint64_t micros_each) noexcept {
  return value < kMaxMicros / kMicrosPerSecond ? static_cast<std::int64_t>(value * micros_each) : 0;
}

/// sysUpTime counts milliseconds modulo 2^32 (RFC 3954 section 5.1): what lies up to 24 days either side of `pivot_ms`,
/// the uptime at `at_micros`.
constexpr std::int64_t uptime_micros(std::uint32_t value_ms, std::uint32_t pivot_ms, std::int64_t at_micros) noexcept {
  const std::int64_t ahead_ms = static_cast<std::int32_t>(value_ms - pivot_ms);
  return std::max<std::int64_t>(0, at_micros + ahead_ms * static_cast<std::int64_t>(kMicrosPerMilli));
}

/// The uptime in milliseconds, modulo 2^32, of a device that started at `boot_micros`.
constexpr std::uint32_t uptime_at(std::int64_t at_micros, std::int64_t boot_micros) noexcept {
  return static_cast<std::uint32_t>((at_micros - boot_micros) / static_cast<std::int64_t>(kMicrosPerMilli));
}

}  // namespace tidegate::templated
