/// The inside of a Lane: its tables, and how a batch goes through them in three steps.
///
/// Step one, locate: where both IPv4 addresses belong, and a prefetch of where the host's row is said. Step two, plan: which
/// row that is, and a prefetch of it. Step three, commit: count, by when the row has come in. Each packet's commit goes with
/// the plan of the packet one batch further on, so that misses are spread evenly and each overlaps with the work on some
/// thirty packets; the batch behind that is located before.
#pragma once

#include <array>
#include <atomic>

#include "cell_sums.hpp"
#include "flow_set.hpp"
#include "host_rows.hpp"
#include "ipv6_table.hpp"
#include "lane.hpp"
#include "near.hpp"

namespace tidegate {

inline constexpr std::size_t kBatchPackets = 32;
/// One is committed while the next is planned and the one after located.
inline constexpr std::size_t kPlans = 3;

/// One packet's way through commit().
struct PlannedPacket {
  DirectionLine* line = nullptr;  ///< IPv4: where it counts
  std::uint64_t flow_hash = 0;
  std::uint64_t ipv6_hash = 0;
  HostPlace place = 0;     ///< IPv4: the host, in the space
  RowId row = 0;           ///< IPv4: the line's row; IPv6, from commit() on: the row in the table, or none
  CellId cell = kNotOurs;  ///< IPv6; kNotOurs for IPv4
};

struct Plan {
  std::array<PlannedPacket, kBatchPackets> packets;
  std::array<Direction, kBatchPackets> directions;
};

/// Directions that are counted in rows are the first two.
constexpr bool has_host(Direction direction) noexcept { return direction <= Direction::outgoing; }

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
  std::atomic<std::uint64_t> near{0};    ///< times that a host was near a threshold
};

struct Lane::Tables {
  std::shared_ptr<const HostSpace> space;
  HostRows rows;
  Ipv6Table ipv6;
  CellSums ipv6_sums;
  std::optional<FlowSet> flows;  // none: flows are not counted
  std::shared_ptr<const SharedSteps> steps;  // null: every host that changes is marked
  PacketObserver* observer = nullptr;
  DrainPeriod period;
  NearWatch near;
  bool tells_near = false;
  std::int64_t counting_at = 0;  // of the packets being counted, microseconds
  std::array<Plan, kPlans> plans{};
  alignas(64) LaneCounters counters;

  // Written by the reader.
  alignas(64) std::atomic<std::uint64_t> marked_before{0};
  std::atomic<std::uint32_t> last_turn{0};
  // Its own.
  std::int64_t turned_at = 0;    // microseconds; 0: not yet
  std::int64_t last_turn_micros = 0;

  /// Finds a batch's IPv4 hosts in the space; to come before it is planned.
  void locate_all(std::span<const Sighting> batch, Plan& out) noexcept;
  /// Plans a first batch, which no commit precedes.
  void plan_all(std::span<const Sighting> batch, Plan& out) noexcept;
  /// Counts a planned batch, and plans the `next` meanwhile.
  void commit(std::span<const Sighting> batch, Plan& plan, std::span<const Sighting> next, Plan& next_plan,
              std::int64_t second) noexcept;

 private:
  template <bool kFlows>
  void plan(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept;
  void locate_ipv4(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept;
  void plan_ipv6(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept;
  template <bool kFlows>
  void count_batch(std::span<const Sighting> batch, Plan& plan, std::span<const Sighting> next, Plan& next_plan,
                   std::int64_t second, std::uint32_t this_period, const StepMasks& masks) noexcept;
  void look_who_is_near(const DirectionLine& line, const Amount& amount, bool new_flow, std::uint64_t row, std::size_t direction,
                        const StepMasks& masks) noexcept;
  void count_clamped(std::span<const Sighting> batch, const Plan& plan) noexcept;
  void prefetch_variance(const PlannedPacket& packet, Direction direction) const noexcept;
  void count_variances(std::span<const Sighting> batch, const Plan& plan) noexcept;
  void count_ipv6(const Sighting& sighting, PlannedPacket& packet, std::size_t direction, bool new_flow,
                  const StepMasks& masks) noexcept;
  void mark_all(std::span<const Sighting> batch, const Plan& plan) noexcept;

 public:
  /// The reader's part of a drain that belongs to steps.
  void drain_turn(BatchBuilder& into, std::int64_t turn_micros);
};

}  // namespace tidegate
