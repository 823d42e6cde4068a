#include "flow_source.hpp"

#include <cerrno>
#include <exception>

#include "flow_streams.hpp"
#include "played_ticks.hpp"

namespace tidegate {

/// What belongs to one thread; others reach it through `reports`, and through `working` for a moment.
struct FlowSource::Worker {
  Worker(UdpListener listener, TappedLane& lane, CollectorOptions options)
      : socket{std::move(listener)}, counting{lane, std::move(options)} {}

  UdpListener socket;
  std::mutex working;     // held by the thread for a batch of datagrams at a time
  FlowCounting counting;  // under working
  FlowReports reports;
  std::atomic<std::uint64_t> dropped{0};
};

namespace {

/// What bounds all workers together is shared out evenly.
CollectorOptions share_of(const CollectorOptions& all, std::size_t workers) {
  const auto part = [&](std::size_t whole) { return (whole + workers - 1) / workers; };
  CollectorOptions one = all;
  one.templates.max_templates = part(all.templates.max_templates);
  one.templates.waiting_bytes = part(all.templates.waiting_bytes);
  if (one.hold) one.hold->max_held = part(all.hold->max_held);
  return one;
}

}  // namespace

Opened<std::shared_ptr<Source>> open_flow_source(std::shared_ptr<Engine> engine, const FlowSettings& settings) {
  if (settings.transport == FlowTransport::tcp) {
    auto streams = FlowStreams::open(std::move(engine), settings);
    if (!streams.ok()) return streams.failure();
    return std::shared_ptr<Source>{std::move(streams.value())};
  }
  auto opened = FlowSource::open(std::move(engine), settings);
  if (!opened.ok()) return opened.failure();
  return std::shared_ptr<Source>{std::move(opened.value())};
}

Opened<std::shared_ptr<FlowSource>> FlowSource::open(std::shared_ptr<Engine> engine, const FlowSettings& settings) {
  auto sockets = open_udp_workers(settings.socket, settings.workers);
  if (!sockets.ok()) return sockets.failure();
  std::vector<TappedLane> lanes;
  for (std::size_t i = 0; i < sockets.value().size(); ++i) {
    lanes.push_back(TappedLane::make(*engine, HandedOver::in_turn, true));
    if (!lanes.back().lane) return system_failure("counters of the flow listener", ENOMEM);
  }
  return std::make_shared<FlowSource>(std::move(engine), std::move(lanes), std::move(sockets.value()), settings);
}

FlowSource::FlowSource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, std::vector<UdpListener> sockets,
                       const FlowSettings& settings)
    : Source{std::move(engine), std::move(lanes), wall_micros()},
      asked_bytes_{settings.socket.receive_buffer_bytes},
      granted_bytes_{sockets.front().receive_buffer_bytes()},
      bound_port_{sockets.front().bound_port()} {
  const CollectorOptions options = share_of(settings.collector, sockets.size());
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(std::move(sockets[i]), lane(i), options));
    workers_.back()->counting.watch_near(this->engine().steps().shared());
  }
  for (const auto& worker : workers_) {
    threads_.emplace_back([this, &one = *worker](const std::stop_token& stop) { run(stop, one); });
  }
}

FlowSource::~FlowSource() {
  close();
  threads_.clear();
}

void FlowSource::close() noexcept {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void FlowSource::run(const std::stop_token& stop, Worker& worker) {
  name_this_thread("tg-flow:" + std::to_string(bound_port_));
  try {
    work(stop, worker);
  } catch (const std::exception& error) {
    set_fault(std::string{"flow thread: "} + error.what());
  }
}

void FlowSource::work(const std::stop_token& stop, Worker& worker) {
  const std::int64_t tick = engine().settings().tick_micros;
  std::int64_t told_at = 0;
  PlayedTicks ticks{last_drain(), tick};
  std::uint64_t times_near = 0;
  while (!stop.stop_requested()) {
    (void)worker.socket.poll(worker.counting.patience_ms(tick), [&](std::span<const Datagram> datagrams) {
      const std::int64_t now = wall_micros();
      const std::lock_guard lock{worker.working};
      worker.counting.take(datagrams, now);
      look_for_near(worker.counting.times_near(), times_near);
    });
    const std::int64_t now = wall_micros();
    if (ticks.begun(last_drain(), ticks_apart(), now)) {
      const std::lock_guard lock{worker.working};
      worker.counting.play(ticks.end());
      look_for_near(worker.counting.times_near(), times_near);
    }
    if (now - told_at < kReportEveryMicros && now >= told_at) continue;
    told_at = now;
    const std::uint64_t dropped = worker.socket.drops();
    worker.dropped.store(dropped, std::memory_order_relaxed);
    const std::lock_guard lock{worker.working};
    worker.counting.collector().expire(now);
    FlowListenerReport report;
    report.dropped = dropped;
    worker.reports.publish(worker.counting.collector(), report);
  }
}

std::vector<ExporterStats> FlowSource::exporters() const {
  std::vector<ExporterStats> all;
  for (const auto& worker : workers_) worker->reports.add_exporters(all);
  return all;
}

std::optional<FlowListenerReport> FlowSource::flow() const {
  FlowListenerReport all;
  for (const auto& worker : workers_) all.add(worker->reports.listener());
  all.receive_buffer_asked = asked_bytes_;
  all.receive_buffer = granted_bytes_;
  return all;
}

std::vector<templated::StoredTemplate> FlowSource::take_templates() {
  std::vector<templated::StoredTemplate> all;
  for (const auto& worker : workers_) worker->reports.take_templates(all);
  return all;
}

std::size_t FlowSource::restore_templates(std::span<const templated::StoredTemplate> stored) {
  std::size_t taken = 0;
  const std::int64_t now = wall_micros();
  for (const templated::StoredTemplate& one : stored) {
    Worker& worker = *workers_[worker_of(one.address, workers_.size())];
    const std::lock_guard lock{worker.working};
    taken += worker.counting.collector().restore(one, now) ? 1 : 0;
  }
  return taken;
}

std::uint64_t FlowSource::dropped() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->dropped.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace tidegate
