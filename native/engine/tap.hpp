/// Tap: packets to or from one host or prefix, some from before it was opened, then the next ones.
///
/// - At most `count` packets in all, of which at most half are from before.
/// - Any number of capture threads offer, one reader takes, a part at a time if it likes. A capture thread never waits: a packet that
///   finds the tap locked passes by and is counted.
/// - What it holds lies in memory of its own, which goes back to the kernel with the tap: an attack may wait long to be explained.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "../base/prefix.hpp"
#include "packed_samples.hpp"
#include "sample.hpp"

namespace tidegate {

/// Packets that one tap may ask for.
inline constexpr std::size_t kMaxTapPackets = 65536;

class Tap {
 public:
  Tap(const Prefix& subject, std::size_t count, std::size_t sample_bytes)
      : subject_{subject}, sample_bytes_{sample_bytes}, count_{static_cast<std::int64_t>(count)}, left_{count_}, packets_{count, sample_bytes} {}

  [[nodiscard]] const Prefix& subject() const noexcept { return subject_; }
  [[nodiscard]] bool wants_more() const noexcept { return left_.load(std::memory_order_relaxed) > 0; }
  /// Packets that it has taken, those from before among them, read or not.
  [[nodiscard]] std::int64_t gathered() const noexcept { return count_ - left_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t passed_by() const noexcept { return passed_by_.load(std::memory_order_relaxed); }

  /// From a capture thread.
  void offer(const ObservedBatch& batch, std::size_t i, std::int64_t at_micros) {
    const std::unique_lock lock{mutex_, std::try_to_lock};
    if (!lock.owns_lock()) {
      passed_by_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (left_.load(std::memory_order_relaxed) <= 0) return;
    take_sample(batch, i, at_micros, sample_bytes_, seen_);
    if (packets_.push(seen_)) left_.fetch_sub(1, std::memory_order_relaxed);
    else passed_by_.fetch_add(1, std::memory_order_relaxed);
  }
  /// Puts packets from before ahead of all others. Before the tap is known to any capture thread.
  void begin_with(const std::vector<Sample>& recent) {
    const std::lock_guard lock{mutex_};
    for (const Sample& sample : recent) {
      if (packets_.push(sample)) left_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  /// Packets to the subject from the minutes before, oldest first. Before the tap is known to anybody.
  void remember(std::vector<Sample> before) { before_ = std::move(before); }
  [[nodiscard]] const std::vector<Sample>& before() const noexcept { return before_; }
  /// The oldest of what has come since the last read.
  [[nodiscard]] std::vector<Sample> read(std::size_t most = kMaxTapPackets) {
    const std::lock_guard lock{mutex_};
    return packets_.take(most);
  }

 private:
  const Prefix subject_;
  const std::size_t sample_bytes_;
  const std::int64_t count_;
  std::atomic<std::int64_t> left_;
  std::atomic<std::uint64_t> passed_by_{0};
  std::vector<Sample> before_;
  std::mutex mutex_;
  PackedSamples packets_;  // under mutex_
  Sample seen_;            // under mutex_; the one that is being packed
};

}  // namespace tidegate
