#include "collector.hpp"

#include <algorithm>

#include "netflow5/netflow5.hpp"
#include "protocol.hpp"
#include "sflow/sflow.hpp"

namespace tidegate {

namespace {

/// Interfaces of all exporters of which the observation keeps account.
constexpr std::size_t kWatchedInterfaces = std::size_t{1} << 14;

// What one transport session may have; devices have fewer than a hundred templates.
constexpr std::size_t kSessionTemplates = 1024;
constexpr std::size_t kSessionDomains = 64;
constexpr std::size_t kSessionWaitingBytes = std::size_t{256} << 10;

}  // namespace

templated::Limits Collector::session_limits(const templated::Limits& all) noexcept {
  templated::Limits one = all;
  one.max_templates = std::min(all.max_templates, kSessionTemplates);
  one.max_templates_per_exporter = std::min(all.max_templates_per_exporter, kSessionTemplates);
  one.max_exporters = kSessionDomains;
  one.lifetime_micros = 0;  // RFC 7011 section 8.1: as long as the session
  one.waiting_bytes = std::min(all.waiting_bytes, kSessionWaitingBytes);
  return one;
}

Collector::Collector(CollectorOptions options)
    : options_{std::move(options)},
      templates_{options_.templates, options_.seed, options_.wire},
      exporters_{options_.max_exporters, options_.seed, options_.sampling},
      observation_{kWatchedInterfaces, options_.seed},
      duplicates_{options_.seed},
      random_{options_.seed} {
  held_.reserve(kMaxRecordsPerDatagram);
  if (!options_.hold) return;
  hold_.emplace(*options_.hold);
  hold_keys_.resize(kMaxRecordsPerDatagram);
}

Collected Collector::take_next(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros,
                               templated::Decoder& templates) noexcept {
  const auto protocol = protocol_of(payload);
  if (!admits(protocol, sender)) return {};
  batch_.clear();
  if (!decode(*protocol, payload, sender, at_micros, templates)) {
    totals_.decode_errors += batch_.errors().size();
    return {{}, {}, batch_.errors()};
  }
  const FlowHeader& header = batch_.header;
  Exporter& exporter = exporters_.hear({header.protocol, sender, header.agent, header.domain}, at_micros);
  learn(exporter, at_micros, templates);
  return settle(exporter, at_micros);
}

bool Collector::admits(const std::optional<FlowProtocol>& protocol, const Address& sender) noexcept {
  if (last_sender_ != sender || totals_.datagrams == 0) {
    last_sender_ = sender;
    last_admitted_ = options_.allow.admits(sender);
  }
  if (!last_admitted_) {
    ++totals_.refused;
    totals_.last_refused = sender;
    if (options_.refuse_unknown) return false;
  }
  if (protocol && options_.accepts.has(family_of(*protocol))) return true;
  Stray& stray = totals_.strays[protocol ? static_cast<std::size_t>(*protocol) : kFlowProtocols];
  ++stray.datagrams;
  stray.last_from = sender;
  return false;
}

bool Collector::decode(FlowProtocol protocol, std::span<const std::byte> payload, const Address& sender,
                       std::int64_t at_micros, templated::Decoder& templates) noexcept {
  switch (protocol) {
    case FlowProtocol::sflow2:
    case FlowProtocol::sflow4:
    case FlowProtocol::sflow5: return sflow::decode(payload, options_.wire, batch_);
    case FlowProtocol::netflow1:
    case FlowProtocol::netflow5:
    case FlowProtocol::netflow7: return netflow5::decode(payload, sender, batch_);
    case FlowProtocol::netflow9:
    case FlowProtocol::ipfix:
      templates.decode(payload, sender, at_micros, batch_);
      return batch_.header.sequenced;  // as soon as there is a header
  }
  return false;
}

void Collector::learn(Exporter& exporter, std::int64_t at_micros, const templated::Decoder& templates) noexcept {
  const FlowHeader& header = batch_.header;
  const FlowExtras& extras = batch_.extras;
  if (header.sequenced) {
    const bool records = header.protocol == FlowProtocol::ipfix;  // and not datagrams
    exporter.sequence.advance(header.sequence, header.units, records ? std::min(extras.option_records, header.units) : 0);
    if (!header.units_known) exporter.sequence.lose_track();
  }
  if (header.export_micros != 0) exporter.skew.learn(header.export_micros, at_micros);
  if (header.sampling != 0) exporter.sampling.state_header(header.sampling);
  for (const SamplingStatement& statement : batch_.statements()) exporter.sampling.state(statement);
  ExporterCounts& counts = exporter.counts;
  counts.decode_errors += batch_.errors().size();
  counts.sets_without_template += extras.sets_without_template;
  counts.records_recovered += extras.records_recovered;
  counts.sets_expired += extras.sets_expired;
  if (extras.device_drops != 0) counts.device_drops = extras.device_drops;
  if (extras.templates + extras.withdrawals != 0) refresh(counts, exporter.key, templates);
  ++totals_.datagrams;
  totals_.decode_errors += batch_.errors().size();
}

/// What is monotonic stays so, though the decoder may have forgotten the exporter in between.
void Collector::refresh(ExporterCounts& counts, const ExporterKey& key, const templated::Decoder& templates) noexcept {
  const auto known = templates.exporter(key.address, key.protocol, key.domain);
  counts.templates = known ? known->templates : 0;
  if (!known) return;
  counts.template_changes = std::max(counts.template_changes, known->changes);
  counts.templates_evicted = std::max(counts.templates_evicted, known->evicted);
  constexpr std::int64_t kMicrosPerSecond = 1'000'000;
  const std::int64_t gap_seconds = known->longest_gap_micros / kMicrosPerSecond;
  counts.template_interval_seconds = static_cast<std::uint32_t>(std::min<std::int64_t>(gap_seconds, UINT32_MAX));
}

Collected Collector::settle(Exporter& exporter, std::int64_t at_micros) noexcept {
  const std::span<Sighting> sightings = batch_.sightings();
  const std::span<FlowDetail> details = batch_.details();
  const Address& sender = exporter.key.address;
  const std::int64_t export_micros = batch_.header.export_micros;
  const bool filtered = !options_.filter.keeps_all();
  FlowHold* const hold = hold_ ? &*hold_ : nullptr;
  const auto keys = look_ahead(exporter.id);
  ExporterCounts counts;  // of this datagram
  Collected out{{}, {}, batch_.errors()};
  const HoldOrigin origin{exporter.id, exporter.timeouts.active_micros(), exporter.skew.micros().value_or(0)};
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t packet_bits = 0;
  std::uint64_t byte_bits = 0;
  bool shows_packets = false;
  std::size_t kept = 0;
  held_.clear();
  for (std::size_t i = 0; i < sightings.size(); ++i) {
    Sighting& sighting = sightings[i];
    FlowDetail& detail = details[i];
    packets += sighting.packets;
    bytes += sighting.bytes;
    if (detail.short_header) [[unlikely]] ++counts.short_headers;  // one cut within its IP header cannot even count
    if (!detail.counts) continue;
    if (detail.last_micros != 0) exporter.timeouts.learn(sighting.facts, detail, export_micros);
    if (filtered && !options_.filter.keeps(sender, sighting, detail)) {
      ++counts.records_filtered;
      continue;
    }
    if (observation_.seen_twice(exporter.id, detail, at_micros)) {
      ++counts.records_seen_twice;
      continue;
    }
    const std::uint32_t rate = exporter.sampling.rate_of(options_.sampling, sender, detail);
    const DuplicateLook look = duplicates_.look(sighting, detail, exporter.id, rate > 1, at_micros);
    if (look.looked) [[unlikely]] {
      ++counts.duplicates_looked_at;
      counts.duplicates += look.duplicate ? 1 : 0;
    }
    sighting.sampling = rate;
    sighting.origin = origin_of(exporter.id);
    if (rate > 1) {
      sighting.packets *= rate;
      sighting.bytes *= rate;
    }
    shows_packets = shows_packets || !detail.bytes.empty();
    if (hold != nullptr && detail.last_micros != 0) {
      if (keys.empty()) {
        hold->take(sighting, detail, origin, at_micros);
      } else {
        hold->take(sighting, detail, origin, at_micros, keys[i]);
      }
    }
    if (sighting.packets == 0) {
      if (--exporter.held_until_look == 0) look_at_held(exporter, sighting.facts);
      continue;
    }
    packet_bits |= sighting.packets;
    byte_bits |= sighting.bytes;
    if (kept != i) {
      sightings[kept] = sighting;
      details[kept] = detail;
    }
    ++kept;
  }
  const bool samples = family_of(batch_.header.protocol) == FlowFamily::sflow;
  counts.records = sightings.size();
  counts.packets = out.packets = packets;
  counts.bytes = out.bytes = bytes;
  out.shows_packets = shows_packets;
  out.packet_bits = packet_bits;
  out.byte_bits = byte_bits;
  exporter.counts.add_records(counts);
  totals_.records += sightings.size();
  totals_.samples += samples ? sightings.size() : 0;
  totals_.packets += out.packets;
  totals_.bytes += out.bytes;
  out.sightings = sightings.first(kept);
  out.details = details.first(kept);
  out.held = held_;
  out.exporter = {&exporter, exporter.id};
  batch_.gather(kept);
  return out;
}

std::span<const std::uint64_t> Collector::look_ahead(std::uint64_t exporter) noexcept {
  if (!hold_ || hold_->held() == 0) return {};
  const std::span<const Sighting> sightings = batch_.sightings();
  const std::span<const FlowDetail> details = batch_.details();
  for (std::size_t i = 0; i < sightings.size(); ++i) {
    hold_keys_[i] = hold_->key_ahead(sightings[i].facts, details[i], exporter);
  }
  return std::span{hold_keys_}.first(sightings.size());
}

/// Distances are drawn, so that no order in which a device exports is missed.
void Collector::look_at_held(Exporter& exporter, const PacketFacts& facts) noexcept {
  held_.push_back({facts.source, facts.destination, exporter.held_represented});
  const auto next = static_cast<std::uint32_t>(next_random(random_) % (2 * kHeldPerLook - 1)) + 1;
  exporter.held_until_look = exporter.held_represented = next;
}

void Collector::snapshot(std::vector<ExporterStats>& out) const {
  out.clear();
  for (const Exporter& exporter : exporters_.all()) {
    ExporterStats& stats = out.emplace_back(exporter.stats());
    const bool templated = stats.key.protocol >= FlowProtocol::netflow9;
    if (templated && !options_.sessions) refresh(stats.counts, stats.key, templates_);
  }
}

}  // namespace tidegate
