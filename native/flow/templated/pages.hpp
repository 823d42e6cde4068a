/// Rows that the kernel hands out as they are first touched: a large bound costs nothing until it is used.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <type_traits>

namespace tidegate::templated {

/// `size()` zeroed T, or none at all where the machine has no room for so many. T must be a plain struct for which
/// zero bytes are a value.
template <typename T>
class Pages {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit Pages(std::size_t count) noexcept
      : rows_{static_cast<T*>(std::calloc(count, sizeof(T)))}, size_{rows_ ? count : 0} {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t row) noexcept { return all()[row]; }
  [[nodiscard]] const T& operator[](std::size_t row) const noexcept { return all()[row]; }
  [[nodiscard]] std::span<T> all() noexcept { return {rows_.get(), size_}; }
  [[nodiscard]] std::span<const T> all() const noexcept { return {rows_.get(), size_}; }

 private:
  struct Free {
    void operator()(T* rows) const noexcept { std::free(rows); }
  };
  std::unique_ptr<T[], Free> rows_;
  std::size_t size_;
};

}  // namespace tidegate::templated
