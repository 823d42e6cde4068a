#include "meter_sampling.hpp"

#include <algorithm>

namespace tidegate {

namespace {

/// A sum with relative error 1/√m is as sure as a count of m. Bounds of a count's mean by the cubic approximation of
/// Wilson and Hilferty to the chi-squared distribution (as Ulm, Am. J. Epidemiol. 131, 1990, uses the exact form): unlike
/// m − z√m they hold for a handful of samples as well, where the exact bounds are not symmetric.
double cubic(double m, double z) noexcept {
  const double root = std::max(0.0, 1 - 1 / (9 * m) + z / (3 * std::sqrt(m)));
  return m * root * root * root;
}

}  // namespace

double normal_quantile(double probability) noexcept {
  double low = 0;
  double high = 6;
  for (int round = 0; round < 60; ++round) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

Confidence::Confidence(std::optional<double> level) noexcept
    : decides_{level.has_value()},
      one_sided_{normal_quantile(level.value_or(kReportedLevel))},
      two_sided_{normal_quantile((1 + level.value_or(kReportedLevel)) / 2)} {}

// m = sum / dispersion, the variance being sum · dispersion.

double Confidence::lower(double sum, double dispersion, double z) noexcept {
  return std::min(sum, cubic(sum / dispersion, -z) * dispersion);
}

double Confidence::upper(double sum, double dispersion, double z) noexcept {
  return std::max(sum, cubic(sum / dispersion + 1, z) * dispersion);
}

Interval Confidence::interval(double sum, double dispersion) const noexcept {
  if (dispersion <= 0) return {sum, sum};
  return {lower(sum, dispersion, two_sided_), upper(sum, dispersion, two_sided_)};
}

}  // namespace tidegate
