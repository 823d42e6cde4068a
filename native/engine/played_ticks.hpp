/// PlayedTicks: the end of the tick that is being filled, for who counts what falls due in it: the drain's, or while drains
/// are seldom a tick of its own until the next one comes.
#pragma once

#include <cstdint>

namespace tidegate {

class PlayedTicks {
 public:
  PlayedTicks(std::int64_t drained_micros, std::int64_t tick_micros) : drained_{drained_micros}, tick_{tick_micros} {}

  /// True: a tick has begun. `most`: ticks from one drain to the next.
  [[nodiscard]] bool begun(std::int64_t drained_micros, std::int64_t most, std::int64_t now_micros) noexcept {
    if (drained_micros != drained_) {
      drained_ = drained_micros;
      end_ = drained_micros + tick_;
      return true;
    }
    if (end_ == 0 || now_micros < end_ || end_ >= drained_ + most * tick_) return false;
    end_ += tick_;
    return true;
  }
  [[nodiscard]] std::int64_t end() const noexcept { return end_; }

 private:
  std::int64_t drained_;
  std::int64_t tick_;
  std::int64_t end_ = 0;
};

}  // namespace tidegate
