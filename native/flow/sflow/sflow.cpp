#include "sflow.hpp"

#include <algorithm>

#include "records.hpp"

namespace tidegate::sflow {

namespace {
constexpr std::uint32_t kVersion = 5;

// enum address_type
constexpr std::uint32_t kAddressIpv4 = 1;
constexpr std::uint32_t kAddressIpv6 = 2;

// Sample formats of enterprise 0, section 5.3; discarded packets: "sFlow Dropped Packet Notification Structures", 2020.
constexpr std::uint32_t kFlowSample = 1;
constexpr std::uint32_t kCounterSample = 2;
constexpr std::uint32_t kExpandedFlowSample = 3;
constexpr std::uint32_t kExpandedCounterSample = 4;
constexpr std::uint32_t kDiscardedPacket = 5;
}  // namespace

// sample_datagram_v5, section 5.3. XDR: all fields big-endian words (RFC 4506).
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |                          Version = 5                          |
//  +---------------+---------------+---------------+---------------+
//  |             Agent address type: 1 IPv4, 2 IPv6                |
//  +---------------+---------------+---------------+---------------+
//  |             Agent address, one word or four                   |
//  +---------------+---------------+---------------+---------------+
//  |                          Sub-agent id                         |
//  +---------------+---------------+---------------+---------------+
//  |               Sequence number, of datagrams                   |
//  +---------------+---------------+---------------+---------------+
//  |                      Uptime, milliseconds                     |
//  +---------------+---------------+---------------+---------------+
//  |                       Number of samples                       |
//  +---------------+---------------+---------------+---------------+
Decoded<Header> read_header(Cursor& in) noexcept {
  Header header;
  const std::uint32_t version = in.u32();
  const std::uint32_t type = in.u32();
  if (!in.ok()) return DecodeError::sflow_truncated;
  if (version != kVersion) return DecodeError::sflow_bad_version;
  if (type == kAddressIpv4) {
    header.agent = {0, in.u32(), Family::ipv4};
  } else if (type == kAddressIpv6) {
    header.agent.family = Family::ipv6;
    header.agent.high = in.u64();
    header.agent.low = in.u64();
  } else {
    return DecodeError::sflow_bad_address_type;
  }
  header.sub_agent = in.u32();
  header.sequence = in.u32();
  header.uptime_ms = in.u32();
  header.samples = in.u32();
  if (!in.ok()) return DecodeError::sflow_truncated;
  return header;
}

Decoder::Decoder(WireOptions options)
    : options_{options},
      sightings_(kMaxSamplesPerDatagram),
      samples_(kMaxSamplesPerDatagram),
      errors_(kMaxSamplesPerDatagram + 1) {}

const Datagram& Decoder::decode(std::span<const std::byte> payload) noexcept {
  sighting_count_ = 0;
  error_count_ = 0;
  Cursor in{payload};
  const auto header = read_header(in);
  datagram_.header = header.value();
  if (!header.ok()) {
    errors_[error_count_++] = header.error();
  } else {
    ++totals_.datagrams;
    if (header.value().samples > kMaxSamplesPerDatagram) errors_[error_count_++] = DecodeError::sflow_too_many_samples;
    const std::size_t samples = std::min<std::size_t>(header.value().samples, kMaxSamplesPerDatagram);
    for (std::size_t i = 0; i < samples && in.ok(); ++i) read_sample(in);
  }
  datagram_.sightings = std::span{sightings_}.first(sighting_count_);
  datagram_.samples = std::span{samples_}.first(sighting_count_);
  datagram_.errors = std::span{errors_}.first(error_count_);
  return datagram_;
}

// sample_record: format (enterprise in the upper 20 bits), length, then as many bytes.
void Decoder::read_sample(Cursor& in) noexcept {
  const auto head = in.bytes(kPartHead);
  if (!in.ok()) {
    errors_[error_count_++] = DecodeError::sflow_truncated;
    return;
  }
  const Fields<kPartHead> fields{head.first<kPartHead>()};
  const std::uint32_t length = fields.u32<4>();
  const Cursor sample = in.slice(length);
  if (!in.ok()) {
    errors_[error_count_++] = DecodeError::sflow_bad_sample_length;
    return;
  }
  skip_padding(in, length);
  switch (fields.u32<0>()) {
    case kFlowSample: read_flow_sample(sample, false); break;
    case kExpandedFlowSample: read_flow_sample(sample, true); break;
    case kCounterSample:
    case kExpandedCounterSample: ++totals_.counter_samples; break;
    case kDiscardedPacket: ++totals_.discard_samples; break;
    default: ++totals_.other_samples; break;
  }
}

// flow_sample, a word each: sequence, source id, sampling rate, sample pool, drops, input, output, number of
// records. In flow_sample_expanded source, input and output take two words: kind or format, then the value.
constexpr std::size_t kFlowSampleHead = 32;
constexpr std::size_t kExpandedFlowSampleHead = 44;

void Decoder::read_flow_sample(Cursor in, bool expanded) noexcept {
  ++totals_.flow_samples;
  const auto head = in.bytes(expanded ? kExpandedFlowSampleHead : kFlowSampleHead);
  if (!in.ok()) {
    errors_[error_count_++] = DecodeError::sflow_bad_sample_length;
    return;
  }
  Sample& sample = samples_[sighting_count_];
  std::uint32_t rate = 0;
  std::uint32_t records = 0;
  if (expanded) {
    const Fields<kExpandedFlowSampleHead> fields{head.first<kExpandedFlowSampleHead>()};
    sample.source_id = fields.u32<8>();
    rate = fields.u32<12>();
    sample.drops = fields.u32<20>();
    records = fields.u32<40>();
  } else {
    const Fields<kFlowSampleHead> fields{head.first<kFlowSampleHead>()};
    sample.source_id = fields.u32<4>();
    rate = fields.u32<8>();
    sample.drops = fields.u32<16>();
    records = fields.u32<28>();
  }

  Packet packet;
  Sighting& sighting = sightings_[sighting_count_];
  read_records(in, records, options_, packet, sighting.facts);
  if (packet.seen) {
    ++totals_.packets;
    totals_.bytes += packet.frame_length;
  }
  if (!packet.readable) {
    errors_[error_count_++] = packet.error == DecodeError::none ? DecodeError::sflow_no_packet : packet.error;
    return;
  }
  sample.sampling_rate = std::max<std::uint32_t>(rate, 1);
  sample.bytes = packet.bytes;
  sample.link = packet.link;
  sample.frame_length = packet.frame_length;
  sighting.packets = sample.sampling_rate;
  sighting.sampling = sample.sampling_rate;
  sighting.bytes = std::uint64_t{sighting.facts.wire_length} * sample.sampling_rate;
  ++sighting_count_;
}

}  // namespace tidegate::sflow
