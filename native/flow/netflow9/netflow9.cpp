#include "netflow9.hpp"

namespace tidegate::netflow9 {

using templated::TemplateRead;

// Packet header, RFC 3954 section 5.1. All fields big-endian.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |       Version number = 9      |             Count             |
//  +---------------+---------------+---------------+---------------+
//  |             Time since the device started, milliseconds       |
//  +---------------+---------------+---------------+---------------+
//  |             Export time, seconds since the Unix epoch         |
//  +---------------+---------------+---------------+---------------+
//  |               Sequence number, of datagrams                   |
//  +---------------+---------------+---------------+---------------+
//  |                           Source ID                           |
//  +---------------+---------------+---------------+---------------+
Decoded<Header> read_header(Cursor& in) noexcept {
  const std::uint16_t version = in.u16();
  in.skip(sizeof(std::uint16_t));
  Header header;
  header.uptime_ms = in.u32();
  header.export_seconds = in.u32();
  header.sequence = in.u32();
  header.source_id = in.u32();
  if (!in.ok()) return DecodeError::netflow9_truncated;
  if (version != kVersion) return DecodeError::templated_bad_version;
  return header;
}

// Template, section 5.2: template id (2), field count (2), then type (2) and length (2) of each field. Options
// template, section 6.1: template id (2), bytes of scope fields (2), bytes of option fields (2), then the same.
TemplateRead read_template(Cursor& in, bool options, templated::TemplateRecord& out) noexcept {
  constexpr std::size_t kFieldBytes = 4;
  const auto all = in.rest();
  out.id = in.u16();
  out.netflow9 = true;
  out.options = options;
  out.scope_fields = 0;
  std::size_t fields = in.u16();
  if (options) {
    out.scope_fields = static_cast<std::uint16_t>(fields / kFieldBytes);
    fields = out.scope_fields + in.u16() / kFieldBytes;
  }
  if (!in.ok() || out.id == 0) return TemplateRead::padding;
  if (out.id < templated::kLeastTemplateId || fields == 0) return TemplateRead::malformed;
  if (fields > templated::kMaxFieldsPerTemplate) return TemplateRead::too_many_fields;
  for (std::size_t i = 0; i < fields; ++i) {
    const std::uint16_t type = in.u16();
    out.storage[i] = {0, type, in.u16()};
  }
  if (!in.ok()) return TemplateRead::malformed;
  out.field_count = static_cast<std::uint16_t>(fields);
  out.body = all.first(all.size() - in.left());
  return TemplateRead::whole;
}

}  // namespace tidegate::netflow9
