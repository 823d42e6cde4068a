/// Taps: all taps of an engine, and what its lanes show them.
///
/// - At most kMaxTaps at once; one more gets packets from before only, and is counted in refused().
/// - A LaneTap is the observer of one lane. While no tap wants packets it costs one test a batch, and its recent ring.
/// - A tap also remembers what its subject got in the minutes before, kMostBefore packets of it at the most.
/// - open(), close() and read() from one thread, the engine's owner; LaneTaps from theirs.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "../counters/observer.hpp"
#include "host_memory.hpp"
#include "ingress.hpp"
#include "recent_ring.hpp"
#include "tap.hpp"
#include "tap_index.hpp"

namespace tidegate {

inline constexpr std::size_t kMaxTaps = 1024;
/// Packets from the minutes before that a tap tells of.
inline constexpr std::size_t kMostBefore = 1024;

class LaneTap;

class Taps {
 public:
  Taps(std::size_t sample_bytes, std::uint64_t seed) : sample_bytes_{sample_bytes}, seed_{seed} {}

  /// An observer for a new lane; must be dropped after the lane's last count.
  [[nodiscard]] std::shared_ptr<LaneTap> for_lane();
  /// `count`: 1 … kMaxTapPackets.
  [[nodiscard]] std::shared_ptr<Tap> open(const Prefix& subject, std::size_t count);
  void close(const std::shared_ptr<Tap>& tap);

  [[nodiscard]] std::size_t active() const;
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

 private:
  friend class LaneTap;
  void publish();

  const std::size_t sample_bytes_;
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> version_{0};  // of index_: what a lane compares
  std::atomic<std::uint64_t> refused_{0};
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Tap>> taps_;        // under mutex_
  std::vector<std::weak_ptr<LaneTap>> lanes_;     // under mutex_
  std::shared_ptr<const TapIndex> index_;         // under mutex_; null while there is no tap
};

class LaneTap final : public PacketObserver {
 public:
  explicit LaneTap(Taps& taps) : taps_{taps}, recent_{taps.sample_bytes_}, memory_{taps.seed_} {}

  void observe(const ObservedBatch& batch) noexcept override;
  /// Shows it each batch as well; outlives the lane.
  void show_to(LaneIngress& ingress) noexcept { ingress_ = &ingress; }
  /// The time of the batches to come that show no frames.
  void set_time(std::int64_t at_micros) noexcept { at_micros_ = at_micros; }
  [[nodiscard]] const RecentRing& recent() const noexcept { return recent_; }
  [[nodiscard]] const HostMemory& memory() const noexcept { return memory_; }

 private:
  void refresh() noexcept;
  void offer(const ObservedBatch& batch);

  Taps& taps_;
  LaneIngress* ingress_ = nullptr;
  RecentRing recent_;
  HostMemory memory_;
  std::int64_t at_micros_ = 0;
  std::uint64_t version_ = 0;
  std::shared_ptr<const TapIndex> index_;
};

}  // namespace tidegate
