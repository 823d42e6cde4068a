/// The records of a flow sample that say which packet was sampled.
#pragma once

#include "sflow.hpp"

namespace tidegate::sflow {

/// What the records of one sample have given so far. A raw header that can be read is kept before all else.
struct Packet {
  PacketFacts facts;
  std::span<const std::byte> bytes;
  LinkType link = LinkType::ethernet;
  std::uint32_t frame_length = 0;
  bool seen = false;       ///< some record told a frame length
  bool readable = false;   ///< `facts` are good
  bool from_header = false;
  DecodeError error = DecodeError::none;  ///< the first one
};

/// Passes over what makes `length` bytes whole words, as far as it is there.
void skip_padding(Cursor& in, std::uint32_t length) noexcept;

/// Reads all records of a sample into `packet`.
void read_records(Cursor& in, std::uint32_t count, WireOptions options, Packet& packet) noexcept;

}  // namespace tidegate::sflow
