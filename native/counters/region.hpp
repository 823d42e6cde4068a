/// Region: zeroed memory straight from the kernel, which gives it on first touch, in huge pages where it can and is not told otherwise.
/// Reserving a large one costs nothing until it is used.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace tidegate {

class Region {
 public:
  /// `small`: of many small regions side by side, of which each is to take no more than it uses.
  enum class Pages { huge, small };
  /// Nothing when the kernel refuses.
  static std::optional<Region> map(std::size_t bytes, Pages pages = Pages::huge) noexcept;

  Region() noexcept = default;
  Region(Region&& other) noexcept
      : start_{std::exchange(other.start_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
  Region& operator=(Region&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  Region(const Region&) = delete;
  ~Region();

  /// The region as `count` zeroed T; T must be a number or a plain struct for which zero bytes are a value.
  template <typename T>
  [[nodiscard]] std::span<T> as(std::size_t count) const noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    static_assert(alignof(T) <= 4096);
    return {static_cast<T*>(start_), count};
  }

 private:
  Region(void* start, std::size_t bytes) noexcept : start_{start}, bytes_{bytes} {}
  void* start_ = nullptr;
  std::size_t bytes_ = 0;
};

/// A region seen as an array.
template <typename T>
class Array {
 public:
  static std::optional<Array> make(std::size_t count) noexcept {
    auto region = Region::map(count * sizeof(T));
    if (!region) return std::nullopt;
    return Array{std::move(*region), count};
  }
  Array() noexcept = default;

  [[nodiscard]] T& operator[](std::size_t index) const noexcept { return items_[index]; }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] std::span<T> items() const noexcept { return items_; }

 private:
  Array(Region region, std::size_t count) noexcept
      : region_{std::move(region)}, items_{region_.template as<T>(count)} {}
  Region region_;
  std::span<T> items_;
};

}  // namespace tidegate
