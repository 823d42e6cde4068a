#include "host_rows.hpp"

#include <algorithm>

namespace tidegate {
namespace {

/// Hosts whose lines are on their way while one is read.
constexpr std::size_t kReadAhead = 8;

}  // namespace

std::optional<HostRows> HostRows::make(const HostSpace& space) {
  const std::size_t hosts = space.pages() * kPageHosts;
  const std::size_t blocks = hosts / kBlockRows;
  auto index = Array<std::uint32_t>::make(hosts);
  auto lines = Array<Lines>::make(hosts);
  auto rare = Array<RareBytes>::make(hosts);
  auto variances = Array<SampledVariance>::make(hosts);
  auto owners = Array<Owner>::make(hosts);
  auto marks = Array<BlockMarks>::make(blocks);
  auto dirty_blocks = Array<DirtyWord>::make((blocks + kDirtyWordBits - 1) / kDirtyWordBits);
  auto touched = Array<std::uint8_t>::make(blocks);
  auto seen_lines = Array<Lines>::make(hosts);
  auto seen_rare = Array<RareBytes>::make(hosts);
  auto seen_variances = Array<SampledVariance>::make(hosts);
  if (!index || !lines || !rare || !variances || !owners || !marks || !dirty_blocks || !touched) return std::nullopt;
  if (!seen_lines || !seen_rare || !seen_variances) return std::nullopt;
  HostRows made;
  made.index_ = std::move(*index);
  made.lines_ = std::move(*lines);
  made.rare_ = std::move(*rare);
  made.variances_ = std::move(*variances);
  made.owners_ = std::move(*owners);
  made.marks_ = std::move(*marks);
  made.dirty_blocks_ = std::move(*dirty_blocks);
  made.touched_ = std::move(*touched);
  made.seen_lines_ = std::move(*seen_lines);
  made.seen_rare_ = std::move(*seen_rare);
  made.seen_variances_ = std::move(*seen_variances);
  return made;
}

/// Not inlined: it is seldom, and its call would be in the way of the common packet.
[[gnu::noinline]] RowId HostRows::give_out(const HostSpace& space, HostPlace place) noexcept {
  const auto page = static_cast<std::uint32_t>(place / kPageHosts);
  const auto host = static_cast<std::uint32_t>(place % kPageHosts);
  const RowId row = given_out_;
  owners_[row] = {space.page_address(page) + host, space.cell_in_page(page, host)};
  index_[place] = row + 1;
  // The reader learns of the row by this, or by its first mark, which comes after it.
  std::atomic_ref{given_out_}.store(row + 1, std::memory_order_release);
  return row;
}

void HostRows::take_all() {
  for (std::size_t word = 0; word * kDirtyWordBits * kBlockRows < given_out(); ++word) {
    for_each_bit(take_marks(dirty_blocks_[word]), [&](std::size_t bit) {
      Taken taken{word * kDirtyWordBits + bit, {}};
      for (std::size_t plane = 0; plane < kMarkPlanes; ++plane) {
        for (std::size_t i = 0; i < kMarkWords; ++i) {
          taken.marks.planes[plane][i] = take_marks(marks_[taken.block].planes[plane][i]);
        }
      }
      taken_.push_back(taken);
    });
  }
}

void HostRows::read_taken(BatchBuilder& into) {
  for (const Taken& taken : taken_) read_block(taken, into);
  taken_.clear();
}

/// Takes the lowest host off `left` and asks for its lines: the writer's core has them, and ours have grown cold.
void HostRows::prefetch_next(const Taken& taken, std::size_t word, DirtyWord& left) const noexcept {
  if (left == 0) return;
  const auto bit = static_cast<std::size_t>(std::countr_zero(left));
  left &= left - 1;
  const std::size_t row = taken.block * kBlockRows + word * kDirtyWordBits + bit;
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    if ((taken.marks.planes[direction][word] >> bit & 1) == 0) continue;
    __builtin_prefetch(&lines_[row][direction]);
    prefetch_for_write(&seen_lines_[row][direction]);
  }
}

/// Always inlined by the two walks over a block: it is most of a drain.
inline void HostRows::read_row(BatchBuilder& into, RowId row, RowParts parts, HandedOver how) {
  const unsigned directions = parts.rare ? kBothDirections : parts.lines;
  HostDelta delta;  // set where `directions` says, the rest is not looked at
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    if ((directions >> direction & 1U) == 0) continue;
    std::fill_n(delta.begin() + static_cast<std::ptrdiff_t>(direction * kDirectionValues), kDirectionValues, 0);
    if ((parts.lines >> direction & 1U) != 0) take_new(lines_[row][direction], seen_lines_[row][direction], direction, delta);
    if (parts.rare || has_rare(delta, direction)) take_new(rare_[row], seen_rare_[row], direction, delta);
  }
  if (parts.variances) take_new(variances_[row], seen_variances_[row], delta);
  const Owner& owner = owners_[row];
  into.add_host(owner.cell, ipv4_address(owner.address), delta, directions | (parts.variances ? kVariancesToo : 0U), how);
  HostDelta& sum = into.network_sum(owner.cell);
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    if ((directions >> direction & 1U) == 0) continue;
    for (std::size_t i = direction * kDirectionValues; i < (direction + 1) * kDirectionValues; ++i) sum[i] += delta[i];
  }
  for (std::size_t i = kHostValues; parts.variances && i < kDeltaValues; ++i) sum[i] += delta[i];
}

void HostRows::read_block(const Taken& taken, BatchBuilder& into) {
  const auto& dirty = taken.marks.planes;
  for (std::size_t word = 0; word < kMarkWords; ++word) {
    const DirtyWord any = dirty[0][word] | dirty[1][word] | dirty[kRarePlane][word] | dirty[kVariancePlane][word];
    DirtyWord ahead = any;
    for (std::size_t i = 0; i < kReadAhead; ++i) prefetch_next(taken, word, ahead);
    for_each_bit(any, [&](std::size_t bit) {
      prefetch_next(taken, word, ahead);
      const auto lines = static_cast<unsigned>((dirty[0][word] >> bit & 1) | (dirty[1][word] >> bit & 1) << 1);
      const auto row = static_cast<RowId>(taken.block * kBlockRows + word * kDirtyWordBits + bit);
      read_row(into, row, {lines, (dirty[kRarePlane][word] >> bit & 1) != 0, (dirty[kVariancePlane][word] >> bit & 1) != 0},
               HandedOver::at_once);
    });
  }
}

/// Rows that no mark speaks of: whatever has counted packets is other than what was seen of it.
void HostRows::read_changed(std::size_t block, BatchBuilder& into) {
  const auto first = static_cast<RowId>(block * kBlockRows);
  const RowId end = std::min(first + static_cast<RowId>(kBlockRows), given_out());
  for (RowId row = first; row < end; ++row) {
    unsigned lines = 0;
    for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
      const std::uint32_t packets = std::atomic_ref{lines_[row][direction].packets[0]}.load(std::memory_order_relaxed);
      lines |= (packets != seen_lines_[row][direction].packets[0] ? 1U : 0U) << direction;
    }
    if (lines == 0) continue;
    ++last_turn_;
    read_row(into, row, {lines, false, false}, HandedOver::in_turn);
  }
}

void HostRows::read_turn(BatchBuilder& into, double share) {
  const auto blocks = static_cast<std::uint32_t>((given_out() + kBlockRows - 1) / kBlockRows);
  turn_credit_ = std::min(turn_credit_ + share * blocks, static_cast<double>(blocks));
  const auto due = static_cast<std::uint32_t>(turn_credit_);
  turn_credit_ -= due;
  last_turn_ = 0;
  for (std::uint32_t i = 0; i < due; ++i) {
    const std::uint32_t block = next_turn_;
    next_turn_ = block + 1 < blocks ? block + 1 : 0;
    // Taken away before the rows are read, and before it is asked how many there are: the writer, who touches after it has
    // given out a row and written to it, then touches again.
    std::atomic_ref touched{touched_[block]};
    if (touched.load(std::memory_order_relaxed) == 0) continue;
    touched.exchange(0, std::memory_order_acq_rel);
    read_changed(block, into);
  }
}

}  // namespace tidegate
