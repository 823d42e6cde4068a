/// Lane: the counters of one capture thread.
///
/// - One writer, its own thread: count(), count_raw(), count_error(). None of them allocates, locks or throws.
/// - One reader at a time, any thread: drain() and stats(), while the writer counts on.
/// - A host's packet is in exactly one drain: counters only grow, and a drain hands over what was added since the last.
///   Without steps that is the next one; with steps it may come later, up to a turn: see steps.hpp.
/// - Full: an IPv6 host without a row counts in its network and in host_overflow; a flow that finds no slot
///   counts as a flow and in flow_overflow.
/// - internal and other traffic counts in the totals only, as in FastNetMon.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "../base/classes.hpp"
#include "../base/errors.hpp"
#include "../base/facts.hpp"
#include "batch_builder.hpp"
#include "observer.hpp"
#include "space.hpp"
#include "steps.hpp"

namespace tidegate {

struct LaneOptions {
  std::uint32_t ipv6_hosts = 65536;      ///< rows; a power of two, 8 … 2^24
  bool count_flows = false;
  std::uint32_t flow_slots = 1U << 20;   ///< a power of two, 8 … 2^28; no memory without count_flows
  std::uint64_t seed = 0;                ///< keys the hash tables
  /// IPv4 hosts that have changed by less than a step wait for their turn. Null: none waits. Who counts sampled
  /// packets never does.
  std::shared_ptr<const SharedSteps> steps = nullptr;
  bool tells_near = false;               ///< times_near() is wanted
};

struct DirectionTotal {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

/// Monotonic since the lane was made. `packets`, `bytes`, `unparsed` as captured; `totals` as counted, sampling undone.
struct LaneStats {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t unparsed = 0;
  DecodeErrorCounts errors{};
  std::array<DirectionTotal, kDirections> totals{};
  std::uint64_t hosts = 0;           ///< hosts that ever counted a packet and have a row
  std::uint64_t host_overflow = 0;   ///< IPv6 packets whose host had no row
  std::uint64_t flow_overflow = 0;
  std::uint64_t clamped = 0;         ///< sightings that claimed more than kMaxSightingPackets packets
};

/// What one sighting may add to a host, 2^28 packets: rows count packets modulo 2^32 between two drains.
inline constexpr std::uint64_t kMaxSightingPackets = std::uint64_t{1} << 28;

class Lane {
 public:
  /// Null when memory for the tables cannot be had.
  static std::unique_ptr<Lane> make(std::shared_ptr<const HostSpace> space, const LaneOptions& options);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Counts decoded packets or flow records. All of them belong to the second of `at_micros` for flow counting.
  /// `frames` is empty or parallel to `sightings`; only the observer looks at it.
  void count(std::span<const Sighting> sightings, std::int64_t at_micros, std::span<const FrameView> frames = {}) noexcept;
  /// Frames as they came in, before decoding.
  void count_raw(std::uint64_t packets, std::uint64_t bytes) noexcept;
  /// A frame or datagram that could not be read: counts as unparsed and under its own name.
  void count_error(DecodeError error) noexcept;
  /// Shown every batch; null for none. To be set before the lane's thread starts; must outlive the lane's use.
  void set_observer(PacketObserver* observer) noexcept;

  /// Adds to `into` what was counted since the last drain.
  void drain(BatchBuilder& into);
  /// Whether hosts far from every threshold wait for their turn now.
  [[nodiscard]] bool in_turn() const noexcept;
  /// How often a host came near a threshold (near.hpp) while hosts wait for their turn, if the lane tells.
  [[nodiscard]] std::uint64_t times_near() const noexcept;
  /// Hosts that the next drain would hand over, roughly; cheap.
  [[nodiscard]] std::uint32_t dirty_estimate() const noexcept;
  [[nodiscard]] LaneStats stats() const noexcept;
  [[nodiscard]] const HostSpace& space() const noexcept;

 private:
  struct Tables;
  explicit Lane(std::unique_ptr<Tables> tables) noexcept;
  std::unique_ptr<Tables> tables_;
};

}  // namespace tidegate
