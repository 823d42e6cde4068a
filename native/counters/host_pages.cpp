#include "host_pages.hpp"

namespace tidegate {

std::optional<HostPages> HostPages::make(const HostSpace& space) {
  const std::size_t pages = space.pages();
  const std::size_t words = (pages + kDirtyWordBits - 1) / kDirtyWordBits;
  auto rows = Array<HostPage>::make(pages);
  auto seen = Array<HostPage>::make(pages);
  auto marks = Array<Marks>::make(pages);
  auto dirty_slots = Array<DirtyWord>::make(words);
  auto hot_slots = Array<DirtyWord>::make(words);
  auto page_of_slot = Array<std::uint32_t>::make(pages);
  auto ever = Array<std::array<DirtyWord, kWords>>::make(pages);
  if (!rows || !seen || !marks || !dirty_slots || !hot_slots || !page_of_slot || !ever) return std::nullopt;
  HostPages made;
  made.slot_of_page_.assign(pages, 0);
  made.page_rows_.assign(pages, nullptr);
  made.page_of_slot_ = std::move(*page_of_slot);
  made.rows_ = std::move(*rows);
  made.marks_ = std::move(*marks);
  made.dirty_slots_ = std::move(*dirty_slots);
  made.hot_slots_ = std::move(*hot_slots);
  made.seen_ = std::move(*seen);
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

std::uint64_t HostPages::take(bool everything) {
  constexpr std::size_t kSlotsInTurn = kDirtyWordBits / kSweepDrains;
  constexpr DirtyWord kFirstTurn = (DirtyWord{1} << kSlotsInTurn) - 1;
  const DirtyWord turn = everything ? ~DirtyWord{0} : kFirstTurn << (turn_ * kSlotsInTurn);
  turn_ = (turn_ + 1) % kSweepDrains;
  std::uint64_t lines = 0;
  for (std::size_t word = 0; word < dirty_slots_.size(); ++word) {
    const DirtyWord in_turn = take_marks(dirty_slots_[word], turn);
    for_each_bit(in_turn | take_marks(hot_slots_[word]), [&](std::size_t bit) {
      taken_.push_back(take_slot(word * kDirtyWordBits + bit, (in_turn >> bit & 1) != 0, lines));
    });
  }
  return lines;
}

HostPages::Taken HostPages::take_slot(std::size_t slot, bool in_turn, std::uint64_t& lines) {
  auto& marks = marks_[slot].planes;
  Taken taken{slot, {}};
  for (std::size_t word = 0; word < kWords; ++word) {
    DirtyWord hot = 0;
    for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
      DirtyWord& lines_taken = taken.planes[direction][word];
      if (in_turn) lines_taken = take_marks(marks[direction][word]);
      lines += static_cast<std::uint64_t>(std::popcount(lines_taken));
      const DirtyWord hot_lines = take_marks(marks[kFirstHotPlane + direction][word]);
      lines_taken |= hot_lines;
      hot |= hot_lines;
    }
    taken.planes[kRarePlane][word] = take_marks(marks[kRarePlane][word], in_turn ? ~DirtyWord{0} : hot);
  }
  return taken;
}

std::uint64_t HostPages::read_taken(const HostSpace& space, BatchBuilder& into) {
  std::uint64_t first_time = 0;
  for (const Taken& taken : taken_) first_time += read_slot(space, taken, into);
  taken_.clear();
  return first_time;
}

std::uint64_t HostPages::read_slot(const HostSpace& space, const Taken& taken, BatchBuilder& into) {
  const std::uint32_t page = page_of_slot_[taken.slot];
  const std::uint32_t address = space.page_address(page);
  const auto page_cell = space.page_cell(page);
  const auto& dirty = taken.planes;
  HostPage& now = rows_[taken.slot];
  HostPage& seen = seen_[taken.slot];
  std::uint64_t first_time = 0;
  for (std::size_t word = 0; word < kWords; ++word) {
    const DirtyWord any = dirty[0][word] | dirty[1][word] | dirty[kRarePlane][word];
    first_time += static_cast<std::uint64_t>(std::popcount(any & ~ever_[taken.slot][word]));
    ever_[taken.slot][word] |= any;
    for_each_bit(any, [&](std::size_t bit) {
      const std::size_t host = word * kDirtyWordBits + bit;
      HostDelta delta{};
      for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
        if ((dirty[direction][word] >> bit & 1) == 0) continue;
        take_new(now.lines[direction][host], seen.lines[direction][host], direction, delta);
      }
      if ((dirty[kRarePlane][word] >> bit & 1) != 0) take_new(now.rare[host], seen.rare[host], delta);
      const auto number = static_cast<std::uint32_t>(host);
      const CellId cell = page_cell ? *page_cell : space.cell_in_page(page, number);
      into.add_host(cell, ipv4_address(address + number), delta);
    });
  }
  return first_time;
}

}  // namespace tidegate
