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
  /// `number`: the datagram's sequence number; `units`: how many it holds.
  constexpr void advance(std::uint32_t number, std::uint32_t units) noexcept {
    if (!started_) {
      started_ = true;
      follow(number, units);
      return;
    }
    const bool follows = number == number_ + units_;
    const bool follows_counted_in = number == number_ + units;
    if (follows != follows_counted_in) counts_itself_ = follows_counted_in;
    const std::uint32_t ahead = counts_itself_ ? number - units - number_ : number - number_ - units_;
    const std::uint32_t behind = 0 - ahead;
    if (ahead <= kMaxSequenceGap) {
      lost_ += ahead;
    } else if (behind <= kMaxSequenceLateness) {
      lost_ -= lost_ < units ? lost_ : units;  // it was taken for lost when a later one overtook it
      return;
    } else {
      ++restarts_;
    }
    follow(number, units);
  }

  /// How much the last datagram held is not known: the next one is not compared with it.
  constexpr void lose_track() noexcept { started_ = false; }

  /// Units that are missing, those that came late taken off again.
  [[nodiscard]] constexpr std::uint64_t lost() const noexcept { return lost_; }
  [[nodiscard]] constexpr std::uint64_t restarts() const noexcept { return restarts_; }

 private:
  constexpr void follow(std::uint32_t number, std::uint32_t units) noexcept {
    number_ = number;
    units_ = units;
  }

  std::uint64_t lost_ = 0;
  std::uint64_t restarts_ = 0;
  std::uint32_t number_ = 0;  // of the datagram that was the furthest
  std::uint32_t units_ = 0;   // in it
  bool started_ = false;
  bool counts_itself_ = false;
};

}  // namespace tidegate
