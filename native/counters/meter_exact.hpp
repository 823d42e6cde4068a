/// ExactSet: the few hosts of a meter that have tick buckets, and who of them gives way when all are taken.
///
/// - Bounded by bytes. A slot holds the judged values alone.
/// - A host keeps its slot until it has been under a quarter of every limit for a whole window, and no tick of that
///   window or the one before held more than would earn it a slot: what the cheap form says of those two windows
///   is then near enough to an even rate to be laid evenly into new buckets (Meter::promote).
/// - All taken: a hand goes round and replaces a host that is at most half as strong as the one that asks; it looks
///   at kSweepSteps slots. Strength is the largest share of a limit that a host's rate comes to.
/// - A row and its slot name each other: only this class writes MeterRow::slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "meter_buckets.hpp"
#include "meter_limits.hpp"
#include "meter_rows.hpp"

namespace tidegate {

inline constexpr std::size_t kSweepSteps = 64;
/// A host is worth buckets above this share of a limit.
inline constexpr double kExactShare = 0.25;

class ExactSet {
 public:
  ExactSet(const JudgedValues& judged, std::size_t cells, std::size_t bytes);

  /// Gives the row a slot, its buckets zero. False when none is free and none weaker was found.
  [[nodiscard]] bool open(MeterRows& rows, RowRef row, std::int64_t cell, float strength);
  void add(const MeterRow& row, const Spread& spread, std::size_t index, std::uint64_t delta) noexcept {
    rings_.add(row.slot - 1, spread, index, delta);
  }
  void advance(const MeterRow& row, std::int64_t cell) noexcept { rings_.advance(row.slot - 1, cell); }
  /// Of judged value `index`; the row must have been advanced to `edge.running`.
  [[nodiscard]] std::uint64_t sum(const MeterRow& row, std::size_t index, const WindowEdge& edge) const noexcept {
    return rings_.sum(row.slot - 1, index, edge);
  }
  /// Notes how strong the host is now; gives its slot back once it has been weak for a window, and even for two.
  void settle(MeterRows& rows, std::uint32_t slot, float strength, std::int64_t now, std::int64_t window_micros);

  /// Slots ever opened, for a walk; row_in() is empty where one is free.
  [[nodiscard]] std::size_t slots() const noexcept { return hosts_.size(); }
  [[nodiscard]] std::optional<RowRef> row_in(std::uint32_t slot) const noexcept {
    if (!hosts_[slot].used) return std::nullopt;
    return hosts_[slot].row;
  }
  [[nodiscard]] std::size_t in_use() const noexcept { return rings_.in_use(); }
  [[nodiscard]] std::size_t bound() const noexcept { return rings_.max_slots(); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return rings_.bytes() + hosts_.capacity() * sizeof(ExactHost);
  }

 private:
  static constexpr std::int64_t kNotWeak = INT64_MIN;
  struct ExactHost {
    RowRef row = 0;
    bool used = false;
    float strength = 0;  ///< as of the last look
    std::int64_t weak_since = kNotWeak;  ///< or since the last look
    bool was_even = false;               ///< at that look
  };

  void release(MeterRows& rows, std::uint32_t slot);
  /// Whether no tick of the ring held more than would earn a slot.
  [[nodiscard]] bool is_even(std::uint32_t slot) const noexcept;
  [[nodiscard]] bool replace_weaker(MeterRows& rows, float strength);

  TickRings rings_;
  std::vector<double> tick_shares_;  // by judged value: a quarter of a tick's share of the limit
  std::vector<ExactHost> hosts_;  // by slot
  std::size_t hand_ = 0;
};

}  // namespace tidegate
