/// Frames → sightings → a lane, a batch at a time: what capture and replay share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "../base/link.hpp"
#include "../capture/captured_frame.hpp"
#include "../wire/frame.hpp"
#include "source.hpp"

namespace tidegate {

inline constexpr std::size_t kCountBatch = 128;

class FrameCounting {
 public:
  FrameCounting(WireOptions wire, std::uint32_t sampling) noexcept : wire_{wire}, sampling_{sampling} {
    for (Sighting& sighting : sightings_) {  // the same for all packets
      sighting.packets = sampling;
      sighting.sampling = sampling;
    }
  }

  /// Takes one frame; `flush` must follow before the frame's memory goes. Never allocates.
  void take(Lane& lane, LinkNumber link, const CapturedFrame& frame) noexcept {
    ++raw_packets_;
    raw_bytes_ += frame.wire_length;
    const auto type = link_type_of(link);
    Sighting& sighting = sightings_[used_];
    const DecodeError error = type ? decode_frame(*type, frame.bytes, frame.wire_length, wire_, sighting.facts)
                                   : DecodeError::link_unsupported;
    if (error != DecodeError::none) {
      lane.count_error(error);
      return;
    }
    sighting.bytes = std::uint64_t{sighting.facts.wire_length} * sampling_;
    // Evidence is written as Ethernet; of other links only the facts are shown.
    const bool shown = *type == LinkType::ethernet;
    views_[used_] = {shown ? frame.bytes : std::span<const std::byte>{}, frame.at_micros, sampling_};
    if (++used_ == kCountBatch) flush(lane);
  }

  /// Counts what has been taken. Flows belong to the second of the first frame.
  void flush(Lane& lane) noexcept {
    if (raw_packets_ > 0) lane.count_raw(raw_packets_, raw_bytes_);
    raw_packets_ = raw_bytes_ = 0;
    if (used_ == 0) return;
    lane.count(std::span{sightings_}.first(used_), views_[0].at_micros, std::span{views_}.first(used_));
    used_ = 0;
  }

 private:
  WireOptions wire_;
  std::uint32_t sampling_;
  std::size_t used_ = 0;
  std::uint64_t raw_packets_ = 0;
  std::uint64_t raw_bytes_ = 0;
  std::array<Sighting, kCountBatch> sightings_{};
  std::array<FrameView, kCountBatch> views_{};
};

}  // namespace tidegate
