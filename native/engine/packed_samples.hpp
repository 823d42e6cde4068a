/// PackedSamples: samples one behind the other in memory of their own, for those that wait long to be read.
///
/// - Room for `count` samples of `sample_bytes` each is reserved when built and taken from the kernel as it is written; all of
///   it goes back when the last owner does. A capture thread that fills it allocates nothing.
/// - First in, first out. Not for several threads at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "../counters/region.hpp"
#include "sample.hpp"

namespace tidegate {

class PackedSamples {
 public:
  PackedSamples(std::size_t count, std::size_t sample_bytes)
      : sample_bytes_{sample_bytes},
        region_{Region::map(count * (sizeof(Head) + sample_bytes), Region::Pages::small)},
        room_{region_ ? region_->as<std::byte>(count * (sizeof(Head) + sample_bytes)) : std::span<std::byte>{}} {}

  /// False: there is no room, or the kernel gave none.
  bool push(const Sample& sample) noexcept {
    const std::size_t kept = std::min(sample.bytes.size(), sample_bytes_);
    if (room_.size() - end_ < sizeof(Head) + kept) return false;
    const Head head{sample.at_micros, sample.facts,  sample.interval, sample.sampling,
                    sample.origin,    static_cast<std::uint32_t>(kept), sample.direction, sample.has_bytes};
    std::memcpy(room_.subspan(end_).data(), &head, sizeof head);
    std::ranges::copy(std::span{sample.bytes}.first(kept), room_.subspan(end_ + sizeof head).begin());
    end_ += sizeof head + kept;
    ++waiting_;
    return true;
  }
  /// The oldest that have not been taken yet.
  [[nodiscard]] std::vector<Sample> take(std::size_t most) {
    std::vector<Sample> taken(std::min(most, waiting_));
    for (Sample& sample : taken) {
      Head head;
      std::memcpy(&head, room_.subspan(begin_).data(), sizeof head);
      const auto bytes = room_.subspan(begin_ + sizeof head, head.bytes);
      sample = {head.at_micros, head.facts, head.direction, head.sampling,
                head.origin,    head.interval, head.has_bytes, {bytes.begin(), bytes.end()}};
      begin_ += sizeof head + head.bytes;
    }
    waiting_ -= taken.size();
    return taken;
  }

 private:
  /// A sample but for its bytes, which follow it.
  struct Head {
    std::int64_t at_micros;
    PacketFacts facts;
    std::uint64_t interval;
    std::uint32_t sampling;
    std::uint32_t origin;
    std::uint32_t bytes;
    Direction direction;
    bool has_bytes;
  };
  static_assert(std::is_trivially_copyable_v<Head>);

  std::size_t sample_bytes_;
  std::optional<Region> region_;
  std::span<std::byte> room_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace tidegate
