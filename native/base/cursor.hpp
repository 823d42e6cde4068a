/// Reading untrusted bytes: a cursor that fails for good, and fields at fixed places in a header.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tidegate {

/// Exactly N bytes whose presence has been checked once; every offset is checked when compiling.
template <std::size_t N>
class Fields {
 public:
  explicit constexpr Fields(std::span<const std::byte, N> bytes) noexcept : bytes_{bytes} {}

  template <std::size_t At>
  [[nodiscard]] constexpr std::uint8_t u8() const noexcept {
    return big_endian<std::uint8_t, At>();
  }
  template <std::size_t At>
  [[nodiscard]] constexpr std::uint16_t u16() const noexcept {
    return big_endian<std::uint16_t, At>();
  }
  template <std::size_t At>
  [[nodiscard]] constexpr std::uint32_t u32() const noexcept {
    return big_endian<std::uint32_t, At>();
  }
  template <std::size_t At>
  [[nodiscard]] constexpr std::uint64_t u64() const noexcept {
    return big_endian<std::uint64_t, At>();
  }

 private:
  // Written as shifts, which compilers turn into one load and a byte swap.
  template <std::unsigned_integral T, std::size_t At>
  [[nodiscard]] constexpr T big_endian() const noexcept {
    static_assert(At + sizeof(T) <= N, "the field lies outside the header");
    return [this]<std::size_t... I>(std::index_sequence<I...>) {
      return static_cast<T>(
          ((static_cast<T>(std::to_integer<T>(bytes_[At + I])) << (8 * (sizeof(T) - 1 - I))) | ...));
    }(std::make_index_sequence<sizeof(T)>{});
  }

  std::span<const std::byte, N> bytes_;
};

/// Reads big-endian fields front to back, and never past the end.
/// The first short read fails the cursor for good: it and all later reads yield zero.
class Cursor {
 public:
  explicit constexpr Cursor(std::span<const std::byte> bytes) noexcept : rest_{bytes} {}
  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }
  /// Bytes not read yet; zero once failed.
  [[nodiscard]] constexpr std::size_t left() const noexcept { return rest_.size(); }
  /// All that is not read yet, without reading it.
  [[nodiscard]] constexpr std::span<const std::byte> rest() const noexcept { return rest_; }

  constexpr std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(take(1)); }
  constexpr std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(take(2)); }
  constexpr std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(take(4)); }
  constexpr std::uint64_t u64() noexcept { return take(8); }

  /// The next `n` bytes; none at all when there are fewer.
  constexpr std::span<const std::byte> bytes(std::size_t n) noexcept {
    if (n > rest_.size()) {
      fail();
      return {};
    }
    const auto part = rest_.first(n);
    rest_ = rest_.subspan(n);
    return part;
  }

  constexpr void skip(std::size_t n) noexcept { static_cast<void>(bytes(n)); }

  /// The next `n` bytes as a cursor of their own: what is read there cannot reach outside.
  constexpr Cursor slice(std::size_t n) noexcept {
    if (n > rest_.size()) fail();
    Cursor part{ok_ ? rest_.first(n) : rest_};
    part.ok_ = ok_;
    if (ok_) rest_ = rest_.subspan(n);
    return part;
  }

 private:
  constexpr std::uint64_t take(std::size_t n) noexcept {
    if (n > rest_.size()) {
      fail();
      return 0;
    }
    std::uint64_t value = 0;
    for (const std::byte b : rest_.first(n)) value = value << 8 | std::to_integer<std::uint64_t>(b);
    rest_ = rest_.subspan(n);
    return value;
  }
  constexpr void fail() noexcept {
    ok_ = false;
    rest_ = {};
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace tidegate
