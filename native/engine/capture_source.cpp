#include "capture_source.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>

#include "frame_counting.hpp"

namespace tidegate {

namespace {
/// A worker reads the kernel's counters after so many polls, and whenever it was idle.
constexpr unsigned kPollsPerStats = 64;

/// What waits in a block at a tick is judged one tick later, so it is kept well below a tick.
std::uint32_t block_timeout_cap(std::int64_t tick_micros) noexcept {
  constexpr std::int64_t kBlocksPerTick = 4;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, tick_micros / 1000 / kBlocksPerTick));
}
}  // namespace

Opened<std::shared_ptr<Source>> CaptureSource::open(std::shared_ptr<Engine> engine, const CaptureSettings& settings) {
  // What a sampled packet leaves uncertain is handed over with it.
  const HandedOver how = settings.sampling == 1 ? HandedOver::in_turn : HandedOver::at_once;
  std::vector<TappedLane> lanes;
  for (std::uint32_t i = 0; i < std::min(settings.capture.workers, kMaxWorkers); ++i) {
    lanes.push_back(TappedLane::make(*engine, how, true));
    if (!lanes.back().lane) return system_failure("counters of " + settings.capture.interface, ENOMEM);
  }
  AfPacketOptions options = settings.capture;
  options.block_timeout_ms = std::clamp(options.block_timeout_ms, 1U, block_timeout_cap(engine->settings().tick_micros));
  auto workers = open_af_packet(options);
  if (!workers.ok()) return workers.failure();
  return std::shared_ptr<Source>{std::make_shared<CaptureSource>(std::move(engine), std::move(lanes), std::move(workers.value()), settings)};
}

CaptureSource::CaptureSource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes,
                             std::vector<AfPacketWorker> workers, const CaptureSettings& settings)
    : Source{std::move(engine), std::move(lanes), wall_micros()},
      settings_{settings},
      workers_{std::move(workers)},
      shared_(workers_.size()) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) { run(stop, i); });
  }
}

CaptureSource::~CaptureSource() { threads_.clear(); }

void CaptureSource::close() noexcept {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void CaptureSource::run(const std::stop_token& stop, std::size_t worker) {
  name_this_thread("tg-" + settings_.capture.interface + "/" + std::to_string(worker));
  try {
    work(stop, worker);
  } catch (const std::exception& error) {
    set_fault(std::string{"capture thread: "} + error.what());
  }
}

void CaptureSource::work(const std::stop_token& stop, std::size_t worker) {
  AfPacketWorker& packets = workers_[worker];
  Lane& counters = *lane(worker).lane;
  FrameCounting counting{settings_.wire, settings_.sampling};
  unsigned polls = 0;
  std::uint64_t times_near = 0;
  while (!stop.stop_requested()) {
    const PollResult result = packets.poll(kPollTimeoutMs, [&](std::span<const CapturedFrame> frames) {
      for (const CapturedFrame& frame : frames) counting.take(counters, packets.link(), frame);
      counting.flush(counters);
      look_for_near(counters.times_near(), times_near);
    });
    note_fault(worker, result.fault);
    if (++polls % kPollsPerStats == 0 || result.frames == 0) {
      shared_[worker].dropped.store(packets.stats().dropped, std::memory_order_relaxed);
    }
    // These two do not heal, and polling would not wait.
    if (result.fault == CaptureFault::interface_gone || result.fault == CaptureFault::socket_failed) return;
  }
}

void CaptureSource::note_fault(std::size_t worker, CaptureFault fault) {
  if (shared_[worker].fault.exchange(fault, std::memory_order_relaxed) == fault) return;
  if (fault != CaptureFault::none) {
    set_fault(kCaptureFaultTexts[static_cast<std::size_t>(fault)]);
    return;
  }
  for (const Shared& other : shared_) {
    if (other.fault.load(std::memory_order_relaxed) != CaptureFault::none) return;
  }
  clear_fault();
}

std::uint64_t CaptureSource::dropped() const noexcept {
  std::uint64_t sum = 0;
  for (const Shared& worker : shared_) sum += worker.dropped.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace tidegate
