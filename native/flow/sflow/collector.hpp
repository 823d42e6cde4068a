/// sFlow datagrams of one listener or one capture: decoded, and booked to their exporters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../exporters.hpp"
#include "sflow.hpp"

namespace tidegate::sflow {

/// Since the collector was made. `packets` and `bytes` as exported, sampling not undone, unreadable packets included.
struct Totals {
  std::uint64_t datagrams = 0;        ///< with a readable header
  std::uint64_t flow_samples = 0;
  std::uint64_t counter_samples = 0;
  std::uint64_t discard_samples = 0;
  std::uint64_t other_samples = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const Totals&, const Totals&) = default;
};

class Collector {
 public:
  Collector(WireOptions options, std::size_t max_exporters, std::uint64_t seed)
      : options_{options}, exporters_{max_exporters, seed, policy_} {}

  Collector(const Collector&) = delete;  // the table refers to the policy beside it
  Collector& operator=(const Collector&) = delete;

  /// One UDP payload that `sender` sent. What is returned is good until the next call.
  RecordBatch& take(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros) noexcept;
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  [[nodiscard]] const ExporterTable& exporters() const noexcept { return exporters_; }

 private:
  WireOptions options_;
  RecordBatch batch_;
  Totals totals_;
  SamplingPolicy policy_;
  ExporterTable exporters_;
};

}  // namespace tidegate::sflow
