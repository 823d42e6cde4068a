/// Gaps in an exporter's sequence numbers: how much of what it sent never came.
///
/// sFlow and NetFlow v9 number datagrams, NetFlow v5 flows and IPFIX data records, so a datagram moves its
/// sequence on by as many units as it holds. Pure arithmetic modulo 2^32.
///
/// RFC 7011 section 3.1 numbers a message by the records before it. softflowd 1.1 counts the message's own records in;
/// which of the two an exporter does shows as soon as two datagrams of different size follow one another without loss.
#pragma once

#include <cstdint>

namespace tidegate {

/// A jump past this is no loss but a restart of the exporter, or another one behind the same address.
inline constexpr std::uint32_t kMaxSequenceGap = 65'536;
/// So far back a unit is late, not the first of a restart.
inline constexpr std::uint32_t kMaxSequenceLateness = 1'024;

class SequenceTracker {
 public:
  /// `number`: the datagram's sequence number; `units`: how many it holds, `options` of them options data, which some
  /// exporters leave out.
  constexpr void advance(std::uint32_t number, std::uint32_t units, std::uint32_t options = 0) noexcept {
    const Held held{number, units, options};
    if (!started_) {
      started_ = true;
      last_ = held;
      return;
    }
    std::uint32_t ahead = ahead_of(held, manner_);
    // What follows without a gap in another manner of counting is counted in that manner.
    for (std::uint32_t manner = 0; ahead != 0 && manner < kManners; ++manner) {
      if (ahead_of(held, manner) != 0) continue;
      manner_ = manner;
      ahead = 0;
    }
    const std::uint32_t behind = 0 - ahead;
    if (ahead <= kMaxSequenceGap) {
      lost_ += ahead;
    } else if (behind <= kMaxSequenceLateness) {
      lost_ -= lost_ < units ? lost_ : units;  // it was taken for lost when a later one overtook it
      return;
    } else {
      ++restarts_;
    }
    last_ = held;
  }

  /// How much the last datagram held is not known: the next one is not compared with it.
  constexpr void lose_track() noexcept { started_ = false; }

  /// Units that are missing, those that came late taken off again.
  [[nodiscard]] constexpr std::uint64_t lost() const noexcept { return lost_; }
  [[nodiscard]] constexpr std::uint64_t restarts() const noexcept { return restarts_; }

 private:
  struct Held {
    std::uint32_t number = 0;
    std::uint32_t units = 0;
    std::uint32_t options = 0;
  };
  // Bit 0: the number counts the datagram itself, in place of those before it alone. Bit 1: options data is left out.
  static constexpr std::uint32_t kManners = 4;

  [[nodiscard]] constexpr std::uint32_t ahead_of(const Held& held, std::uint32_t manner) const noexcept {
    const Held& counted = (manner & 1) != 0 ? held : last_;
    return held.number - last_.number - counted.units + ((manner & 2) != 0 ? counted.options : 0);
  }

  std::uint64_t lost_ = 0;
  std::uint64_t restarts_ = 0;
  Held last_;  // the datagram that was the furthest
  std::uint32_t manner_ = 0;
  bool started_ = false;
};

}  // namespace tidegate
