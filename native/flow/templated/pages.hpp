/// Rows that the kernel hands out as they are first touched: a large bound costs nothing until it is used.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <sys/mman.h>
#include <type_traits>
#include <utility>

namespace tidegate::templated {

/// `size()` zeroed T, or none at all where the machine has no room for so many. T must be a plain struct for which
/// zero bytes are a value.
template <typename T>
class Pages {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> && alignof(T) <= 4096);

 public:
  explicit Pages(std::size_t count) noexcept {
    if (count == 0 || count > std::numeric_limits<std::size_t>::max() / sizeof(T)) return;
    void* const start = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start != MAP_FAILED) rows_ = {static_cast<T*>(start), count};
  }
  Pages(Pages&& other) noexcept : rows_{std::exchange(other.rows_, {})} {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(rows_, other.rows_);
    return *this;
  }
  Pages(const Pages&) = delete;
  ~Pages() {
    if (!rows_.empty()) ::munmap(rows_.data(), rows_.size_bytes());
  }

  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  [[nodiscard]] T& operator[](std::size_t row) noexcept { return rows_[row]; }
  [[nodiscard]] const T& operator[](std::size_t row) const noexcept { return rows_[row]; }
  [[nodiscard]] std::span<T> all() noexcept { return rows_; }
  [[nodiscard]] std::span<const T> all() const noexcept { return rows_; }

 private:
  std::span<T> rows_;
};

}  // namespace tidegate::templated
