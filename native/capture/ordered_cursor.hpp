/// A cursor for files written in either byte order: base/'s cursor, its numbers turned round where needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../base/cursor.hpp"

namespace tidegate {

enum class ByteOrder : std::uint8_t { big, little };

/// Fails for good at the first short read, as Cursor does.
class OrderedCursor {
 public:
  constexpr OrderedCursor(std::span<const std::byte> bytes, ByteOrder order) noexcept : in_{bytes}, order_{order} {}
  constexpr OrderedCursor(Cursor in, ByteOrder order) noexcept : in_{in}, order_{order} {}

  [[nodiscard]] constexpr bool ok() const noexcept { return in_.ok(); }
  [[nodiscard]] constexpr std::size_t left() const noexcept { return in_.left(); }

  constexpr std::uint16_t u16() noexcept {
    const std::uint16_t value = in_.u16();
    return order_ == ByteOrder::big ? value : __builtin_bswap16(value);
  }
  constexpr std::uint32_t u32() noexcept {
    const std::uint32_t value = in_.u32();
    return order_ == ByteOrder::big ? value : __builtin_bswap32(value);
  }
  constexpr std::uint64_t u64() noexcept {
    const std::uint64_t value = in_.u64();
    return order_ == ByteOrder::big ? value : __builtin_bswap64(value);
  }
  constexpr std::span<const std::byte> bytes(std::size_t n) noexcept { return in_.bytes(n); }
  constexpr void skip(std::size_t n) noexcept { in_.skip(n); }
  constexpr OrderedCursor slice(std::size_t n) noexcept { return {in_.slice(n), order_}; }

 private:
  Cursor in_;
  ByteOrder order_;
};

}  // namespace tidegate
