#include <optional>

#include "datagram.hpp"
#include "gateway.hpp"
#include "packet.hpp"

namespace tidegate::sflow {

namespace {

// RFC 3176 section 4: sample_type, packet_information_type, extended_information_type.
constexpr std::uint32_t kFlowSample = 1;
constexpr std::uint32_t kCountersSample = 2;
constexpr std::uint32_t kPacketHeader = 1;
constexpr std::uint32_t kPacketIpv4 = 2;
constexpr std::uint32_t kPacketIpv6 = 3;
constexpr std::uint32_t kExtendedSwitch = 1;
constexpr std::uint32_t kExtendedRouter = 2;
constexpr std::uint32_t kExtendedGateway = 3;
constexpr std::uint32_t kExtendedUser = 4;
constexpr std::uint32_t kExtendedUrl = 5;

constexpr std::size_t kWord = sizeof(std::uint32_t);

void skip_opaque(Cursor& in, std::uint32_t length) noexcept {
  in.skip(length);
  skip_padding(in, length);
}

/// Bytes of a counters sample behind its kind, in the order of counters_type: the interface's own 88, and what its kind
/// adds to them. Nothing for a kind that is not there.
std::optional<std::size_t> counters_bytes(std::uint32_t kind) noexcept {
  constexpr std::size_t kInterface = 88;
  switch (kind) {
    case 1: return kInterface;       // generic
    case 2: return kInterface + 52;  // Ethernet
    case 3: return kInterface + 72;  // token ring
    case 4: return kInterface;       // FDDI
    case 5: return kInterface + 80;  // 100VG-AnyLAN
    case 6: return kInterface;       // WAN
    case 7: return 28;               // VLAN, which is no interface
    default: return std::nullopt;
  }
}

// The packet: a word of kind, then what was sampled. Returns what makes the rest of the datagram unreadable.
DecodeError read_packet(Cursor& in, WireOptions options, OpenSample& sample) noexcept {
  bool whole = false;
  switch (in.u32()) {
    case kPacketHeader: {
      const std::size_t before = in.left();
      whole = read_raw_header(in, false, options, sample);
      if (whole) skip_padding(in, static_cast<std::uint32_t>(before - in.left()));
      break;
    }
    case kPacketIpv4: whole = read_sampled_ip(in, Family::ipv4, sample); break;
    case kPacketIpv6: whole = read_sampled_ip(in, Family::ipv6, sample); break;
    default: return in.ok() ? DecodeError::sflow_unknown_kind : DecodeError::sflow_truncated;
  }
  return whole ? DecodeError::none : DecodeError::sflow_truncated;
}

// Extended data: their number, then each: a word of kind, and what that kind has.
DecodeError read_extended(Cursor& in, GatewayLayout gateway, FlowDetail& detail) noexcept {
  const std::uint32_t count = in.u32();
  if (!in.ok()) return DecodeError::sflow_truncated;
  if (count > kMaxRecordsPerSample) return DecodeError::sflow_too_many_records;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t kind = in.u32();
    if (!in.ok()) return DecodeError::sflow_truncated;
    switch (kind) {
      case kExtendedSwitch: in.skip(4 * kWord); break;
      case kExtendedRouter:
        if (!skip_address(in)) return DecodeError::sflow_bad_address_type;
        in.skip(2 * kWord);
        break;
      case kExtendedGateway:
        if (!read_gateway(in, gateway, detail)) return DecodeError::sflow_bad_gateway;
        break;
      case kExtendedUser:
        skip_opaque(in, in.u32());
        skip_opaque(in, in.u32());
        break;
      case kExtendedUrl:
        in.skip(kWord);
        skip_opaque(in, in.u32());
        break;
      default: return DecodeError::sflow_unknown_kind;
    }
    if (!in.ok()) return DecodeError::sflow_truncated;
  }
  return DecodeError::none;
}

// flow_sample: sequence, source id (class in the upper 8 bits), sampling rate, sample pool, drops, input, output (its
// highest bit: so many interfaces), a word each; then packet and extended data. False: the rest cannot be found.
bool read_flow_sample(Cursor& in, GatewayLayout gateway, WireOptions options, RecordBatch& out) noexcept {
  constexpr std::size_t kHeadBytes = 28;
  constexpr std::uint32_t kSeveral = 1U << 31;
  const auto head = in.bytes(kHeadBytes);
  if (!in.ok()) return out.error(DecodeError::sflow_truncated), false;
  const Fields<kHeadBytes> fields{head.first<kHeadBytes>()};
  const std::uint32_t output = fields.u32<24>();
  OpenSample sample = open_sample({.source_class = fields.u32<4>() >> 24,
                                   .source_index = fields.u32<4>() & 0xff'ffff,
                                   .rate = fields.u32<8>(),
                                   .drops = fields.u32<16>(),
                                   .input = interface_of(0, fields.u32<20>()),
                                   .output = interface_of((output & kSeveral) == 0 ? 0 : 2, output)},
                                  out);
  DecodeError broken = read_packet(in, options, sample);
  if (broken == DecodeError::none) broken = read_extended(in, gateway, sample.detail);
  if (broken != DecodeError::none && !sample.readable) sample.error = broken;  // one error for one sample
  const bool told = !sample.readable;
  close_sample(sample, options, out);
  if (broken == DecodeError::none) return true;
  if (!told) out.error(broken);
  return false;
}

// counters_sample: sequence, source id, interval, a word each; then a word of kind and the counters of that kind.
bool read_counters_sample(Cursor& in, RecordBatch& out) noexcept {
  in.skip(3 * kWord);
  const std::uint32_t kind = in.u32();
  if (!in.ok()) return out.error(DecodeError::sflow_truncated), false;
  const auto bytes = counters_bytes(kind);
  if (!bytes) return out.error(DecodeError::sflow_unknown_kind), false;
  in.skip(*bytes);
  if (!in.ok()) return out.error(DecodeError::sflow_truncated), false;
  ++out.extras.counter_samples;
  return true;
}

}  // namespace

void read_samples_4(Cursor& in, std::uint32_t samples, WireOptions options, RecordBatch& out) noexcept {
  const auto gateway = out.header.protocol == FlowProtocol::sflow2 ? GatewayLayout::version2 : GatewayLayout::version4;
  for (std::uint32_t i = 0; i < samples; ++i) {
    const std::uint32_t kind = in.u32();
    if (!in.ok()) return out.error(DecodeError::sflow_truncated);
    switch (kind) {
      case kFlowSample:
        if (!read_flow_sample(in, gateway, options, out)) return;
        break;
      case kCountersSample:
        if (!read_counters_sample(in, out)) return;
        break;
      default: return out.error(DecodeError::sflow_unknown_kind);
    }
  }
}

}  // namespace tidegate::sflow
