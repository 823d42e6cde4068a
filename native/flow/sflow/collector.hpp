/// sFlow datagrams of one listener or one capture: decoded, and booked to their exporters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../exporters.hpp"
#include "sflow.hpp"

namespace tidegate::sflow {

class Collector {
 public:
  Collector(WireOptions options, std::size_t max_exporters, std::uint64_t seed)
      : decoder_{options}, exporters_{max_exporters, seed, policy_} {}

  Collector(const Collector&) = delete;  // the table refers to the policy beside it
  Collector& operator=(const Collector&) = delete;

  /// One UDP payload that `sender` sent. What is returned is good until the next call.
  [[nodiscard]] const Datagram& take(std::span<const std::byte> payload, const Address& sender,
                                     std::int64_t at_micros) noexcept;
  [[nodiscard]] const Totals& totals() const noexcept { return decoder_.totals(); }
  [[nodiscard]] const ExporterTable& exporters() const noexcept { return exporters_; }

 private:
  Decoder decoder_;
  SamplingPolicy policy_;
  ExporterTable exporters_;
};

}  // namespace tidegate::sflow
