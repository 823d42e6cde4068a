#include "observation.hpp"

#include <algorithm>
#include <bit>

namespace tidegate {

Observation::Observation(std::size_t capacity, std::uint64_t seed)
    : hash_key_{make_hash_key(seed)},
      sets_(std::bit_ceil(std::clamp(capacity, std::size_t{4}, kMaxIngressInterfaces)) / std::tuple_size_v<Ways>) {}

void Observation::mark(std::uint64_t exporter, std::uint32_t interface, std::int64_t at_micros) noexcept {
  marked_[interface % kMarkedKept] = {exporter, interface, at_micros};
  const std::uint64_t key = hash_words(hash_key_, exporter, interface);
  const std::int64_t until = at_micros + kIngressMicros;
  Ways& set = sets_[key & (sets_.size() - 1)];
  for (Watched& way : set) {
    if (way.key != key) continue;
    way.until_micros = until;
    return;
  }
  Watched& oldest = *std::ranges::min_element(set, {}, &Watched::until_micros);
  if (oldest.until_micros > at_micros) {
    ++displaced_;
    marked_.fill({});  // one of them may be it
    marked_[interface % kMarkedKept] = {exporter, interface, at_micros};
  }
  oldest = {key, until};
}

bool Observation::watched(std::uint64_t key, std::int64_t at_micros) const noexcept {
  const Ways& set = sets_[key & (sets_.size() - 1)];
  return std::ranges::any_of(set, [&](const Watched& way) { return way.key == key && way.until_micros > at_micros; });
}

}  // namespace tidegate
