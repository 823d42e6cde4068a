/// A second sFlow decoder, slow and plain: whole words by index, everything copied. It shares no code with
/// flow/sflow but the bounds and what wire/ makes of a sampled header, and says what that must find.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace tidegate::sflow::reference {

/// Empty when the decoder finds in `payload` what the reference finds; else where they differ.
std::string difference(std::span<const std::byte> payload);

}  // namespace tidegate::sflow::reference
