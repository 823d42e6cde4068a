/// sFlow datagrams → a lane: what the listener and the replay of telemetry share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../base/cursor.hpp"
#include "../flow/sflow/collector.hpp"
#include "source.hpp"

namespace tidegate {

/// Whether a UDP payload begins as an sFlow version 5 datagram does (sflow.org version 5, section 5):
/// the version, then an agent address of a known type, whole up to the number of samples.
[[nodiscard]] inline bool looks_like_sflow(std::span<const std::byte> payload) noexcept {
  Cursor in{payload};
  const std::uint32_t version = in.u32();
  const std::uint32_t address_type = in.u32();
  constexpr std::size_t kHeaderBytes = 28;  // with an IPv4 agent
  return in.ok() && version == 5 && (address_type == 1 || address_type == 2) && payload.size() >= kHeaderBytes;
}

class SflowCounting {
 public:
  SflowCounting(WireOptions wire, std::size_t max_exporters, std::uint64_t seed)
      : collector_{wire, max_exporters, seed} {
    views_.reserve(sflow::kMaxSamplesPerDatagram);
  }

  void take(TappedLane& lane, std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros) {
    const sflow::Totals before = collector_.totals();
    const std::uint64_t refused_before = collector_.exporters().refused();
    const sflow::Datagram& datagram = collector_.take(payload, sender, at_micros);
    for (const DecodeError error : datagram.errors) lane.lane->count_error(error);
    if (collector_.exporters().refused() > refused_before) lane.lane->count_error(DecodeError::sflow_too_many_exporters);
    errors_ += datagram.errors.size();
    lane.lane->count_raw(collector_.totals().packets - before.packets, collector_.totals().bytes - before.bytes);
    views_.clear();
    for (const sflow::Sample& sample : datagram.samples) {
      const bool shown = sample.link == LinkType::ethernet;
      views_.push_back({shown ? sample.bytes : std::span<const std::byte>{}, at_micros, sample.sampling_rate});
    }
    lane.lane->count(datagram.sightings, at_micros, views_);
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
  std::vector<FrameView> views_;
  std::uint64_t errors_ = 0;
};

}  // namespace tidegate
