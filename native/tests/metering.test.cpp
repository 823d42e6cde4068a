/// engine/metering: questions and watches while a worker absorbs and judges.
#include <atomic>
#include <thread>

#include "../engine/metering.hpp"
#include "check.hpp"
#include "meter_feed.hpp"

using namespace tidegate;
using namespace tidegate::check;

TEST("questions are answered in the midst of large batches, and nothing is lost") {
  constexpr std::uint32_t kHosts = 60'000;
  constexpr std::int64_t kStart = 1'000'000'000;
  constexpr int kTicks = 8;
  Metering metering{judging_pps(100)};
  std::atomic<bool> done{false};
  std::size_t exceeded = 0;
  std::thread worker{[&] {
    for (int tick = 0; tick < kTicks; ++tick) {
      BatchOf batch{kStart + tick * kTick, kStart + (tick + 1) * kTick};
      for (std::uint32_t i = 0; i < kHosts; ++i) batch.host(ipv4_address(0x0a000000U + i), {{kPps, i < 300 ? 200U : 2U}});
      batch.network(0, {{kPps, kHosts}});
      metering.absorb(batch, 1);
      exceeded += metering.judge(kStart + (tick + 1) * kTick).exceeded.size();
    }
    done.store(true);
  }};
  std::size_t asked = 0;
  while (!done.load()) {
    const auto host = ipv4_address(0x0a000000U + static_cast<std::uint32_t>(asked % kHosts));
    const auto id = metering.ask([&](Meter& meter) { return meter.watch({1, host, std::nullopt, false}); });
    const auto top = metering.ask([&](Meter& meter) { return meter.top(kPps, 3, kStart); });
    CHECK(top.size() <= 3U);
    metering.ask([&](Meter& meter) { meter.unwatch(*id); });
    ++asked;
  }
  worker.join();
  CHECK(asked > 0U);
  CHECK(exceeded == 300U);
  const auto total = metering.ask([&](Meter& meter) { return meter.total(kStart + kTicks * kTick); });
  CHECK(total[kPps] == static_cast<double>(kHosts) * kTicks);
}
