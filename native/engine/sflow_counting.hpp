/// sFlow datagrams → a lane: what the listener and the replay of telemetry share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../flow/protocol.hpp"
#include "../flow/sflow/collector.hpp"
#include "source.hpp"

namespace tidegate {

/// Whether a UDP payload is an sFlow datagram, of any version.
[[nodiscard]] inline bool looks_like_sflow(std::span<const std::byte> payload) noexcept {
  const auto protocol = protocol_of(payload);
  return protocol == FlowProtocol::sflow2 || protocol == FlowProtocol::sflow4 || protocol == FlowProtocol::sflow5;
}

class SflowCounting {
 public:
  SflowCounting(WireOptions wire, std::size_t max_exporters, std::uint64_t seed)
      : collector_{wire, max_exporters, seed} {
    views_.reserve(sflow::kMaxSamplesPerDatagram);
    sightings_.reserve(sflow::kMaxSamplesPerDatagram);
  }

  void take(TappedLane& lane, std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros) {
    const sflow::Totals before = collector_.totals();
    const std::uint64_t refused_before = collector_.exporters().refused();
    RecordBatch& batch = collector_.take(payload, sender, at_micros);
    for (const DecodeError error : batch.errors()) lane.lane->count_error(error);
    if (collector_.exporters().refused() > refused_before) lane.lane->count_error(DecodeError::sflow_too_many_exporters);
    errors_ += batch.errors().size();
    lane.lane->count_raw(collector_.totals().packets - before.packets, collector_.totals().bytes - before.bytes);
    views_.clear();
    sightings_.clear();
    for (std::size_t i = 0; i < batch.details().size(); ++i) {
      const FlowDetail& detail = batch.details()[i];
      if (!detail.counts) continue;
      const std::uint32_t rate = std::max<std::uint32_t>(detail.sampling, 1);
      Sighting& sighting = sightings_.emplace_back(batch.sightings()[i]);
      sighting.packets *= rate;
      sighting.bytes *= rate;
      sighting.sampling = rate;
      const bool shown = detail.link == LinkType::ethernet;
      views_.push_back({shown ? detail.bytes : std::span<const std::byte>{}, at_micros, rate});
    }
    lane.lane->count(sightings_, at_micros, views_);
  }

  [[nodiscard]] const sflow::Totals& totals() const noexcept { return collector_.totals(); }
  [[nodiscard]] std::uint64_t errors() const noexcept { return errors_; }
  [[nodiscard]] std::vector<ExporterView> exporters() const {
    std::vector<ExporterView> all;
    for (const Exporter& exporter : collector_.exporters().all()) {
      all.push_back({exporter.key.address, exporter.key.agent, exporter.key.domain, exporter.counts.datagrams,
                     exporter.counts.records, exporter.sequence.lost(), exporter.sampling.last().rate,
                     exporter.last_seen_micros});
    }
    return all;
  }

 private:
  sflow::Collector collector_;
  std::vector<Sighting> sightings_;
  std::vector<FrameView> views_;
  std::uint64_t errors_ = 0;
};

}  // namespace tidegate
