/// Finds rows by the hash of their key: open addressing, linear probing, holes closed when a row goes.
#pragma once

#include <bit>
#include <cstdint>

#include "linked_rows.hpp"
#include "pages.hpp"

namespace tidegate::templated {

class RowIndex {
 public:
  /// For at most `rows` rows: never more than half full.
  explicit RowIndex(std::size_t rows) noexcept : slots_{std::bit_ceil(rows) * 2} {}
  [[nodiscard]] bool usable() const noexcept { return slots_.size() != 0; }

  /// The row under this hash for which `is_it` holds, or kNoRow.
  template <typename IsIt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const noexcept {
    for (std::size_t at = home(hash);; at = next(at)) {
      const Slot& slot = slots_[at];
      if (slot.row_plus_one == 0) return kNoRow;
      if (slot.tag == tag(hash) && is_it(slot.row_plus_one - 1)) return slot.row_plus_one - 1;
    }
  }

  void insert(std::uint64_t hash, std::uint32_t row) noexcept {
    std::size_t at = home(hash);
    while (slots_[at].row_plus_one != 0) at = next(at);
    slots_[at] = {row + 1, tag(hash)};
  }

  /// The row must be in it.
  void erase(std::uint64_t hash, std::uint32_t row) noexcept {
    std::size_t hole = home(hash);
    while (slots_[hole].row_plus_one != row + 1) hole = next(hole);
    for (std::size_t at = next(hole); slots_[at].row_plus_one != 0; at = next(at)) {
      // A row may fill the hole unless its own home lies behind the hole.
      const std::size_t from_home = (at - slots_[at].tag) & mask();
      const std::size_t from_hole = (at - hole) & mask();
      if (from_home < from_hole) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
  }

 private:
  struct Slot {
    std::uint32_t row_plus_one = 0;  ///< zero: free
    std::uint32_t tag = 0;           ///< the lower half of the hash, which also says where home is
  };
  static constexpr std::uint32_t tag(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash); }
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return tag(hash) & mask(); }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return (at + 1) & mask(); }

  Pages<Slot> slots_;
};

}  // namespace tidegate::templated
