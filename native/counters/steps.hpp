/// Steps: which hosts a drain hands over at once, and which may wait for their turn.
///
/// A host is *hot* when, since the last drain, its packets, bytes or flows of a direction crossed a multiple of a
/// step, which is a small share of the least threshold. Hot hosts are handed over at the next drain; all others come
/// in turns, block by block of their rows, each within `turn_micros`. So what no drain has handed over of a host is less than
/// a step, and no rate that is judged is off by more. Classes need no steps of their own: they are parts of the total.
#pragma once

#include <atomic>
#include <cstdint>

#include "meter_limits.hpp"

namespace tidegate {

/// What a host may hold back, of the least limit over a window: 1/1000, rounded down to a power of two.
inline constexpr double kWithheldShare = 1.0 / 1000;
/// Below these steps most packets would be steps: then every host is handed over at every drain.
inline constexpr std::uint64_t kLeastPacketStep = 8;
inline constexpr std::uint64_t kLeastByteStep = 4096;
/// A quiet host's counts are at most so old, or a window if that is less.
inline constexpr std::int64_t kLongestTurnMicros = 5'000'000;
/// Steps to a stride, by whose crossings a host that comes near its threshold is told: see near.hpp.
inline constexpr unsigned kStrideSteps = 16;
/// Two strides of one count within this part of a window: it is near. A threshold's own rate crosses a stride within a quarter of it.
inline constexpr std::int64_t kNearParts = 16;
/// Pages of 256 hosts, up to which handing over all that has changed costs little.
inline constexpr std::size_t kPagesAtOnce = 4;

/// Powers of two; 0: that kind is not judged. `turn_micros` 0: every host that has changed is handed over at once.
/// `near_micros`: two strides within this time are near.
struct Steps {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t flows = 0;
  std::int64_t turn_micros = 0;
  std::int64_t near_micros = 0;

  friend constexpr bool operator==(const Steps&, const Steps&) noexcept = default;
};

/// What a hostgroup's thresholds leave room for. A group whose total or networks are judged leaves none: their sums
/// are those of its hosts.
[[nodiscard]] Steps steps_for(const MeterLimits& limits, std::int64_t window_micros);
/// What both leave room for.
[[nodiscard]] Steps stricter(const Steps& a, const Steps& b) noexcept;

/// A counter has crossed a step when it differs in one of these bits from what it was.
struct StepMasks {
  std::uint64_t packets = ~std::uint64_t{0};
  std::uint64_t bytes = ~std::uint64_t{0};
  std::uint64_t flows = ~std::uint64_t{0};
  std::int64_t near_micros = 0;  ///< 0: nobody asks who is near

  /// The same for strides, of steps that are in force.
  [[nodiscard]] constexpr StepMasks strides() const noexcept {
    return {packets * kStrideSteps, bytes * kStrideSteps, flows * kStrideSteps, near_micros};
  }
};

/// The steps in force, shared by one who sets them, and by threads that count and that drain.
class SharedSteps {
 public:
  void set(const Steps& steps) noexcept {
    const auto mask = [&](std::uint64_t step) {
      if (steps.turn_micros == 0) return ~std::uint64_t{0};
      return step == 0 ? 0 : ~(step - 1);
    };
    packets_.store(mask(steps.packets), std::memory_order_relaxed);
    bytes_.store(mask(steps.bytes), std::memory_order_relaxed);
    flows_.store(mask(steps.flows), std::memory_order_relaxed);
    near_micros_.store(steps.turn_micros == 0 ? 0 : steps.near_micros, std::memory_order_relaxed);
    turn_micros_.store(steps.turn_micros, std::memory_order_release);
  }
  [[nodiscard]] StepMasks masks() const noexcept {
    return {packets_.load(std::memory_order_relaxed), bytes_.load(std::memory_order_relaxed),
            flows_.load(std::memory_order_relaxed), near_micros_.load(std::memory_order_relaxed)};
  }
  [[nodiscard]] std::int64_t turn_micros() const noexcept { return turn_micros_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> packets_{~std::uint64_t{0}};
  std::atomic<std::uint64_t> bytes_{~std::uint64_t{0}};
  std::atomic<std::uint64_t> flows_{~std::uint64_t{0}};
  std::atomic<std::int64_t> turn_micros_{0};
  std::atomic<std::int64_t> near_micros_{0};
};

}  // namespace tidegate
