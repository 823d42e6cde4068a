/// counters/meter_sampling: what is judged of sampled traffic, and how often that is right.
#include "../counters/meter_sampling.hpp"

#include <cmath>
#include <string>

#include "check.hpp"
#include "meter_feed.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kEpoch = 1'795'480'780'000'000;
constexpr std::size_t kVariance = kHostValues + kPacketVarianceAt;
constexpr std::size_t kLengthVariance = kHostValues + kByteVarianceAt;
const Address kHost = ipv4_address(0xc6336407);

double uniform(std::uint64_t& random) {
  return (static_cast<double>(next_random(random) >> 11) + 0.5) / 9007199254740992.0;
}

/// How many of `rate` packets a second, at random times, come in one tick and are sampled 1 in `sampling`.
std::uint64_t samples_in_tick(std::uint64_t& random, double rate, double sampling) {
  double left = rate / sampling * static_cast<double>(kTick) / 1e6;
  std::uint64_t seen = 0;
  for (left += std::log(uniform(random)); left > 0; left += std::log(uniform(random))) ++seen;
  return seen;
}

/// What counters say of `samples` packets, sampled 1 in `sampling`, of `length` bytes each.
Values sampled(std::uint64_t samples, std::uint64_t sampling, std::uint64_t length = 500) {
  const std::uint64_t variance = samples * sampling * (sampling - 1);
  return {{kPps, samples * sampling},
          {kPps + 2, samples * sampling},
          {kBytes, samples * sampling * length},
          {kVariance, variance},
          {kLengthVariance, static_cast<std::uint64_t>(static_cast<double>(variance) * static_cast<double>(length * length) / kVarianceUnit)}};
}

class Stream {
 public:
  explicit Stream(const MeterOptions& options, std::uint64_t seed = 1) : meter_{options}, random_{seed} {}

  /// One tick of a host's traffic, sampled; the judgement at its end.
  MeterJudgement tick(double rate, std::uint64_t sampling) {
    return tick(sampled(samples_in_tick(random_, rate, static_cast<double>(sampling)), sampling));
  }
  MeterJudgement tick(const Values& values) {
    meter_.absorb(BatchOf{at_, at_ + kTick}.host(kHost, values).network(1, values));
    return meter_.judge(at_ += kTick);
  }
  Meter& meter() { return meter_; }

 private:
  Meter meter_;
  std::uint64_t random_;
  std::int64_t at_ = kEpoch;
};

MeterOptions confident(double threshold, std::optional<double> level) {
  MeterOptions options = judging_pps(threshold);
  options.confidence = level;
  return options;
}

}  // namespace

TEST("quantiles of the normal distribution are those of its tables") {
  const std::pair<double, double> rows[] = {{0.5, 0}, {0.95, 1.644854}, {0.975, 1.959964}, {0.999, 3.090232}, {0.9999, 3.719016}};
  for (const auto& [probability, z] : rows) CHECK(std::abs(normal_quantile(probability) - z) < 1e-5);
}

TEST("bounds of a count are the exact ones of its Poisson mean within two hundredths of a standard deviation") {
  // Half a chi-squared quantile: 2.5 % and 97.5 % of n and n + 1 samples.
  struct Row {
    double samples, low, high;
  };
  const Row rows[] = {{2, 0.2422, 7.2247}, {5, 1.6235, 11.6683}, {10, 4.7954, 18.3904}, {30, 20.2409, 42.8269}, {100, 81.3640, 121.6273}};
  const Confidence confidence{0.95};
  constexpr double kRate = 1e6;  // so coarse that dispersion and rate are the same
  for (const Row& row : rows) {
    NOTE(std::to_string(row.samples) + " samples");
    const Interval interval = confidence.interval(row.samples * kRate, kRate);
    const double tolerance = 0.02 * std::sqrt(row.samples) * kRate;
    CHECK(std::abs(interval.low - row.low * kRate) < tolerance);
    CHECK(std::abs(interval.high - row.high * kRate) < tolerance);
  }
}

TEST("a sampled rate fires when its lower bound is over, its plain rate when confidence is off or every packet was seen") {
  struct Row {
    const char* claim;
    std::optional<double> level;
    std::uint64_t samples, sampling;
    bool fires;
  };
  // The threshold is 100 samples a second at 1 in 1000.
  const Row rows[] = {
      {"off, just over", std::nullopt, 101, 1000, true},
      {"off, not over", std::nullopt, 100, 1000, false},
      {"95 %, just over", 0.95, 101, 1000, false},
      {"95 %, not yet enough", 0.95, 117, 1000, false},
      {"95 %, enough", 0.95, 119, 1000, true},
      {"99.9 %, not yet enough", 0.999, 132, 1000, false},
      {"99.9 %, enough", 0.999, 134, 1000, true},
      {"95 %, ten times the samples need less", 0.95, 1060, 100, true},
      {"99.9 %, every packet seen", 0.999, 100'001, 1, true},
      {"99.9 %, every packet seen, not over", 0.999, 100'000, 1, false},
  };
  for (const Row& row : rows) {
    NOTE(row.claim);
    Stream stream{confident(100'000, row.level)};
    CHECK(stream.tick(sampled(row.samples, row.sampling)).exceeded.size() == (row.fires ? 1U : 0U));
  }
}

TEST("networks and the group are judged by the lower bound as well, each by its own variance") {
  MeterOptions options = quiet_options();
  options.confidence = 0.95;
  options.limits.network[0] = 100'000;
  Stream network{options};
  CHECK(network.tick(sampled(110, 1000)).exceeded.empty());
  CHECK(network.tick(sampled(15, 1000)).exceeded.size() == 1U);
  options.limits.network[0] = std::numeric_limits<double>::quiet_NaN();
  options.limits.total[0] = 100'000;
  Stream total{options};
  CHECK(total.tick(sampled(110, 1000)).exceeded.empty());
  const auto over = total.tick(sampled(15, 1000)).exceeded;
  REQUIRE(over.size() == 1U);
  CHECK(over[0].subject.scope == Scope::hostgroup);
  CHECK(over[0].samples == 125.0);
}

TEST("without room for exact buckets the lower bound judges too") {
  MeterOptions options = confident(100'000, 0.95);
  options.exact_bytes = 0;
  Stream stream{options};
  CHECK(stream.tick(sampled(110, 1000)).exceeded.empty());
  CHECK(stream.tick(sampled(15, 1000)).exceeded.size() == 1U);
}

TEST("a threshold of zero fires on the first sample") {
  Stream stream{confident(0, 0.95)};
  CHECK(stream.tick(sampled(1, 1000)).exceeded.size() == 1U);
}

TEST("an attack says its samples and its interval, in the metric's unit; unsampled it says that it is exact") {
  MeterOptions options = quiet_options();
  options.limits.incoming[1] = 8;  // mbps
  Stream sampled_stream{options};
  const auto found = sampled_stream.tick(sampled(400, 100, 1000)).exceeded;  // 320 Mbit/s
  REQUIRE(found.size() == 1U);
  CHECK(found[0].rate == 320.0);
  CHECK(found[0].samples == 400.0);
  CHECK(std::abs(found[0].interval.low - 320 * (1 - 1.96 / 20)) < 2);  // of 400 samples two deviations are a tenth
  CHECK(std::abs(found[0].interval.high - 320 * (1 + 1.96 / 20)) < 2);
  Stream exact{options};
  const auto plain = exact.tick({{kPps, 40'000}, {kBytes, 40'000'000}}).exceeded;
  REQUIRE(plain.size() == 1U);
  CHECK(plain[0].samples == 0.0);
  CHECK(plain[0].interval.low == plain[0].rate);
  CHECK(plain[0].interval.high == plain[0].rate);
}

TEST("bytes are less certain the more their lengths differ") {
  MeterOptions options = quiet_options();
  options.limits.incoming[1] = 8;
  const auto width = [&](const Values& values) {
    Stream stream{options};
    const auto found = stream.tick(values).exceeded;
    return found.empty() ? 0.0 : found[0].interval.high - found[0].interval.low;
  };
  Values mixed = sampled(200, 1000, 60);
  for (const auto& [value, amount] : sampled(200, 1000, 1514)) mixed[value] += amount;
  const double same = width(sampled(400, 1000, 787));  // as many packets and bytes
  CHECK(same > 0);
  // The mean square over the squared mean of 60 and 1514 is 1.853.
  CHECK(std::abs(width(mixed) / same - std::sqrt(1.853)) < 0.03);
}

TEST("of sampled flows no interval is known, and they are judged as they were seen") {
  MeterOptions options = quiet_options();
  options.confidence = 0.999;
  options.limits.incoming[2] = 50;  // flows
  Stream stream{options};
  Values values = sampled(60, 1000);
  values[kFlowsAt] = 51;
  const auto found = stream.tick(values).exceeded;
  REQUIRE(found.size() == 1U);
  CHECK(found[0].samples == 60.0);
  CHECK(std::isinf(found[0].interval.high));
}

TEST("whether a watched host is still over, its plain rate says") {
  Stream stream{confident(100'000, 0.999)};
  const auto id = stream.meter().watch({0, kHost, std::nullopt, false});
  REQUIRE(id.has_value());
  const auto standing = [](const MeterJudgement& judgement) { return judgement.watched.at(0).over; };
  CHECK(standing(stream.tick(sampled(101, 1000))));
  for (int i = 0; i < 9; ++i) stream.tick(Values{{kPps, 0}});
  CHECK(!standing(stream.tick(sampled(100, 1000))));
}

TEST("at 0.9 of the threshold, sampled 1 in 1000, 3000 windows at 99.9 % never fire; judged as they are, most seconds do") {
  Stream sure{confident(100'000, 0.999), 7};
  Stream plain{confident(100'000, std::nullopt), 7};
  std::size_t fired = 0;
  std::size_t plainly = 0;
  for (int tick = 0; tick < 30'000; ++tick) {
    fired += sure.tick(90'000, 1000).exceeded.size();
    plainly += plain.tick(90'000, 1000).exceeded.size();
  }
  CHECK(fired == 0U);
  CHECK(plainly > 300U);
}

TEST("at 1.5 of the threshold an attack is found within W·T/R, two ticks, and what its samples cost") {
  // Samples whose lower bound is above the threshold's 100 or 1000.
  struct Row {
    double level;
    std::uint64_t sampling;
    double needed;
  };
  const Row rows[] = {{0.95, 1000, 118}, {0.999, 100, 1102}};
  for (const auto& [level, sampling, needed] : rows) {
    NOTE(std::to_string(level));
    const double per_second = 150'000.0 / static_cast<double>(sampling);
    std::size_t in_time = 0;
    constexpr std::size_t kRounds = 1000;
    for (std::size_t round = 0; round < kRounds; ++round) {
      Stream stream{confident(100'000, level), round + 1};
      int ticks = 1;
      while (ticks < 100 && stream.tick(150'000, sampling).exceeded.empty()) ++ticks;
      CHECK(ticks < 100);
      // They come in needed / per_second on average, and 98 of 100 times within two standard deviations more.
      const double due = (needed + 2.06 * std::sqrt(needed)) / per_second + 2 * 0.1;
      in_time += ticks * 0.1 <= due ? 1 : 0;
    }
    CHECK(in_time >= kRounds * 97 / 100);
  }
}

TEST("the interval holds the true rate in at least 93 of 100 windows, sampled 1 in 100 and 1 in 1000") {
  for (const std::uint64_t sampling : {std::uint64_t{100}, std::uint64_t{1000}}) {
    for (const double rate : {20'000.0, 150'000.0}) {
      NOTE("1 in " + std::to_string(sampling) + " of " + std::to_string(rate));
      std::size_t held = 0;
      constexpr std::size_t kWindows = 2000;
      std::uint64_t random = 3;
      for (std::size_t i = 0; i < kWindows; ++i) {
        const auto samples = static_cast<double>(samples_in_tick(random, rate * 10, static_cast<double>(sampling)));
        const auto weight = static_cast<double>(sampling);
        const Interval interval = Confidence{std::nullopt}.interval(samples * weight, weight - 1);
        held += interval.low <= rate && rate <= interval.high ? 1 : 0;
      }
      CHECK(held >= kWindows * 93 / 100);
      CHECK(held <= kWindows * 98 / 100);  // wider than it says would be as wrong
    }
  }
}

TEST("rows that were never sampled take no memory for variances; a page of those that were takes 9 KiB") {
  Stream stream{confident(100'000, 0.95)};
  stream.tick({{kPps, 10}});
  const std::size_t before = stream.meter().counts().bytes;
  stream.tick({{kPps, 10}});
  CHECK(stream.meter().counts().bytes == before);
  stream.tick(sampled(1, 1000));
  CHECK(stream.meter().counts().bytes == before + 256 * sizeof(VarianceSums));
}
