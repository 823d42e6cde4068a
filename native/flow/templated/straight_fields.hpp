/// What both ways of reading straight records share: loads of fields, and what their numbers mean.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../../base/cursor.hpp"
#include "straight.hpp"

namespace tidegate::templated {

// What a plan places lies within the record, see plan.hpp: no check is left to make here.
inline std::uint32_t load(std::span<const std::byte> window, const Narrow& field) noexcept {
  return Fields<4>{window.subspan(field.at).first<4>()}.u32<0>() & field.mask;
}
inline std::uint64_t load(std::span<const std::byte> window, const Wide& field) noexcept {
  return Fields<8>{window.subspan(field.at).first<8>()}.u64<0>() & field.mask;
}

inline void load_address4(std::span<const std::byte> window, std::uint16_t at, Address& out) noexcept {
  out.high = 0;
  out.low = Fields<4>{window.subspan(at).first<4>()}.u32<0>();
  out.family = Family::ipv4;
}
inline void load_address6(std::span<const std::byte> window, std::uint16_t at, Address& out) noexcept {
  const Fields<16> words{window.subspan(at).first<16>()};
  out.high = words.u64<0>();
  out.low = words.u64<8>();
  out.family = Family::ipv6;
}

/// A time as the record states it, in microseconds of the epoch; zero where it states none.
template <Clock kClock>
std::int64_t time_of(std::uint64_t stated, const MessageTime& time) noexcept {
  if constexpr (kClock == Clock::none) {
    return 0;
  } else if constexpr (kClock == Clock::uptime) {
    return uptime_micros(static_cast<std::uint32_t>(stated), time.uptime_ms, time.export_micros);
  } else {
    return scaled_micros(stated, kClock == Clock::millis ? kMicrosPerMilli : kMicrosPerSecond);
  }
}

/// What a record's two ports, in the lower 32 bits, and the bytes above them tell, by its protocol. Looked up, not
/// branched on: which protocol comes next is hard to predict.
inline constexpr auto kToldBy = [] {
  constexpr std::uint64_t kPorts = 0xFFFF'FFFF;
  std::array<std::uint64_t, 256> told{};
  for (std::size_t protocol = 0; protocol < told.size(); ++protocol) {
    told[protocol] = has_ports(static_cast<std::uint8_t>(protocol)) ? ~std::uint64_t{0} : ~kPorts;
  }
  return told;
}();

}  // namespace tidegate::templated
