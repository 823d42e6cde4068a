/// A sampled packet as evidence keeps it: its facts and the first bytes of its frame.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
  std::uint32_t sampling = 1;  ///< packets that the source says this one stands for
  bool has_bytes = false;      ///< false where only facts are known, as of a flow record
  std::vector<std::byte> bytes;
};

/// Writes packet `i` of a batch into `out`, keeping at most `keep` bytes of its frame. `at_micros` holds where
/// the batch shows no frames. Allocates only if `out.bytes` has not that capacity yet.
inline void take_sample(const ObservedBatch& batch, std::size_t i, std::int64_t at_micros, std::size_t keep, Sample& out) {
  out.facts = batch.sightings[i].facts;
  out.direction = batch.directions[i];
  out.has_bytes = i < batch.frames.size() && !batch.frames[i].bytes.empty();
  out.at_micros = i < batch.frames.size() ? batch.frames[i].at_micros : at_micros;
  out.sampling = i < batch.frames.size() ? batch.frames[i].sampling : batch.sightings[i].sampling;
  out.bytes.clear();
  if (!out.has_bytes) return;
  const auto kept = batch.frames[i].bytes.first(std::min(keep, batch.frames[i].bytes.size()));
  out.bytes.insert(out.bytes.end(), kept.begin(), kept.end());
}

}  // namespace tidegate
