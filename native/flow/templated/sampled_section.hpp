/// Pieces of packets in data records: IE 313 from the IP header on, IE 315 and 104 (NetFlow-Lite) from Ethernet on.
#pragma once

#include "../../wire/frame.hpp"
#include "../record.hpp"
#include "walk.hpp"

namespace tidegate::templated {

/// Reads the section of a record, if it has one, into facts and detail. On an error both are as they were. Where the
/// record names addresses itself (`addressed`), facts stay, and the section is evidence alone.
[[nodiscard]] DecodeError read_section(const Values& values, WireOptions options, bool addressed, PacketFacts& facts,
                                       FlowDetail& detail) noexcept;

}  // namespace tidegate::templated
