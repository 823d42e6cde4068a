/// CellSums: exact sums of IPv6 traffic for each (network, hostgroup), whether or not a host found a row.
/// IPv4 needs none: all its hosts have rows, whose deltas are summed when they are drained.
///
/// - One writer: add(), add_flow(), mark(). One reader at a time: take_all(), then read_taken().
#pragma once

#include <optional>
#include <vector>

#include "batch_builder.hpp"
#include "dirty_bits.hpp"
#include "region.hpp"
#include "row.hpp"

namespace tidegate {

class CellSums {
 public:
  static std::optional<CellSums> make(std::size_t cells) noexcept {
    auto now = Array<HostDelta>::make(cells);
    auto seen = Array<HostDelta>::make(cells);
    auto marks = Array<DirtyWord>::make((cells + kDirtyWordBits - 1) / kDirtyWordBits);
    if (!now || !seen || !marks) return std::nullopt;
    CellSums made;
    made.now_ = std::move(*now);
    made.seen_ = std::move(*seen);
    made.marks_ = std::move(*marks);
    return made;
  }

  void add(CellId cell, std::size_t direction, const Amount& amount) noexcept {
    add_class(cell, direction, CounterClass::total, amount);
    if (amount.protocol_class != 0) add_class(cell, direction, CounterClass{amount.protocol_class}, amount);
    if (amount.syn) add_class(cell, direction, CounterClass::tcp_syn, amount);
    if (amount.fragment) add_class(cell, direction, CounterClass::fragment, amount);
  }
  void add_flow(CellId cell, std::size_t direction) noexcept {
    add_to(now_[cell][direction * kDirectionValues + kFlowsAt], 1);
  }
  void add_variance(CellId cell, std::size_t direction, const Uncertain& added) noexcept {
    const std::size_t at = kHostValues + direction * kDirectionVariances;
    add_to(now_[cell][at + kPacketVarianceAt], added.packets);
    add_to(now_[cell][at + kByteVarianceAt], added.bytes);
  }
  void mark(CellId cell) noexcept { tidegate::mark(marks_[cell / kDirtyWordBits], cell % kDirtyWordBits); }

  /// Takes all marks; see dirty_bits.hpp for what comes between this and read_taken().
  void take_all() {
    taken_.resize(marks_.size());
    for (std::size_t word = 0; word < marks_.size(); ++word) taken_[word] = take_marks(marks_[word]);
  }
  void read_taken(BatchBuilder& into) {
    for (std::size_t word = 0; word < taken_.size(); ++word) {
      for_each_bit(taken_[word], [&](std::size_t bit) {
        const std::size_t cell = word * kDirtyWordBits + bit;
        HostDelta delta{};
        for (std::size_t i = 0; i < kDeltaValues; ++i) delta[i] = take_new(now_[cell][i], seen_[cell][i]);
        into.add_network(static_cast<CellId>(cell), delta);
      });
    }
  }

 private:
  void add_class(CellId cell, std::size_t direction, CounterClass kind, const Amount& amount) noexcept {
    const std::size_t at = direction * kDirectionValues + static_cast<std::size_t>(kind);
    add_to(now_[cell][at + kPacketsAt], amount.packets);
    add_to(now_[cell][at + kBytesAt], amount.bytes);
  }

  Array<HostDelta> now_;
  Array<DirtyWord> marks_;
  // The reader's own.
  Array<HostDelta> seen_;
  std::vector<DirtyWord> taken_;
};

}  // namespace tidegate
