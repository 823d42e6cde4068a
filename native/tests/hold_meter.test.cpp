/// flow/hold in front of the real meter: what its decisions and its readings make of held flows.
#include <string>

#include "check.hpp"
#include "hold_clock.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr double kThreshold = 20'000;  // packets per second

struct Reading {
  bool attack = false;
  std::int64_t attack_at = 0;
  double low = 1e9;
  double high = 0;
};

/// A constant transfer at `share` of the threshold in records of `active`, through hold and meter. Readings as share of
/// the truth, from `settled` after the first record on.
Reading run(double share, std::int64_t active, std::int64_t window, std::int64_t settled, std::uint64_t seed) {
  HoldClock clock{{window, kTick, 64, seed}, true};
  Meter meter{judging_pps(kThreshold, window)};
  const Address host = ipv4_address(0xC000'0201);
  const double per_second = kThreshold * share;
  const std::int64_t began = clock.now() + between(seed, 0, kSecond);
  std::int64_t sent_to = began;
  std::int64_t arrives = began + active + between(seed, 0, 2 * kSecond);
  const std::int64_t first_arrival = arrives;
  Reading reading;
  while (clock.now() < first_arrival + 6 * active) {
    if (arrives < clock.tick_end()) {
      const std::int64_t to = sent_to + active;
      const std::uint64_t packets = steady(per_second, began, sent_to, to);
      (void)clock.take(record_of_flow(1, packets, packets * 1'000), span_detail(sent_to, to, FlowEnd::active), arrives);
      sent_to = to;
      arrives = std::max(arrives + 1, to + active + between(seed, 0, 2 * kSecond));
    }
    clock.tick();
    meter.absorb(BatchOf{clock.now() - kTick, clock.now()}.host(host, {{kPps, clock.packets_in_tick}, {kBytes, clock.bytes_in_tick}}));
    if (!meter.judge(clock.now()).exceeded.empty() && !reading.attack) {
      reading.attack = true;
      reading.attack_at = clock.now() - first_arrival;
    }
    if (clock.now() < first_arrival + settled) continue;
    const double read = (*meter.rates(host, clock.now()))[kPps] / per_second;
    reading.low = std::min(reading.low, read);
    reading.high = std::max(reading.high, read);
  }
  return reading;
}

}  // namespace

TEST("no transfer below a threshold is an attack, and one above is decided on the tick of its first record") {
  for (const std::int64_t window : {1, 5}) {
    for (const std::int64_t active : {5, 60, 300}) {
      for (const double share : {0.05, 0.2, 0.3, 0.55, 0.8, 0.95}) {
        NOTE("share " + std::to_string(share) + " active " + std::to_string(active) + " window " + std::to_string(window));
        CHECK(!run(share, active * kSecond, window * kSecond, 0, 11).attack);
      }
      NOTE("above, active " + std::to_string(active) + " window " + std::to_string(window));
      const Reading above = run(1.1, active * kSecond, window * kSecond, 0, 12);
      CHECK(above.attack);
      CHECK(above.attack_at <= kTick);
    }
  }
}

TEST("the meter reads a held flow right within 5 %: from its first tick where it is counted exactly, else once its strokes have melted") {
  for (const std::int64_t window : {1, 5}) {
    for (const double share : {0.01, 0.1, 0.2, 0.3, 0.6, 0.9}) {
      const std::int64_t settled = share > 0.26 ? kTick : 60 * window * kSecond;
      const Reading reading = run(share, 120 * kSecond, window * kSecond, settled, 13);
      NOTE("share " + std::to_string(share) + " window " + std::to_string(window));
      CHECK(reading.low >= 0.95);
      CHECK(reading.high <= 1.05);
    }
  }
}
