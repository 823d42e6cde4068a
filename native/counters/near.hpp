/// NearWatch: whether a host has come near a threshold, for those who drain seldom while none has.
///
/// - Fed with the crossings of *strides*, kStrideSteps steps each (steps.hpp). A host is near when the same count of it crosses
///   two strides within a short time, so near means a rate of 1/8 to 1/4 of its least threshold, or a burst to that effect.
/// - An attack at its threshold is near before it has had a thirtieth of what makes it one.
/// - kPlaces counts are remembered, by hash; a count that shares its place with another may be near one stride later.
/// - The lane's thread's own. Never allocates after it was made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "steps.hpp"

namespace tidegate {

class NearWatch {
 public:
  enum class Count : std::uint8_t { packets, bytes, flows };

  NearWatch() : places_(kPlaces) {}

  /// A count of a host's direction has crossed a stride at `at_micros`. `row` tells hosts apart. True: it is near.
  [[nodiscard]] bool crossed(std::uint64_t row, std::size_t direction, Count count, std::int64_t at_micros,
                             std::int64_t within_micros) noexcept {
    const std::uint64_t key = (row << 3 | direction << 2 | static_cast<std::uint64_t>(count)) + 1;
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;  // Knuth's multiplicative hash
    Place& place = places_[key * kOdd >> (64 - kPlaceBits)];
    const bool near = place.key == key && at_micros - place.at_micros <= within_micros;
    place = {key, at_micros};
    return near;
  }

 private:
  static constexpr unsigned kPlaceBits = 12;
  static constexpr std::size_t kPlaces = std::size_t{1} << kPlaceBits;
  struct Place {
    std::uint64_t key = 0;  ///< 0: none
    std::int64_t at_micros = 0;
  };
  std::vector<Place> places_;
};

}  // namespace tidegate
