/// Dirty bits: a writer says which rows it has changed, a reader takes them all and then reads those rows.
///
/// Why nothing is lost: the writer changes rows, passes a sequentially consistent fence (publish_rows()), then sets
/// the bits that are not set yet; the reader exchanges a word of bits for zero, fences, and reads the rows. If the
/// writer still saw its bit set, the reader's exchange comes after the fence and so do its reads of the row;
/// if not, the writer sets the bit again and the row is in the next drain.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidegate {

using DirtyWord = std::uint64_t;
inline constexpr std::size_t kDirtyWordBits = 64;

/// Between changing rows and marking them, on the writer's thread: once for a whole batch of rows.
inline void publish_rows() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

/// True when the bit was not set before.
inline bool mark(DirtyWord& word, std::size_t bit) noexcept {
  std::atomic_ref<DirtyWord> shared{word};
  const DirtyWord mask = DirtyWord{1} << bit;
  if ((shared.load(std::memory_order_seq_cst) & mask) != 0) return false;
  shared.fetch_or(mask, std::memory_order_seq_cst);
  return true;
}

inline bool is_marked(DirtyWord& word, std::size_t bit) noexcept {
  return (std::atomic_ref<DirtyWord>{word}.load(std::memory_order_seq_cst) >> bit & 1) != 0;
}

/// All bits of a word, which is clear afterwards.
inline DirtyWord take_marks(DirtyWord& word) noexcept {
  std::atomic_ref<DirtyWord> shared{word};
  if (shared.load(std::memory_order_relaxed) == 0) return 0;
  const DirtyWord marks = shared.exchange(0, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return marks;
}

/// Calls `each(bit)` for every bit set, lowest first.
template <typename Each>
inline void for_each_bit(DirtyWord word, Each&& each) {
  for (; word != 0; word &= word - 1) each(static_cast<std::size_t>(std::countr_zero(word)));
}

}  // namespace tidegate
