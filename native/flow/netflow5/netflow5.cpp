#include "netflow5.hpp"

#include <algorithm>

#include "../../base/cursor.hpp"
#include "../../wire/transport.hpp"

namespace tidegate::netflow5 {

namespace {

// Header, versions 5 and 7; version 1 ends with the nanoseconds. All fields big-endian.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |       Version = 1, 5, 7       |       Number of records       |
//  +---------------+---------------+---------------+---------------+
//  |            Uptime of the device, milliseconds                 |
//  +---------------+---------------+---------------+---------------+
//  |            Export time, seconds since the Unix epoch          |
//  +---------------+---------------+---------------+---------------+
//  |            and nanoseconds                                    |
//  +---------------+---------------+---------------+---------------+
//  |            Sequence number, of records                        |
//  +---------------+---------------+-------+-------+---------------+
//  | 5: engine type| 5: engine id  |5: mode|  sampling interval    |   7: reserved
//  +---------------+---------------+-------+-------+---------------+
//
// The sampling mode has 2 bits, the interval 14.
constexpr std::uint16_t kSamplingInterval = 0x3fff;
constexpr std::uint32_t kNanosInSecond = 1'000'000'000;

// Record.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |                        Source address                         |  0
//  +---------------+---------------+---------------+---------------+
//  |                      Destination address                      |  4
//  +---------------+---------------+---------------+---------------+
//  |                           Next hop                            |  8
//  +---------------+---------------+---------------+---------------+
//  |        Input ifIndex          |        Output ifIndex         | 12
//  +---------------+---------------+---------------+---------------+
//  |                           Packets                             | 16
//  +---------------+---------------+---------------+---------------+
//  |                   Bytes, IP headers included                  | 20
//  +---------------+---------------+---------------+---------------+
//  |            Uptime at the first packet, milliseconds           | 24
//  +---------------+---------------+---------------+---------------+
//  |            Uptime at the last packet                          | 28
//  +---------------+---------------+---------------+---------------+
//  |         Source port           |       Destination port        | 32
//  +---------------+---------------+---------------+---------------+
//  |7: field flags | 5, 7: TCP fl. |   Protocol    |Type of service| 36   1: two bytes of padding
//  +---------------+---------------+---------------+---------------+
//  |       5, 7: source AS         |     5, 7: destination AS      | 40   1: TCP flags (1), then 7 or 11 bytes unused
//  +---------------+---------------+---------------+---------------+
//  | Source mask   |Destinat. mask | 5: padding, 7: field flags    | 44
//  +---------------+---------------+---------------+---------------+
//  |        7: address of the router whose work it did             | 48
//  +---------------+---------------+---------------+---------------+
struct Version1 {
  static constexpr std::size_t kHeaderBytes = 16;
  static constexpr std::size_t kRecordBytes = 48;
  static constexpr std::size_t kTcpFlagsAt = 40;
  static constexpr bool kHasAs = false;
};
/// The same with four more bytes unused: exporters send the one, others the other, and only the length tells.
struct LongVersion1 : Version1 {
  static constexpr std::size_t kRecordBytes = 52;
};
struct Version5 {
  static constexpr std::size_t kHeaderBytes = 24;
  static constexpr std::size_t kRecordBytes = 48;
  static constexpr std::size_t kTcpFlagsAt = 37;
  static constexpr bool kHasAs = true;
};
struct Version7 {
  static constexpr std::size_t kHeaderBytes = 24;
  static constexpr std::size_t kRecordBytes = 52;
  static constexpr std::size_t kTcpFlagsAt = 37;
  static constexpr bool kHasAs = true;
};

constexpr std::size_t kMaxPayload = 65'535;
static_assert(kMaxPayload / Version5::kRecordBytes < kMaxRecordsPerDatagram, "no datagram fills the batch");

/// When a record's packets were, by the exporter's clock; both zero where it does not say, or says what cannot be.
struct Span {
  std::int64_t first_micros = 0;
  std::int64_t last_micros = 0;
};

/// Counted back from the export, modulo 2^32 ms: so an uptime that began anew in between does no harm.
Span span_of(const FlowHeader& header, std::uint32_t first_ms, std::uint32_t last_ms) noexcept {
  const auto since_first = static_cast<std::int32_t>(header.uptime_ms - first_ms);
  const auto since_last = static_cast<std::int32_t>(header.uptime_ms - last_ms);
  const bool said = header.export_micros != 0 && (first_ms | last_ms) != 0 && since_first >= since_last &&
                    since_last >= -kMaxAheadMs && since_first <= kMaxAgeMs;
  if (!said) return {};
  constexpr std::int64_t kMicrosInMilli = 1000;
  return {header.export_micros - since_first * kMicrosInMilli, header.export_micros - since_last * kMicrosInMilli};
}

template <typename Version>
void read_record(const Fields<Version::kRecordBytes>& fields, const FlowHeader& header, Sighting& sighting,
                 FlowDetail& detail) noexcept {
  const std::uint32_t packets = fields.template u32<16>();
  const std::uint32_t bytes = fields.template u32<20>();
  const std::uint32_t mean = bytes / std::max<std::uint32_t>(packets, 1);
  const std::uint8_t protocol = fields.template u8<38>();
  const std::uint32_t ports = fields.template u32<32>() & kPortMasks[protocol];
  const std::uint8_t flags = fields.template u8<Version::kTcpFlagsAt>();
  const Span span = span_of(header, fields.template u32<24>(), fields.template u32<28>());
  sighting = {.facts = {.source = {0, fields.template u32<0>(), Family::ipv4},
                        .destination = {0, fields.template u32<4>(), Family::ipv4},
                        .wire_length = mean,
                        .ip_length = mean,
                        .source_port = static_cast<std::uint16_t>(ports >> 16),
                        .destination_port = static_cast<std::uint16_t>(ports & 0xffff),
                        .protocol = protocol,
                        .tcp_flags = static_cast<std::uint8_t>(flags * (protocol == kProtocolTcp))},
              .packets = packets,
              .bytes = bytes,
              .sampling = 1};
  detail = {};
  detail.first_micros = span.first_micros;
  detail.last_micros = span.last_micros;
  detail.input = fields.template u16<12>();
  detail.output = fields.template u16<14>();
  if constexpr (Version::kHasAs) {
    detail.source_as = fields.template u16<40>();
    detail.destination_as = fields.template u16<42>();
  }
}

template <typename Version>
void read_records(std::span<const std::byte> payload, std::uint16_t stated, RecordBatch& out) noexcept {
  std::span<const std::byte> rest = payload.subspan(Version::kHeaderBytes);
  const std::size_t whole = rest.size() / Version::kRecordBytes;
  if (whole < stated) out.error(DecodeError::netflow_truncated);
  const std::size_t records = std::min({whole, std::size_t{stated}, kMaxRecordsPerDatagram});
  const FlowHeader header = out.header;
  for (std::size_t i = 0; i < records; ++i) {
    const Fields<Version::kRecordBytes> fields{rest.template first<Version::kRecordBytes>()};
    read_record<Version>(fields, header, out.next_sighting(), out.next_detail());
    out.keep();
    rest = rest.subspan(Version::kRecordBytes);
  }
}

template <typename Version>
bool read_datagram(std::span<const std::byte> payload, FlowProtocol protocol, const Address& sender,
                   RecordBatch& out) noexcept {
  if (payload.size() < Version::kHeaderBytes) {
    out.error(DecodeError::netflow_truncated);
    return false;
  }
  const Fields<Version::kHeaderBytes> fields{payload.first<Version::kHeaderBytes>()};
  const std::uint16_t stated = fields.template u16<2>();
  const std::uint32_t seconds = fields.template u32<8>();
  const std::uint32_t nanos = fields.template u32<12>();
  out.header.protocol = protocol;
  out.header.agent = sender;
  out.header.uptime_ms = fields.template u32<4>();
  if (seconds != 0) {
    out.header.export_micros = seconds * std::int64_t{1'000'000} + (nanos < kNanosInSecond ? nanos / 1000 : 0);
  }
  if constexpr (Version::kHeaderBytes > 16) {
    out.header.sequence = fields.template u32<16>();
    out.header.units = stated;
    out.header.sequenced = true;
    if (protocol == FlowProtocol::netflow5) {
      out.header.domain = fields.template u16<20>();
      out.header.sampling = fields.template u16<22>() & kSamplingInterval;
    }
  }
  read_records<Version>(payload, stated, out);
  return true;
}

}  // namespace

namespace {

/// Whether there is room for as many long records as are stated; of a whole datagram of short ones there is not.
bool has_long_records(std::span<const std::byte> payload) noexcept {
  constexpr std::size_t kCounted = 4;
  if (payload.size() < kCounted) return false;
  const std::size_t stated = Fields<kCounted>{payload.first<kCounted>()}.u16<2>();
  return payload.size() >= LongVersion1::kHeaderBytes + stated * LongVersion1::kRecordBytes;
}

}  // namespace

bool decode(std::span<const std::byte> payload, const Address& sender, RecordBatch& out) noexcept {
  out.clear();
  constexpr std::size_t kVersionBytes = 2;
  if (payload.size() < kVersionBytes) {
    out.error(DecodeError::netflow_truncated);
    return false;
  }
  switch (Fields<kVersionBytes>{payload.first<kVersionBytes>()}.u16<0>()) {
    case 1:
      return has_long_records(payload) ? read_datagram<LongVersion1>(payload, FlowProtocol::netflow1, sender, out)
                                       : read_datagram<Version1>(payload, FlowProtocol::netflow1, sender, out);
    case 5: return read_datagram<Version5>(payload, FlowProtocol::netflow5, sender, out);
    case 7: return read_datagram<Version7>(payload, FlowProtocol::netflow7, sender, out);
    default: out.error(DecodeError::netflow_bad_version); return false;
  }
}

}  // namespace tidegate::netflow5
