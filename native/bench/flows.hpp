/// The in-memory intake of flow telemetry on one core: datagrams → collector → Lane::count, as a listener's thread does it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "../flow/family.hpp"
#include "packets.hpp"

namespace tidegate::bench {

struct FlowsOptions {
  FlowProtocol protocol = FlowProtocol::netflow9;  ///< sflow5, netflow5, netflow9 or ipfix
  std::uint32_t hosts = 65536;                     ///< of ours, in 10.0.0.0/8; 256 … 2^22
  bool flows = false;
  double seconds = 1;
  std::uint64_t seed = 1;
};

struct FlowsResult {
  std::uint64_t datagrams = 0;
  std::uint64_t records = 0;  ///< or sFlow flow samples
  double seconds = 0;         ///< of one core
  double mrps = 0;
  double ns_per_record = 0;
};

/// As usual exporters fill them: 24 records of 20 fields (v9, IPFIX), 30 records (v5), 8 samples of 128 bytes (sFlow), one
/// host a record and all hosts about as often, two thirds of the records to them. Spans are below one second. The first
/// datagram of v9 and IPFIX holds the template.
FrameStore flow_datagrams(const FlowsOptions& options);

/// Counts all datagrams of the store, over and over; they are UDP payloads of one sender. The first round is not timed.
FlowsResult run_flows(const FrameStore& datagrams, std::shared_ptr<const HostSpace> space, const FlowsOptions& options);

}  // namespace tidegate::bench
