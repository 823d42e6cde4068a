/// HostRows: rows of our IPv4 hosts, given out on first touch.
///
/// - A page of the space has an index: the row of each of its 256 hosts. Rows lie one behind the other in the order in which
///   their hosts came, so the busy ones lie together: few cache lines, few pages of memory, soon warm again after a sleep.
/// - One writer: row_of(), line(), rare(), touch(), mark(). Memory for every host of the space was reserved when built: giving
///   out a row cannot fail.
/// - One reader at a time: take_all(), then read_taken(), read_turn(), while the writer goes on. Its own copy of what it has seen lies apart.
/// - Four marks a host: incoming line, outgoing line, rare bytes without packets, variances, so that a drain reads only what has changed.
/// - A row that is changed and not marked is to be touched: then it is read when the turn comes to its block. What is read
///   in turn must have counted packets, unsampled.
/// - Variances lie apart from the lines: without sampling no memory is touched for them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "../base/prefetch.hpp"
#include "batch_builder.hpp"
#include "dirty_bits.hpp"
#include "region.hpp"
#include "row.hpp"
#include "space.hpp"

namespace tidegate {

using RowId = std::uint32_t;
/// A page's number times 256, plus the host in it.
using HostPlace = std::uint32_t;

/// Rows that share their marks and their turn.
inline constexpr std::size_t kBlockRows = 256;
inline constexpr std::size_t kMarkWords = kBlockRows / kDirtyWordBits;
/// Incoming lines, outgoing lines, rare bytes, variances.
inline constexpr std::size_t kMarkPlanes = kHostDirections + 2;

struct alignas(64) BlockMarks {
  std::array<std::array<DirtyWord, kMarkWords>, kMarkPlanes> planes;
};

class HostRows {
 public:
  static std::optional<HostRows> make(const HostSpace& space);

  static constexpr HostPlace place(std::uint32_t page, std::uint32_t host) noexcept {
    return page * static_cast<HostPlace>(kPageHosts) + host;
  }
  /// To come before row_of().
  void prefetch_place(HostPlace place) const noexcept { __builtin_prefetch(&index_[place]); }
  /// The row of a host of the space; given out if it had none.
  [[nodiscard]] RowId row_of(const HostSpace& space, HostPlace place) noexcept {
    const std::uint32_t entry = index_[place];
    if (entry == 0) [[unlikely]] return give_out(space, place);
    return entry - 1;
  }
  [[nodiscard]] DirectionLine& line(RowId row, std::size_t direction) const noexcept { return lines_[row][direction]; }
  [[nodiscard]] RareBytes& rare(RowId row) const noexcept { return rare_[row]; }
  [[nodiscard]] SampledVariance& variance(RowId row) const noexcept { return variances_[row]; }

  /// To come after each change of the row.
  void touch(RowId row) noexcept {
    std::atomic_ref<std::uint8_t>{touched_[row / kBlockRows]}.store(1, std::memory_order_release);
  }
  /// To come before mark().
  void prefetch_marks(RowId row) const noexcept { prefetch_for_write(&marks_[row / kBlockRows]); }
  /// True when the row had no mark of this kind.
  bool mark(RowId row, std::size_t direction) noexcept { return mark_plane(row, direction); }
  void mark_rare(RowId row) noexcept { mark_plane(row, kRarePlane); }
  void mark_variance(RowId row) noexcept { mark_plane(row, kVariancePlane); }

  /// Rows given out so far; any thread.
  [[nodiscard]] std::uint32_t given_out() const noexcept {
    return std::atomic_ref{given_out_}.load(std::memory_order_acquire);
  }
  /// Takes all marks; see dirty_bits.hpp for what comes between this and read_taken().
  void take_all();
  /// Adds the rows whose marks were taken to `into`, and their sums to their networks.
  void read_taken(BatchBuilder& into);
  /// Reads `share` (0..1) of the blocks, those whose last turn was longest ago, and adds the rows that have changed in
  /// them to `into` as handed over in turn.
  void read_turn(BatchBuilder& into, double share);
  /// Rows that the last turn handed over.
  [[nodiscard]] std::uint32_t last_turn() const noexcept { return last_turn_; }

 private:
  static constexpr std::size_t kRarePlane = kHostDirections;
  static constexpr std::size_t kVariancePlane = kHostDirections + 1;
  using Lines = std::array<DirectionLine, kHostDirections>;
  /// Whose row it is. Written once, before the row's first mark or touch.
  struct Owner {
    std::uint32_t address;
    CellId cell;
  };
  struct Taken {
    std::size_t block;
    BlockMarks marks;
  };
  /// What of a row is to be read; a bit a direction.
  struct RowParts {
    unsigned lines;
    bool rare;
    bool variances;
  };

  RowId give_out(const HostSpace& space, HostPlace place) noexcept;
  bool mark_plane(RowId row, std::size_t plane) noexcept {
    const std::size_t block = row / kBlockRows;
    const std::size_t at = row % kBlockRows;
    if (!tidegate::mark(marks_[block].planes[plane][at / kDirtyWordBits], at % kDirtyWordBits)) return false;
    tidegate::mark(dirty_blocks_[block / kDirtyWordBits], block % kDirtyWordBits);
    return true;
  }
  void prefetch_next(const Taken& taken, std::size_t word, DirtyWord& left) const noexcept;
  void read_row(BatchBuilder& into, RowId row, RowParts parts, HandedOver how);
  void read_block(const Taken& taken, BatchBuilder& into);
  void read_changed(std::size_t block, BatchBuilder& into);

  Array<std::uint32_t> index_;  // by place: the row plus one, zero while it has none
  Array<Lines> lines_;      // this and the following by row
  Array<RareBytes> rare_;
  Array<SampledVariance> variances_;
  Array<Owner> owners_;
  Array<BlockMarks> marks_;       // by block
  Array<DirtyWord> dirty_blocks_;
  Array<std::uint8_t> touched_;   // by block
  mutable std::uint32_t given_out_ = 0;
  // The reader's own.
  std::vector<Taken> taken_;
  Array<Lines> seen_lines_;
  Array<RareBytes> seen_rare_;
  Array<SampledVariance> seen_variances_;
  std::uint32_t next_turn_ = 0;  // block
  double turn_credit_ = 0;       // blocks that are due, less than one
  std::uint32_t last_turn_ = 0;
};

}  // namespace tidegate
