/// What sampling does to a rate: how far the truth may be from it, and on how many packets it rests.
///
/// A sum N over a window estimates the true number of packets from those that were observed. Its variance V is
/// estimated beside it (row.hpp), in the cheap form alone: what is kept of it is the ratio V/N, which for one
/// sampling rate w is w − 1 whatever the window, and for several their mean by packets. The variance of any sum of
/// packets of the same subject and direction then is that sum times the ratio; of bytes likewise, with a ratio that
/// holds how their lengths differ. A class (tcp, udp, …) has the ratio of its direction's total.
///
/// Flows are counted as far as they were seen: a lower bound when sampled, of which no interval is known.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "meter_limits.hpp"

namespace tidegate {

/// Variance by amount of one direction of a subject; zero: every packet was observed.
struct Dispersion {
  double packets = 0;  ///< in packets: the sampling rate less one
  double bytes = 0;    ///< in bytes

  [[nodiscard]] double of(std::size_t value) const noexcept {
    const std::size_t within = value % kDirectionValues;
    if (within == kFlowsAt) return 0;
    return within >= kBytesAt ? bytes : packets;
  }
  /// Packets observed, of a sum of packets.
  [[nodiscard]] double observed(double sum) const noexcept { return sum / (1 + packets); }
};

/// Where a value's packets are: its own place, of bytes that of the packets of the same class, of flows all packets.
constexpr std::size_t packets_of(std::size_t value) noexcept {
  const std::size_t within = value % kDirectionValues;
  const std::size_t direction = value - within;
  if (within == kFlowsAt) return direction + kPacketsAt;
  return within >= kBytesAt ? value - kBytesAt + kPacketsAt : value;
}

/// z with P(X < z) = `probability` for a standard normal X. Of 0.5 … 0.999999.
[[nodiscard]] double normal_quantile(double probability) noexcept;

struct Interval {
  double low = 0;
  double high = 0;
};

inline constexpr double kLeastConfidence = 0.5;
inline constexpr double kMostConfidence = 0.9999;

/// How sure a decision has to be.
class Confidence {
 public:
  /// `level`: kLeastConfidence … kMostConfidence; nothing: sums are judged as they are, and intervals are of kReportedLevel.
  explicit Confidence(std::optional<double> level) noexcept;

  /// Whether the true sum is above `limit`, as surely as asked for.
  [[nodiscard]] bool above(double sum, double dispersion, double limit) const noexcept {
    return sum > limit && (!decides_ || dispersion <= 0 || lower(sum, dispersion, one_sided_) > limit);
  }
  /// Where the true sum lies, both ends together as surely as asked for.
  [[nodiscard]] Interval interval(double sum, double dispersion) const noexcept;

  static constexpr double kReportedLevel = 0.95;

 private:
  [[nodiscard]] static double lower(double sum, double dispersion, double z) noexcept;
  [[nodiscard]] static double upper(double sum, double dispersion, double z) noexcept;

  bool decides_;
  double one_sided_;
  double two_sided_;
};

}  // namespace tidegate
