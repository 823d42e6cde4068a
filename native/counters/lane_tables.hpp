/// The inside of a Lane: its tables, and how a batch goes through them in two steps.
///
/// Step one, plan: where both addresses belong, which row that is, and a prefetch of it. Step two, commit:
/// count, by when the rows have come in. The plan of the next batch is made before the commit of this one,
/// so a cache miss of one packet overlaps with the work on some sixty others.
#pragma once

#include <array>
#include <atomic>

#include "cell_sums.hpp"
#include "flow_set.hpp"
#include "host_pages.hpp"
#include "ipv6_table.hpp"
#include "lane.hpp"

namespace tidegate {

inline constexpr std::size_t kBatchPackets = 32;

/// One packet's way through commit().
struct PlannedPacket {
  std::uint64_t flow_hash = 0;
  std::uint64_t ipv6_hash = 0;
  RowId row = 0;           ///< IPv4
  CellId cell = kNotOurs;  ///< IPv6; kNotOurs for IPv4
  bool counted = false;    ///< incoming or outgoing: has a row, or should have one
};

struct Plan {
  std::array<PlannedPacket, kBatchPackets> packets;
  std::array<Direction, kBatchPackets> directions;
};

/// Monotonic; written by the lane's thread, read by any.
struct LaneCounters {
  std::atomic<std::uint64_t> packets{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> unparsed{0};
  std::array<std::atomic<std::uint64_t>, kDecodeErrors> errors{};
  std::array<std::atomic<std::uint64_t>, kDirections> total_packets{};
  std::array<std::atomic<std::uint64_t>, kDirections> total_bytes{};
  std::atomic<std::uint64_t> host_overflow{0};
  std::atomic<std::uint64_t> flow_overflow{0};
  std::atomic<std::uint64_t> clamped{0};
  std::atomic<std::uint64_t> ipv6_hosts{0};
  std::atomic<std::uint64_t> marked{0};  ///< rows that went from clean to dirty
};

struct Lane::Tables {
  std::shared_ptr<const HostSpace> space;
  HostPages pages;
  Ipv6Table ipv6;
  CellSums ipv6_sums;
  std::optional<FlowSet> flows;  // none: flows are not counted
  PacketObserver* observer = nullptr;
  std::array<Plan, 2> plans{};
  alignas(64) LaneCounters counters;

  // Written by the reader.
  alignas(64) std::atomic<std::uint64_t> ipv4_hosts{0};
  std::atomic<std::uint64_t> marked_before{0};

  void plan(std::span<const Sighting> batch, Plan& out) noexcept;
  void plan_ipv4(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept;
  void plan_ipv6(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept;
  void commit(std::span<const Sighting> batch, const Plan& plan, std::int64_t second) noexcept;
};

}  // namespace tidegate
