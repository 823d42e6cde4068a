/// NetFlow version 9 (RFC 3954): the packet header, and template and options template FlowSets.
///
/// The header's count of records is not used: exporters count FlowSets, records of one kind, or nothing by it.
#pragma once

#include "../../base/cursor.hpp"
#include "../../base/decoded.hpp"
#include "../templated/template_record.hpp"

namespace tidegate::netflow9 {

inline constexpr std::uint16_t kVersion = 9;
inline constexpr std::uint16_t kTemplateSet = 0;
inline constexpr std::uint16_t kOptionsTemplateSet = 1;

struct Header {
  std::uint32_t uptime_ms = 0;
  std::uint32_t export_seconds = 0;
  std::uint32_t sequence = 0;   ///< of datagrams
  std::uint32_t source_id = 0;
};

[[nodiscard]] Decoded<Header> read_header(Cursor& in) noexcept;

/// The next template record of a FlowSet; `out.body` lies in the bytes that `in` reads. Ends the set unless whole.
[[nodiscard]] templated::TemplateRead read_template(Cursor& in, bool options, templated::TemplateRecord& out) noexcept;

}  // namespace tidegate::netflow9
