#include "sflow.hpp"

#include <algorithm>

#include "datagram.hpp"

namespace tidegate::sflow {

namespace {

// enum address_type
constexpr std::uint32_t kAddressIpv4 = 1;
constexpr std::uint32_t kAddressIpv6 = 2;

DecodeError read_version(Cursor& in, FlowHeader& header) noexcept {
  const std::uint32_t version = in.u32();
  if (!in.ok()) return DecodeError::sflow_truncated;
  switch (version) {
    case 2: header.protocol = FlowProtocol::sflow2; break;
    case 4: header.protocol = FlowProtocol::sflow4; break;
    case 5: header.protocol = FlowProtocol::sflow5; break;
    default: return DecodeError::sflow_bad_version;
  }
  return DecodeError::none;
}

// sample_datagram, section 5.3. XDR: all fields big-endian words (RFC 4506).
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |                     Version = 2, 4, 5                         |
//  +---------------+---------------+---------------+---------------+
//  |             Agent address type: 1 IPv4, 2 IPv6                |
//  +---------------+---------------+---------------+---------------+
//  |             Agent address, one word or four                   |
//  +---------------+---------------+---------------+---------------+
//  |                      5: sub-agent id                          |
//  +---------------+---------------+---------------+---------------+
//  |               Sequence number, of datagrams                   |
//  +---------------+---------------+---------------+---------------+
//  |                      Uptime, milliseconds                     |
//  +---------------+---------------+---------------+---------------+
//  |                       Number of samples                       |
//  +---------------+---------------+---------------+---------------+
DecodeError read_header(Cursor& in, FlowHeader& header, std::uint32_t& samples) noexcept {
  const DecodeError error = read_version(in, header);
  if (error != DecodeError::none) return error;
  const std::uint32_t type = in.u32();
  if (!in.ok()) return DecodeError::sflow_truncated;
  if (type == kAddressIpv4) {
    header.agent = {0, in.u32(), Family::ipv4};
  } else if (type == kAddressIpv6) {
    header.agent.family = Family::ipv6;
    header.agent.high = in.u64();
    header.agent.low = in.u64();
  } else {
    return DecodeError::sflow_bad_address_type;
  }
  if (header.protocol == FlowProtocol::sflow5) header.domain = in.u32();
  header.sequence = in.u32();
  header.uptime_ms = in.u32();
  samples = in.u32();
  header.units = 1;
  header.sequenced = true;
  return in.ok() ? DecodeError::none : DecodeError::sflow_truncated;
}

}  // namespace

bool decode(std::span<const std::byte> payload, WireOptions options, RecordBatch& out) noexcept {
  out.clear();
  Cursor in{payload};
  std::uint32_t stated = 0;
  const DecodeError error = read_header(in, out.header, stated);
  if (error != DecodeError::none) {
    out.error(error);
    return false;
  }
  if (stated > kMaxSamplesPerDatagram) out.error(DecodeError::sflow_too_many_samples);
  const std::uint32_t samples = std::min<std::uint32_t>(stated, kMaxSamplesPerDatagram);
  if (out.header.protocol == FlowProtocol::sflow5) {
    read_samples_5(in, samples, options, out);
  } else {
    read_samples_4(in, samples, options, out);
  }
  return true;
}

}  // namespace tidegate::sflow
