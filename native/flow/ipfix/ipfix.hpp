/// IPFIX (RFC 7011): the message header, and template and options template sets.
#pragma once

#include "../../base/cursor.hpp"
#include "../../base/decoded.hpp"
#include "../templated/template_record.hpp"

namespace tidegate::ipfix {

inline constexpr std::uint16_t kVersion = 10;
inline constexpr std::size_t kMessageHeaderBytes = 16;
inline constexpr std::uint16_t kTemplateSet = 2;
inline constexpr std::uint16_t kOptionsTemplateSet = 3;

struct Header {
  std::uint16_t length = 0;          ///< bytes, header included
  std::uint32_t export_seconds = 0;
  std::uint32_t sequence = 0;        ///< data records sent before this message, modulo 2^32
  std::uint32_t domain = 0;
};

[[nodiscard]] Decoded<Header> read_header(Cursor& in) noexcept;

/// The next template record of a set; `out.body` lies in the bytes that `in` reads. Ends the set unless whole.
/// A withdrawal (section 8.1) is a whole template without fields; its id may be that of a kind of template set: all.
[[nodiscard]] templated::TemplateRead read_template(Cursor& in, bool options, templated::TemplateRecord& out) noexcept;

}  // namespace tidegate::ipfix
