/// TickRings: exact sums over the last window, for a bounded number of subjects.
///
/// - A slot is a ring of tick cells, each with one counter for every value it was made for, and running sums.
/// - Memory comes in slabs as slots are opened; never more than `max_slots`.
/// - Sums are whole numbers: what a span puts into a cell is rounded towards the older cell and what lies
///   before the window is rounded up, so that a steady rate is never read above itself.
/// - One owner; not shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "meter_time.hpp"

namespace tidegate {

class TickRings {
 public:
  TickRings(std::size_t values, std::size_t cells, std::size_t max_slots);

  /// Bytes of one slot, for a caller that has a budget in bytes.
  [[nodiscard]] static std::size_t slot_bytes(std::size_t values, std::size_t cells) noexcept {
    return (1 + values + values * cells) * sizeof(std::uint64_t);
  }

  /// A slot with all its counters zero, or nothing when all are taken.
  [[nodiscard]] std::optional<std::uint32_t> open(std::int64_t cell);
  void close(std::uint32_t slot);

  /// Moves the ring on to `cell`: cells that fall out are taken off the sums. Going back does nothing.
  void advance(std::uint32_t slot, std::int64_t cell) noexcept;
  /// Adds `delta` of the value at `index`, laid over `spread`. Cells that have fallen out lose their share.
  void add(std::uint32_t slot, const Spread& spread, std::size_t index, std::uint64_t delta) noexcept;
  /// The sum over the window that `edge` bounds. The slot must have been advanced to `edge.running`.
  [[nodiscard]] std::uint64_t sum(std::uint32_t slot, std::size_t index, const WindowEdge& edge) const noexcept;

  /// The most that any one cell of the ring holds of the value at `index`.
  [[nodiscard]] std::uint64_t peak(std::uint32_t slot, std::size_t index) const noexcept;

  [[nodiscard]] std::size_t max_slots() const noexcept { return max_slots_; }
  [[nodiscard]] std::size_t in_use() const noexcept { return made_ - free_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  [[nodiscard]] std::span<std::uint64_t> words(std::uint32_t slot) noexcept;
  [[nodiscard]] std::span<const std::uint64_t> words(std::uint32_t slot) const noexcept;
  [[nodiscard]] std::size_t counter_at(std::int64_t cell, std::size_t index) const noexcept;
  [[nodiscard]] static std::int64_t cell_in(std::span<const std::uint64_t> ring) noexcept;

  std::size_t values_;
  std::size_t cells_;
  std::size_t max_slots_;
  std::size_t stride_;
  std::size_t slots_per_slab_;
  std::size_t made_ = 0;
  std::vector<std::vector<std::uint64_t>> slabs_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tidegate
