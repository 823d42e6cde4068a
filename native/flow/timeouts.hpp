/// What an exporter's records tell of its clock and of when it exports: learned, slowly forgotten, robust against
/// single outliers.
///
/// - Active timeout: the upper edge of the spans of lasting flows. Records that say so (FlowEnd::active) are taken
///   at their word; of an exporter that never says, spans count that pile up at their upper end (a cut leaves a
///   heap there, ends of flows do not), of kLeastActiveMicros at least.
/// - Inactive timeout: lags between a record's end and its export pile up there, and none is longer. Of an exporter
///   that never says why a record ended, those do not count that ended by FIN or RST, nor those exported about one
///   active timeout after their beginning: cut while the flow only paused, they lag by whatever the pause was.
///   Lags without such a heap tell nothing.
/// - Clock skew: the median of the last few export times minus arrivals; it holds the exporter's delay and its clock's
///   resolution (whole seconds in NetFlow version 9).
///
/// One per exporter, one thread, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "record.hpp"

namespace tidegate {

/// A longer span is a clock that has gone wrong, or the whole life of a flow by an exporter without an active timeout.
inline constexpr std::int64_t kLongestActiveMicros = std::int64_t{2} * 3600 * 1'000'000;
/// No shorter active timeout is guessed: where no flow lasts, the longest spans are those of flows that ended by themselves.
/// While none is learned, a shorter record is taken for the whole of its flow.
inline constexpr std::int64_t kLeastActiveMicros = 4'000'000;
/// FIN or RST among a record's flags: the flow has ended by itself.
inline constexpr std::uint8_t kTcpEnds = 1 | 4;

constexpr bool ended_by_tcp(const PacketFacts& facts) noexcept {
  return facts.protocol == 6 && (facts.tcp_flags & kTcpEnds) != 0;
}

/// Exporter's clock minus ours.
class ClockSkew {
 public:
  void learn(std::int64_t export_micros, std::int64_t at_micros) noexcept;
  [[nodiscard]] std::optional<std::int64_t> micros() const noexcept;

 private:
  static constexpr std::size_t kKept = 5;
  std::array<std::int64_t, kKept> kept_{};
  std::size_t seen_ = 0;
};

class FlowTimeouts {
 public:
  /// For each record with a span; `export_micros`: when it was exported, by the exporter's own clock.
  void learn(const PacketFacts& facts, const FlowDetail& detail, std::int64_t export_micros) noexcept {
    const auto span = static_cast<std::uint64_t>(detail.last_micros - detail.first_micros);
    const auto lag = static_cast<std::uint64_t>(export_micros - detail.last_micros);
    // Short and soon told teaches nothing, unless it says why it ended.
    if (span < kLeastSpanMicros && lag < kLeastSpanMicros && detail.end == FlowEnd::unknown) return;
    learn_from(facts, detail, export_micros);
  }
  /// Zero: not learned yet.
  [[nodiscard]] std::int64_t active_micros() const noexcept { return active_micros_; }
  [[nodiscard]] std::int64_t inactive_micros() const noexcept {
    return lag_edge_ != 0 ? static_cast<std::int64_t>(inactive_edge_) : 0;
  }

 private:
  /// Spans in eighths of an octave from one second to past kLongestActiveMicros.
  static constexpr std::size_t kBuckets = 104;
  static constexpr std::uint32_t kForgetAfter = 512;  // records; then all heaps are halved
  /// Most records tell a lag, so the heap is looked for once in so many, at first oftener.
  static constexpr std::uint32_t kLagsPerLook = 64;
  /// An idle record's lag is longer than what collecting records into one datagram takes.
  static constexpr std::int64_t kLeastLagMicros = 4'000'000;

  static constexpr std::int64_t kLeastSpanMicros = 1'000'000;

  void learn_from(const PacketFacts& facts, const FlowDetail& detail, std::int64_t export_micros) noexcept;
  [[nodiscard]] static std::size_t bucket_of(std::int64_t span_micros) noexcept;
  void learn_active(std::int64_t span_micros) noexcept;
  void learn_inactive(std::int64_t lag_micros) noexcept;
  [[nodiscard]] std::size_t edge_bucket() const noexcept;
  [[nodiscard]] std::size_t lag_edge_bucket() const noexcept;
  [[nodiscard]] bool cut_by_active(std::int64_t span_micros, std::int64_t lag_micros) const noexcept;

  std::array<std::uint16_t, kBuckets> spans_{};
  std::array<std::uint16_t, kBuckets> lag_counts_{};
  std::uint32_t spans_seen_ = 0;
  std::size_t edge_ = 0;        // bucket of the heap; zero: none
  std::int64_t active_micros_ = 0;
  double inactive_edge_ = 0;    // microseconds
  std::uint32_t lags_ = 0;
  std::size_t lag_edge_ = 0;    // bucket of the heap; zero: none
  bool says_active_ = false;    // has ever said that a record goes on
  bool says_idle_ = false;
};

}  // namespace tidegate
