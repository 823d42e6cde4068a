/// Batches for tests of the meter, and the slow and obvious meter that the real one is held to.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "../base/address.hpp"
#include "../base/hash.hpp"
#include "../counters/meter.hpp"

namespace tidegate::check {

inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kTick = 100'000;
inline constexpr std::size_t kPps = 0;
inline constexpr std::size_t kBytes = kBytesAt;
inline constexpr std::size_t kOut = kDirectionValues;

/// Not judged at all; tests set what they judge.
inline MetricLimits no_limits() {
  MetricLimits limits;
  limits.fill(std::numeric_limits<double>::quiet_NaN());
  return limits;
}
inline MeterOptions quiet_options() {
  MeterOptions options;
  options.limits = {no_limits(), no_limits(), no_limits(), no_limits()};
  options.networks = 4;
  return options;
}
/// Judges packets per second to each host.
inline MeterOptions judging_pps(double threshold, std::int64_t window = kSecond) {
  MeterOptions options = quiet_options();
  options.limits.incoming[0] = threshold;
  options.window_micros = window;
  return options;
}

using Values = std::map<std::size_t, std::uint64_t>;

class BatchOf {
 public:
  BatchOf(std::int64_t from, std::int64_t to) {
    batch_.from_micros = from;
    batch_.to_micros = to;
  }
  BatchOf& host(const Address& host, const Values& values) {
    std::uint64_t header = host.family == Family::ipv6 ? kHostIpv6 : host.low;
    for (const auto& [value, amount] : values) {
      if (amount != 0) header |= std::uint64_t{1} << (kHostMaskShift + value);
    }
    batch_.host_words.push_back(header);
    if (host.family == Family::ipv6) batch_.host_words.insert(batch_.host_words.end(), {host.high, host.low});
    for (const auto& [value, amount] : values) {
      if (amount != 0) batch_.host_words.push_back(amount);
    }
    ++batch_.hosts;
    return *this;
  }
  BatchOf& network(std::uint32_t network, const Values& values) {
    NetworkDelta delta{network, {}};
    for (const auto& [value, amount] : values) delta.values[value] = amount;
    batch_.networks.push_back(delta);
    return *this;
  }
  operator const Batch&() const { return batch_; }  // NOLINT: a batch in the making is a batch

 private:
  Batch batch_;
};

/// Deltas of one value of one subject and the spans they came over; the sum over a window by going through them all.
class PlainWindow {
 public:
  void add(std::int64_t from, std::int64_t to, std::uint64_t delta) { spans_.push_back({from, to, delta}); }
  [[nodiscard]] double sum(std::int64_t now, std::int64_t window) const {
    double total = 0;
    for (const Span& span : spans_) {
      const std::int64_t inside = std::min(span.to, now) - std::max(span.from, now - window);
      if (inside <= 0) continue;
      total += static_cast<double>(span.delta) * static_cast<double>(inside) / static_cast<double>(span.to - span.from);
    }
    return total;
  }

 private:
  struct Span {
    std::int64_t from;
    std::int64_t to;
    std::uint64_t delta;
  };
  std::vector<Span> spans_;
};

/// Packets of a steady stream that began at `start`, in [from, to).
inline std::uint64_t steady(double per_second, std::int64_t start, std::int64_t from, std::int64_t to) {
  const auto upto = [&](std::int64_t at) {
    return at <= start ? 0.0 : std::floor(static_cast<double>(at - start) * per_second / 1e6 + 1e-7);
  };
  return static_cast<std::uint64_t>(upto(to) - upto(from));
}

/// Uniform in [low, high].
inline std::int64_t between(std::uint64_t& state, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(next_random(state) % static_cast<std::uint64_t>(high - low + 1));
}

}  // namespace tidegate::check
