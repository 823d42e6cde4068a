/// Flow telemetry → a lane: what listeners and the replay of telemetry share. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../flow/collector.hpp"
#include "source.hpp"

namespace tidegate {

inline constexpr std::size_t kPlayedAtOnce = 256;

class FlowCounting final : private PacketObserver {
 public:
  /// Takes the lane's place for its observer; `lane` outlives it.
  FlowCounting(TappedLane& lane, CollectorOptions options);
  FlowCounting(const FlowCounting&) = delete;
  FlowCounting& operator=(const FlowCounting&) = delete;

  void take(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros) {
    count(collector_.take(payload, sender, at_micros), at_micros);
  }
  /// One message of a transport session that has templates of its own.
  void take(std::span<const std::byte> message, const Address& sender, std::int64_t at_micros,
            templated::Decoder& session) {
    count(collector_.take(message, sender, at_micros, session), at_micros);
  }

  /// Counts what falls due until `at_micros` of the records that are spread over their time: once for every drain.
  void play(std::int64_t at_micros);

  /// How long its thread may sleep: while records are played out, a drain must find the next tick's share soon.
  [[nodiscard]] int patience_ms(std::int64_t tick_micros) const noexcept;

  [[nodiscard]] Collector& collector() noexcept { return collector_; }
  [[nodiscard]] const Collector& collector() const noexcept { return collector_; }

 private:
  void count(const Collected& collected, std::int64_t at_micros);
  void observe(const ObservedBatch& batch) noexcept override;

  TappedLane& lane_;
  Collector collector_;
  std::vector<FrameView> views_;
  std::array<Sighting, kPlayedAtOnce> played_{};
  std::uint64_t outside_ = 0;  // records of the datagram being counted
};

}  // namespace tidegate
