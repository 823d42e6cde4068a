/// The two ways in which samples follow one another in a datagram.
#pragma once

#include <cstdint>

#include "sample.hpp"

namespace tidegate::sflow {

/// Versions 2 and 4: parts without lengths, told apart by their kind.
void read_samples_4(Cursor& in, std::uint32_t samples, WireOptions options, RecordBatch& out) noexcept;
/// Version 5: format, length and as many bytes.
void read_samples_5(Cursor& in, std::uint32_t samples, WireOptions options, RecordBatch& out) noexcept;

}  // namespace tidegate::sflow
