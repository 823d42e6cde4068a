/// What opening gives: the resource, or one line saying why there is none.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tidegate {

/// Why a resource could not be had, for people: 'ENODEV: no interface eth7 (No such device)'.
struct OpenFailure {
  int error_number = 0;  ///< errno, or zero where no system call failed
  std::string text;
};

/// "ENODEV" for 19 and so on; "E19" for a number the C library has no name for.
[[nodiscard]] std::string errno_name(int error_number);

/// '<errno name>: <what> (<strerror>)'.
[[nodiscard]] OpenFailure system_failure(std::string_view what, int error_number);

template <class T>
class [[nodiscard]] Opened {
 public:
  Opened(T value) noexcept : state_{std::move(value)} {}                    // NOLINT: meant to convert
  Opened(OpenFailure failure) noexcept : state_{std::move(failure)} {}      // NOLINT: meant to convert
  [[nodiscard]] bool ok() const noexcept { return std::holds_alternative<T>(state_); }
  /// Only where ok().
  [[nodiscard]] T& value() noexcept { return *std::get_if<T>(&state_); }
  /// Only where not ok().
  [[nodiscard]] const OpenFailure& failure() const noexcept { return *std::get_if<OpenFailure>(&state_); }

 private:
  std::variant<T, OpenFailure> state_;
};

}  // namespace tidegate
