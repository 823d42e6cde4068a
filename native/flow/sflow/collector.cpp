#include "collector.hpp"

namespace tidegate::sflow {

const Datagram& Collector::take(std::span<const std::byte> payload, const Address& sender,
                                std::int64_t at_micros) noexcept {
  const std::uint64_t datagrams_before = decoder_.totals().datagrams;
  const std::uint64_t samples_before = decoder_.totals().flow_samples;
  const Datagram& datagram = decoder_.decode(payload);
  if (decoder_.totals().datagrams == datagrams_before) return datagram;  // no header: nobody to book it to

  const Header& header = datagram.header;
  Exporter& exporter =
      exporters_.hear({FlowProtocol::sflow5, sender, header.agent, header.sub_agent}, at_micros);
  exporter.counts.records += decoder_.totals().flow_samples - samples_before;
  exporter.sequence.advance(header.sequence, 1);
  FlowDetail detail;
  for (const Sample& sample : datagram.samples) {
    detail.sampling = sample.sampling_rate;
    (void)exporter.sampling.resolve(policy_, sender, detail);
    exporter.counts.device_drops = sample.drops;
  }
  return datagram;
}

}  // namespace tidegate::sflow
