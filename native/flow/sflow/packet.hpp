/// The parts of a flow sample that say which packet was sampled. Versions differ in how these are found, and in one word.
#pragma once

#include "sample.hpp"

namespace tidegate::sflow {

/// sampled_header. Version 5 states after the length how many bytes were stripped, versions 2 and 4 do not.
/// Reads its head and its bytes from `in`, and no padding; false where they are not whole.
bool read_raw_header(Cursor& in, bool with_stripped, WireOptions options, OpenSample& sample) noexcept;
/// What a sampled_header says: its protocol, the frame's length on the wire, and the bytes that were sampled of it.
void take_raw_header(std::uint32_t protocol, std::uint32_t frame_length, std::span<const std::byte> bytes,
                     WireOptions options, OpenSample& sample) noexcept;
/// sampled_ipv4 and sampled_ipv6; false where they are not whole.
bool read_sampled_ip(Cursor& in, Family family, OpenSample& sample) noexcept;
/// sampled_ethernet; false where it is not whole.
bool read_sampled_ethernet(Cursor& in, OpenSample& sample) noexcept;

}  // namespace tidegate::sflow
