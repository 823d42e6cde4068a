/// What a lane shows of the packets it counts, for taps. engine/ implements it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../base/classes.hpp"
#include "../base/facts.hpp"

namespace tidegate {

/// Bytes of one packet as captured; valid during the call only.
struct FrameView {
  std::span<const std::byte> bytes;
  std::int64_t at_micros = 0;  ///< microseconds since the Unix epoch
  std::uint32_t sampling = 1;  ///< packets that this one stands for
};

/// One batch, parallel spans. `frames` is empty when the source has no packets to show (flow records).
struct ObservedBatch {
  std::span<const Sighting> sightings;
  std::span<const Direction> directions;
  std::span<const FrameView> frames;
};

/// Called on the lane's thread once a batch, after it has been counted: must return at once when idle.
class PacketObserver {
 public:
  virtual void observe(const ObservedBatch& batch) noexcept = 0;

 protected:
  ~PacketObserver() = default;
};

}  // namespace tidegate
