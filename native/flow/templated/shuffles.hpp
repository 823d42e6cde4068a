/// Straight records by shuffles: sixteen bytes of a record are loaded at once and put where they are wanted, in the
/// machine's own byte order. One shuffle stands for up to four loads of Straight.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "field_table.hpp"

namespace tidegate::templated {

/// In an order: a zero in place of a byte.
inline constexpr std::uint8_t kNoByte = 0x80;

/// Sixteen bytes gathered from so many windows of sixteen: of each, which byte goes where. `at` counts as that of Narrow.
template <std::size_t kWindows>
struct Gather {
  std::array<std::uint16_t, kWindows> at{};
  std::array<std::array<std::uint8_t, 16>, kWindows> order{};
};

struct Shuffles {
  bool usable = false;
  Gather<2> addresses;  ///< IPv4: source and destination, 8 bytes each
  Gather<2> amounts;    ///< packets and bytes, 8 each
  Gather<2> times;      ///< first and last as they stand, 8 each
  Gather<2> ways;       ///< input, output, source and destination AS, 4 each
  Gather<3> rest;       ///< ports (2 each), protocol, flags, ttl; from the eighth on direction, end reason, forwarding
};

/// The field that fills a slot; no bytes: none does.
struct FieldPlace {
  std::uint16_t begin = 0;
  std::uint16_t bytes = 0;
};
using FieldPlaces = std::array<FieldPlace, kSlots>;

/// For a record that is straight, its times in `first` and `last`. Not usable where what belongs together lies too far apart.
void lay_shuffles(const FieldPlaces& places, Slot first, Slot last, std::size_t record_bytes, Shuffles& out) noexcept;

}  // namespace tidegate::templated
