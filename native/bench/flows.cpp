#include "flows.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "../base/address.hpp"
#include "../engine/flow_counting.hpp"

namespace tidegate::bench {
namespace {

using Clock = std::chrono::steady_clock;

const Address kSender = ipv4_address(0xC000'0202);

/// Time that this thread has had a core, in seconds.
double core_seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

FlowsResult run_flows(const FrameStore& datagrams, std::shared_ptr<const HostSpace> space, const FlowsOptions& options) {
  FlowsResult result;
  EngineSettings settings;
  settings.space = std::move(space);
  settings.group_prefixes.resize(settings.space->hostgroups().size());
  settings.lane = {.count_flows = options.flows, .flow_slots = 1U << 22, .seed = options.seed};
  Engine engine{std::move(settings)};
  TappedLane lane = TappedLane::make(engine);
  if (!lane.lane || datagrams.size() == 0) return result;
  CollectorOptions collecting;
  collecting.seed = options.seed;
  if (options.protocol > FlowProtocol::sflow5) collecting.hold = HoldOptions{.seed = options.seed};
  FlowCounting counting{lane, std::move(collecting)};

  std::int64_t at_micros = wall_micros();
  std::vector<Datagram> received;
  for (std::size_t i = 0; i < datagrams.size(); ++i) received.push_back({datagrams.bytes(i), kSender, 0});
  // As many at once as a socket hands over.
  const auto count_all = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; i += kBatchDatagrams) {
      counting.take(std::span{received}.subspan(i, std::min(kBatchDatagrams, to - i)), at_micros);
    }
  };
  count_all(0, received.size());
  const CollectorTotals before = counting.collector().totals();

  constexpr std::size_t kDatagramsBetweenLooksAtClock = 256;
  const double core_begin = core_seconds();
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  std::size_t at = 0;
  while (Clock::now() < end) {
    at_micros = wall_micros();
    const std::size_t to = std::min(at + kDatagramsBetweenLooksAtClock, datagrams.size());
    count_all(at, to);
    at = to == datagrams.size() ? 0 : to;
  }
  result.seconds = core_seconds() - core_begin;
  const CollectorTotals& after = counting.collector().totals();
  result.datagrams = after.datagrams - before.datagrams;
  result.records = after.records - before.records;
  const auto records = static_cast<double>(result.records);
  result.mrps = records / result.seconds / 1e6;
  result.ns_per_record = result.records == 0 ? 0 : result.seconds * 1e9 / records;
  return result;
}

}  // namespace tidegate::bench
