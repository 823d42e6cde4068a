#include "bodies.hpp"

#include <algorithm>

namespace tidegate::templated {

std::uint32_t Bodies::keep(std::span<const std::byte> bytes) noexcept {
  std::uint32_t first = kNoRow;
  std::uint32_t last = kNoRow;
  while (!bytes.empty()) {
    std::uint32_t block = free_;
    if (block == kNoRow) {
      block = static_cast<std::uint32_t>(untouched_++);
    } else {
      free_ = blocks_[block].next;
      --free_count_;
    }
    const auto part = bytes.first(std::min(bytes.size(), kBlockBytes));
    blocks_[block].next = kNoRow;
    std::ranges::copy(part, blocks_[block].bytes.begin());
    (last == kNoRow ? first : blocks_[last].next) = block;
    last = block;
    bytes = bytes.subspan(part.size());
  }
  return first;
}

void Bodies::drop(std::uint32_t first) noexcept {
  while (first != kNoRow) {
    const std::uint32_t next = blocks_[first].next;
    blocks_[first].next = free_;
    free_ = first;
    ++free_count_;
    first = next;
  }
}

bool Bodies::equal(std::uint32_t first, std::span<const std::byte> bytes) const noexcept {
  for (; first != kNoRow && !bytes.empty(); first = blocks_[first].next) {
    const auto part = bytes.first(std::min(bytes.size(), kBlockBytes));
    if (!std::equal(part.begin(), part.end(), blocks_[first].bytes.begin())) return false;
    bytes = bytes.subspan(part.size());
  }
  return bytes.empty() && first == kNoRow;
}

std::vector<std::byte> Bodies::copy(std::uint32_t first, std::size_t bytes) const {
  std::vector<std::byte> out;
  for (; first != kNoRow; first = blocks_[first].next) {
    const std::size_t part = std::min(bytes - out.size(), kBlockBytes);
    out.insert(out.end(), blocks_[first].bytes.begin(), blocks_[first].bytes.begin() + static_cast<std::ptrdiff_t>(part));
  }
  return out;
}

}  // namespace tidegate::templated
