#include "flow_streams.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>

namespace tidegate {

namespace {

/// Who may connect is asked once, when he does.
CollectorOptions with_sessions(CollectorOptions options) {
  options.allow = {};
  options.templates = {.max_templates = 1, .max_templates_per_exporter = 1, .max_exporters = 1, .waiting_bytes = 0};
  options.sessions = true;
  options.accepts = {};
  options.accepts.add(FlowFamily::ipfix);
  return options;
}

}  // namespace

Opened<std::shared_ptr<FlowStreams>> FlowStreams::open(std::shared_ptr<Engine> engine, const FlowSettings& settings) {
  auto streams = TcpStreams::open({settings.socket.address, settings.socket.port, settings.socket.receive_buffer_bytes});
  if (!streams.ok()) return streams.failure();
  std::vector<TappedLane> lanes;
  lanes.push_back(TappedLane::make(*engine, HandedOver::in_turn));
  if (!lanes.back().lane) return system_failure("counters of the flow listener", ENOMEM);
  return std::make_shared<FlowStreams>(std::move(engine), std::move(lanes), std::move(streams.value()), settings);
}

FlowStreams::FlowStreams(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, TcpStreams streams,
                         const FlowSettings& settings)
    : Source{std::move(engine), std::move(lanes), wall_micros()},
      options_{settings.collector},
      asked_bytes_{settings.socket.receive_buffer_bytes},
      streams_{std::move(streams)},
      counting_{lane(0), with_sessions(options_)},
      sessions_(kMaxConnections),
      thread_{[this](const std::stop_token& stop) { run(stop); }} {}

FlowStreams::~FlowStreams() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void FlowStreams::run(const std::stop_token& stop) {
  name_this_thread("tg-flow:" + std::to_string(bound_port()));
  try {
    work(stop);
  } catch (const std::exception& error) {
    set_fault(std::string{"flow thread: "} + error.what());
  }
}

void FlowStreams::work(const std::stop_token& stop) {
  const std::int64_t tick = engine().settings().tick_micros;
  std::int64_t told_at = 0;
  std::int64_t played_for = last_drain();
  while (!stop.stop_requested()) {
    now_ = wall_micros();
    streams_.poll(counting_.patience_ms(tick), now_, *this);
    if (const std::int64_t drained = last_drain(); drained != played_for) {
      played_for = drained;
      counting_.play(drained + tick);  // the tick that is being filled
    }
    if (now_ - told_at < kReportEveryMicros && now_ >= told_at) continue;
    told_at = now_;
    look_after_sessions();
    publish();
  }
}

bool FlowStreams::admits(const Address& peer) {
  if (options_.allow.admits(peer)) return true;
  ++not_allowed_;
  last_not_allowed_ = peer;
  return !options_.refuse_unknown;
}

void FlowStreams::opened(std::size_t connection, const Address& peer) {
  const auto limits = Collector::session_limits(options_.templates);
  sessions_[connection] = std::make_unique<Session>(limits, options_.seed, options_.wire);
  sessions_[connection]->peer = peer;
  sessions_[connection]->whole_at = now_;
}

bool FlowStreams::received(std::size_t connection, std::span<const std::byte> bytes) {
  Session& session = *sessions_[connection];
  const bool in_step = session.messages.feed(bytes, [&](std::span<const std::byte> message) {
    counting_.take(message, session.peer, now_, session.templates);
    session.whole_at = now_;
  });
  if (!session.messages.waits()) session.whole_at = now_;
  if (!in_step) lane(0).lane->count_error(DecodeError::ipfix_bad_length);
  return in_step;
}

/// Sets that wait in vain are let go, and so are those who begin a message and never end it.
void FlowStreams::look_after_sessions() {
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    if (!sessions_[i]) continue;
    Session& session = *sessions_[i];
    session.templates.expire(now_);
    if (!session.messages.waits()) {
      session.whole_at = now_;
    } else if (now_ - session.whole_at > kMessageMicros) {
      lane(0).lane->count_error(DecodeError::ipfix_truncated);
      streams_.close(i, *this);
    }
  }
}

void FlowStreams::publish() {
  FlowListenerReport report;
  for (const auto& session : sessions_) {
    if (!session) continue;
    const auto known = session->templates.totals().store;
    report.templates += known.templates;
    report.templates_bound += known.bound;
  }
  report.exporters_refused = streams_.refused();
  report.totals.refused = not_allowed_;
  report.totals.last_refused = last_not_allowed_;
  reports_.publish(counting_.collector(), report);
}

std::vector<ExporterStats> FlowStreams::exporters() const {
  std::vector<ExporterStats> all;
  reports_.add_exporters(all);
  return all;
}

std::optional<FlowListenerReport> FlowStreams::flow() const {
  FlowListenerReport report = reports_.listener();
  report.receive_buffer_asked = asked_bytes_;
  report.receive_buffer = streams_.receive_buffer_bytes();
  return report;
}

}  // namespace tidegate
