/// How long a meter takes for one tick: absorbing a batch of active hosts, then judging.
///
/// Usage: bench-meter [hosts …]; 65536 and 1048576 unless told. Five values a host, a fourth of them judged.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../tests/meter_feed.hpp"

namespace {

using namespace tidegate;
using namespace tidegate::check;

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void measure(std::uint32_t hosts) {
  MeterOptions options = judging_pps(20'000);
  options.limits.outgoing = options.limits.incoming;
  options.limits.incoming[1] = options.limits.outgoing[1] = 1000;
  Meter meter{options};
  double absorb = 1e9;
  double first = 0;
  double judge = 1e9;
  double top = 1e9;
  for (int tick = 0; tick < 25; ++tick) {
    BatchOf batch{1'000'000'000 + tick * kTick, 1'000'000'000 + (tick + 1) * kTick};
    for (std::uint32_t i = 0; i < hosts; ++i) {
      const std::uint64_t packets = 1 + i % 50;
      batch.host(ipv4_address(0x0a000000U + i), {{0, packets}, {2, packets}, {6, packets * 500}, {8, packets * 500}, {12, 1}});
    }
    batch.network(0, {{0, hosts}});
    auto start = std::chrono::steady_clock::now();
    meter.absorb(batch);
    if (tick == 0) first = milliseconds_since(start);
    absorb = std::min(absorb, milliseconds_since(start));
    start = std::chrono::steady_clock::now();
    (void)meter.judge(1'000'000'000 + (tick + 1) * kTick);
    judge = std::min(judge, milliseconds_since(start));
    start = std::chrono::steady_clock::now();
    (void)meter.top(0, 10, 1'000'000'000 + (tick + 1) * kTick);
    top = std::min(top, milliseconds_since(start));
  }
  const auto counts = meter.counts();
  std::printf("%9u hosts: absorb %.2f ms (first %.2f), judge %.4f ms, top 10 %.2f ms, %.0f bytes a host\n", hosts, absorb,
              first, judge, top, static_cast<double>(counts.bytes) / hosts);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    measure(65'536);
    measure(1'048'576);
  }
  for (int i = 1; i < argc; ++i) measure(static_cast<std::uint32_t>(std::strtoul(argv[i], nullptr, 10)));
  return 0;
}
