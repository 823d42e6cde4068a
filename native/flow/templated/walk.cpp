#include "walk.hpp"

namespace tidegate::templated {

namespace {

/// RFC 7011 section 7: one byte of length, or 255 and two.
std::size_t variable_length(Cursor& in) noexcept {
  constexpr std::uint8_t kLongForm = 255;
  const std::uint8_t length = in.u8();
  return length == kLongForm ? in.u16() : length;
}

std::uint64_t number_of(std::span<const std::byte> bytes) noexcept {
  switch (bytes.size()) {
    case 1: return std::to_integer<std::uint64_t>(bytes.front());
    case 2: return Fields<2>{bytes.first<2>()}.u16<0>();
    case 4: return Fields<4>{bytes.first<4>()}.u32<0>();
    case 8: return Fields<8>{bytes.first<8>()}.u64<0>();
    default: break;
  }
  std::uint64_t value = 0;
  for (const std::byte b : bytes) value = value << 8 | std::to_integer<std::uint64_t>(b);
  return value;
}

/// RFC 7011 section 6.1.10; the era that begins in 1900.
std::int64_t ntp_micros(std::uint64_t stamp) noexcept {
  constexpr std::uint64_t kUnixEpoch = 2'208'988'800;
  const std::uint64_t seconds = stamp >> 32;
  if (seconds < kUnixEpoch) return 0;
  return static_cast<std::int64_t>((seconds - kUnixEpoch) * kMicrosPerSecond + ((stamp & 0xFFFF'FFFF) * kMicrosPerSecond >> 32));
}

void take(const Step& step, std::span<const std::byte> bytes, const MessageTime& time, Values& out) noexcept {
  if (step.reading == Reading::section) return out.set_section(step.slot, bytes);
  if (step.reading == Reading::address6) return out.set_address6(step.slot, Cursor{bytes});
  if (bytes.size() > sizeof(std::uint64_t) || bytes.empty()) return;  // of variable length, and not a number
  const std::uint64_t value = number_of(bytes);
  std::int64_t micros = 0;
  switch (step.reading) {
    case Reading::seconds: micros = scaled_micros(value, kMicrosPerSecond); break;
    case Reading::millis: micros = scaled_micros(value, kMicrosPerMilli); break;
    case Reading::micros: micros = sane_micros(value); break;
    case Reading::ntp: micros = ntp_micros(value); break;
    case Reading::before_export:
      micros = value < static_cast<std::uint64_t>(time.export_micros) ? time.export_micros - static_cast<std::int64_t>(value) : 0;
      break;
    default: return out.set(step.slot, value);
  }
  out.set(step.slot, static_cast<std::uint64_t>(micros));
}

}  // namespace

std::span<const std::byte> Values::section(Slot slot) const noexcept {
  if (!has(slot)) return {};
  return slot == Slot::ip_section ? ip_section_ : link_section_;
}

void Values::set_address6(Slot slot, Cursor in) noexcept {
  set(slot, 0);
  Address& address = slot == Slot::source6 ? source6_ : destination6_;
  address = {in.u64(), in.u64(), Family::ipv6};
}

void Values::set_section(Slot slot, std::span<const std::byte> bytes) noexcept {
  set(slot, 0);
  (slot == Slot::ip_section ? ip_section_ : link_section_) = bytes;
}

bool walk(const Plan& plan, Cursor& in, const MessageTime& time, Values& out) noexcept {
  out.clear();
  for (const Step& step : std::span{plan.steps}.first(plan.step_count)) {
    in.skip(step.skip);
    if (step.slot == Slot::none) {
      for (std::uint16_t i = 0; i < step.length && in.ok(); ++i) in.skip(variable_length(in));
    } else {
      const auto bytes = in.bytes(step.length == kVariableLength ? variable_length(in) : step.length);
      if (in.ok()) take(step, bytes, time, out);
    }
    if (!in.ok()) return false;
  }
  in.skip(plan.tail);
  return in.ok();
}

}  // namespace tidegate::templated
