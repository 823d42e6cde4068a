/// Any record, front to back by its plan's steps: the values of its slots.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "../../base/cursor.hpp"
#include "../../base/facts.hpp"
#include "message_time.hpp"
#include "plan.hpp"

namespace tidegate::templated {

/// What one record says. A number that was not said is zero.
class Values {
 public:
  void clear() noexcept { said_ = 0; }
  [[nodiscard]] bool has(Slot slot) const noexcept { return (said_ >> static_cast<unsigned>(slot) & 1) != 0; }
  [[nodiscard]] std::uint64_t operator[](Slot slot) const noexcept {
    return has(slot) ? numbers_[static_cast<std::size_t>(slot)] : 0;
  }
  /// Times are microseconds of the epoch, zero where not said or beyond all sense.
  [[nodiscard]] std::int64_t time(Slot slot) const noexcept { return static_cast<std::int64_t>((*this)[slot]); }
  [[nodiscard]] Address source6() const noexcept { return source6_; }
  [[nodiscard]] Address destination6() const noexcept { return destination6_; }
  /// Slot::ip_section or Slot::link_section; empty when not said.
  [[nodiscard]] std::span<const std::byte> section(Slot slot) const noexcept;

  void set(Slot slot, std::uint64_t number) noexcept {
    said_ |= std::uint64_t{1} << static_cast<unsigned>(slot);
    numbers_[static_cast<std::size_t>(slot)] = number;
  }
  void set_address6(Slot slot, Cursor in) noexcept;
  void set_section(Slot slot, std::span<const std::byte> bytes) noexcept;

 private:
  std::uint64_t said_ = 0;
  std::array<std::uint64_t, kSlots> numbers_{};
  Address source6_;
  Address destination6_;
  std::span<const std::byte> ip_section_;
  std::span<const std::byte> link_section_;
};

/// Reads one record and leaves `in` behind it. False where its fields do not all lie within; `out` is then unspecified.
[[nodiscard]] bool walk(const Plan& plan, Cursor& in, const MessageTime& time, Values& out) noexcept;

}  // namespace tidegate::templated
