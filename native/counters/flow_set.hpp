/// FlowSet: which flows have been counted in this second.
///
/// A flow is (source, destination, ports, protocol); the set keeps 44 bits of its keyed hash and the second
/// that it was last seen in, one word a flow, eight words a cache line. A word of an earlier second is free.
///
/// - One thread. Never allocates; starts empty.
/// - Full: a flow whose eight words are all of this second is 'full' each time it is seen.
/// - Two flows of one second look like one with probability 8 / 2^44. A second repeats after 12 days.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "../base/facts.hpp"
#include "../base/hash.hpp"
#include "region.hpp"

namespace tidegate {

class FlowSet {
 public:
  enum class Seen : std::uint8_t { again, fresh, full };

  /// `slots`: a power of two, at least 8. Nothing when memory cannot be had.
  static std::optional<FlowSet> make(std::size_t slots, const HashKey& key) noexcept {
    auto lines = Array<Line>::make(slots / kLineWords);
    if (!lines) return std::nullopt;
    FlowSet made;
    made.lines_ = std::move(*lines);
    made.key_ = key;
    return made;
  }

  [[nodiscard]] std::uint64_t hash(const PacketFacts& facts) const noexcept {
    const std::uint64_t rest = std::uint64_t{facts.source_port} << 48 | std::uint64_t{facts.destination_port} << 32 |
                               facts.protocol;
    if (facts.source.family == Family::ipv4) {
      return hash_words(key_, facts.source.low << 32 | facts.destination.low, rest);
    }
    const std::uint64_t source = hash_words(key_, facts.source.high, facts.source.low);
    const std::uint64_t destination = hash_words(key_, facts.destination.high, facts.destination.low);
    return hash_words(key_, source + 3 * destination, rest);
  }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&line_of(hash), 1); }

  /// The stamp of a second; never zero.
  static constexpr std::uint64_t stamp_of(std::int64_t second) noexcept {
    return static_cast<std::uint64_t>(second) % kStampMask + 1;
  }

  /// Whether the flow was seen in the second of `stamp`; from now on it was.
  Seen see(std::uint64_t hash, std::uint64_t stamp) noexcept {
    Line& line = line_of(hash);
    const std::uint64_t wanted = (hash & ~kStampMask) | stamp;
    // Each flow begins at a place of its own: the first word looked at is the right one more often than not.
    const std::size_t begin = hash >> 61;
    std::size_t free = kLineWords;
    for (std::size_t i = 0; i < kLineWords; ++i) {
      const std::size_t at = (begin + i) % kLineWords;
      if (line.words[at] == wanted) return Seen::again;
      if ((line.words[at] & kStampMask) != stamp) {
        // Words are taken in this order within a second, so nothing of this second lies behind a free one.
        free = at;
        break;
      }
    }
    if (free == kLineWords) return Seen::full;
    line.words[free] = wanted;
    return Seen::fresh;
  }

 private:
  static constexpr std::size_t kLineWords = 8;
  static constexpr std::uint64_t kStampMask = (std::uint64_t{1} << 20) - 1;
  struct alignas(64) Line {
    std::array<std::uint64_t, kLineWords> words;
  };

  FlowSet() noexcept = default;
  [[nodiscard]] Line& line_of(std::uint64_t hash) const noexcept {
    // The upper bits of the product spread the hash over any number of lines, independent of its own low bits.
    return lines_[static_cast<std::size_t>(static_cast<Product>(hash * 0x9e3779b97f4a7c15U) * lines_.size() >> 64)];
  }

  Array<Line> lines_;
  HashKey key_;
};

}  // namespace tidegate
