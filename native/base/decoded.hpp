/// The result of a decoder: a value, or the one reason why there is none.
#pragma once

#include <type_traits>

#include "errors.hpp"

namespace tidegate {

template <typename T>
class Decoded {
  static_assert(std::is_nothrow_default_constructible_v<T> && std::is_nothrow_copy_constructible_v<T>);

 public:
  constexpr Decoded(const T& value) noexcept : value_{value} {}     // NOLINT: a value is a result
  constexpr Decoded(DecodeError error) noexcept : error_{error} {}  // NOLINT: so is an error

  [[nodiscard]] constexpr bool ok() const noexcept { return error_ == DecodeError::none; }
  [[nodiscard]] constexpr DecodeError error() const noexcept { return error_; }
  /// A default value unless ok().
  [[nodiscard]] constexpr const T& value() const noexcept { return value_; }

  friend constexpr bool operator==(const Decoded&, const Decoded&) noexcept = default;

 private:
  T value_{};
  DecodeError error_ = DecodeError::none;
};

}  // namespace tidegate
