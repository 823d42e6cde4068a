/// A sampled packet as evidence keeps it: its facts and the first bytes of its frame.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include "../base/classes.hpp"
#include "../base/facts.hpp"
#include "../counters/observer.hpp"

namespace tidegate {

struct Sample {
  std::int64_t at_micros = 0;  ///< since the Unix epoch
  PacketFacts facts;
  Direction direction = Direction::other;
  std::uint32_t sampling = 1;  ///< packets that this one stands for: of a flow record all it tells of, sampling undone
  std::uint32_t origin = 0;    ///< of the sighting
  std::uint64_t interval = 1;  ///< a recent ring: one in so many was taken
  bool has_bytes = false;      ///< false where only facts are known, as of a flow record
  std::vector<std::byte> bytes;
};

/// A flow record stands for all its packets, each as often as it was sampled: its sighting has sampling undone.
[[nodiscard]] constexpr std::uint32_t stands_for(const Sighting& record) noexcept {
  constexpr std::uint64_t kMost = 0xffff'ffff;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(record.packets, 1, kMost));
}

/// A flow record says no packet's length: the mean is shown. Here, and not where records are decoded, because few of
/// them are ever shown and all would pay for the division.
inline void show_mean_length(const Sighting& record, PacketFacts& out) noexcept {
  constexpr std::uint64_t kMost = 0xffff'ffff;
  const std::uint64_t mean = record.bytes / std::max<std::uint64_t>(record.packets, 1);
  out.wire_length = out.ip_length = static_cast<std::uint32_t>(std::min(mean, kMost));
}

/// Writes packet `i` of a batch into `out`, keeping at most `keep` bytes of its frame. `at_micros` holds where
/// the batch shows no frames. Allocates only if `out.bytes` has not that capacity yet.
inline void take_sample(const ObservedBatch& batch, std::size_t i, std::int64_t at_micros, std::size_t keep, Sample& out) {
  out.facts = batch.sightings[i].facts;
  out.direction = batch.directions[i];
  out.origin = batch.sightings[i].origin;
  out.has_bytes = i < batch.frames.size() && !batch.frames[i].bytes.empty();
  out.at_micros = i < batch.frames.size() ? batch.frames[i].at_micros : at_micros;
  out.sampling = i < batch.frames.size() ? batch.frames[i].sampling : stands_for(batch.sightings[i]);
  if (out.facts.wire_length == 0) show_mean_length(batch.sightings[i], out.facts);
  out.bytes.clear();
  if (!out.has_bytes) return;
  const auto kept = batch.frames[i].bytes.first(std::min(keep, batch.frames[i].bytes.size()));
  out.bytes.insert(out.bytes.end(), kept.begin(), kept.end());
}

/// Which `most` of `count` samples to keep, in their order: those that stand for most, of equal ones the last. Packets
/// of one source all weigh the same; among flow records the few that make the traffic must not drown in the many.
template <typename WeightOf>
[[nodiscard]] std::vector<std::size_t> heaviest(std::size_t count, std::size_t most, WeightOf&& weight_of) {
  std::vector<std::size_t> kept(count);
  std::iota(kept.begin(), kept.end(), std::size_t{0});
  if (count <= most) return kept;
  std::ranges::reverse(kept);
  std::ranges::stable_sort(kept, std::greater{}, weight_of);
  kept.resize(most);
  std::ranges::sort(kept);
  return kept;
}

}  // namespace tidegate
