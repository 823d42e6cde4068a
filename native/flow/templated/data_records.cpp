#include "data_records.hpp"

#include <algorithm>
#include <utility>

#include "sampled_section.hpp"
#include "stated_sampling.hpp"
#include "straight.hpp"

namespace tidegate::templated {

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

bool unset(const Address& address) noexcept { return address.high == 0 && address.low == 0; }

/// Templates with both families leave one of them zero; where neither is, the first is the outer header of a tunnel,
/// and that is what a packet is counted by.
bool read_addresses(const Plan& plan, const Values& values, PacketFacts& out) noexcept {
  const bool four = values.has(Slot::source4) && values.has(Slot::destination4);
  const bool six = values.has(Slot::source6) && values.has(Slot::destination6);
  if (!four && !six) return false;
  const bool four_set = four && (values[Slot::source4] | values[Slot::destination4]) != 0;
  const bool six_set = six && !(unset(values.source6()) && unset(values.destination6()));
  const bool take_six = four_set == six_set ? six && (!four || plan.six_first) : six_set;
  out.source = take_six ? values.source6() : Address{0, values[Slot::source4], Family::ipv4};
  out.destination = take_six ? values.destination6() : Address{0, values[Slot::destination4], Family::ipv4};
  return true;
}

/// RFC 791 section 3.1 and RFC 7012: IE 197 has the flags in the order of the header, from the highest bit on.
void read_fragment(const Values& values, PacketFacts& out) noexcept {
  constexpr std::uint64_t kMoreFragments = 0x20;
  const std::uint64_t offset = values[Slot::fragment_offset] & 0x1FFF;
  out.fragment = offset != 0 || (values[Slot::fragment_flags] & kMoreFragments) != 0;
  out.first_fragment = out.fragment && offset == 0;
}

void read_facts(const Plan& plan, const Values& values, PacketFacts& out) noexcept {
  out.protocol = values.has(Slot::protocol) ? static_cast<std::uint8_t>(values[Slot::protocol]) : plan.implied_protocol;
  if (has_ports(out.protocol)) {
    const auto port = [&](Slot any, Slot tcp, Slot udp) {
      const Slot own = out.protocol == kTcp ? tcp : out.protocol == kUdp ? udp : Slot::none;
      return static_cast<std::uint16_t>(values[values.has(any) ? any : own]);
    };
    out.source_port = port(Slot::source_port, Slot::tcp_source_port, Slot::udp_source_port);
    out.destination_port = port(Slot::destination_port, Slot::tcp_destination_port, Slot::udp_destination_port);
  }
  out.tcp_flags = static_cast<std::uint8_t>(values[Slot::tcp_flags]);
  out.ttl = static_cast<std::uint8_t>(values[Slot::ttl]);
  read_fragment(values, out);
}

/// From the most exact that the record has: ends, an end and a duration, an observation. Uptimes without a known
/// start keep their length and end at the export. Of a record that names only its start, so does the span.
void read_span(const Values& values, const MessageTime& time, FlowDetail& out) noexcept {
  out.first_micros = values.time(Slot::first);
  out.last_micros = values.time(Slot::last);
  const auto first_uptime = static_cast<std::uint32_t>(values[Slot::first_uptime]);
  const auto last_uptime = static_cast<std::uint32_t>(values[Slot::last_uptime]);
  const bool pivot_known = time.uptime_known || values.has(Slot::last_uptime);
  const std::uint32_t pivot = time.uptime_known ? time.uptime_ms : last_uptime;
  if (values.has(Slot::first_uptime) && pivot_known) {
    out.first_micros = uptime_micros(first_uptime, pivot, time.export_micros);
  }
  if (values.has(Slot::last_uptime)) out.last_micros = uptime_micros(last_uptime, pivot, time.export_micros);
  if (values.has(Slot::duration)) {
    const std::int64_t duration = values.time(Slot::duration);
    if (out.first_micros == 0 && out.last_micros == 0) out.last_micros = time.export_micros;
    if (out.first_micros == 0) out.first_micros = std::max<std::int64_t>(0, out.last_micros - duration);
    if (out.last_micros == 0) out.last_micros = sane_micros(static_cast<std::uint64_t>(out.first_micros + duration));
  }
  if (out.first_micros == 0 && out.last_micros == 0) out.first_micros = out.last_micros = values.time(Slot::observed);
  const bool ends = values.has(Slot::last) || values.has(Slot::last_uptime);
  const bool starts = values.has(Slot::first) || values.has(Slot::first_uptime);
  if (!ends && out.last_micros == 0 && out.first_micros != 0) {
    out.last_micros = values.has(Slot::observed) ? values.time(Slot::observed) : time.export_micros;
  }
  if (!starts && out.first_micros == 0) out.first_micros = out.last_micros;
}

/// IE 233: 0 no event, 1 created, 2 deleted, 3 denied, 4 alert, 5 update.
bool reports_traffic(const Values& values) noexcept {
  const std::uint64_t firewall = values[Slot::firewall_event];
  if (firewall == 1 || firewall == 3 || firewall == 4) return false;
  // IE 230: 2, 5 and 7 end a session or translation; the rest have other news.
  const std::uint64_t nat = values[Slot::nat_event];
  return nat == 0 || nat == 2 || nat == 5 || nat == 7;
}

std::uint64_t packets_of(const Values& values, Slot packets, std::uint64_t octets) noexcept {
  return values.has(packets) ? values[packets] : octets / kAssumedPacketBytes + (octets % kAssumedPacketBytes != 0 ? 1 : 0);
}

void exchange_ends(const Values& values, Sighting& sighting, FlowDetail& detail) noexcept {
  std::swap(sighting.facts.source, sighting.facts.destination);
  std::swap(sighting.facts.source_port, sighting.facts.destination_port);
  std::swap(detail.input, detail.output);
  std::swap(detail.source_as, detail.destination_as);
  sighting.facts.tcp_flags = static_cast<std::uint8_t>(values[Slot::back_tcp_flags]);
}

}  // namespace

void take_data_record(const Plan& plan, const Values& values, const MessageTime& time, WireOptions options,
                      RecordBatch& out) noexcept {
  Sighting& sighting = out.next_sighting();
  FlowDetail& detail = out.next_detail();
  sighting = {};
  detail = {};
  const bool addressed = read_addresses(plan, values, sighting.facts);
  if (addressed) read_facts(plan, values, sighting.facts);
  const DecodeError section = read_section(values, options, addressed, sighting.facts, detail);
  if (section != DecodeError::none) {
    out.error(section);
    if (!addressed) return;
  }
  const bool sampled = !detail.bytes.empty();
  const std::uint64_t back_octets = values[Slot::back_octets];
  const std::uint64_t back_packets = packets_of(values, Slot::back_packets, back_octets);
  sighting.bytes = sampled && !values.has(Slot::octets) ? sighting.facts.wire_length : values[Slot::octets];
  sighting.packets = sampled && !values.has(Slot::packets) ? 1 : packets_of(values, Slot::packets, sighting.bytes);
  read_span(values, time, detail);
  detail.input = static_cast<std::uint32_t>(values[Slot::input]);
  detail.output = static_cast<std::uint32_t>(values[Slot::output]);
  detail.source_as = static_cast<std::uint32_t>(values[Slot::source_as]);
  detail.destination_as = static_cast<std::uint32_t>(values[Slot::destination_as]);
  detail.sampling = stated_rate(values).value_or(0);
  detail.sampler = values[Slot::sampler];
  if (values.has(Slot::direction)) detail.side = side_of(values[Slot::direction]);
  detail.end = end_of(values[Slot::end_reason]);
  detail.dropped = dropped_by(values[Slot::forwarding]);
  const bool counted = sampled || values.has(Slot::octets) || values.has(Slot::packets) || plan.both_directions;
  detail.counts = (addressed || sampled) && counted && reports_traffic(values);

  const bool back = plan.both_directions && (back_octets | back_packets) != 0;
  const bool moved = (sighting.bytes | sighting.packets) != 0;
  const bool forth = !plan.both_directions || moved || !back;
  const Sighting kept = sighting;
  const FlowDetail kept_detail = detail;
  if (plan.both_directions && !moved) detail.counts = false;
  if (forth) out.keep();
  if (!back) return;
  Sighting& other = out.next_sighting();
  FlowDetail& other_detail = out.next_detail();
  other = kept;
  other_detail = kept_detail;
  exchange_ends(values, other, other_detail);
  other.packets = back_packets;
  other.bytes = back_octets;
  out.keep();
}

}  // namespace tidegate::templated
