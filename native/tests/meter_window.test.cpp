/// counters/meter: sums, promptness and silence, held to a plain model over random phases and drains.
#include <string>

#include "check.hpp"
#include "meter_feed.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr double kThreshold = 20'000;
const Address kHost = ipv4_address(0xc6336407);  // 198.51.100.7
constexpr std::int64_t kEpoch = 1'795'480'780'123'457;

/// Drain times from `start` on, one a tick, each up to `jitter` early or late.
std::vector<std::int64_t> drains(std::uint64_t& random, std::int64_t start, std::int64_t jitter, std::int64_t length) {
  std::vector<std::int64_t> times{start};
  for (std::int64_t at = start + kTick; at < start + length; at += kTick) {
    times.push_back(at + (jitter == 0 ? 0 : between(random, -jitter, jitter)));
  }
  return times;
}

struct Attack {
  double rate;
  std::int64_t window;
  std::int64_t jitter;
  std::size_t lanes;
};

/// When an attack from a quiet host is decided, in judgements after the first that could have; -1 if never.
int judgements_late(std::uint64_t& random, const Attack& attack) {
  Meter meter{judging_pps(kThreshold, attack.window)};
  const std::int64_t quiet = between(random, 0, 2 * attack.window / kTick) * kTick;
  const std::int64_t start = kEpoch + quiet + between(random, 1, kTick - 1);
  const auto due = start + static_cast<std::int64_t>(static_cast<double>(attack.window) * kThreshold / attack.rate);
  const auto times = drains(random, kEpoch, attack.jitter, quiet + 2 * attack.window + kSecond);
  int late = -1;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const std::uint64_t packets = steady(attack.rate, start, times[i - 1], times[i]);
    for (std::size_t lane = 0; lane < attack.lanes; ++lane) {
      const std::uint64_t share = packets * (lane + 1) / attack.lanes - packets * lane / attack.lanes;
      BatchOf batch{times[i - 1], times[i]};
      if (share > 0) batch.host(kHost, {{kPps, share}});
      meter.absorb(batch, attack.lanes);
    }
    const bool fired = !meter.judge(times[i]).exceeded.empty();
    if (times[i] >= due) ++late;
    if (fired) return std::max(late, 0);
  }
  return -1;
}

}  // namespace

TEST("a host's sum over the window is that of its deltas, whatever the phase of the ticks") {
  std::uint64_t random = 7;
  for (int round = 0; round < 60; ++round) {
    const std::int64_t window = std::array{kSecond, 5 * kSecond, 15 * kSecond}[static_cast<std::size_t>(round) % 3];
    Meter meter{judging_pps(1000, window)};  // low enough that the host has buckets from its first packet
    PlainWindow plain;
    std::int64_t at = kEpoch + between(random, 0, kSecond);
    for (int tick = 0; tick < 400; ++tick) {
      const std::int64_t next = at + kTick;
      const auto delta = static_cast<std::uint64_t>(between(random, 600, 5000));
      meter.absorb(BatchOf{at, next}.host(kHost, {{kPps, delta}}));
      plain.add(at, next, delta);
      at = next;
      const auto rates = meter.rates(kHost, at);
      REQUIRE(rates.has_value());
      const double per_window = (*rates)[kPps] * static_cast<double>(window) / 1e6;
      REQUIRE(std::llround(per_window) == std::llround(plain.sum(at, window)));
    }
  }
}

TEST("with late and early ticks a sum is off by less than one tick's deltas") {
  std::uint64_t random = 11;
  constexpr std::int64_t kMost = 5000;
  for (int round = 0; round < 60; ++round) {
    Meter meter{judging_pps(1000)};
    PlainWindow plain;
    const auto times = drains(random, kEpoch, 50'000, 40 * kSecond);
    for (std::size_t i = 1; i < times.size(); ++i) {
      const auto delta = static_cast<std::uint64_t>(between(random, 600, kMost));
      if (times[i] <= times[i - 1]) continue;
      meter.absorb(BatchOf{times[i - 1], times[i]}.host(kHost, {{kPps, delta}}));
      plain.add(times[i - 1], times[i], delta);
      const auto rates = meter.rates(kHost, times[i]);
      REQUIRE(rates.has_value());
      REQUIRE(std::abs((*rates)[kPps] - plain.sum(times[i], kSecond)) < static_cast<double>(kMost));
    }
  }
}

TEST("an attack is decided at the first judgement at which it can be, or the next") {
  std::uint64_t random = 3;
  for (const double times_threshold : {1.05, 1.1, 1.5, 2.0, 5.0, 15.0, 100.0}) {
    for (const std::int64_t window : {kSecond, 5 * kSecond, 15 * kSecond}) {
      for (const std::int64_t jitter : {std::int64_t{0}, std::int64_t{50'000}}) {
        for (const std::size_t lanes : {std::size_t{1}, std::size_t{4}}) {
          for (int round = 0; round < 12; ++round) {
            const int late = judgements_late(random, {times_threshold * kThreshold, window, jitter, lanes});
            if (late < 0 || late > 1) {
              NOTE(std::to_string(times_threshold) + "x, window " + std::to_string(window) + ", jitter " +
                   std::to_string(jitter) + ", lanes " + std::to_string(lanes));
            }
            CHECK(late >= 0);
            CHECK(late <= 1);
          }
        }
      }
    }
  }
}

TEST("a steady rate at or below the threshold never fires") {
  std::uint64_t random = 5;
  for (const double share : {1.0, 0.999, 0.5, 0.26, 0.25, 0.1}) {
    for (const std::int64_t window : {kSecond, 5 * kSecond, 15 * kSecond}) {
      for (const std::int64_t jitter : {std::int64_t{0}, std::int64_t{50'000}}) {
        for (int round = 0; round < 6; ++round) {
          Meter meter{judging_pps(kThreshold, window)};
          const auto times = drains(random, kEpoch + between(random, 0, kSecond), jitter, 3 * window + 3 * kSecond);
          const std::int64_t start = times[0] + between(random, 0, window);
          std::size_t fired = 0;
          for (std::size_t i = 1; i < times.size(); ++i) {
            if (times[i] <= times[i - 1]) continue;
            BatchOf batch{times[i - 1], times[i]};
            const std::uint64_t packets = steady(share * kThreshold, start, times[i - 1], times[i]);
            if (packets > 0) batch.host(kHost, {{kPps, packets}});
            meter.absorb(batch);
            fired += meter.judge(times[i]).exceeded.size();
          }
          CHECK(fired == 0);
        }
      }
    }
  }
}

TEST("a stalled drain is spread over its own time: a steady rate does not fire, an attack does") {
  for (const std::int64_t stall : {2 * kSecond, 30 * kSecond}) {
    for (const double share : {0.2, 0.9, 1.0, 1.1}) {
      Meter meter{judging_pps(kThreshold)};
      std::int64_t at = kEpoch;
      std::size_t fired = 0;
      for (int tick = 0; tick < 60; ++tick) {
        const std::int64_t next = at + (tick == 20 ? stall : kTick);
        meter.absorb(BatchOf{at, next}.host(kHost, {{kPps, steady(share * kThreshold, kEpoch, at, next)}}));
        fired += meter.judge(next).exceeded.size();
        at = next;
      }
      NOTE("share " + std::to_string(share));
      CHECK(fired == (share > 1 ? 1U : 0U));
    }
  }
}

TEST("two sources that each carry half are judged by their sum") {
  for (const double share : {1.0, 1.05}) {
    Meter meter{judging_pps(kThreshold)};
    std::size_t fired = 0;
    for (int tick = 0; tick < 40; ++tick) {
      for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{37'000}}) {
        const std::int64_t from = kEpoch + offset + tick * kTick;
        const std::uint64_t half = steady(share * kThreshold / 2, kEpoch, from, from + kTick);
        meter.absorb(BatchOf{from, from + kTick}.host(kHost, {{kPps, half}}));
        fired += meter.judge(from + kTick).exceeded.size();
      }
    }
    CHECK(fired == (share > 1 ? 1U : 0U));
  }
}
