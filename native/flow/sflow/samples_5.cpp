#include "datagram.hpp"
#include "gateway.hpp"
#include "packet.hpp"

namespace tidegate::sflow {

namespace {

// Sample formats of enterprise 0, section 5.3; discarded packets: "sFlow Dropped Packet Notification Structures", 2020.
constexpr std::uint32_t kFlowSample = 1;
constexpr std::uint32_t kCounterSample = 2;
constexpr std::uint32_t kExpandedFlowSample = 3;
constexpr std::uint32_t kExpandedCounterSample = 4;
constexpr std::uint32_t kDiscardedPacket = 5;

// Record formats: enterprise in the upper 20 bits (0: sFlow.org), format below.
constexpr std::uint32_t kRawPacketHeader = 1;
constexpr std::uint32_t kSampledEthernet = 2;
constexpr std::uint32_t kSampledIpv4 = 3;
constexpr std::uint32_t kSampledIpv6 = 4;
constexpr std::uint32_t kExtendedGateway = 1003;

/// Samples and records both begin with a word of format and one of length.
constexpr std::size_t kPartHead = 8;

// Parts are handed on as spans, in registers: a cursor goes by memory, which is read again before it has been written.

[[gnu::noinline]] bool read_other_record(std::uint32_t format, std::span<const std::byte> bytes, OpenSample& sample,
                                         RecordBatch& out) noexcept {
  Cursor record{bytes};
  switch (format) {
    case kSampledEthernet: return read_sampled_ethernet(record, sample);
    case kSampledIpv4: return sample.readable || read_sampled_ip(record, Family::ipv4, sample);
    case kSampledIpv6: return sample.readable || read_sampled_ip(record, Family::ipv6, sample);
    case kExtendedGateway:
      if (!read_gateway(record, GatewayLayout::version5, sample.detail)) out.error(DecodeError::sflow_bad_gateway);
      return true;
    default: return true;  // switch, router, MPLS, tunnels and vendors' own: nothing to count by
  }
}

// sampled_header: see packet.cpp.
bool read_header_record(std::span<const std::byte> record, WireOptions options, OpenSample& sample) noexcept {
  if (sample.length_of == LengthOf::sampled_frame) return true;  // a second one describes the same packet
  constexpr std::size_t kHeadBytes = 16;
  if (record.size() < kHeadBytes) return false;
  const Fields<kHeadBytes> head{record.first<kHeadBytes>()};
  const std::uint32_t header_length = head.u32<12>();
  if (header_length > record.size() - kHeadBytes) return false;
  take_raw_header(head.u32<0>(), head.u32<4>(), record.subspan(kHeadBytes, header_length), options, sample);
  return true;
}

void read_records(Cursor& in, std::uint32_t count, WireOptions options, OpenSample& sample, RecordBatch& out) noexcept {
  if (count > kMaxRecordsPerSample) return sample.note(DecodeError::sflow_too_many_records);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto head = in.bytes(kPartHead);
    if (!in.ok()) return sample.note(DecodeError::sflow_bad_record_length);
    const Fields<kPartHead> fields{head.first<kPartHead>()};
    const std::uint32_t format = fields.u32<0>();
    const std::uint32_t length = fields.u32<4>();
    const auto record = in.bytes(length);
    if (!in.ok()) return sample.note(DecodeError::sflow_bad_record_length);
    skip_padding(in, length);
    const bool whole = format == kRawPacketHeader ? read_header_record(record, options, sample)
                                                  : read_other_record(format, record, sample, out);
    if (!whole) sample.note(DecodeError::sflow_bad_record_length);
  }
}

constexpr std::size_t kHeadBytes = 32;
constexpr std::size_t kExpandedHeadBytes = 44;

// flow_sample: sequence, source id (class in the upper 8 bits), sampling rate, sample pool, drops, input and output
// (format in the upper 2 bits), number of records; a word each.
SampleHead compact_head(const Fields<kHeadBytes>& fields) noexcept {
  const auto interface = [](std::uint32_t word) { return interface_of(word >> 30, word & 0x3fff'ffff); };
  return {.source_class = fields.u32<4>() >> 24,
          .source_index = fields.u32<4>() & 0xff'ffff,
          .rate = fields.u32<8>(),
          .drops = fields.u32<16>(),
          .input = interface(fields.u32<20>()),
          .output = interface(fields.u32<24>())};
}

// flow_sample_expanded: source, input and output take two words, the class or format and then the value.
SampleHead expanded_head(const Fields<kExpandedHeadBytes>& fields) noexcept {
  return {.source_class = fields.u32<4>(),
          .source_index = fields.u32<8>(),
          .rate = fields.u32<12>(),
          .drops = fields.u32<20>(),
          .input = interface_of(fields.u32<24>(), fields.u32<28>()),
          .output = interface_of(fields.u32<32>(), fields.u32<36>())};
}

void read_flow_sample(std::span<const std::byte> bytes, bool expanded, WireOptions options, RecordBatch& out) noexcept {
  Cursor in{bytes};
  const auto head = in.bytes(expanded ? kExpandedHeadBytes : kHeadBytes);
  if (!in.ok()) return out.error(DecodeError::sflow_bad_sample_length);
  OpenSample sample = expanded ? open_sample(expanded_head(Fields<kExpandedHeadBytes>{head.first<kExpandedHeadBytes>()}), out)
                               : open_sample(compact_head(Fields<kHeadBytes>{head.first<kHeadBytes>()}), out);
  read_records(in, Fields<4>{head.last<4>()}.u32<0>(), options, sample, out);
  close_sample(sample, options, out);
}

}  // namespace

// sample_record: format (enterprise in the upper 20 bits), length, then as many bytes.
void read_samples_5(Cursor& in, std::uint32_t samples, WireOptions options, RecordBatch& out) noexcept {
  for (std::uint32_t i = 0; i < samples; ++i) {
    const auto head = in.bytes(kPartHead);
    if (!in.ok()) return out.error(DecodeError::sflow_truncated);
    const Fields<kPartHead> fields{head.first<kPartHead>()};
    const std::uint32_t length = fields.u32<4>();
    const auto sample = in.bytes(length);
    if (!in.ok()) return out.error(DecodeError::sflow_bad_sample_length);
    skip_padding(in, length);
    switch (fields.u32<0>()) {
      case kFlowSample: read_flow_sample(sample, false, options, out); break;
      case kExpandedFlowSample: read_flow_sample(sample, true, options, out); break;
      case kCounterSample:
      case kExpandedCounterSample: ++out.extras.counter_samples; break;
      case kDiscardedPacket: ++out.extras.discard_samples; break;
      default: ++out.extras.other_samples; break;
    }
  }
}

}  // namespace tidegate::sflow
