#include "collector.hpp"

namespace tidegate::sflow {

const Datagram& Collector::take(std::span<const std::byte> payload, const Address& sender,
                                std::int64_t at_micros) noexcept {
  const std::uint64_t datagrams_before = decoder_.totals().datagrams;
  const std::uint64_t samples_before = decoder_.totals().flow_samples;
  const Datagram& datagram = decoder_.decode(payload);
  if (decoder_.totals().datagrams == datagrams_before) return datagram;  // no header: nobody to book it to

  const Header& header = datagram.header;
  Exporter* const exporter = exporters_.find_or_add({sender, header.agent, header.sub_agent}, at_micros);
  if (exporter == nullptr) return datagram;
  ++exporter->datagrams;
  exporter->samples += decoder_.totals().flow_samples - samples_before;
  exporter->sequence.advance(header.sequence, 1);
  exporter->last_seen_micros = at_micros;
  if (!datagram.samples.empty()) {
    exporter->sampling_rate = datagram.samples.back().sampling_rate;
    exporter->device_drops = datagram.samples.back().drops;
  }
  return datagram;
}

}  // namespace tidegate::sflow
