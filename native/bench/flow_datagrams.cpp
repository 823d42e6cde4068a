#include <array>
#include <vector>

#include "../base/hash.hpp"
#include "flows.hpp"

namespace tidegate::bench {
namespace {

constexpr std::uint32_t kFirstHost = 10U << 24;
constexpr std::size_t kLeastRecords = 65536;
constexpr std::size_t kMostDatagramBytes = 1536;  // as a network carries them unfragmented
constexpr std::uint32_t kExportSeconds = 1'700'000'000;
constexpr std::uint32_t kUptimeMs = 100'000;
constexpr std::uint32_t kMostSpanMs = 800;
constexpr std::uint32_t kSampling = 1000;
constexpr std::uint16_t kTemplateId = 260;

struct Field {
  std::uint16_t element;
  std::uint16_t length;
};
/// Addresses, ports, protocol, flags, counters, interfaces, times, AS numbers, masks, next hop, type of service.
constexpr std::array<Field, 20> kFields{{{8, 4},  {12, 4}, {15, 4}, {10, 4}, {14, 4}, {2, 4},  {1, 4},
                                         {22, 4}, {21, 4}, {7, 2},  {11, 2}, {6, 1},  {4, 1},  {5, 1},
                                         {16, 4}, {17, 4}, {9, 1},  {13, 1}, {61, 1}, {89, 1}}};
constexpr std::size_t kIpfixFirstTime = 7;  // 152 and 153, absolute, stand in for the two times by uptime

class Writer {
 public:
  Writer& put(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = bytes; i-- > 0;) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  Writer& zeros(std::size_t count) { return bytes_.resize(bytes_.size() + count), *this; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  void set16(std::size_t at, std::size_t value) {
    bytes_[at] = static_cast<std::byte>(value >> 8);
    bytes_[at + 1] = static_cast<std::byte>(value & 255);
  }

 private:
  std::vector<std::byte> bytes_;
};

/// One flow, by chance.
struct Flow {
  std::uint32_t source, destination, packets, bytes, span_ms;
  std::uint16_t source_port, destination_port;
  std::uint8_t protocol, flags;
};

Flow flow_of(std::uint64_t& random, std::uint32_t host) {
  const std::uint64_t dice = next_random(random);
  const auto foreign = static_cast<std::uint32_t>(0x20000000U + (next_random(random) & 0x7fffffffU));
  const bool outgoing = dice % 3 == 0;
  const std::uint64_t kind = (dice >> 16) % 100;
  Flow flow{};
  flow.source = outgoing ? host : foreign;
  flow.destination = outgoing ? foreign : host;
  flow.packets = 1 + static_cast<std::uint32_t>((dice >> 24) % 100);
  flow.bytes = flow.packets * (64 + static_cast<std::uint32_t>((dice >> 32) % 1400));
  flow.span_ms = static_cast<std::uint32_t>((dice >> 40) % kMostSpanMs);
  flow.source_port = static_cast<std::uint16_t>(dice >> 48);
  flow.destination_port = kind < 50 ? 443 : 53;
  flow.protocol = kind < 55 ? 17 : kind < 95 ? 6 : 1;
  flow.flags = flow.protocol == 6 ? 0x1B : 0;
  return flow;
}

void put_netflow5(Writer& out, const Flow& flow) {
  out.put(flow.source, 4).put(flow.destination, 4).zeros(4).put(3, 2).put(4, 2).put(flow.packets, 4).put(flow.bytes, 4);
  out.put(kUptimeMs - flow.span_ms, 4).put(kUptimeMs, 4).put(flow.source_port, 2).put(flow.destination_port, 2);
  out.put(flow.flags, 2).put(flow.protocol, 1).zeros(9);
}

void put_templated(Writer& out, const Flow& flow, bool ipfix) {
  out.put(flow.source, 4).put(flow.destination, 4).zeros(4).put(3, 4).put(4, 4).put(flow.packets, 4).put(flow.bytes, 4);
  if (ipfix) {
    constexpr std::uint64_t kEndMs = std::uint64_t{kExportSeconds} * 1000;
    out.put(kEndMs - flow.span_ms, 8).put(kEndMs, 8);
  } else {
    out.put(kUptimeMs - flow.span_ms, 4).put(kUptimeMs, 4);
  }
  out.put(flow.source_port, 2).put(flow.destination_port, 2).put(flow.flags, 1).put(flow.protocol, 1).zeros(1);
  out.zeros(8 + 2 + 1).put(0x40, 1);  // AS numbers, masks; ingress; forwarded
}

void put_sample(Writer& out, const Flow& flow) {
  constexpr std::uint32_t kHeaderBytes = 128;
  constexpr std::uint32_t kRecordBytes = 16 + kHeaderBytes;
  out.put(1, 4).put(32 + 8 + kRecordBytes, 4).put(1, 4).put(3, 4).put(kSampling, 4).put(0, 4).put(0, 4);
  out.put(3, 4).put(4, 4).put(1, 4);
  out.put(1, 4).put(kRecordBytes, 4).put(1, 4).put(1018, 4).put(4, 4).put(kHeaderBytes, 4);
  out.zeros(12).put(0x0800, 2).put(0x4500, 2).put(1000, 2).zeros(4).put(64, 1).put(flow.protocol, 1).zeros(2);
  out.put(flow.source, 4).put(flow.destination, 4).put(flow.source_port, 2).put(flow.destination_port, 2);
  out.zeros(8).put(0x50, 1).put(flow.flags, 1).zeros(kHeaderBytes - 14 - 20 - 14);
}

std::size_t records_a_datagram(FlowProtocol protocol) {
  return protocol == FlowProtocol::sflow5 ? 8 : protocol == FlowProtocol::netflow5 ? 30 : 24;
}

void put_header(Writer& out, FlowProtocol protocol, std::size_t records, std::uint32_t sequence) {
  switch (protocol) {
    case FlowProtocol::netflow5:
      out.put(5, 2).put(records, 2).put(kUptimeMs, 4).put(kExportSeconds, 4).zeros(4).put(sequence * records, 4).zeros(4);
      return;
    case FlowProtocol::netflow9:
      out.put(9, 2).put(records, 2).put(kUptimeMs, 4).put(kExportSeconds, 4).put(sequence, 4).put(1, 4);
      return;
    case FlowProtocol::ipfix:
      out.put(10, 2).zeros(2).put(kExportSeconds, 4).put(sequence * records, 4).put(1, 4);
      return;
    default:
      out.put(5, 4).put(1, 4).put(0xC000'0201, 4).zeros(4).put(sequence, 4).put(kUptimeMs, 4).put(records, 4);
  }
}

void put_template(Writer& out, bool ipfix) {
  out.put(ipfix ? 2 : 0, 2).put(8 + 4 * kFields.size(), 2).put(kTemplateId, 2).put(kFields.size(), 2);
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const bool time = ipfix && (i == kIpfixFirstTime || i == kIpfixFirstTime + 1);
    out.put(time ? 152 + i - kIpfixFirstTime : kFields[i].element, 2).put(time ? 8 : kFields[i].length, 2);
  }
}

}  // namespace

FrameStore flow_datagrams(const FlowsOptions& options) {
  const FlowProtocol protocol = options.protocol;
  const bool ipfix = protocol == FlowProtocol::ipfix;
  const bool templated = ipfix || protocol == FlowProtocol::netflow9;
  const std::size_t each = records_a_datagram(protocol);
  const std::size_t count = std::max<std::size_t>(options.hosts, kLeastRecords) / each + 1;
  std::uint64_t random = options.seed;
  FrameStore store{(count + 1) * (kMostDatagramBytes + 256)};
  std::size_t record = 0;
  for (std::uint32_t sequence = 0; sequence < count + (templated ? 1 : 0); ++sequence) {
    Writer out;
    const bool only_template = templated && sequence == 0;
    put_header(out, protocol, only_template ? 0 : each, sequence);
    const std::size_t set = out.bytes().size();
    if (only_template) put_template(out, ipfix);
    if (templated && !only_template) out.put(kTemplateId, 2).zeros(2);
    for (std::size_t i = 0; i < (only_template ? 0 : each); ++i, ++record) {
      // A multiplier coprime to all powers of two: each host once a round, in no order that caches would like.
      const auto host = static_cast<std::uint32_t>(record * 2'654'435'761U % options.hosts);
      const Flow flow = flow_of(random, kFirstHost + host);
      if (protocol == FlowProtocol::netflow5) put_netflow5(out, flow);
      if (protocol == FlowProtocol::sflow5) put_sample(out, flow);
      if (templated) put_templated(out, flow, ipfix);
    }
    if (templated && !only_template) out.set16(set + 2, out.bytes().size() - set);
    if (ipfix) out.set16(2, out.bytes().size());
    store.add(out.bytes(), static_cast<std::uint32_t>(out.bytes().size()));
  }
  return store;
}

}  // namespace tidegate::bench
