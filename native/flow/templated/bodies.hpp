/// The templates' own bytes: to know one that comes again, and for the journal. In blocks of a bounded pool.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "linked_rows.hpp"
#include "pages.hpp"

namespace tidegate::templated {

class Bodies {
 public:
  explicit Bodies(std::size_t blocks) noexcept : blocks_{blocks} {}

  [[nodiscard]] static constexpr std::size_t blocks_for(std::size_t bytes) noexcept {
    return (bytes + kBlockBytes - 1) / kBlockBytes;
  }
  [[nodiscard]] bool room_for(std::size_t bytes) const noexcept {
    return blocks_for(bytes) <= free_count_ + (blocks_.size() - untouched_);
  }
  /// Only with room for it; at least one byte. The first block.
  [[nodiscard]] std::uint32_t keep(std::span<const std::byte> bytes) noexcept;
  void drop(std::uint32_t first) noexcept;
  [[nodiscard]] bool equal(std::uint32_t first, std::span<const std::byte> bytes) const noexcept;
  [[nodiscard]] std::vector<std::byte> copy(std::uint32_t first, std::size_t bytes) const;

 private:
  static constexpr std::size_t kBlockBytes = 60;
  struct Block {
    std::uint32_t next = kNoRow;
    std::array<std::byte, kBlockBytes> bytes{};
  };
  Pages<Block> blocks_;
  std::uint32_t free_ = kNoRow;
  std::size_t free_count_ = 0;
  std::size_t untouched_ = 0;  ///< blocks from here on have never been used
};

}  // namespace tidegate::templated
