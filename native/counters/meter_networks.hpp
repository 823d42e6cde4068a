/// NetworkSums: rates of each network of a hostgroup, and of the group as a whole.
///
/// - The group's total has exact tick buckets of all values. So has each network, while that stays within
///   kNetworkBucketBytes for all of them; else of the judged values, and the rest in the cheap form.
/// - A network costs nothing until it is seen. Their number is bounded by the engine's list.
/// - One owner; not shared between threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "batch.hpp"
#include "meter_buckets.hpp"
#include "meter_limits.hpp"
#include "meter_rows.hpp"
#include "meter_sampling.hpp"
#include "meter_time.hpp"
#include "row.hpp"

namespace tidegate {

inline constexpr std::size_t kNetworkBucketBytes = std::size_t{32} << 20;

/// By the cheap form of both, over the same windows. `variances` null: never sampled.
[[nodiscard]] inline Dispersion dispersion_of(const MeterRow& row, const VarianceSums* variances, std::size_t direction,
                                              const Moment& now) noexcept {
  if (variances == nullptr || variances->window == 0) return {};
  const std::size_t at = direction * kDirectionVariances;
  const auto share = [&](std::size_t value, std::size_t variance) {
    const double amount = row.estimate(direction * kDirectionValues + value, now.window, now.elapsed);
    return amount > 0 ? variances->estimate(at + variance, now.window, now.elapsed) / amount : 0.0;
  };
  return {share(kPacketsAt, kPacketVarianceAt), share(kBytesAt, kByteVarianceAt) * kVarianceUnit};
}

class NetworkSums {
 public:
  struct Network {
    MeterRow row;
    VarianceSums variances;
    std::uint32_t ring = 0;
    std::array<bool, kHostDirections> reported{};
  };

  NetworkSums(const Timeline& time, const JudgedValues& judged, std::size_t networks);

  void absorb(const NetworkDelta& delta, const Spread& spread, const WindowShare& share);

  /// Sums over the window before `now`, exact where there are buckets. Move on to `now` first.
  void advance(const Moment& now);
  [[nodiscard]] double sum(const Network& network, std::size_t value, const Moment& now) const noexcept;
  [[nodiscard]] double total_sum(std::size_t value, const Moment& now) const noexcept;
  [[nodiscard]] Dispersion dispersion(const Network& network, std::size_t direction, const Moment& now) const noexcept {
    return dispersion_of(network.row, &network.variances, direction, now);
  }
  [[nodiscard]] Dispersion total_dispersion(std::size_t direction, const Moment& now) const noexcept {
    return dispersion_of(total_row_, &total_variances_, direction, now);
  }
  [[nodiscard]] RateValues rates(const Network& network, const Moment& now) const noexcept;
  [[nodiscard]] RateValues total_rates(const Moment& now) const noexcept;

  /// Networks seen so far, by their index.
  [[nodiscard]] std::map<std::uint32_t, Network>& networks() noexcept { return networks_; }
  [[nodiscard]] Network* make(std::uint32_t network);
  [[nodiscard]] Network* find(std::uint32_t network) noexcept;
  /// The network with the largest share of a value; nothing before one has been seen.
  [[nodiscard]] std::optional<std::uint32_t> largest(std::size_t value, const Moment& now) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::int64_t window_micros_;
  std::size_t limit_;
  bool all_values_;
  JudgedValues judged_;
  TickRings rings_;
  TickRings total_;
  MeterRow total_row_;  // in the cheap form as well, to be held against the variances
  VarianceSums total_variances_;
  std::map<std::uint32_t, Network> networks_;
};

}  // namespace tidegate
