#include "templated_reference.hpp"

#include <algorithm>
#include <sstream>

#include "../flow/templated/decoder.hpp"
#include "templated_reference_parts.hpp"

namespace tidegate::templated::reference {

namespace {

struct Waiting {
  unsigned id;
  Clock clock;
  Bytes body;
};

class Reference {
 public:
  Outcome decode(const Bytes& payload);

 private:
  void templates(const Bytes& set, bool options, Outcome& out);
  bool learn(unsigned id, Layout layout, Outcome& out);
  std::uint32_t data(unsigned id, const Bytes& set, Clock& clock, Outcome& out);

  bool v9_ = false;
  std::map<unsigned, Layout> known_;
  std::vector<Waiting> waiting_;
  std::int64_t boot_ = 0;
};

std::uint32_t Reference::data(unsigned id, const Bytes& set, Clock& clock, Outcome& out) {
  const Layout layout = known_.at(id);
  const auto told = told_by(layout, v9_);
  std::size_t least = 0;
  for (const Field& field : layout.fields) least += !v9_ && field.length == 65535 ? 1 : field.length;
  std::size_t from = 0;
  std::uint32_t records = 0;
  while (set.size() - from >= least) {
    Record values;
    for (std::size_t i = 0; i < layout.fields.size(); ++i) {
      std::size_t length = layout.fields[i].length;
      bool cut = false;
      if (!v9_ && length == 65535) {
        cut = from + 1 > set.size();
        if (!cut) {
          length = at(set, from++);
          if (length == 255) {
            cut = from + 2 > set.size();
            if (!cut) length = number(set, from, 2), from += 2;
          }
        }
      }
      if (cut || from + length > set.size()) {
        if (out.errors.size() < kMaxErrorsPerDatagram) out.errors.push_back(DecodeError::record_truncated);
        return records;
      }
      for (const auto& [name, by] : told) {
        if (by.field != i) continue;
        const bool numeric = by.kind != 'b' && by.kind != '6';
        if (numeric && (length == 0 || length > 8)) continue;
        values[name] = part(set, from, length);
      }
      from += length;
    }
    ++records;
    add_record(layout, values, v9_, clock, boot_, out);
  }
  return records;
}

bool Reference::learn(unsigned id, Layout layout, Outcome& out) {
  ++out.extras.templates;
  std::size_t least = 0;
  for (const Field& field : layout.fields) least += !v9_ && field.length == 65535 ? 1 : field.length;
  if (least == 0 || least > 65535 - 8) {
    out.errors.push_back(DecodeError::template_malformed);
    return true;
  }
  known_[id] = std::move(layout);
  std::vector<Waiting> left;
  for (Waiting& set : waiting_) {
    if (set.id != id) {
      left.push_back(set);
      continue;
    }
    out.extras.records_recovered += data(id, set.body, set.clock, out);
  }
  waiting_ = left;
  return true;
}

void Reference::templates(const Bytes& set, bool options, Outcome& out) {
  for (std::size_t from = 0; from < set.size();) {
    const std::size_t begin = from;
    const std::size_t left = set.size() - from;
    if (left < (v9_ && options ? 6U : 4U)) return;
    const auto id = static_cast<unsigned>(number(set, from, 2));
    std::size_t count = number(set, from + 2, 2);
    from += 4;
    if (id == 0) return;
    Layout layout;
    layout.options = options;
    if (v9_ && options) {
      layout.scopes = static_cast<unsigned>(count / 4);
      count = layout.scopes + number(set, from, 2) / 4;
      from += 2;
    }
    if (!v9_ && count == 0) {
      const bool all = id == (options ? 3U : 2U);
      if (!all && id < 256) return out.errors.push_back(DecodeError::template_malformed);
      ++out.extras.withdrawals;
      if (all) {
        std::erase_if(known_, [&](const auto& entry) { return entry.second.options == options; });
      } else {
        known_.erase(id);
      }
      continue;
    }
    if (!v9_ && options) {
      if (set.size() - from < 2) return out.errors.push_back(DecodeError::template_malformed);
      layout.scopes = static_cast<unsigned>(number(set, from, 2));
      from += 2;
      if (layout.scopes > count) return out.errors.push_back(DecodeError::template_malformed);
    }
    if (id < 256 || count == 0) return out.errors.push_back(DecodeError::template_malformed);
    if (count > kMaxFieldsPerTemplate) return out.errors.push_back(DecodeError::template_too_many_fields);
    for (std::size_t i = 0; i < count; ++i) {
      if (set.size() - from < 4) return out.errors.push_back(DecodeError::template_malformed);
      Field field{0, static_cast<unsigned>(number(set, from, 2)), static_cast<unsigned>(number(set, from + 2, 2))};
      from += 4;
      if (!v9_ && field.element >= 32768) {
        if (set.size() - from < 4) return out.errors.push_back(DecodeError::template_malformed);
        field.element -= 32768;
        field.enterprise = static_cast<std::uint32_t>(number(set, from, 4));
        from += 4;
      }
      layout.fields.push_back(field);
    }
    layout.body = part(set, begin, from - begin);
    learn(id, layout, out);
  }
}

Outcome Reference::decode(const Bytes& payload) {
  Outcome out;
  v9_ = at(payload, 1) == 9;
  Clock clock;
  std::size_t end = payload.size();
  std::size_t from = v9_ ? 20 : 16;
  if (payload.size() < from) return out.errors.push_back(v9_ ? DecodeError::netflow9_truncated : DecodeError::ipfix_truncated), out;
  clock.export_micros = static_cast<std::int64_t>(number(payload, v9_ ? 8 : 4, 4)) * 1'000'000;
  if (v9_) {
    clock.known = true;
    clock.uptime = static_cast<std::uint32_t>(number(payload, 4, 4));
  } else {
    const std::size_t length = number(payload, 2, 2);
    if (length < 16) return out.errors.push_back(DecodeError::ipfix_bad_length), out;
    if (length > end) out.errors.push_back(DecodeError::ipfix_truncated);
    end = std::min(end, length);
    if (boot_ != 0) clock.known = true, clock.uptime = static_cast<std::uint32_t>((clock.export_micros - boot_) / 1000);
  }
  for (std::size_t sets = 0; end - from >= 4; ++sets) {
    if (sets == kMaxSetsPerMessage) return out.errors.push_back(DecodeError::templated_too_many_sets), out;
    const auto id = static_cast<unsigned>(number(payload, from, 2));
    const std::size_t length = number(payload, from + 2, 2);
    if (id == 0 && length == 0) return out;
    if (length < 4 || length > end - from) return out.errors.push_back(DecodeError::templated_bad_set), out;
    const Bytes set = part(payload, from + 4, length - 4);
    from += length;
    const auto error = [&](DecodeError e) {
      if (out.errors.size() < kMaxErrorsPerDatagram) out.errors.push_back(e);
    };
    if (id >= 256) {
      if (known_.contains(id)) {
        out.records += data(id, set, clock, out);
      } else {
        ++out.extras.sets_without_template;
        out.units_known = v9_;
        waiting_.push_back({id, clock, set});
      }
    } else if (id == (v9_ ? 0U : 2U)) {
      templates(set, false, out);
    } else if (id == (v9_ ? 1U : 3U)) {
      templates(set, true, out);
    } else {
      error(DecodeError::templated_bad_set);
    }
  }
  return out;
}

bool same(const PacketFacts& a, const PacketFacts& b) {
  return a.source == b.source && a.destination == b.destination && a.wire_length == b.wire_length &&
         a.ip_length == b.ip_length && a.source_port == b.source_port && a.destination_port == b.destination_port &&
         a.protocol == b.protocol && a.tcp_flags == b.tcp_flags && a.ttl == b.ttl && a.fragment == b.fragment &&
         a.first_fragment == b.first_fragment;
}
bool same(const FlowDetail& a, const FlowDetail& b) {
  return a.first_micros == b.first_micros && a.last_micros == b.last_micros && a.input == b.input && a.output == b.output &&
         a.source_as == b.source_as && a.destination_as == b.destination_as && a.point == b.point && a.sampling == b.sampling &&
         a.sampler == b.sampler && a.side == b.side && a.end == b.end && a.counts == b.counts && a.dropped == b.dropped &&
         a.short_header == b.short_header && a.link == b.link && a.frame_length == b.frame_length;
}

std::string compared(const Outcome& expected, RecordBatch& found, bool v9) {
  std::ostringstream text;
  const auto differs = [&](const char* what, std::uint64_t ours, std::uint64_t theirs) {
    if (ours != theirs && text.str().empty()) text << what << ": " << ours << ", expected " << theirs;
  };
  differs("templates", found.extras.templates, expected.extras.templates);
  differs("withdrawals", found.extras.withdrawals, expected.extras.withdrawals);
  differs("option records", found.extras.option_records, expected.extras.option_records);
  differs("sets without template", found.extras.sets_without_template, expected.extras.sets_without_template);
  differs("recovered", found.extras.records_recovered, expected.extras.records_recovered);
  differs("units known", found.header.units_known, expected.units_known);
  if (!v9) differs("units", found.header.units, expected.records);
  differs("errors", found.errors().size(), std::min(expected.errors.size(), kMaxErrorsPerDatagram));
  for (std::size_t i = 0; text.str().empty() && i < found.errors().size(); ++i) {
    differs("error", static_cast<unsigned>(found.errors()[i]), static_cast<unsigned>(expected.errors[i]));
  }
  differs("statements", found.statements().size(), expected.statements.size());
  for (std::size_t i = 0; text.str().empty() && i < expected.statements.size(); ++i) {
    differs("rate", found.statements()[i].rate, expected.statements[i].rate);
    differs("scope", static_cast<unsigned>(found.statements()[i].scope), static_cast<unsigned>(expected.statements[i].scope));
    differs("scope id", found.statements()[i].id, expected.statements[i].id);
  }
  differs("records", found.sightings().size(), expected.rows.size());
  for (std::size_t i = 0; text.str().empty() && i < expected.rows.size(); ++i) {
    const Sighting& seen = found.sightings()[i];
    const Row& row = expected.rows[i];
    differs("packets", seen.packets, row.sighting.packets);
    differs("bytes", seen.bytes, row.sighting.bytes);
    if (!same(seen.facts, row.sighting.facts)) text << "facts of record " << i;
    const FlowDetail& ours = found.details()[i];
    if (!same(ours, row.detail)) {
      text << " detail of record " << i << ": times " << ours.first_micros << " " << ours.last_micros << ", expected "
           << row.detail.first_micros << " " << row.detail.last_micros << ", counts " << ours.counts << " " << row.detail.counts;
    }
    if (!std::ranges::equal(found.details()[i].bytes, row.section)) text << " section of record " << i;
  }
  return text.str();
}

}  // namespace

std::string difference(const std::vector<std::vector<std::byte>>& datagrams) {
  Reference reference;
  Decoder decoder{{.max_templates = 65'536, .max_exporters = 4, .waiting_bytes = std::size_t{4} << 20}, 1, {}};
  static RecordBatch batch;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const Outcome expected = reference.decode(datagrams[i]);
    // Past the bounds of a batch, or of the steps of a plan, the two part: tests look at those.
    if (expected.rows.size() > kMostRecovered || expected.statements.size() >= kMaxStatementsPerDatagram) return "";
    batch.clear();
    decoder.decode(datagrams[i], {0, 0xC000'0201, Family::ipv4}, static_cast<std::int64_t>(i), batch);
    for (const DecodeError error : batch.errors()) {
      if (error == DecodeError::template_too_many_fields) return "";
    }
    if (batch.extras.sets_expired != 0) return "";
    const std::string text = compared(expected, batch, at(datagrams[i], 1) == 9);
    if (!text.empty()) return "datagram " + std::to_string(i) + ": " + text;
  }
  return "";
}

std::vector<std::vector<std::byte>> datagrams_of(std::span<const std::byte> input, unsigned version) {
  constexpr std::size_t kMostDatagrams = 16;
  std::vector<Bytes> out;
  while (input.size() >= 4 && out.size() < kMostDatagrams) {
    const std::size_t stated = std::to_integer<std::size_t>(input[0]) << 8 | std::to_integer<std::size_t>(input[1]);
    const std::size_t length = std::min(std::max<std::size_t>(stated, 2), input.size() - 2);
    const auto bytes = input.subspan(2, length);
    out.emplace_back(bytes.begin(), bytes.end());
    out.back()[0] = std::byte{0};
    out.back()[1] = static_cast<std::byte>(version);
    // One exporter: source id or domain zero, so that what comes later is read by what came before.
    const std::size_t domain = version == 9 ? 16 : 12;
    for (std::size_t i = domain; i < domain + 4 && i < out.back().size(); ++i) out.back()[i] = std::byte{0};
    input = input.subspan(2 + length);
  }
  return out;
}

}  // namespace tidegate::templated::reference
