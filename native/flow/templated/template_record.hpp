/// One template as it stands in a datagram, before anything is made of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "field_table.hpp"

namespace tidegate::templated {

/// A UDP datagram of usual size could hold some 360; what real devices send has fewer than 100.
inline constexpr std::size_t kMaxFieldsPerTemplate = 384;
/// Data sets have ids from here on (RFC 3954 section 5.2, RFC 7011 section 3.3.2).
inline constexpr std::uint16_t kLeastTemplateId = 256;

struct TemplateRecord {
  std::uint16_t id = 0;
  bool options = false;
  bool netflow9 = false;
  std::uint16_t scope_fields = 0;      ///< the first so many are scope; options templates alone
  std::uint16_t field_count = 0;       ///< scope fields included; zero: withdrawn (IPFIX)
  std::array<FieldSpec, kMaxFieldsPerTemplate> storage;
  std::span<const std::byte> body;     ///< id, counts and fields, as sent

  [[nodiscard]] std::span<const FieldSpec> fields() const noexcept { return std::span{storage}.first(field_count); }
};

/// What came of reading one template record.
enum class TemplateRead : std::uint8_t { whole, padding, malformed, too_many_fields };

}  // namespace tidegate::templated
