/// The reference's way from the values of one record to what is found.
#include <algorithm>
#include <set>

#include "../flow/templated/data_records.hpp"
#include "templated_reference_parts.hpp"

namespace tidegate::templated::reference {

namespace {

std::int64_t by_uptime(std::uint32_t value, std::uint32_t pivot, std::int64_t when) {
  const std::int64_t micros = when + std::int64_t{static_cast<std::int32_t>(value - pivot)} * 1000;
  return micros < 0 ? 0 : micros;
}

Address six(const Record& r, const char* name) {
  const auto& b = r.at(name);
  return {number(b, 0, 8), number(b, 8, 8), Family::ipv6};
}
bool zero(const Address& a) { return a.high == 0 && a.low == 0; }

}  // namespace

void add_record(const Layout& layout, const Record& r, bool v9, Clock& clock, std::int64_t& boot_said, Outcome& out) {
  const auto told = told_by(layout, v9);
  if (const std::int64_t boot = micros(r, "boot", told, clock); boot != 0) {
    boot_said = boot;
    if (!v9) clock.known = true, clock.uptime = static_cast<std::uint32_t>((clock.export_micros - boot) / 1000);
  }
  if (layout.options) {
    ++out.extras.option_records;
    const auto rate = rate_of(r);
    if (!rate) return;
    SamplingStatement s{SamplingStatement::Scope::exporter, 0, *rate};
    if (has(r, "sampler")) {
      s.scope = SamplingStatement::Scope::sampler;
      s.id = n(r, "sampler");
    } else if (has(r, "interface")) {
      s.scope = SamplingStatement::Scope::interface;
      s.id = n(r, "interface");
    }
    if (out.statements.size() < kMaxStatementsPerDatagram) out.statements.push_back(s);
    return;
  }
  Row row;
  PacketFacts& facts = row.sighting.facts;
  const bool four = has(r, "src4") && has(r, "dst4");
  const bool six_ = has(r, "src6") && has(r, "dst6");
  if (four) {
    facts.source = {0, n(r, "src4"), Family::ipv4};
    facts.destination = {0, n(r, "dst4"), Family::ipv4};
  }
  if (six_) {
    const bool four_set = four && !(zero(facts.source) && zero(facts.destination));
    const bool six_set = !(zero(six(r, "src6")) && zero(six(r, "dst6")));
    const bool first = told.at("src6").field < (told.contains("src4") ? told.at("src4").field : 100000);
    if (!four || (six_set && !four_set) || (six_set == four_set && first)) facts.source = six(r, "src6"), facts.destination = six(r, "dst6");
  }
  const bool addressed = four || six_;
  if (addressed) {
    const bool tcp = told.contains("tsport") || told.contains("tdport");
    const bool udp = told.contains("usport") || told.contains("udport");
    facts.protocol = static_cast<std::uint8_t>(has(r, "proto") ? n(r, "proto") : told.contains("proto") || tcp == udp ? 0 : tcp ? 6 : 17);
    if (facts.protocol != 1 && facts.protocol != 58) {
      const char* s = has(r, "sport") ? "sport" : facts.protocol == 6 ? "tsport" : facts.protocol == 17 ? "usport" : "";
      const char* d = has(r, "dport") ? "dport" : facts.protocol == 6 ? "tdport" : facts.protocol == 17 ? "udport" : "";
      facts.source_port = static_cast<std::uint16_t>(n(r, s));
      facts.destination_port = static_cast<std::uint16_t>(n(r, d));
    }
    facts.tcp_flags = static_cast<std::uint8_t>(n(r, "flags"));
    facts.ttl = static_cast<std::uint8_t>(n(r, "ttl"));
    const std::uint64_t offset = n(r, "frag_offset") % 8192;
    facts.fragment = offset != 0 || (n(r, "frag_flags") / 32 % 2) != 0;
    facts.first_fragment = facts.fragment && offset == 0;
  }
  const bool link = has(r, "link_section");
  Bytes section = link ? r.at("link_section") : has(r, "ip_section") ? r.at("ip_section") : Bytes{};
  if (has(r, "section_size") && n(r, "section_size") < section.size()) section.resize(n(r, "section_size"));
  if (!section.empty()) {
    const std::uint64_t ip_total = n(r, "ip_total");
    std::uint64_t length = link && ip_total != 0 ? ip_total + 14 : ip_total;
    if (link && n(r, "frame_size") != 0) length = n(r, "frame_size");
    DecodeError error = DecodeError::none;
    PacketFacts read;
    if (length > kMaxFrameLength || section.size() > kMaxFrameLength) {
      error = DecodeError::record_bad_section;
    } else {
      const bool stated = length != 0;
      length = std::max<std::uint64_t>(length, section.size());
      error = decode_frame(link ? LinkType::ethernet : LinkType::raw_ip, section, static_cast<std::uint32_t>(length), {}, read);
      if (!stated) length = std::max<std::uint64_t>(length, read.ip_length + (link ? 14U : 0U));
      read.wire_length = static_cast<std::uint32_t>(length);
    }
    if (error != DecodeError::none) {
      if (out.errors.size() < kMaxErrorsPerDatagram) out.errors.push_back(error);
      if (!addressed) return;
    } else {
      if (!addressed) facts = read;
      row.section = section;
      row.detail.link = link ? LinkType::ethernet : LinkType::raw_ip;
      row.detail.frame_length = static_cast<std::uint32_t>(length);
      row.detail.short_header = (read.protocol == 6 || read.protocol == 17) && !(read.fragment && !read.first_fragment) &&
                                read.source_port == 0 && read.destination_port == 0;
    }
  }
  const bool sampled = !row.section.empty();
  const auto guess = [](std::uint64_t octets) { return octets / kAssumedPacketBytes + (octets % kAssumedPacketBytes != 0 ? 1 : 0); };
  row.sighting.bytes = has(r, "octets") ? n(r, "octets") : sampled ? facts.wire_length : 0;
  row.sighting.packets = has(r, "packets") ? n(r, "packets") : sampled ? 1 : guess(row.sighting.bytes);
  FlowDetail& d = row.detail;
  d.first_micros = micros(r, "first", told, clock);
  d.last_micros = micros(r, "last", told, clock);
  const auto last_up = static_cast<std::uint32_t>(n(r, "last_up"));
  const std::uint32_t pivot = clock.known ? clock.uptime : last_up;
  if (has(r, "first_up") && (clock.known || has(r, "last_up"))) {
    d.first_micros = by_uptime(static_cast<std::uint32_t>(n(r, "first_up")), pivot, clock.export_micros);
  }
  if (has(r, "last_up")) d.last_micros = by_uptime(last_up, pivot, clock.export_micros);
  if (has(r, "lasted")) {
    const std::int64_t lasted = micros(r, "lasted", told, clock);
    if (d.first_micros == 0 && d.last_micros == 0) d.last_micros = clock.export_micros;
    if (d.first_micros == 0) d.first_micros = std::max<std::int64_t>(0, d.last_micros - lasted);
    if (d.last_micros == 0) d.last_micros = static_cast<std::uint64_t>(d.first_micros + lasted) < kFarFuture ? d.first_micros + lasted : 0;
  }
  const std::int64_t seen = micros(r, "seen", told, clock);
  if (d.first_micros == 0 && d.last_micros == 0) d.first_micros = d.last_micros = seen;
  const bool ends = has(r, "last") || has(r, "last_up");
  const bool starts = has(r, "first") || has(r, "first_up");
  if (!ends && d.last_micros == 0 && d.first_micros != 0) d.last_micros = has(r, "seen") ? seen : clock.export_micros;
  if (!starts && d.first_micros == 0) d.first_micros = d.last_micros;
  d.input = static_cast<std::uint32_t>(n(r, "in"));
  d.output = static_cast<std::uint32_t>(n(r, "out"));
  d.source_as = static_cast<std::uint32_t>(n(r, "src_as"));
  d.destination_as = static_cast<std::uint32_t>(n(r, "dst_as"));
  d.sampling = rate_of(r).value_or(0);
  d.sampler = n(r, "sampler");
  if (has(r, "direction") && n(r, "direction") < 2) d.side = n(r, "direction") == 0 ? FlowSide::ingress : FlowSide::egress;
  if (n(r, "end") <= 5) d.end = static_cast<FlowEnd>(n(r, "end"));
  d.dropped = n(r, "status") % 256 / 64 == 2;
  const bool both = told.contains("back_octets") || told.contains("back_packets");
  const std::set<std::uint64_t> quiet_firewall{1, 3, 4};
  const std::set<std::uint64_t> ends_nat{0, 2, 5, 7};
  d.counts = (addressed || sampled) && (sampled || has(r, "octets") || has(r, "packets") || both) &&
             !quiet_firewall.contains(n(r, "firewall")) && ends_nat.contains(n(r, "nat"));
  const std::uint64_t back_octets = n(r, "back_octets");
  const std::uint64_t back_packets = has(r, "back_packets") ? n(r, "back_packets") : guess(back_octets);
  const bool moved = row.sighting.bytes != 0 || row.sighting.packets != 0;
  const bool back = both && (back_octets != 0 || back_packets != 0);
  Row other = row;
  if (both && !moved) d.counts = false;
  if (!both || moved || !back) out.rows.push_back(row);
  if (!back) return;
  std::swap(other.sighting.facts.source, other.sighting.facts.destination);
  std::swap(other.sighting.facts.source_port, other.sighting.facts.destination_port);
  std::swap(other.detail.input, other.detail.output);
  std::swap(other.detail.source_as, other.detail.destination_as);
  other.sighting.facts.tcp_flags = static_cast<std::uint8_t>(n(r, "back_flags"));
  other.sighting.packets = back_packets;
  other.sighting.bytes = back_octets;
  out.rows.push_back(other);
}

}  // namespace tidegate::templated::reference
