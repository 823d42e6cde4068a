/// RecentRing: a sparse record of the last two seconds of one lane, so that evidence can begin before a decision.
///
/// - kRecentSlots packets, one in N, where N follows the packet rate so that the ring spans about kRecentSpanMicros.
/// - One writer, the lane's thread; any reader. The writer never waits: a sample that finds the ring locked is left out.
/// - Between samples a packet costs nothing; a batch costs two comparisons.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "../base/prefix.hpp"
#include "host_memory.hpp"
#include "sample.hpp"

namespace tidegate {

inline constexpr std::size_t kRecentSlots = 4096;
inline constexpr std::int64_t kRecentSpanMicros = 2'000'000;

class RecentRing {
 public:
  explicit RecentRing(std::size_t sample_bytes) : sample_bytes_{sample_bytes}, slots_(kRecentSlots) {
    for (Sample& slot : slots_) slot.bytes.reserve(sample_bytes);
  }

  /// From the lane's thread. `at_micros`: of the batch, where it shows no frames. `memory` is offered what is sampled.
  void observe(const ObservedBatch& batch, std::int64_t at_micros, HostMemory& memory) {
    const std::size_t packets = batch.sightings.size();
    if (packets == 0) return;
    // Few packets come: the interval is too long for them.
    if (at(batch, 0, at_micros) - last_at_ > 4 * kGapMicros) interval_ = std::max<std::uint64_t>(1, interval_ / 2);
    countdown_ = std::min(countdown_, interval_);
    while (countdown_ <= packets - taken_) {
      taken_ += countdown_;
      const std::size_t i = taken_ - 1;
      store(batch, i, at_micros, memory);
      adapt(at(batch, i, at_micros));
      countdown_ = interval_;
    }
    countdown_ -= packets - taken_;
    taken_ = 0;
  }

  /// The `most` heaviest samples to or from the subject, of equal ones the newest; oldest first.
  [[nodiscard]] std::vector<Sample> matching(const Prefix& subject, std::size_t most) const {
    std::vector<const Sample*> found;
    const std::lock_guard lock{mutex_};
    for (std::size_t back = 1; back <= kRecentSlots; ++back) {
      const Sample& sample = slots_[(next_ + kRecentSlots - back) % kRecentSlots];
      if (sample.at_micros == 0) break;  // not filled yet
      if (contains(subject, sample.facts.source) || contains(subject, sample.facts.destination)) found.push_back(&sample);
    }
    std::ranges::reverse(found);
    std::vector<Sample> kept;
    for (const std::size_t i : heaviest(found.size(), most, [&](std::size_t at) { return found[at]->sampling; })) {
      kept.push_back(*found[i]);
    }
    return kept;
  }

  /// Of the samples towards the subject that came within kRecentSpanMicros before `at_micros`.
  struct Arrival {
    std::int64_t at_micros;
    std::uint32_t origin;
    std::uint64_t packets;  ///< that it stands for, sampling and what the ring left out undone
  };
  [[nodiscard]] std::vector<Arrival> arrivals(const Prefix& subject, std::int64_t at_micros) const {
    std::vector<Arrival> found;
    const std::lock_guard lock{mutex_};
    for (const Sample& sample : slots_) {
      if (sample.at_micros <= at_micros - kRecentSpanMicros || sample.at_micros > at_micros) continue;
      if (sample.direction != Direction::incoming || !contains(subject, sample.facts.destination)) continue;
      found.push_back({sample.at_micros, sample.origin, sample.interval * sample.sampling});
    }
    return found;
  }

 private:
  static constexpr std::int64_t kGapMicros = kRecentSpanMicros / static_cast<std::int64_t>(kRecentSlots);
  static constexpr std::int64_t kAdaptEvery = 64;
  static constexpr std::uint64_t kMaxInterval = std::uint64_t{1} << 20;

  [[nodiscard]] static std::int64_t at(const ObservedBatch& batch, std::size_t i, std::int64_t otherwise) noexcept {
    return i < batch.frames.size() ? batch.frames[i].at_micros : otherwise;
  }
  void store(const ObservedBatch& batch, std::size_t i, std::int64_t at_micros, HostMemory& memory) {
    const std::unique_lock lock{mutex_, std::try_to_lock};
    if (!lock.owns_lock()) return;
    take_sample(batch, i, at_micros, sample_bytes_, slots_[next_]);
    slots_[next_].interval = interval_;
    memory.offer(slots_[next_]);
    next_ = (next_ + 1) % kRecentSlots;
  }
  /// Looks back over kAdaptEvery samples: a short burst is kept whole.
  void adapt(std::int64_t sampled_at) noexcept {
    last_at_ = sampled_at;
    if (++since_adapted_ < kAdaptEvery) return;
    const std::int64_t took = sampled_at - adapted_at_;
    since_adapted_ = 0;
    adapted_at_ = sampled_at;
    if (took < kAdaptEvery * kGapMicros / 2) interval_ = std::min(kMaxInterval, interval_ * 2);
    if (took > kAdaptEvery * kGapMicros * 2) interval_ = std::max<std::uint64_t>(1, interval_ / 2);
  }

  const std::size_t sample_bytes_;
  std::uint64_t interval_ = 1;
  std::uint64_t countdown_ = 1;
  std::size_t taken_ = 0;
  std::int64_t last_at_ = 0;
  std::int64_t adapted_at_ = 0;
  std::int64_t since_adapted_ = 0;
  mutable std::mutex mutex_;
  std::vector<Sample> slots_;  // under mutex_
  std::size_t next_ = 0;       // under mutex_
};

}  // namespace tidegate
