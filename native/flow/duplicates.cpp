#include "duplicates.hpp"

#include <algorithm>

#include "flow_hash.hpp"

namespace tidegate {
namespace {

constexpr unsigned kFewestSkippedBits = 4;
constexpr unsigned kMostSkippedBits = 16;
constexpr std::int64_t kPaceMicros = 1'000'000;
/// New flows a second above which a slot is likely to be taken again before a duplicate can come, with room for half that.
constexpr std::uint64_t kMostLooked = kDuplicateSlots * 1'000'000 / kDuplicateMicros;

}  // namespace

Duplicates::Duplicates(std::uint64_t seed)
    : hash_key_{make_hash_key(seed)}, slots_(kDuplicateSlots), skipped_bits_{kFewestSkippedBits} {
  std::uint64_t random = ~seed;
  for (std::uint64_t& lot : lots_) lot = next_random(random) | 1;
}

/// Looks at fewer flows when they come fast, and at more again when they do not.
void Duplicates::pace(std::int64_t at_micros) noexcept {
  if (paced_at_ == INT64_MIN) paced_at_ = at_micros;
  // Once all slots may have been taken, what is remembered is too young already.
  if (at_micros - paced_at_ < kPaceMicros && looked_ < kDuplicateSlots) return;
  const std::uint64_t a_second = looked_ * 1'000'000 / static_cast<std::uint64_t>(std::max<std::int64_t>(at_micros - paced_at_, 1));
  for (std::uint64_t pace = a_second; pace > kMostLooked && skipped_bits_ < kMostSkippedBits; pace /= 2) ++skipped_bits_;
  if (a_second < kMostLooked / 4 && skipped_bits_ > kFewestSkippedBits) --skipped_bits_;
  looked_ = 0;
  paced_at_ = at_micros;
}

DuplicateLook Duplicates::remember(const Sighting& exported, const FlowDetail& detail, std::uint64_t exporter,
                                   bool sampled, std::int64_t at_micros) noexcept {
  const std::uint64_t flow = flow_hash(hash_key_, exported.facts);
  pace(at_micros);
  ++looked_;
  const std::uint32_t place = detail.point != 0 ? detail.point : detail.input;
  const Remembered now{flow, exporter, exported.packets, exported.bytes, at_micros, place};
  Remembered& slot = slots_[flow & (kDuplicateSlots - 1)];
  const Remembered before = slot;
  slot = now;
  if (before.at_micros == INT64_MIN || before.flow != flow) return {true, false};
  if (before.exporter == exporter && before.place == place) return {true, false};
  const std::int64_t apart = at_micros - before.at_micros;
  if (sampled) return {true, apart <= kSampledDuplicateMicros};
  return {true, apart <= kDuplicateMicros && before.packets == now.packets && before.bytes == now.bytes};
}

}  // namespace tidegate
