#include "host_pages.hpp"

#include <algorithm>

namespace tidegate {
namespace {

/// Hosts whose lines are on their way while one is read.
constexpr std::size_t kReadAhead = 8;

}  // namespace

std::optional<HostPages> HostPages::make(const HostSpace& space) {
  const std::size_t pages = space.pages();
  const std::size_t words = (pages + kDirtyWordBits - 1) / kDirtyWordBits;
  auto rows = Array<HostPage>::make(pages);
  auto seen = Array<HostPage>::make(pages);
  auto variances = Array<PageVariances>::make(pages);
  auto seen_variances = Array<PageVariances>::make(pages);
  auto dirty_slots = Array<DirtyWord>::make(words);
  auto page_of_slot = Array<std::uint32_t>::make(pages);
  auto ever = Array<std::array<DirtyWord, kMarkWords>>::make(pages);
  auto touched = Array<std::uint8_t>::make(pages);
  if (!rows || !seen || !variances || !seen_variances || !dirty_slots || !page_of_slot || !ever || !touched) return std::nullopt;
  HostPages made;
  made.slot_of_page_.assign(pages, 0);
  made.page_rows_.assign(pages, nullptr);
  made.page_of_slot_ = std::move(*page_of_slot);
  made.rows_ = std::move(*rows);
  made.dirty_slots_ = std::move(*dirty_slots);
  made.seen_ = std::move(*seen);
  made.variances_ = std::move(*variances);
  made.seen_variances_ = std::move(*seen_variances);
  made.ever_ = std::move(*ever);
  made.touched_ = std::move(*touched);
  return made;
}

void HostPages::make_page(std::uint32_t page) noexcept {
  const std::uint32_t slot = slots_made_;
  page_of_slot_[slot] = page;
  slot_of_page_[page] = slot;
  page_rows_[page] = &rows_[slot];
  // The reader learns of the slot by this, or by its first mark, which comes after it.
  std::atomic_ref{slots_made_}.store(slot + 1, std::memory_order_release);
}

void HostPages::take_all() {
  for (std::size_t word = 0; word < dirty_slots_.size(); ++word) {
    for_each_bit(take_marks(dirty_slots_[word]), [&](std::size_t bit) {
      Taken taken{word * kDirtyWordBits + bit, {}};
      for (std::size_t plane = 0; plane < kMarkPlanes; ++plane) {
        for (std::size_t i = 0; i < kMarkWords; ++i) {
          taken.marks.planes[plane][i] = take_marks(rows_[taken.slot].marks.planes[plane][i]);
        }
      }
      taken_.push_back(taken);
    });
  }
}

std::uint64_t HostPages::read_taken(const HostSpace& space, BatchBuilder& into) {
  std::uint64_t first_time = 0;
  for (const Taken& taken : taken_) first_time += read_slot(space, taken, into);
  taken_.clear();
  return first_time;
}

/// Takes the lowest host off `left` and asks for its lines: the writer's core has them, and ours have grown cold.
void HostPages::prefetch_next(const Taken& taken, std::size_t word, DirtyWord& left) const noexcept {
  if (left == 0) return;
  const auto bit = static_cast<std::size_t>(std::countr_zero(left));
  left &= left - 1;
  const std::size_t host = word * kDirtyWordBits + bit;
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    if ((taken.marks.planes[direction][word] >> bit & 1) == 0) continue;
    __builtin_prefetch(&rows_[taken.slot].lines[direction][host]);
    prefetch_for_write(&seen_[taken.slot].lines[direction][host]);
  }
}

HostPages::PageReading HostPages::begin_page(const HostSpace& space, BatchBuilder& into, std::size_t slot,
                                             HandedOver how) {
  const std::uint32_t page = page_of_slot_[slot];
  return {into, space, how, slot, page, space.page_address(page), space.page_cell(page)};
}

std::uint64_t HostPages::end_page(PageReading& page) {
  if (page.cell) page.into.add_network(*page.cell, page.sum);
  return page.first_time;
}

/// Always inlined by the two walks over a page: it is most of a drain.
inline void HostPages::read_host(PageReading& page, std::size_t host, HostParts parts) {
  HostPage& now = rows_[page.slot];
  HostPage& seen = seen_[page.slot];
  const unsigned directions = parts.rare ? kBothDirections : parts.lines;
  HostDelta delta;  // set where `directions` says, the rest is not looked at
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    if ((directions >> direction & 1U) == 0) continue;
    std::fill_n(delta.begin() + static_cast<std::ptrdiff_t>(direction * kDirectionValues), kDirectionValues, 0);
    if ((parts.lines >> direction & 1U) != 0) {
      take_new(now.lines[direction][host], seen.lines[direction][host], direction, delta);
    }
    if (parts.rare || has_rare(delta, direction)) take_new(now.rare[host], seen.rare[host], direction, delta);
  }
  if (parts.variances) take_new(variances_[page.slot][host], seen_variances_[page.slot][host], delta);
  const auto number = static_cast<std::uint32_t>(host);
  const CellId cell = page.cell ? *page.cell : page.space.cell_in_page(page.page, number);
  page.into.add_host(cell, ipv4_address(page.address + number), delta,
                     directions | (parts.variances ? kVariancesToo : 0U), page.how);
  HostDelta& sum = page.cell ? page.sum : page.into.network_sum(cell);
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    if ((directions >> direction & 1U) == 0) continue;
    for (std::size_t i = direction * kDirectionValues; i < (direction + 1) * kDirectionValues; ++i) sum[i] += delta[i];
  }
  for (std::size_t i = kHostValues; parts.variances && i < kDeltaValues; ++i) sum[i] += delta[i];
}

std::uint64_t HostPages::read_slot(const HostSpace& space, const Taken& taken, BatchBuilder& into) {
  const auto& dirty = taken.marks.planes;
  PageReading page = begin_page(space, into, taken.slot, HandedOver::at_once);
  for (std::size_t word = 0; word < kMarkWords; ++word) {
    const DirtyWord any = dirty[0][word] | dirty[1][word] | dirty[kRarePlane][word] | dirty[kVariancePlane][word];
    page.first_time += static_cast<std::uint64_t>(std::popcount(any & ~ever_[taken.slot][word]));
    ever_[taken.slot][word] |= any;
    DirtyWord ahead = any;
    for (std::size_t i = 0; i < kReadAhead; ++i) prefetch_next(taken, word, ahead);
    for_each_bit(any, [&](std::size_t bit) {
      prefetch_next(taken, word, ahead);
      const auto lines = static_cast<unsigned>((dirty[0][word] >> bit & 1) | (dirty[1][word] >> bit & 1) << 1);
      read_host(page, word * kDirtyWordBits + bit,
                {lines, (dirty[kRarePlane][word] >> bit & 1) != 0, (dirty[kVariancePlane][word] >> bit & 1) != 0});
    });
  }
  return end_page(page);
}

/// Rows that no mark speaks of: whatever has counted packets is other than what was seen of it.
std::uint64_t HostPages::read_changed(const HostSpace& space, std::size_t slot, BatchBuilder& into) {
  HostPage& now = rows_[slot];
  const HostPage& seen = seen_[slot];
  PageReading page = begin_page(space, into, slot, HandedOver::in_turn);
  for (std::size_t host = 0; host < kPageHosts; ++host) {
    unsigned lines = 0;
    for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
      const std::uint32_t packets =
          std::atomic_ref{now.lines[direction][host].packets[0]}.load(std::memory_order_relaxed);
      lines |= (packets != seen.lines[direction][host].packets[0] ? 1U : 0U) << direction;
    }
    if (lines == 0) continue;
    const DirtyWord bit = DirtyWord{1} << host % kDirtyWordBits;
    DirtyWord& ever = ever_[slot][host / kDirtyWordBits];
    page.first_time += (ever & bit) == 0 ? 1 : 0;
    ever |= bit;
    ++last_turn_;
    read_host(page, host, {lines, false, false});
  }
  return end_page(page);
}

std::uint64_t HostPages::read_turn(const HostSpace& space, BatchBuilder& into, double share) {
  const std::uint32_t made = std::atomic_ref{slots_made_}.load(std::memory_order_acquire);
  turn_credit_ = std::min(turn_credit_ + share * made, static_cast<double>(made));
  const auto due = static_cast<std::uint32_t>(turn_credit_);
  turn_credit_ -= due;
  last_turn_ = 0;
  std::uint64_t first_time = 0;
  for (std::uint32_t i = 0; i < due; ++i) {
    const std::uint32_t slot = next_turn_;
    next_turn_ = slot + 1 < made ? slot + 1 : 0;
    // Taken away before the rows are read: the writer, who touches after it has written, then touches again.
    std::atomic_ref touched{touched_[page_of_slot_[slot]]};
    if (touched.load(std::memory_order_relaxed) == 0) continue;
    touched.exchange(0, std::memory_order_acq_rel);
    first_time += read_changed(space, slot, into);
  }
  return first_time;
}

}  // namespace tidegate
