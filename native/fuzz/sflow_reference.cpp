#include "sflow_reference.hpp"

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "sflow_reference_parts.hpp"

namespace tidegate::sflow::reference {

namespace {

/// Format, length and body of each part of a list, until `count` or what does not fit.
struct Part {
  std::uint32_t format;
  Region body;
};
struct Parts {
  std::vector<Part> whole;
  bool head_missing = false;
  bool body_missing = false;
};
Parts parts_of(Region list, std::size_t count) {
  Parts parts;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Region rest = list.from(at, list.size() - at);
    if (!rest.has_words(2)) {
      parts.head_missing = true;
      break;
    }
    const std::size_t length = rest.word(1);
    if (length > rest.size() - 8) {
      parts.body_missing = true;
      break;
    }
    parts.whole.push_back({rest.word(0), rest.from(8, length)});
    at += 8 + length;
    while (at % 4 != 0 && at < list.size()) ++at;
  }
  return parts;
}

struct Record {
  Sighting sighting;
  FlowDetail detail;
  std::vector<std::byte> header;
};

struct Expected {
  bool readable = false;
  FlowHeader header;
  FlowExtras extras;
  std::vector<Record> records;
  std::vector<DecodeError> errors;
};

struct Head {
  std::uint32_t kind, index, rate, drops, input_format, input, output_format, output;
};

void close(const Head& head, const Sampled& sampled, Expected& out) {
  Record record;
  FlowDetail& detail = record.detail;
  const auto number = [](std::uint32_t format, std::uint32_t value) { return format == 0 && value != 0x3fffffff ? value : 0; };
  detail.input = number(head.input_format, head.input);
  detail.output = number(head.output_format, head.output);
  detail.dropped = head.output_format == 1;
  detail.point = (head.kind * 0x1000000) ^ head.index;
  detail.sampling = head.rate;
  if (head.kind == 0 && head.index > 0 && head.index == detail.output) detail.side = FlowSide::egress;
  if (head.kind == 0 && head.index > 0 && head.index == detail.input) detail.side = FlowSide::ingress;
  detail.source_as = sampled.source_as;
  detail.destination_as = sampled.destination_as;
  detail.short_header = sampled.short_header;
  if (sampled.link) detail.link = *sampled.link;
  if (!sampled.lengths.empty()) detail.frame_length = sampled.lengths.rbegin()->second;
  detail.counts = sampled.facts.has_value();
  if (sampled.facts) record.sighting.facts = *sampled.facts;
  record.sighting.facts.wire_length = detail.frame_length;
  record.sighting.packets = sampled.lengths.empty() ? 0 : 1;
  record.sighting.bytes = detail.frame_length;
  record.header = sampled.header;
  out.records.push_back(record);
  out.extras.device_drops = head.drops;
  if (!sampled.facts) out.errors.push_back(sampled.errors.empty() ? DecodeError::sflow_no_packet : sampled.errors.front());
}

void flow_sample_5(Region body, bool expanded, Expected& out) {
  const std::size_t words = expanded ? 11 : 8;
  if (!body.has_words(words)) return out.errors.push_back(DecodeError::sflow_bad_sample_length);
  const auto w = [&](std::size_t i) { return body.word(i); };
  const std::uint32_t low = 0x40000000;
  const Head head = expanded ? Head{w(1), w(2), w(3), w(5), w(6), w(7), w(8), w(9)}
                             : Head{w(1) / 0x1000000, w(1) % 0x1000000, w(2), w(4), w(5) / low, w(5) % low, w(6) / low, w(6) % low};
  Sampled sampled;
  const auto bad = [&](bool read) { if (!read) sampled.errors.push_back(DecodeError::sflow_bad_record_length); };
  if (w(words - 1) > kMaxRecordsPerSample) {
    sampled.errors.push_back(DecodeError::sflow_too_many_records);
  } else {
    const auto records = parts_of(body.from(words * 4, body.size() - words * 4), w(words - 1));
    for (const auto& record : records.whole) {
      if (record.format == 1 && !sampled.lengths.contains(3)) bad(raw_header(record.body, sampled));
      if (record.format == 2) bad(sampled_ethernet(record.body, sampled));
      if ((record.format == 3 || record.format == 4) && !sampled.facts) bad(sampled_ip(record.body, record.format == 4, sampled));
      if (record.format == 1003 && !gateway(record.body, 5, sampled)) out.errors.push_back(DecodeError::sflow_bad_gateway);
    }
    if (records.head_missing || records.body_missing) sampled.errors.push_back(DecodeError::sflow_bad_record_length);
  }
  close(head, sampled, out);
}

void decode_5(Region rest, std::size_t count, Expected& out) {
  const auto samples = parts_of(rest, count);
  for (const auto& sample : samples.whole) {
    switch (sample.format) {
      case 1: flow_sample_5(sample.body, false, out); break;
      case 3: flow_sample_5(sample.body, true, out); break;
      case 2:
      case 4: ++out.extras.counter_samples; break;
      case 5: ++out.extras.discard_samples; break;
      default: ++out.extras.other_samples; break;
    }
  }
  if (samples.head_missing) out.errors.push_back(DecodeError::sflow_truncated);
  if (samples.body_missing) out.errors.push_back(DecodeError::sflow_bad_sample_length);
}

/// The bytes of a part without a stated length, by its kind: how many it takes, or why that is not known.
struct Taken {
  std::size_t bytes = 0;
  DecodeError broken = DecodeError::none;
};
Taken taken(std::size_t bytes, Region rest) {
  return bytes > rest.size() ? Taken{0, DecodeError::sflow_truncated} : Taken{bytes, DecodeError::none};
}

/// `length` bytes and what makes them whole words, as far as that is there.
std::size_t padded(std::size_t length, std::size_t available) {
  return length > available ? length : std::min((length + 3) / 4 * 4, available);
}

Taken packet_4(Region rest, Sampled& out) {
  const Taken too_short{0, DecodeError::sflow_truncated};
  if (!rest.has_words(1)) return too_short;
  const Region body = rest.from(4, rest.size() - 4);
  switch (rest.word(0)) {
    case 1: {
      if (!body.has_words(3) || body.word(2) > body.size() - 12) return too_short;
      const std::size_t length = body.word(2);
      sampled_frame(body.word(0), body.word(1), body.from(12, length).copy(), out);
      return {4 + 12 + padded(length, body.size() - 12), DecodeError::none};
    }
    case 2: return sampled_ip(body, false, out) ? Taken{4 + 32, DecodeError::none} : too_short;
    case 3: return sampled_ip(body, true, out) ? Taken{4 + 56, DecodeError::none} : too_short;
    default: return {0, DecodeError::sflow_unknown_kind};
  }
}

Taken extended_4(Region rest, unsigned version, Sampled& out) {
  const Taken too_short{0, DecodeError::sflow_truncated};
  if (!rest.has_words(1)) return too_short;
  const Region body = rest.from(4, rest.size() - 4);
  const auto text = [&](std::size_t at) -> std::optional<std::size_t> {  // where the string that begins there ends
    if (at > body.size() || body.size() - at < 4) return std::nullopt;
    const std::size_t length = body.from(at, 4).word(0);
    if (length > body.size() - at - 4) return std::nullopt;
    return at + 4 + padded(length, body.size() - at - 4);
  };
  switch (rest.word(0)) {
    case 1: return taken(4 + 16, rest);
    case 2:
      if (!body.has_words(1)) return {0, DecodeError::sflow_bad_address_type};
      if (body.word(0) > 2) return {0, DecodeError::sflow_bad_address_type};
      if (const std::size_t address = body.word(0) == 0 ? 0 : body.word(0) == 1 ? 4 : 16; body.size() >= 4 + address) {
        return taken(4 + 4 + address + 8, rest);
      }
      return {0, DecodeError::sflow_bad_address_type};
    case 3: {
      const auto words = gateway(body, version, out);
      return words ? Taken{4 + *words * 4, DecodeError::none} : Taken{0, DecodeError::sflow_bad_gateway};
    }
    case 4: {
      const auto first = text(0);
      const auto second = first ? text(*first) : std::nullopt;
      return second ? Taken{4 + *second, DecodeError::none} : too_short;
    }
    case 5: {
      const auto end = text(4);
      return end ? Taken{4 + *end, DecodeError::none} : too_short;
    }
    default: return {0, DecodeError::sflow_unknown_kind};
  }
}

Taken flow_sample_4(Region body, unsigned version, Expected& out) {
  if (!body.has_words(7)) {
    out.errors.push_back(DecodeError::sflow_truncated);
    return {0, DecodeError::sflow_truncated};
  }
  const auto w = [&](std::size_t i) { return body.word(i); };
  const Head head{w(1) / 0x1000000, w(1) % 0x1000000, w(2), w(4), 0, w(5) == 0x3fffffff ? 0 : w(5), w(6) >> 31 == 1 ? 2U : 0U, w(6)};
  Sampled sampled;
  std::size_t at = 28;
  const auto rest = [&] { return body.from(at, body.size() - at); };
  Taken part = packet_4(rest(), sampled);
  at += part.bytes;
  if (part.broken == DecodeError::none) {
    const std::size_t count = rest().has_words(1) ? rest().word(0) : 0;
    if (!rest().has_words(1)) part.broken = DecodeError::sflow_truncated;
    else if (count > kMaxRecordsPerSample) part.broken = DecodeError::sflow_too_many_records;
    at += 4;
    for (std::size_t i = 0; i < count && part.broken == DecodeError::none; ++i) {
      part = extended_4(rest(), version, sampled);
      at += part.bytes;
    }
  }
  if (part.broken != DecodeError::none && !sampled.facts) sampled.errors = {part.broken};
  close(head, sampled, out);
  if (part.broken != DecodeError::none && sampled.facts) out.errors.push_back(part.broken);
  return {at, part.broken};
}

Taken counters_sample_4(Region body, Expected& out) {
  const std::map<std::uint32_t, std::size_t> bytes{{1, 88}, {2, 140}, {3, 160}, {4, 88}, {5, 168}, {6, 88}, {7, 28}};
  Taken part{0, DecodeError::sflow_truncated};
  if (body.has_words(4)) {
    const auto known = bytes.find(body.word(3));
    part = known == bytes.end() ? Taken{0, DecodeError::sflow_unknown_kind} : taken(16 + known->second, body);
  }
  if (part.broken == DecodeError::none) ++out.extras.counter_samples;
  else out.errors.push_back(part.broken);
  return part;
}

void decode_4(Region rest, std::size_t count, unsigned version, Expected& out) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!rest.has_words(1)) return out.errors.push_back(DecodeError::sflow_truncated);
    const Region body = rest.from(4, rest.size() - 4);
    if (rest.word(0) != 1 && rest.word(0) != 2) return out.errors.push_back(DecodeError::sflow_unknown_kind);
    const Taken part = rest.word(0) == 1 ? flow_sample_4(body, version, out) : counters_sample_4(body, out);
    if (part.broken != DecodeError::none) return;
    rest = body.from(part.bytes, body.size() - part.bytes);
  }
}

Expected decode(Region all) {
  Expected out;
  const auto fail = [&](DecodeError error) { return out.errors.push_back(error), out; };
  if (!all.has_words(1)) return fail(DecodeError::sflow_truncated);
  const unsigned version = all.word(0);
  const std::map<unsigned, FlowProtocol> known{{2, FlowProtocol::sflow2}, {4, FlowProtocol::sflow4}, {5, FlowProtocol::sflow5}};
  if (!known.contains(version)) return fail(DecodeError::sflow_bad_version);
  if (!all.has_words(2)) return fail(DecodeError::sflow_truncated);
  const std::uint32_t type = all.word(1);
  if (type != 1 && type != 2) return fail(DecodeError::sflow_bad_address_type);
  const std::size_t sub_agent = version == 5 ? 1 : 0;
  const std::size_t address = type == 1 ? 1 : 4;
  const std::size_t head = 2 + address + sub_agent + 3;
  if (!all.has_words(head)) return fail(DecodeError::sflow_truncated);
  out.readable = true;
  out.header.protocol = known.at(version);
  out.header.agent = type == 1 ? Address{0, all.word(2), Family::ipv4} : Address{all.long_word(2), all.long_word(4), Family::ipv6};
  out.header.domain = version == 5 ? all.word(2 + address) : 0;
  out.header.sequence = all.word(head - 3);
  out.header.uptime_ms = all.word(head - 2);
  const std::size_t stated = all.word(head - 1);
  if (stated > kMaxSamplesPerDatagram) out.errors.push_back(DecodeError::sflow_too_many_samples);
  const Region rest = all.from(head * 4, all.size() - head * 4);
  const std::size_t count = std::min(stated, kMaxSamplesPerDatagram);
  if (version == 5) decode_5(rest, count, out);
  else decode_4(rest, count, version, out);
  if (out.errors.size() > kMaxErrorsPerDatagram) out.errors.resize(kMaxErrorsPerDatagram);
  return out;
}

bool same(const PacketFacts& a, const PacketFacts& b) {
  return a.source == b.source && a.destination == b.destination && a.wire_length == b.wire_length &&
         a.ip_length == b.ip_length && a.source_port == b.source_port && a.destination_port == b.destination_port &&
         a.protocol == b.protocol && a.tcp_flags == b.tcp_flags && a.ttl == b.ttl && a.fragment == b.fragment &&
         a.first_fragment == b.first_fragment;
}

bool same(const Sighting& a, const Sighting& b) {
  return same(a.facts, b.facts) && a.packets == b.packets && a.bytes == b.bytes && a.sampling == b.sampling;
}

bool same(const FlowDetail& a, const FlowDetail& b) {
  return a.first_micros == b.first_micros && a.last_micros == b.last_micros && a.input == b.input &&
         a.output == b.output && a.source_as == b.source_as && a.destination_as == b.destination_as &&
         a.point == b.point && a.sampling == b.sampling && a.sampler == b.sampler && a.side == b.side && a.end == b.end &&
         a.counts == b.counts && a.dropped == b.dropped && a.short_header == b.short_header && a.link == b.link &&
         a.frame_length == b.frame_length;
}

bool same(const FlowHeader& a, const FlowHeader& b) {
  return a.protocol == b.protocol && a.agent == b.agent && a.domain == b.domain && a.sequence == b.sequence &&
         a.uptime_ms == b.uptime_ms && a.sampling == b.sampling && a.export_micros == b.export_micros;
}

bool same(const FlowExtras& a, const FlowExtras& b) {
  return a.counter_samples == b.counter_samples && a.discard_samples == b.discard_samples &&
         a.other_samples == b.other_samples && a.device_drops == b.device_drops;
}

}  // namespace

std::string difference(std::span<const std::byte> payload) {
  std::vector<unsigned> bytes;
  for (const std::byte b : payload) bytes.push_back(std::to_integer<unsigned>(b));
  const Expected expected = decode({&bytes, 0, bytes.size()});
  static RecordBatch found;
  const bool readable = sflow::decode(payload, {}, found);

  std::ostringstream text;
  if (readable != expected.readable) text << "readable: " << readable << " ";
  if (readable && !same(found.header, expected.header)) text << "header ";
  if (readable && (found.header.units != 1 || !found.header.sequenced)) text << "sequence ";
  if (!same(found.extras, expected.extras)) text << "extras ";
  if (!std::ranges::equal(found.errors(), expected.errors)) {
    text << "errors: " << found.errors().size() << ", expected " << expected.errors.size();
    if (!found.errors().empty()) text << ", first " << error_name(found.errors().front());
    if (!expected.errors.empty()) text << ", expected " << error_name(expected.errors.front());
  } else if (found.sightings().size() != expected.records.size()) {
    text << "records: " << found.sightings().size() << ", expected " << expected.records.size();
  }
  for (std::size_t i = 0; text.str().empty() && i < expected.records.size(); ++i) {
    const Record& record = expected.records[i];
    if (!same(found.sightings()[i], record.sighting)) text << "sighting " << i;
    if (!same(found.details()[i], record.detail)) text << " detail " << i;
    if (!std::ranges::equal(found.details()[i].bytes, record.header)) text << " header of sample " << i;
  }
  return text.str();
}

}  // namespace tidegate::sflow::reference
