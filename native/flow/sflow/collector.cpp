#include "collector.hpp"

namespace tidegate::sflow {

RecordBatch& Collector::take(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros) noexcept {
  if (!decode(payload, options_, batch_)) return batch_;  // no header: nobody to book it to
  const FlowExtras& extras = batch_.extras;
  ++totals_.datagrams;
  totals_.flow_samples += batch_.details().size();
  totals_.counter_samples += extras.counter_samples;
  totals_.discard_samples += extras.discard_samples;
  totals_.other_samples += extras.other_samples;

  const FlowHeader& header = batch_.header;
  Exporter& exporter = exporters_.hear({header.protocol, sender, header.agent, header.domain}, at_micros);
  exporter.counts.records += batch_.details().size();
  exporter.sequence.advance(header.sequence, header.units);
  if (extras.device_drops != 0) exporter.counts.device_drops = extras.device_drops;
  for (const FlowDetail& detail : batch_.details()) {
    totals_.packets += detail.frame_length != 0 ? 1 : 0;
    totals_.bytes += detail.frame_length;
    (void)exporter.sampling.resolve(policy_, sender, detail);
  }
  return batch_;
}

}  // namespace tidegate::sflow
