/// Source: where traffic comes from. It owns lanes, and the threads that count into them.
///
/// - drain() and stats() from any thread; a drain under way never makes stats() wait.
/// - close() asks the threads to stop and returns at once; they are gone within kPollTimeoutMs and what they are
///   at. The destructor waits for that.
/// - What stops a thread is told by fault(), for people; null while all is well.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../base/facts.hpp"
#include "engine.hpp"
#include "flow_report.hpp"

namespace tidegate {

/// A thread with nothing to do looks up so often; it sleeps in the kernel between.
inline constexpr int kPollTimeoutMs = 100;

/// While a source is calm it may be drained so many ticks apart. actors/capture/sensor.ts does.
inline constexpr std::int64_t kCalmTicks = 5;
/// For so long no host has been near a threshold before a source is calm.
inline constexpr std::int64_t kCalmAfterMicros = 10'000'000;
/// What comes to a host may be spread over so many lanes and is still seen to be near a threshold (counters/steps.hpp).
inline constexpr std::size_t kMostCalmLanes = 3;

/// A lane and the observer that shows its packets to the taps, and to who watches what comes in.
struct TappedLane {
  std::unique_ptr<Lane> lane;
  std::shared_ptr<LaneTap> tap;
  std::shared_ptr<LaneIngress> ingress;
  std::shared_ptr<const void> in_turn;  ///< null: at once

  /// Without a lane where there is no memory for one. `in_turn`: hosts far from every threshold may wait for their turn.
  static TappedLane make(Engine& engine, HandedOver how = HandedOver::at_once, bool tells_near = false);
};

/// Monotonic since the source was opened. All lanes together.
struct SourceCounts {
  LaneStats lanes;
  std::uint64_t dropped = 0;  ///< lost in the kernel
};

class Source {
 public:
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// What has been counted since the last drain, a batch a hostgroup; `at` in microseconds since the Unix epoch.
  /// After a drain that came far too late, batches reach back to the one before it for a while: what had waited in the
  /// kernel may be counted only after that drain, and is not the traffic of one tick.
  [[nodiscard]] std::vector<Batch> drain(std::int64_t at);
  /// Whether drains may come kCalmTicks apart: no host is near a threshold, or has been for a while. Once that has been
  /// said, `tell` of watch_near() is called when one is.
  [[nodiscard]] virtual bool calm() noexcept { return false; }
  /// `tell` is called on a thread of the source and must neither block nor throw. To be set once.
  void watch_near(std::function<void()> tell);
  /// Hosts that the next drain would hand over, roughly.
  [[nodiscard]] std::uint32_t dirty_estimate() const noexcept;
  [[nodiscard]] std::size_t lanes() const noexcept { return lanes_.size(); }
  [[nodiscard]] SourceCounts stats();
  [[nodiscard]] std::optional<std::string> fault() const;
  /// What its lanes have seen of an ingress, an entry a lane and origin.
  [[nodiscard]] std::vector<IngressCount> seen_of(const Ingress& ingress) const;

  // A flow listener's own; as of the last second at most.
  [[nodiscard]] virtual std::uint16_t bound_port() const noexcept { return 0; }
  [[nodiscard]] virtual std::vector<ExporterStats> exporters() const { return {}; }
  [[nodiscard]] virtual std::optional<FlowListenerReport> flow() const { return std::nullopt; }
  /// Templates that are new or have changed since the last call.
  [[nodiscard]] virtual std::vector<templated::StoredTemplate> take_templates() { return {}; }
  /// Right after opening. How many were taken.
  [[nodiscard]] virtual std::size_t restore_templates(std::span<const templated::StoredTemplate>) { return 0; }
  virtual void close() noexcept = 0;

 protected:
  Source(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, std::int64_t opened_at);

  [[nodiscard]] Engine& engine() noexcept { return *engine_; }
  [[nodiscard]] TappedLane& lane(std::size_t i) noexcept { return lanes_[i]; }
  /// The time given to the last drain; when none has been, of opening. From any thread.
  [[nodiscard]] std::int64_t last_drain() const noexcept { return last_drain_.load(std::memory_order_acquire); }
  void set_fault(std::string_view text);
  void clear_fault();
  [[nodiscard]] virtual std::uint64_t dropped() const noexcept { return 0; }
  /// calm() of a source whose threads all call look_for_near().
  [[nodiscard]] bool none_near() noexcept;
  /// From a lane's thread, after it has counted: how often hosts have come near, and how often they had at the last call.
  void look_for_near(std::uint64_t times, std::uint64_t& seen);
  /// Ticks until the next drain, by what calm() said last.
  [[nodiscard]] std::int64_t ticks_apart() const noexcept { return drained_seldom_.load(std::memory_order_relaxed) ? kCalmTicks : 1; }
  /// Nothing has been counted since the last drain and before `at`.
  void skip_to(std::int64_t at);

 private:
  std::shared_ptr<Engine> engine_;
  std::vector<TappedLane> lanes_;
  std::mutex draining_;
  std::int64_t drained_at_;   // under draining_, as the next two
  std::int64_t stood_still_since_ = 0;
  std::int64_t caught_up_at_ = 0;
  std::atomic<std::int64_t> near_at_;         // steady clock, microseconds; at first of opening
  std::atomic<bool> drained_seldom_ = false;  // what calm() said last
  std::atomic<bool> to_tell_ = false;         // the next who is near
  std::mutex near_mutex_;
  std::function<void()> tell_near_;  // under near_mutex_
  std::atomic<std::int64_t> last_drain_;
  SourceCounts last_counts_;  // under draining_, or of the owner's thread
  mutable std::mutex fault_mutex_;
  std::optional<std::string> fault_;  // under fault_mutex_
};

/// Names the calling thread, as far as the kernel's 15 characters go.
void name_this_thread(const std::string& name) noexcept;
/// Microseconds since the Unix epoch.
[[nodiscard]] std::int64_t wall_micros() noexcept;

}  // namespace tidegate
