/// Flow telemetry → a lane: what listeners and the replay of telemetry share. One thread.
///
/// Datagrams that came together are counted together: a lane asks for its rows ahead, and one datagram's records are too
/// few for that. What they say as captured is shown by the lane only behind their records.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "../capture/udp.hpp"
#include "../flow/collector.hpp"
#include "flow_lumps.hpp"
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
    gather(collector_.take(payload, sender, at_micros), at_micros);
    count(at_micros);
  }
  /// One message of a transport session that has templates of its own.
  void take(std::span<const std::byte> message, const Address& sender, std::int64_t at_micros,
            templated::Decoder& session) {
    gather(collector_.take(message, sender, at_micros, session), at_micros);
    count(at_micros);
  }
  /// Datagrams that came together.
  void take(std::span<const Datagram> datagrams, std::int64_t at_micros);

  /// Counts what falls due until `at_micros` of the records that are spread over their time: once for every drain.
  void play(std::int64_t at_micros);

  /// From now on hosts that come near a threshold are told; `steps`, those that the lane goes by.
  void watch_near(std::shared_ptr<const SharedSteps> steps) noexcept { steps_ = std::move(steps); }
  /// How often one has.
  [[nodiscard]] std::uint64_t times_near() const noexcept { return lane_.lane->times_near() + lumps_near_; }

  /// How long its thread may sleep: while records are played out, a drain must find the next tick's share soon.
  [[nodiscard]] int patience_ms(std::int64_t tick_micros) const noexcept;

  [[nodiscard]] Collector& collector() noexcept { return collector_; }
  [[nodiscard]] const Collector& collector() const noexcept { return collector_; }

 private:
  /// One datagram's part of what is counted together.
  struct Part {
    ExporterRef exporter;
    std::size_t end = 0;        // of its sightings among those gathered
    std::uint64_t outside = 0;  // of its records
  };

  void gather(const Collected& collected, std::int64_t at_micros);
  void show(const Collected& collected, std::size_t from, std::int64_t at_micros);
  void count(std::int64_t at_micros);
  void look_for_lumps(std::span<const Sighting> counted, std::uint64_t packet_bits, std::uint64_t byte_bits,
                      std::int64_t at_micros) noexcept;
  void observe(const ObservedBatch& batch) noexcept override;

  TappedLane& lane_;
  Collector collector_;
  std::vector<FrameView> views_;  // the first views_used_: none, or parallel to the sightings gathered
  std::size_t views_used_ = 0;
  std::vector<Part> parts_;       // of datagrams that gave some
  std::size_t observed_ = 0;      // of the sightings gathered
  std::size_t part_ = 0;          // that the next of them may belong to
  std::uint64_t packets_ = 0;     // as exported, of all gathered
  std::uint64_t bytes_ = 0;
  std::uint64_t packet_bits_ = 0;  // of the amounts of all sightings gathered
  std::uint64_t byte_bits_ = 0;
  std::array<Sighting, kPlayedAtOnce> played_{};
  std::shared_ptr<const SharedSteps> steps_;  // null: nobody asks who is near
  FlowLumps lumps_;
  std::uint64_t lumps_near_ = 0;
};

}  // namespace tidegate
