/// One flow sample on its way into a batch: what its head says, and what its records have given so far.
#pragma once

#include <algorithm>

#include "../../base/cursor.hpp"
#include "sflow.hpp"

namespace tidegate::sflow {

/// An interface as samples name it: an ifIndex; or no single one, and then zero.
struct Interface {
  std::uint32_t index = 0;
  bool discarded = false;  ///< format 1: the packet went nowhere, the value is a reason
};

/// Section 5.3, flow_sample: format 0 is an ifIndex, 1 a reason for a discard, 2 a number of interfaces.
constexpr Interface interface_of(std::uint32_t format, std::uint32_t value) noexcept {
  constexpr std::uint32_t kInternal = 0x3fff'ffff;  // in all of its 30 bits: the device itself
  return {format == 0 && value != kInternal ? value : 0, format == 1};
}

struct SampleHead {
  std::uint32_t source_class = 0;  ///< 0: the index is an ifIndex
  std::uint32_t source_index = 0;
  std::uint32_t rate = 0;
  std::uint32_t drops = 0;
  Interface input;
  Interface output;
};

/// Lengths in the order in which they are believed.
enum class LengthOf : std::uint8_t { nothing, ip_packet, ethernet_frame, sampled_frame };

/// The sample's place in the batch while its records are read. The facts are good once `readable`.
struct OpenSample {
  Sighting& sighting;
  FlowDetail& detail;
  LengthOf length_of = LengthOf::nothing;
  bool readable = false;
  DecodeError error = DecodeError::none;  ///< the first one

  void note(DecodeError found) noexcept {
    if (error == DecodeError::none) error = found;
  }
  void see_length(LengthOf what, std::uint32_t bytes) noexcept {
    if (what <= length_of) return;
    length_of = what;
    detail.frame_length = bytes;
  }
};

/// Begins the next record of `out`, which must not be full.
inline OpenSample open_sample(const SampleHead& head, RecordBatch& out) noexcept {
  constexpr unsigned kIndexBits = 24;  // where the class begins in a source id of one word
  FlowDetail& detail = out.next_detail();
  detail = {};
  detail.input = head.input.index;
  detail.output = head.output.index;
  detail.point = head.source_class << kIndexBits ^ head.source_index;
  detail.sampling = head.rate;
  detail.dropped = head.output.discarded;
  if (head.source_class == 0 && head.source_index != 0) {
    if (head.source_index == head.input.index) {
      detail.side = FlowSide::ingress;
    } else if (head.source_index == head.output.index) {
      detail.side = FlowSide::egress;
    }
  }
  out.extras.device_drops = head.drops;
  return {out.next_sighting(), detail};
}

/// Keeps the record, with an error where it cannot count.
inline void close_sample(OpenSample& sample, WireOptions options, RecordBatch& out) noexcept {
  Sighting& sighting = sample.sighting;
  FlowDetail& detail = sample.detail;
  if (sample.readable) [[likely]] {
    if (!options.length_from_ip) sighting.facts.wire_length = detail.frame_length;
  } else {
    sighting.facts = {};
    sighting.facts.wire_length = detail.frame_length;
    detail.counts = false;
    out.error(sample.error == DecodeError::none ? DecodeError::sflow_no_packet : sample.error);
  }
  sighting.packets = sample.length_of == LengthOf::nothing ? 0 : 1;
  sighting.bytes = sighting.facts.wire_length;
  sighting.sampling = 1;
  out.keep();
}

/// Passes over what makes `length` bytes whole words, as far as it is there: XDR pads (RFC 4506 section 4.10),
/// and some agents leave it out behind the last part of all.
inline void skip_padding(Cursor& in, std::uint32_t length) noexcept {
  const std::size_t padding = (4 - length % 4) % 4;
  if (padding != 0) in.skip(std::min(padding, in.left()));
}

}  // namespace tidegate::sflow
