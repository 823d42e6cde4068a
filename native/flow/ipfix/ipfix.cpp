#include "ipfix.hpp"

namespace tidegate::ipfix {

using templated::TemplateRead;

// Message header, RFC 7011 section 3.1. All fields big-endian.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |      Version number = 10      |    Length, header included    |
//  +---------------+---------------+---------------+---------------+
//  |             Export time, seconds since the Unix epoch         |
//  +---------------+---------------+---------------+---------------+
//  |             Sequence number, of data records                  |
//  +---------------+---------------+---------------+---------------+
//  |                     Observation domain ID                     |
//  +---------------+---------------+---------------+---------------+
Decoded<Header> read_header(Cursor& in) noexcept {
  const std::uint16_t version = in.u16();
  Header header;
  header.length = in.u16();
  header.export_seconds = in.u32();
  header.sequence = in.u32();
  header.domain = in.u32();
  if (!in.ok()) return DecodeError::ipfix_truncated;
  if (version != kVersion) return DecodeError::templated_bad_version;
  if (header.length < kMessageHeaderBytes) return DecodeError::ipfix_bad_length;
  return header;
}

// Template record, section 3.4.1: template id (2), field count (2), then for each field the enterprise bit with the
// element (2), its length (2) and, with that bit, the enterprise (4). Options template record, section 3.4.2.2: the
// count of scope fields (2) stands behind the field count, which includes them.
TemplateRead read_template(Cursor& in, bool options, templated::TemplateRecord& out) noexcept {
  constexpr std::uint16_t kEnterpriseBit = 0x8000;
  const auto all = in.rest();
  out.id = in.u16();
  out.netflow9 = false;
  out.options = options;
  out.scope_fields = 0;
  const std::size_t fields = in.u16();
  out.field_count = static_cast<std::uint16_t>(fields);
  if (!in.ok() || out.id == 0) return TemplateRead::padding;
  const bool whole_kind = out.id == (options ? kOptionsTemplateSet : kTemplateSet);
  if (fields == 0) {
    out.body = all.first(all.size() - in.left());
    return whole_kind || out.id >= templated::kLeastTemplateId ? TemplateRead::whole : TemplateRead::malformed;
  }
  if (options) out.scope_fields = in.u16();
  if (out.id < templated::kLeastTemplateId || out.scope_fields > fields) return TemplateRead::malformed;
  if (fields > templated::kMaxFieldsPerTemplate) return TemplateRead::too_many_fields;
  for (std::size_t i = 0; i < fields; ++i) {
    const std::uint16_t element = in.u16();
    out.storage[i].length = in.u16();
    out.storage[i].element = element & ~kEnterpriseBit;
    out.storage[i].enterprise = (element & kEnterpriseBit) != 0 ? in.u32() : 0;
  }
  if (!in.ok()) return TemplateRead::malformed;
  out.body = all.first(all.size() - in.left());
  return TemplateRead::whole;
}

}  // namespace tidegate::ipfix
