/// The records of a flow sample that say which packet was sampled.
#pragma once

#include <algorithm>

#include "sflow.hpp"

namespace tidegate::sflow {

/// What the records of one sample have given so far. A raw header that can be read is kept before all else.
struct Packet {
  std::span<const std::byte> bytes;
  LinkType link = LinkType::ethernet;
  std::uint32_t frame_length = 0;
  bool seen = false;         ///< some record told a frame length
  bool readable = false;     ///< the facts are good
  bool from_header = false;  ///< a raw header has been looked at; a second one describes the same packet
  DecodeError error = DecodeError::none;  ///< the first one
};

/// Samples and records both begin with a word of format and one of length.
inline constexpr std::size_t kPartHead = 8;

/// Passes over what makes `length` bytes whole words, as far as it is there: XDR pads (RFC 4506 section 4.10),
/// and some agents leave it out behind the last part of all.
inline void skip_padding(Cursor& in, std::uint32_t length) noexcept {
  const std::size_t padding = (4 - length % 4) % 4;
  if (padding != 0) in.skip(std::min(padding, in.left()));
}

/// Reads all records of a sample. `facts` are written where packet.readable comes out true, else unspecified.
void read_records(Cursor& in, std::uint32_t count, WireOptions options, Packet& packet, PacketFacts& facts) noexcept;

}  // namespace tidegate::sflow
