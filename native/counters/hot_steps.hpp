/// HotSteps: how much a host may add before the next drain must hand it over.
///
/// Most hosts of a tick have sent a handful of packets and are far from every threshold. A line whose packets, bytes
/// or flows cross a multiple of the step is *hot* and goes with the next drain; all others wait for their turn, which
/// comes every kSweepDrains drains. So what is kept back of a line is always less than one step of each.
///
/// - Any thread may set the steps while lanes count and drain.
/// - A step is a power of two. Exact, as at the start: every drain hands over everything.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidegate {

/// A power of two, so that the slots of a word of marks are divided evenly.
inline constexpr unsigned kSweepDrains = 8;

/// What must not be kept back of a host, in packets, bytes and flows; steps are at most these.
struct KeptBack {
  double packets = 0;
  double bytes = 0;
  double flows = 0;
};

class HotSteps {
 public:
  /// The bits above the step; no bit at all while exact.
  struct Masks {
    std::uint32_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint32_t flows = 0;
  };

  /// Exact where less than two packets or flows may be kept back.
  void set(const KeptBack& most) noexcept {
    const auto log2_of = [](double limit) {
      constexpr double kMost = 1 << 30;
      return static_cast<std::uint32_t>(std::bit_width(static_cast<std::uint64_t>(std::clamp(limit, 1.0, kMost))) - 1);
    };
    const std::uint32_t packets = log2_of(most.packets);
    const std::uint32_t bytes = log2_of(most.bytes);
    const std::uint32_t flows = log2_of(most.flows);
    const bool exact = packets == 0 || flows == 0 || bytes == 0;
    logs_.store(exact ? 0 : packets | bytes << 8 | flows << 16, std::memory_order_relaxed);
  }
  [[nodiscard]] bool exact() const noexcept { return logs_.load(std::memory_order_relaxed) == 0; }
  [[nodiscard]] Masks masks() const noexcept {
    const std::uint32_t logs = logs_.load(std::memory_order_relaxed);
    if (logs == 0) return {};
    return {~std::uint32_t{0} << (logs & 255), ~std::uint64_t{0} << (logs >> 8 & 255), ~std::uint32_t{0} << (logs >> 16)};
  }

 private:
  std::atomic<std::uint32_t> logs_{0};
};

}  // namespace tidegate
