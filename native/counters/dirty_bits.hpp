/// Dirty bits: a writer says which rows it has changed, a reader takes the bits and then reads those rows.
///
/// To mark once and not at every packet, a row remembers in which *period* it was marked. A drain first takes all
/// bits, then begins a new period, then reads the rows whose bits it took. Why nothing is lost: the writer takes
/// the period at the start of a batch, changes rows, marks those not marked in it, passes a fence and looks at the
/// period again. If it has changed, the writer marks all rows of the batch anew, for the next drain. If not, the
/// fences on both sides order the batch's changes before the reader's look at any row; and a row that the writer
/// found marked in this period still has its bit, or the drain that took it has yet to read the row.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidegate {

using DirtyWord = std::uint64_t;
inline constexpr std::size_t kDirtyWordBits = 64;

/// Counts drains; see above. Never zero, which is the period of a row that was never marked.
class DrainPeriod {
 public:
  /// Writer, at the start of a batch.
  [[nodiscard]] std::uint32_t current() const noexcept { return period_.load(std::memory_order_acquire); }
  /// Writer, at the end of a batch: whether a drain has begun since `period`.
  [[nodiscard]] bool passed(std::uint32_t period) const noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return period_.load(std::memory_order_relaxed) != period;
  }
  /// Reader, after it has taken all bits and before it reads any row.
  void begin_next() noexcept {
    const std::uint32_t next = period_.load(std::memory_order_relaxed) + 1;
    period_.store(next == 0 ? 1 : next, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

 private:
  alignas(64) std::atomic<std::uint32_t> period_{1};
};

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
  return shared.exchange(0, std::memory_order_seq_cst);
}

/// Calls `each(bit)` for every bit set, lowest first.
template <typename Each>
inline void for_each_bit(DirtyWord word, Each&& each) {
  for (; word != 0; word &= word - 1) each(static_cast<std::size_t>(std::countr_zero(word)));
}

}  // namespace tidegate
