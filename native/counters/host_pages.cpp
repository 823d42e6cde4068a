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
  if (!rows || !seen || !variances || !seen_variances || !dirty_slots || !page_of_slot || !ever) return std::nullopt;
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
  return made;
}

void HostPages::make_page(std::uint32_t page) noexcept {
  const std::uint32_t slot = slots_made_++;
  // The reader learns of the slot by its first mark, which comes after this.
  page_of_slot_[slot] = page;
  slot_of_page_[page] = slot;
  page_rows_[page] = &rows_[slot];
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

std::uint64_t HostPages::read_slot(const HostSpace& space, const Taken& taken, BatchBuilder& into) {
  const std::uint32_t page = page_of_slot_[taken.slot];
  const std::uint32_t address = space.page_address(page);
  const auto page_cell = space.page_cell(page);
  const auto& dirty = taken.marks.planes;
  HostPage& now = rows_[taken.slot];
  HostPage& seen = seen_[taken.slot];
  HostDelta page_sum{};
  std::uint64_t first_time = 0;
  for (std::size_t word = 0; word < kMarkWords; ++word) {
    const DirtyWord any = dirty[0][word] | dirty[1][word] | dirty[kRarePlane][word] | dirty[kVariancePlane][word];
    first_time += static_cast<std::uint64_t>(std::popcount(any & ~ever_[taken.slot][word]));
    ever_[taken.slot][word] |= any;
    DirtyWord ahead = any;
    for (std::size_t i = 0; i < kReadAhead; ++i) prefetch_next(taken, word, ahead);
    for_each_bit(any, [&](std::size_t bit) {
      prefetch_next(taken, word, ahead);
      const std::size_t host = word * kDirtyWordBits + bit;
      const bool rare = (dirty[kRarePlane][word] >> bit & 1) != 0;
      const auto directions = rare ? kBothDirections
                                   : static_cast<unsigned>((dirty[0][word] >> bit & 1) | (dirty[1][word] >> bit & 1) << 1);
      HostDelta delta;  // set where `directions` says, the rest is not looked at
      for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
        if ((directions >> direction & 1U) == 0) continue;
        std::fill_n(delta.begin() + static_cast<std::ptrdiff_t>(direction * kDirectionValues), kDirectionValues, 0);
        if ((dirty[direction][word] >> bit & 1) == 0) continue;
        take_new(now.lines[direction][host], seen.lines[direction][host], direction, delta);
      }
      if (rare) take_new(now.rare[host], seen.rare[host], delta);
      const bool sampled = (dirty[kVariancePlane][word] >> bit & 1) != 0;
      if (sampled) take_new(variances_[taken.slot][host], seen_variances_[taken.slot][host], delta);
      const auto number = static_cast<std::uint32_t>(host);
      const CellId cell = page_cell ? *page_cell : space.cell_in_page(page, number);
      into.add_host(cell, ipv4_address(address + number), delta, directions | (sampled ? kVariancesToo : 0U));
      HostDelta& sum = page_cell ? page_sum : into.network_sum(cell);
      for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
        if ((directions >> direction & 1U) == 0) continue;
        for (std::size_t i = direction * kDirectionValues; i < (direction + 1) * kDirectionValues; ++i) sum[i] += delta[i];
      }
      for (std::size_t i = kHostValues; sampled && i < kDeltaValues; ++i) sum[i] += delta[i];
    });
  }
  if (page_cell) into.add_network(*page_cell, page_sum);
  return first_time;
}

}  // namespace tidegate
