/// Metering: a meter behind a gate, so that large batches are taken in on another thread while questions are answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "../counters/meter.hpp"
#include "gate.hpp"

namespace tidegate {

/// What is done on the asking thread, at 30 ns a host; more goes to a worker.
inline constexpr std::size_t kInlineHosts = 16'384;
inline constexpr std::size_t kInlineSubjects = 4'096;
/// What a worker does under the lock in one go: below a millisecond.
inline constexpr std::size_t kHostsPerPart = 8'192;
inline constexpr std::size_t kSubjectsPerPart = 2'048;

class Metering {
 public:
  explicit Metering(const MeterOptions& options) : meter_{options} {}

  void absorb(const Batch& batch, std::size_t lanes) {
    Meter::AbsorbPart part;
    bool begun = false;
    gate_.in_parts([&] {
      if (!std::exchange(begun, true)) part = meter_.absorb_begin(batch, lanes);
      return meter_.absorb_some(batch, part, kHostsPerPart);
    });
  }
  [[nodiscard]] MeterJudgement judge(std::int64_t at) {
    Meter::JudgePart part;
    bool begun = false;
    gate_.in_parts([&] {
      if (!std::exchange(begun, true)) part = meter_.judge_begin(at);
      return meter_.judge_some(part, kSubjectsPerPart);
    });
    return std::move(part.out);
  }
  /// Asks the meter something short.
  template <class Question>
  auto ask(Question&& question) {
    return gate_.pass([&] { return question(meter_); });
  }

 private:
  Gate gate_;
  Meter meter_;
};

}  // namespace tidegate
