/// HostPages: rows of our IPv4 hosts, in pages of 256 that are made on first touch.
///
/// - One writer: page(), rare(), touch(), mark(). Making a page takes the next slot of memory that was reserved
///   when built, for every page of the space: it cannot fail.
/// - One reader at a time: take_all(), then read_taken(), read_turn(), while the writer goes on. Its own copy of what it has seen lies beside the rows.
/// - Four marks a host: incoming line, outgoing line, rare bytes without packets, variances, so that a drain reads only what has changed.
/// - A row that is changed and not marked is to be touched: then it is read when the turn comes to its page. What is read
///   in turn must have counted packets, unsampled.
/// - Variances lie apart from the rows: without sampling no memory is touched for them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "../base/prefetch.hpp"
#include "batch_builder.hpp"
#include "dirty_bits.hpp"
#include "region.hpp"
#include "row.hpp"
#include "space.hpp"

namespace tidegate {

/// A page's number times 256, plus the host in it.
using RowId = std::uint32_t;

inline constexpr std::size_t kMarkWords = kPageHosts / kDirtyWordBits;
/// Incoming lines, outgoing lines, rare bytes, variances.
inline constexpr std::size_t kMarkPlanes = kHostDirections + 2;

struct alignas(64) PageMarks {
  std::array<std::array<DirtyWord, kMarkWords>, kMarkPlanes> planes;
};

/// The rows of one page, and its marks.
struct HostPage {
  std::array<std::array<DirectionLine, kPageHosts>, kHostDirections> lines;
  std::array<RareBytes, kPageHosts> rare;
  PageMarks marks;
};

class HostPages {
 public:
  static std::optional<HostPages> make(const HostSpace& space);

  /// Rows of a page of the space; made if it was never touched.
  [[nodiscard]] HostPage& page(std::uint32_t page) noexcept {
    if (page_rows_[page] == nullptr) [[unlikely]] make_page(page);
    return *page_rows_[page];
  }
  static constexpr RowId row_id(std::uint32_t page, std::uint32_t host) noexcept {
    return page * static_cast<RowId>(kPageHosts) + host;
  }
  /// Of a page that has been made.
  [[nodiscard]] RareBytes& rare(RowId row) const noexcept {
    return page_rows_[row / kPageHosts]->rare[row % kPageHosts];
  }

  [[nodiscard]] SampledVariance& variance(RowId row) const noexcept {
    return variances_[slot_of_page_[row / kPageHosts]][row % kPageHosts];
  }

  /// To come after each change of the row.
  void touch(RowId row) noexcept {
    std::atomic_ref<std::uint8_t>{touched_[row / kPageHosts]}.store(1, std::memory_order_release);
  }
  /// To come before mark(), of a page that has been made.
  void prefetch_marks(RowId row) const noexcept { prefetch_for_write(&page_rows_[row / kPageHosts]->marks); }
  /// True when the row had no mark of this kind.
  bool mark(RowId row, std::size_t direction) noexcept { return mark_plane(row, direction); }
  void mark_rare(RowId row) noexcept { mark_plane(row, kRarePlane); }
  void mark_variance(RowId row) noexcept { mark_plane(row, kVariancePlane); }

  /// Takes all marks; see dirty_bits.hpp for what comes between this and read_taken().
  void take_all();
  /// Adds the rows whose marks were taken to `into`, and their sums to their networks.
  /// Returns how many of them were never drained before.
  std::uint64_t read_taken(const HostSpace& space, BatchBuilder& into);
  /// Reads `share` (0..1) of the pages, those whose last turn was longest ago, and adds the rows that have changed in
  /// them to `into` as handed over in turn. Returns as read_taken().
  std::uint64_t read_turn(const HostSpace& space, BatchBuilder& into, double share);
  /// Rows that the last turn handed over.
  [[nodiscard]] std::uint32_t last_turn() const noexcept { return last_turn_; }

 private:
  static constexpr std::size_t kRarePlane = kHostDirections;
  static constexpr std::size_t kVariancePlane = kHostDirections + 1;
  using PageVariances = std::array<SampledVariance, kPageHosts>;

  void make_page(std::uint32_t page) noexcept;
  bool mark_plane(RowId row, std::size_t plane) noexcept {
    const std::size_t page = row / kPageHosts;
    const std::size_t host = row % kPageHosts;
    DirtyWord& word = page_rows_[page]->marks.planes[plane][host / kDirtyWordBits];
    if (!tidegate::mark(word, host % kDirtyWordBits)) return false;
    const std::size_t slot = slot_of_page_[page];
    tidegate::mark(dirty_slots_[slot / kDirtyWordBits], slot % kDirtyWordBits);
    return true;
  }
  struct Taken {
    std::size_t slot;
    PageMarks marks;
  };
  /// One page while a drain reads it.
  struct PageReading {
    BatchBuilder& into;
    const HostSpace& space;
    HandedOver how;
    std::size_t slot;
    std::uint32_t page;
    std::uint32_t address;
    std::optional<CellId> cell;  // of all its hosts
    HostDelta sum{};             // of their deltas, where there is such a cell
    std::uint64_t first_time = 0;
  };
  /// What of a host is to be read; a bit a direction.
  struct HostParts {
    unsigned lines;
    bool rare;
    bool variances;
  };
  void prefetch_next(const Taken& taken, std::size_t word, DirtyWord& left) const noexcept;
  [[nodiscard]] PageReading begin_page(const HostSpace& space, BatchBuilder& into, std::size_t slot, HandedOver how);
  void read_host(PageReading& page, std::size_t host, HostParts parts);
  std::uint64_t end_page(PageReading& page);
  std::uint64_t read_slot(const HostSpace& space, const Taken& taken, BatchBuilder& into);
  std::uint64_t read_changed(const HostSpace& space, std::size_t slot, BatchBuilder& into);

  std::vector<std::uint32_t> slot_of_page_;
  Array<std::uint32_t> page_of_slot_;
  std::vector<HostPage*> page_rows_;  // by page number, into rows_; null while not made
  Array<HostPage> rows_;
  Array<PageVariances> variances_;  // by slot
  Array<DirtyWord> dirty_slots_;
  Array<std::uint8_t> touched_;  // by page number
  std::uint32_t slots_made_ = 0;
  // The reader's own.
  std::vector<Taken> taken_;
  Array<HostPage> seen_;
  Array<PageVariances> seen_variances_;
  Array<std::array<DirtyWord, kMarkWords>> ever_;  // hosts that were in any drain
  std::uint32_t next_turn_ = 0;                    // slot
  double turn_credit_ = 0;                         // slots that are due, less than one
  std::uint32_t last_turn_ = 0;
};

}  // namespace tidegate
