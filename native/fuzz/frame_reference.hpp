/// The wire decoder once more, slow and obvious: the oracle that decode_frame is compared with.
#pragma once

#include "../base/decoded.hpp"
#include "../wire/frame.hpp"

namespace tidegate::reference {

Decoded<PacketFacts> decode_frame(LinkType link, std::span<const std::byte> captured, std::uint32_t wire_length,
                                  WireOptions options) noexcept;

/// Whether both decoders make the same of a fuzzer's input: link type (index), options, wire length (3 bytes, so
/// that jumbograms occur), then the frame. Inputs shorter than that agree.
bool decoders_agree(std::span<const std::byte> input) noexcept;

/// Every field the same.
bool same_facts(const PacketFacts& a, const PacketFacts& b) noexcept;

}  // namespace tidegate::reference
