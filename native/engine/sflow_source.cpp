#include "sflow_source.hpp"

#include <cerrno>
#include <exception>

namespace tidegate {

namespace {
/// How often the thread shows its exporters to others.
constexpr std::int64_t kPublishEveryMicros = 200'000;
}  // namespace

Opened<std::shared_ptr<SflowSource>> SflowSource::open(std::shared_ptr<Engine> engine, const SflowSettings& settings) {
  std::vector<TappedLane> lanes;
  lanes.push_back(TappedLane::make(*engine));
  if (!lanes.back().lane) return system_failure("counters of the sFlow listener", ENOMEM);
  auto listener = UdpListener::open(settings.socket);
  if (!listener.ok()) return listener.failure();
  return std::make_shared<SflowSource>(std::move(engine), std::move(lanes), std::move(listener.value()), settings);
}

SflowSource::SflowSource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, UdpListener listener,
                         const SflowSettings& settings)
    : Source{engine, std::move(lanes), wall_micros()},
      listener_{std::move(listener)},
      bound_port_{listener_.bound_port()},
      asked_{settings.socket.receive_buffer_bytes},
      granted_{listener_.receive_buffer_bytes()},
      counting_{settings.wire, settings.max_exporters, engine->settings().lane.seed},
      thread_{[this](const std::stop_token& stop) { run(stop); }} {}

SflowSource::~SflowSource() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void SflowSource::close() noexcept { thread_.request_stop(); }

void SflowSource::run(const std::stop_token& stop) {
  name_this_thread("tg-flow:" + std::to_string(bound_port_));
  try {
    work(stop);
  } catch (const std::exception& error) {
    set_fault(std::string{"sFlow thread: "} + error.what());
  }
}

void SflowSource::work(const std::stop_token& stop) {
  std::int64_t published_at = 0;
  while (!stop.stop_requested()) {
    std::int64_t now = wall_micros();
    (void)listener_.poll(kPollTimeoutMs, [&](std::span<const Datagram> datagrams) {
      now = wall_micros();
      for (const Datagram& datagram : datagrams) counting_.take(lane(0), datagram.bytes, datagram.sender, now);
    });
    if (now - published_at < kPublishEveryMicros) continue;
    published_at = now;
    publish();
  }
}

void SflowSource::publish() {
  dropped_.store(listener_.drops(), std::memory_order_relaxed);
  auto all = counting_.exporters();
  const std::lock_guard lock{published_mutex_};
  published_.swap(all);
}

std::vector<ExporterView> SflowSource::exporters() const {
  const std::lock_guard lock{published_mutex_};
  return published_;
}

}  // namespace tidegate
