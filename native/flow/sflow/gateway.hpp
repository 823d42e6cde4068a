/// extended_gateway: from and to which autonomous system a sampled packet goes.
#pragma once

#include "sample.hpp"

namespace tidegate::sflow {

enum class GatewayLayout : std::uint8_t { version2, version4, version5 };

/// Reads the record to its end and fills the AS numbers of `detail`: the source as stated, the destination as the last of
/// the path to it; zero where that is empty. False, and `detail` as before, where it is not whole or has more than
/// kMaxAsSegments.
bool read_gateway(Cursor& in, GatewayLayout layout, FlowDetail& detail) noexcept;

/// Passes over an address with its type in front (section 5.3, union address); type 0 is unknown and has no bytes.
/// False for any other type.
bool skip_address(Cursor& in) noexcept;

}  // namespace tidegate::sflow
