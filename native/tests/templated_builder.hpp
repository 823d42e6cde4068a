/// NetFlow v9 and IPFIX datagrams written set by set: netflow9().templates(256, {{8, 4}, …}).data(256, bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../flow/templated/field_table.hpp"
#include "pcap_builder.hpp"

namespace tidegate::check {

/// A field as a test writes it: element, length, and for IPFIX an enterprise.
struct BuiltField {
  std::uint16_t element = 0;
  std::uint16_t length = 0;
  std::uint32_t enterprise = 0;
};
using BuiltFields = std::vector<BuiltField>;

class TemplatedBuilder {
 public:
  TemplatedBuilder(bool netflow9, std::uint32_t domain, std::uint32_t sequence)
      : netflow9_{netflow9}, domain_{domain}, sequence_{sequence} {}

  TemplatedBuilder& clock(std::uint32_t export_seconds, std::uint32_t uptime_ms) {
    export_seconds_ = export_seconds;
    uptime_ms_ = uptime_ms;
    return *this;
  }
  /// IPFIX: what the header says instead of the message's length.
  TemplatedBuilder& stated_length(std::uint16_t length) { return stated_length_ = length, *this; }

  TemplatedBuilder& set(std::uint16_t id, std::span<const std::byte> body) {
    sets_.u16(id).u16(body.size() + 4).bytes(body);
    return *this;
  }
  TemplatedBuilder& data(std::uint16_t id, const FileWriter& records) { return set(id, records.done()); }
  TemplatedBuilder& templates(std::uint16_t id, const BuiltFields& fields) {
    return set(netflow9_ ? 0 : 2, template_record(id, fields));
  }
  /// The first `scopes` fields are scope.
  TemplatedBuilder& options(std::uint16_t id, std::uint16_t scopes, const BuiltFields& fields) {
    FileWriter body{false};
    body.u16(id);
    if (netflow9_) {
      body.u16(scopes * 4U).u16((fields.size() - scopes) * 4);
    } else {
      body.u16(fields.size()).u16(scopes);
    }
    add_fields(body, fields);
    return set(netflow9_ ? 1 : 3, body.done());
  }
  TemplatedBuilder& withdraw(std::uint16_t id, bool options = false) {
    return set(options ? 3 : 2, FileWriter{false}.u16(id).u16(0).done());
  }
  TemplatedBuilder& raw(const FileWriter& bytes) { return sets_.bytes(bytes.done()), *this; }

  [[nodiscard]] std::vector<std::byte> template_record(std::uint16_t id, const BuiltFields& fields) const {
    FileWriter body{false};
    body.u16(id).u16(fields.size());
    add_fields(body, fields);
    return body.done();
  }

  [[nodiscard]] std::vector<std::byte> done() const {
    FileWriter out{false};
    if (netflow9_) {
      out.u16(9).u16(1).u32(uptime_ms_).u32(export_seconds_);
    } else {
      out.u16(10).u16(stated_length_ != 0 ? stated_length_ : sets_.size() + 16).u32(export_seconds_);
    }
    return out.u32(sequence_).u32(domain_).bytes(sets_.done()).done();
  }

 private:
  void add_fields(FileWriter& out, const BuiltFields& fields) const {
    for (const BuiltField& field : fields) {
      out.u16(field.enterprise == 0 ? field.element : field.element | 0x8000U).u16(field.length);
      if (field.enterprise != 0) out.u32(field.enterprise);
    }
  }

  bool netflow9_;
  std::uint32_t domain_;
  std::uint32_t sequence_;
  std::uint32_t export_seconds_ = 1'700'000'000;
  std::uint32_t uptime_ms_ = 1'000'000;
  std::uint16_t stated_length_ = 0;
  FileWriter sets_{false};
};

inline TemplatedBuilder netflow9(std::uint32_t domain = 7, std::uint32_t sequence = 1) { return {true, domain, sequence}; }
inline TemplatedBuilder ipfix(std::uint32_t domain = 7, std::uint32_t sequence = 1) { return {false, domain, sequence}; }

}  // namespace tidegate::check
