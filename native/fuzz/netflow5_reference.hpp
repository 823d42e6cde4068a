/// A second decoder of NetFlow versions 1, 5 and 7, slow and plain: bytes by index from the format's tables. It shares
/// no code with flow/netflow5 but its bounds, and says what that must find.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace tidegate::netflow5::reference {

/// Empty when the decoder finds in `payload` what the reference finds; else where they differ.
std::string difference(std::span<const std::byte> payload);

}  // namespace tidegate::netflow5::reference
