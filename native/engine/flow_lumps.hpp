/// FlowLumps: hosts that records with much in them bring near a threshold. Where a packet is counted at a time a host
/// crosses every stride on its way (counters/near.hpp); one record crosses many, and tells of one.
///
/// - A lump is a sighting of a stride or more. A host is near when its lumps within a window make kLumpStrides together.
/// - So less than 2 · kLumpStrides strides, an eighth of the threshold, come to a host in lumps within any window untold.
/// - Sums are kept by hash, kPlaces of them; hosts that share one may be told too early, never too late.
/// - The lane's thread's own. Never allocates after it was made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../base/facts.hpp"
#include "../base/hash.hpp"
#include "../counters/steps.hpp"

namespace tidegate {

inline constexpr std::uint64_t kLumpStrides = 4;

class FlowLumps {
 public:
  explicit FlowLumps(std::uint64_t seed) : hash_key_{make_hash_key(seed)}, places_(kPlaces) {}

  /// A lump has come to or from a host of ours. `masks` are those in force, and somebody asks who is near. True: it is near.
  [[nodiscard]] bool bring_near(const Address& host, const Sighting& lump, const StepMasks& masks, std::int64_t at_micros) noexcept {
    Place& place = places_[hash_words(hash_key_, host.high, host.low) % kPlaces];
    const std::int64_t window_micros = masks.near_micros * kNearParts;
    if (at_micros - place.since_micros >= window_micros || at_micros < place.since_micros) place = {0, 0, at_micros};
    place.packets += lump.packets;
    place.bytes += lump.bytes;
    const StepMasks strides = masks.strides();
    return reaches(place.packets, strides.packets) || reaches(place.bytes, strides.bytes);
  }

 private:
  static constexpr std::size_t kPlaces = 16384;
  struct Place {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::int64_t since_micros = 0;
  };
  /// `stride`: a mask, of all bits from the stride's on; none where that kind is not judged.
  [[nodiscard]] static bool reaches(std::uint64_t sum, std::uint64_t stride) noexcept {
    return (sum & stride * kLumpStrides) != 0;
  }

  HashKey hash_key_;
  std::vector<Place> places_;
};

}  // namespace tidegate
