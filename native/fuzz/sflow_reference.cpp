#include "sflow_reference.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <vector>

#include "../flow/sflow/sflow.hpp"

namespace tidegate::sflow::reference {

namespace {

/// The bytes from `begin` up to `end`, words counted from the front.
struct Region {
  const std::vector<unsigned>* all;
  std::size_t begin;
  std::size_t end;

  [[nodiscard]] std::size_t size() const { return end - begin; }
  [[nodiscard]] bool has_words(std::size_t count) const { return size() >= count * 4; }
  [[nodiscard]] std::uint32_t word(std::size_t index) const {
    const auto& b = *all;
    const std::size_t at = begin + index * 4;
    return b.at(at) << 24 | b.at(at + 1) << 16 | b.at(at + 2) << 8 | b.at(at + 3);
  }
  [[nodiscard]] std::uint64_t long_word(std::size_t index) const {
    return std::uint64_t{word(index)} << 32 | word(index + 1);
  }
  [[nodiscard]] Region from(std::size_t offset, std::size_t length) const { return {all, begin + offset, begin + offset + length}; }
  [[nodiscard]] std::vector<std::byte> copy() const {
    std::vector<std::byte> bytes;
    for (std::size_t i = begin; i < end; ++i) bytes.push_back(static_cast<std::byte>(all->at(i)));
    return bytes;
  }
};

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

struct Expected {
  std::vector<std::pair<PacketFacts, std::uint64_t>> sightings;
  std::vector<std::vector<std::byte>> headers;
  std::vector<DecodeError> errors;
  Totals totals;
};

struct Sampled {
  std::optional<PacketFacts> facts;
  std::optional<std::uint32_t> length;
  std::vector<std::byte> header;
  std::vector<DecodeError> errors;
};

std::optional<LinkType> link_of(std::uint32_t protocol) {
  if (protocol == 1) return LinkType::ethernet;
  if (protocol == 7) return LinkType::ppp;
  if (protocol == 11) return LinkType::raw_ipv4;
  if (protocol == 12) return LinkType::raw_ipv6;
  return std::nullopt;
}

void raw_header(Region body, Sampled& out) {
  if (!body.has_words(4) || body.word(3) > body.size() - 16) return out.errors.push_back(DecodeError::sflow_bad_record_length);
  if (body.word(1) > kMaxFrameLength) return out.errors.push_back(DecodeError::sflow_bad_frame_length);
  out.length = body.word(1);
  const auto link = link_of(body.word(0));
  if (!link) return out.errors.push_back(DecodeError::sflow_unsupported_header);
  const auto bytes = body.from(16, body.word(3)).copy();
  PacketFacts facts;
  const auto error = decode_frame(*link, bytes, *out.length, {}, facts);
  if (error != DecodeError::none) return out.errors.push_back(error);
  out.facts = facts;
  out.header = bytes;
}

void sampled_ip(Region body, bool six, Sampled& out) {
  if (!body.has_words(six ? 14 : 8)) return out.errors.push_back(DecodeError::sflow_bad_record_length);
  if (body.word(0) > kMaxFrameLength) return out.errors.push_back(DecodeError::sflow_bad_frame_length);
  PacketFacts facts;
  facts.wire_length = facts.ip_length = body.word(0);
  facts.protocol = static_cast<std::uint8_t>(body.word(1));
  if (six) {
    facts.source = {body.long_word(2), body.long_word(4), Family::ipv6};
    facts.destination = {body.long_word(6), body.long_word(8), Family::ipv6};
  } else {
    facts.source = {0, body.word(2), Family::ipv4};
    facts.destination = {0, body.word(3), Family::ipv4};
  }
  const std::size_t ports = six ? 10 : 4;
  facts.source_port = static_cast<std::uint16_t>(body.word(ports));
  facts.destination_port = static_cast<std::uint16_t>(body.word(ports + 1));
  facts.tcp_flags = static_cast<std::uint8_t>(body.word(ports + 2));
  out.facts = facts;
  if (!out.length) out.length = body.word(0);
}

void flow_sample(Region body, bool expanded, Expected& out) {
  ++out.totals.flow_samples;
  const std::size_t head = expanded ? 11 : 8;
  if (!body.has_words(head)) return out.errors.push_back(DecodeError::sflow_bad_sample_length);
  const std::uint32_t rate = std::max(body.word(expanded ? 3 : 2), 1U);
  const std::uint32_t count = body.word(head - 1);
  Sampled sampled;
  if (count > kMaxRecordsPerSample) {
    sampled.errors.push_back(DecodeError::sflow_too_many_records);
  } else {
    const auto records = parts_of(body.from(head * 4, body.size() - head * 4), count);
    bool header_used = false;
    for (const auto& record : records.whole) {
      if (record.format == 1 && !header_used) {
        const auto before = sampled;
        raw_header(record.body, sampled);
        // A record that could not even be measured leaves the next one its chance.
        header_used = sampled.errors.size() == before.errors.size() ||
                      (sampled.errors.back() != DecodeError::sflow_bad_record_length &&
                       sampled.errors.back() != DecodeError::sflow_bad_frame_length);
      } else if ((record.format == 3 || record.format == 4) && !sampled.facts) {
        sampled_ip(record.body, record.format == 4, sampled);
      }
    }
    if (records.head_missing || records.body_missing) sampled.errors.push_back(DecodeError::sflow_bad_record_length);
  }
  if (sampled.length) {
    ++out.totals.packets;
    out.totals.bytes += *sampled.length;
  }
  if (sampled.facts) {
    out.sightings.emplace_back(*sampled.facts, rate);
    out.headers.push_back(sampled.header);
  } else {
    out.errors.push_back(sampled.errors.empty() ? DecodeError::sflow_no_packet : sampled.errors.front());
  }
}

Expected decode(Region all) {
  Expected out;
  if (!all.has_words(2)) return out.errors.push_back(DecodeError::sflow_truncated), out;
  if (all.word(0) != 5) return out.errors.push_back(DecodeError::sflow_bad_version), out;
  if (all.word(1) != 1 && all.word(1) != 2) return out.errors.push_back(DecodeError::sflow_bad_address_type), out;
  const std::size_t head = all.word(1) == 1 ? 7 : 10;
  if (!all.has_words(head)) return out.errors.push_back(DecodeError::sflow_truncated), out;
  ++out.totals.datagrams;
  const std::size_t stated = all.word(head - 1);
  if (stated > kMaxSamplesPerDatagram) out.errors.push_back(DecodeError::sflow_too_many_samples);
  const auto samples = parts_of(all.from(head * 4, all.size() - head * 4), std::min(stated, kMaxSamplesPerDatagram));
  for (const auto& sample : samples.whole) {
    switch (sample.format) {
      case 1: flow_sample(sample.body, false, out); break;
      case 3: flow_sample(sample.body, true, out); break;
      case 2:
      case 4: ++out.totals.counter_samples; break;
      case 5: ++out.totals.discard_samples; break;
      default: ++out.totals.other_samples; break;
    }
  }
  if (samples.head_missing) out.errors.push_back(DecodeError::sflow_truncated);
  if (samples.body_missing) out.errors.push_back(DecodeError::sflow_bad_sample_length);
  return out;
}

bool same(const PacketFacts& a, const PacketFacts& b) {
  return a.source == b.source && a.destination == b.destination && a.wire_length == b.wire_length &&
         a.ip_length == b.ip_length && a.source_port == b.source_port && a.destination_port == b.destination_port &&
         a.protocol == b.protocol && a.tcp_flags == b.tcp_flags && a.ttl == b.ttl && a.fragment == b.fragment &&
         a.first_fragment == b.first_fragment;
}

}  // namespace

std::string difference(std::span<const std::byte> payload) {
  std::vector<unsigned> bytes;
  for (const std::byte b : payload) bytes.push_back(std::to_integer<unsigned>(b));
  const Expected expected = decode({&bytes, 0, bytes.size()});
  Decoder decoder{{}};
  const Datagram& found = decoder.decode(payload);

  std::ostringstream text;
  if (!(decoder.totals() == expected.totals)) {
    text << "totals: " << decoder.totals().packets << " packets, " << decoder.totals().bytes << " bytes, expected "
         << expected.totals.packets << " and " << expected.totals.bytes;
  } else if (!std::ranges::equal(found.errors, expected.errors)) {
    text << "errors: " << found.errors.size() << ", expected " << expected.errors.size();
    if (!found.errors.empty()) text << ", first " << error_name(found.errors.front());
    if (!expected.errors.empty()) text << ", expected " << error_name(expected.errors.front());
  } else if (found.sightings.size() != expected.sightings.size()) {
    text << "sightings: " << found.sightings.size() << ", expected " << expected.sightings.size();
  }
  for (std::size_t i = 0; text.str().empty() && i < found.sightings.size(); ++i) {
    const auto& [facts, rate] = expected.sightings[i];
    const Sighting& seen = found.sightings[i];
    if (!same(seen.facts, facts)) text << "facts of sighting " << i;
    if (seen.packets != rate || seen.sampling != rate || seen.bytes != rate * facts.wire_length) text << "counts of sighting " << i;
    if (!std::ranges::equal(found.samples[i].bytes, expected.headers[i])) text << "header of sighting " << i;
  }
  return text.str();
}

}  // namespace tidegate::sflow::reference
