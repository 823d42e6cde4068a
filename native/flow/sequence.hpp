/// Gaps in an exporter's sequence numbers: how much of what it sent never came.
///
/// sFlow and NetFlow v9 number datagrams, NetFlow v5 flows and IPFIX data records, so a datagram moves its
/// sequence on by as many units as it holds. Pure arithmetic modulo 2^32.
#pragma once

#include <cstdint>

namespace tidegate {

/// A jump past this is no loss but a restart of the exporter, or another one behind the same address.
inline constexpr std::uint32_t kMaxSequenceGap = 65'536;
/// So far back a unit is late, not the first of a restart.
inline constexpr std::uint32_t kMaxSequenceLateness = 1'024;

class SequenceTracker {
 public:
  /// `first`: the number of the first unit in this datagram; `units`: how many it holds.
  constexpr void advance(std::uint32_t first, std::uint32_t units) noexcept {
    const std::uint32_t ahead = first - expected_;
    const std::uint32_t behind = expected_ - first;
    if (!started_) {
      started_ = true;
    } else if (ahead <= kMaxSequenceGap) {
      lost_ += ahead;
    } else if (behind <= kMaxSequenceLateness) {
      lost_ -= lost_ < units ? lost_ : units;  // it was taken for lost when a later one overtook it
      return;
    } else {
      ++restarts_;
    }
    expected_ = first + units;
  }

  /// How much the last datagram held is not known: the next one is not compared with it.
  constexpr void lose_track() noexcept { started_ = false; }

  /// Units that are missing, those that came late taken off again.
  [[nodiscard]] constexpr std::uint64_t lost() const noexcept { return lost_; }
  [[nodiscard]] constexpr std::uint64_t restarts() const noexcept { return restarts_; }

 private:
  std::uint64_t lost_ = 0;
  std::uint64_t restarts_ = 0;
  std::uint32_t expected_ = 0;
  bool started_ = false;
};

}  // namespace tidegate
