/// Thresholds as a meter judges them: per value of a host row, as a sum over the window.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../base/classes.hpp"

namespace tidegate {

/// In the order of kMetricTable and in each metric's unit; NaN: not judged.
using MetricLimits = std::array<double, kMetrics>;

/// Of one hostgroup: of each of its hosts by direction, of the group as a whole, of each of its networks.
struct MeterLimits {
  MetricLimits incoming;
  MetricLimits outgoing;
  MetricLimits total;
  MetricLimits network;
};

constexpr std::size_t value_of(std::size_t direction, std::size_t metric) noexcept {
  return direction * kDirectionValues + kMetricTable[metric].value;
}

/// One judged value. `limit` is in packets, bytes or flows over the window: what is strictly above it is over.
struct JudgedValue {
  std::uint8_t value = 0;  ///< 0 … kHostValues - 1
  std::uint8_t direction = 0;
  std::uint8_t metric = 0;
  double threshold = 0;  ///< in the metric's unit
  double limit = 0;
};

/// Judged values of both directions, incoming first, within a direction in the order in which causes are named.
class JudgedValues {
 public:
  JudgedValues(const MetricLimits& incoming, const MetricLimits& outgoing, std::int64_t window_micros) {
    const double seconds = static_cast<double>(window_micros) / 1e6;
    for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
      const MetricLimits& limits = direction == 0 ? incoming : outgoing;
      for (std::size_t metric = 0; metric < kMetrics; ++metric) {
        if (std::isnan(limits[metric])) continue;
        const double per_second = kMetricTable[metric].bits ? limits[metric] * 1e6 / 8 : limits[metric];
        const std::size_t value = value_of(direction, metric);
        index_of_[value] = static_cast<std::int8_t>(list_.size());
        mask_ |= std::uint32_t{1} << value;
        list_.push_back({static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(direction),
                         static_cast<std::uint8_t>(metric), limits[metric], per_second * seconds});
      }
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
  [[nodiscard]] const JudgedValue& operator[](std::size_t i) const noexcept { return list_[i]; }
  [[nodiscard]] auto begin() const noexcept { return list_.begin(); }
  [[nodiscard]] auto end() const noexcept { return list_.end(); }
  /// Bit v: value v is judged.
  [[nodiscard]] std::uint32_t mask() const noexcept { return mask_; }
  /// Place of a value in this list, or -1.
  [[nodiscard]] int index_of(std::size_t value) const noexcept { return index_of_[value]; }

 private:
  static constexpr std::array<std::int8_t, kHostValues> none_judged() noexcept {
    std::array<std::int8_t, kHostValues> none{};
    none.fill(-1);
    return none;
  }

  std::vector<JudgedValue> list_;
  std::array<std::int8_t, kHostValues> index_of_ = none_judged();
  std::uint32_t mask_ = 0;
};

/// All values of both directions per second: packets, bits, flows; the order of a host row.
using RateValues = std::array<double, kHostValues>;

/// What a sum over the window comes to per second, in packets, bits or flows.
constexpr double per_second(std::size_t value, double sum, std::int64_t window_micros) noexcept {
  const std::size_t within = value % kDirectionValues;
  const bool bytes = within >= kBytesAt && within < kFlowsAt;
  return sum * (bytes ? 8e6 : 1e6) / static_cast<double>(window_micros);
}

/// What a sum over the window comes to in the unit of the metric.
constexpr double in_unit(const JudgedValue& judged, double sum, std::int64_t window_micros) noexcept {
  const double rate = per_second(judged.value, sum, window_micros);
  return kMetricTable[judged.metric].bits ? rate / 1e6 : rate;
}

}  // namespace tidegate
