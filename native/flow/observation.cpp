#include "observation.hpp"

#include <algorithm>
#include <bit>

namespace tidegate {
namespace {

/// A mark is written anew no more often: most records then only read.
constexpr std::int64_t kRefreshMicros = 1'000'000;

}  // namespace

Observation::Observation(std::size_t capacity, std::uint64_t seed)
    : hash_key_{make_hash_key(seed)},
      sets_(std::bit_ceil(std::clamp(capacity, std::size_t{4}, kMaxIngressInterfaces)) / std::tuple_size_v<Ways>) {}

bool Observation::seen_twice(std::uint64_t exporter, const FlowDetail& detail, std::int64_t at_micros) noexcept {
  if (detail.side == FlowSide::unknown) return false;
  if (detail.side == FlowSide::ingress) {
    // sFlow: the point is the interface that is watched, whatever the record says of the packet's way.
    const std::uint32_t interface = detail.point != 0 ? detail.point : detail.input;
    if (interface != 0) mark(hash_words(hash_key_, exporter, interface), at_micros);
    return false;
  }
  return detail.input != 0 && watched(hash_words(hash_key_, exporter, detail.input), at_micros);
}

void Observation::mark(std::uint64_t key, std::int64_t at_micros) noexcept {
  const std::int64_t until = at_micros + kIngressMicros;
  Ways& set = sets_[key & (sets_.size() - 1)];
  for (Watched& way : set) {
    if (way.key != key) continue;
    if (until - way.until_micros >= kRefreshMicros || way.until_micros - until >= kRefreshMicros) way.until_micros = until;
    return;
  }
  Watched& oldest = *std::ranges::min_element(set, {}, &Watched::until_micros);
  if (oldest.until_micros > at_micros) ++displaced_;
  oldest = {key, until};
}

bool Observation::watched(std::uint64_t key, std::int64_t at_micros) const noexcept {
  const Ways& set = sets_[key & (sets_.size() - 1)];
  return std::ranges::any_of(set, [&](const Watched& way) { return way.key == key && way.until_micros > at_micros; });
}

}  // namespace tidegate
