#include "netflow5_reference.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <vector>

#include "../flow/netflow5/netflow5.hpp"

namespace tidegate::netflow5::reference {

namespace {

using Bytes = std::vector<unsigned>;

std::int64_t number(const Bytes& bytes, std::size_t at, std::size_t width) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value * 256 + bytes.at(at + i);
  return value;
}

/// What a format's table says: where things are, by version.
struct Format {
  FlowProtocol protocol;
  std::size_t header;
  std::size_t record;
  std::size_t tcp_flags;
};
const std::map<std::int64_t, Format> kFormats{{1, {FlowProtocol::netflow1, 16, 48, 40}},
                                              {5, {FlowProtocol::netflow5, 24, 48, 37}},
                                              {7, {FlowProtocol::netflow7, 24, 52, 37}}};

struct Expected {
  FlowHeader header;
  std::vector<Sighting> sightings;
  std::vector<FlowDetail> details;
  std::vector<DecodeError> errors;
  bool readable = false;
};

/// Milliseconds from `then` to `now`, two readings of a counter that goes round at 2^32: the shorter way.
std::int64_t elapsed(std::int64_t now, std::int64_t then) {
  constexpr std::int64_t kRound = std::int64_t{1} << 32;
  std::int64_t ms = now - then;
  if (ms >= kRound / 2) ms -= kRound;
  if (ms < -kRound / 2) ms += kRound;
  return ms;
}

void record(const Bytes& bytes, std::size_t at, const Format& format, Expected& out) {
  const auto field = [&](std::size_t offset, std::size_t width) { return number(bytes, at + offset, width); };
  Sighting sighting;
  sighting.facts.source.low = static_cast<std::uint64_t>(field(0, 4));
  sighting.facts.destination.low = static_cast<std::uint64_t>(field(4, 4));
  sighting.packets = static_cast<std::uint64_t>(field(16, 4));
  sighting.bytes = static_cast<std::uint64_t>(field(20, 4));
  const std::uint64_t mean = sighting.packets == 0 ? sighting.bytes : sighting.bytes / sighting.packets;
  sighting.facts.wire_length = sighting.facts.ip_length = static_cast<std::uint32_t>(mean);
  sighting.facts.protocol = static_cast<std::uint8_t>(field(38, 1));
  const std::vector<int> with_ports{6, 17, 33, 132, 136};
  if (std::ranges::count(with_ports, sighting.facts.protocol) != 0) {
    sighting.facts.source_port = static_cast<std::uint16_t>(field(32, 2));
    sighting.facts.destination_port = static_cast<std::uint16_t>(field(34, 2));
  }
  if (sighting.facts.protocol == 6) sighting.facts.tcp_flags = static_cast<std::uint8_t>(field(format.tcp_flags, 1));
  FlowDetail detail;
  detail.input = static_cast<std::uint32_t>(field(12, 2));
  detail.output = static_cast<std::uint32_t>(field(14, 2));
  if (format.protocol != FlowProtocol::netflow1) {
    detail.source_as = static_cast<std::uint32_t>(field(40, 2));
    detail.destination_as = static_cast<std::uint32_t>(field(42, 2));
  }
  const std::int64_t first = elapsed(out.header.uptime_ms, field(24, 4));
  const std::int64_t last = elapsed(out.header.uptime_ms, field(28, 4));
  const bool absent = out.header.export_micros == 0 || (field(24, 4) == 0 && field(28, 4) == 0);
  if (!absent && first >= last && last >= -kMaxAheadMs && first <= kMaxAgeMs) {
    detail.first_micros = out.header.export_micros - first * 1000;
    detail.last_micros = out.header.export_micros - last * 1000;
  }
  out.sightings.push_back(sighting);
  out.details.push_back(detail);
}

Expected decode(const Bytes& bytes, const Address& sender) {
  Expected out;
  const auto fail = [&](DecodeError error) {
    out.errors.push_back(error);
    return out;
  };
  if (bytes.size() < 2) return fail(DecodeError::netflow_truncated);
  const auto found = kFormats.find(number(bytes, 0, 2));
  if (found == kFormats.end()) return fail(DecodeError::netflow_bad_version);
  Format format = found->second;
  // 52 bytes a record in some exporters' version 1: when so many fit.
  if (format.protocol == FlowProtocol::netflow1 && bytes.size() >= 16 &&
      static_cast<std::int64_t>(bytes.size() - 16) >= 52 * number(bytes, 2, 2)) {
    format.record = 52;
  }
  if (bytes.size() < format.header) return fail(DecodeError::netflow_truncated);
  out.readable = true;
  const auto stated = static_cast<std::size_t>(number(bytes, 2, 2));
  out.header.protocol = format.protocol;
  out.header.agent = sender;
  out.header.uptime_ms = static_cast<std::uint32_t>(number(bytes, 4, 4));
  const std::int64_t seconds = number(bytes, 8, 4);
  const std::int64_t nanos = number(bytes, 12, 4);
  if (seconds > 0) out.header.export_micros = seconds * 1'000'000 + (nanos > 999'999'999 ? 0 : nanos / 1000);
  if (format.protocol != FlowProtocol::netflow1) {
    out.header.sequence = static_cast<std::uint32_t>(number(bytes, 16, 4));
    out.header.units = static_cast<std::uint32_t>(stated);
    out.header.sequenced = true;
  }
  if (format.protocol == FlowProtocol::netflow5) {
    out.header.domain = static_cast<std::uint32_t>(number(bytes, 20, 1) * 256 + number(bytes, 21, 1));
    out.header.sampling = static_cast<std::uint32_t>(number(bytes, 22, 2) % 16384);
  }
  std::size_t at = format.header;
  for (std::size_t i = 0; i < stated; ++i, at += format.record) {
    if (at + format.record > bytes.size()) {
      out.errors.push_back(DecodeError::netflow_truncated);
      break;
    }
    record(bytes, at, format, out);
  }
  return out;
}

bool same(const Sighting& a, const Sighting& b) {
  const PacketFacts& f = a.facts;
  const PacketFacts& g = b.facts;
  return f.source == g.source && f.destination == g.destination && f.wire_length == g.wire_length &&
         f.ip_length == g.ip_length && f.source_port == g.source_port && f.destination_port == g.destination_port &&
         f.protocol == g.protocol && f.tcp_flags == g.tcp_flags && f.ttl == g.ttl && f.fragment == g.fragment &&
         f.first_fragment == g.first_fragment && a.packets == b.packets && a.bytes == b.bytes && a.sampling == b.sampling;
}

bool same(const FlowDetail& a, const FlowDetail& b) {
  return a.first_micros == b.first_micros && a.last_micros == b.last_micros && a.input == b.input &&
         a.output == b.output && a.source_as == b.source_as && a.destination_as == b.destination_as &&
         a.point == b.point && a.sampling == b.sampling && a.sampler == b.sampler && a.side == b.side && a.end == b.end &&
         a.counts == b.counts && a.dropped == b.dropped && a.short_header == b.short_header &&
         a.frame_length == b.frame_length && a.bytes.size() == b.bytes.size();
}

bool same(const FlowHeader& a, const FlowHeader& b) {
  return a.protocol == b.protocol && a.agent == b.agent && a.domain == b.domain && a.sequence == b.sequence &&
         a.units == b.units && a.sequenced == b.sequenced && a.export_micros == b.export_micros &&
         a.uptime_ms == b.uptime_ms && a.sampling == b.sampling;
}

/// Full of what a datagram before may have left behind.
RecordBatch soiled() {
  RecordBatch batch;
  while (!batch.full()) {
    Sighting& sighting = batch.next_sighting();
    sighting.facts.source = sighting.facts.destination = {~0ULL, ~0ULL, Family::ipv6};
    sighting.facts.wire_length = sighting.facts.ip_length = ~0U;
    sighting.facts.source_port = sighting.facts.destination_port = 0xffff;
    sighting.facts.protocol = sighting.facts.tcp_flags = sighting.facts.ttl = 0xff;
    sighting.facts.fragment = sighting.facts.first_fragment = true;
    sighting.packets = sighting.bytes = ~0ULL;
    sighting.sampling = ~0U;
    FlowDetail& detail = batch.next_detail();
    detail.first_micros = detail.last_micros = -1;
    detail.input = detail.output = detail.source_as = detail.destination_as = detail.point = detail.sampling = ~0U;
    detail.sampler = ~0ULL;
    detail.side = FlowSide::egress;
    detail.end = FlowEnd::resources;
    detail.counts = false;
    detail.dropped = detail.short_header = true;
    detail.frame_length = ~0U;
    batch.keep();
  }
  return batch;
}

}  // namespace

std::string difference(std::span<const std::byte> payload) {
  const Address sender{0, 0xC000'0209, Family::ipv4};
  Bytes bytes;
  for (const std::byte b : payload) bytes.push_back(std::to_integer<unsigned>(b));
  const Expected expected = decode(bytes, sender);
  static RecordBatch found = soiled();
  const bool readable = netflow5::decode(payload, sender, found);

  std::ostringstream text;
  if (readable != expected.readable) text << "readable: " << readable;
  if (!same(found.header, expected.header)) text << " header";
  if (!std::ranges::equal(found.errors(), expected.errors)) text << " errors";
  if (found.sightings().size() != expected.sightings.size()) {
    text << " records: " << found.sightings().size() << ", expected " << expected.sightings.size();
  }
  for (std::size_t i = 0; text.str().empty() && i < expected.sightings.size(); ++i) {
    if (!same(found.sightings()[i], expected.sightings[i])) text << "sighting " << i;
    if (!same(found.details()[i], expected.details[i])) text << "detail " << i;
  }
  return text.str();
}

}  // namespace tidegate::netflow5::reference
