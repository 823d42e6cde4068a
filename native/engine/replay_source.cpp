#include "replay_source.hpp"

#include <cerrno>

#include "../flow/udp_in_frame.hpp"

namespace tidegate {

Opened<std::shared_ptr<ReplaySource>> ReplaySource::open(std::shared_ptr<Engine> engine,
                                                         const ReplaySettings& settings) {
  auto file = CaptureFile::open(settings.path);
  if (!file.ok()) return file.failure();
  std::vector<TappedLane> lanes;
  lanes.push_back(TappedLane::make(*engine));
  if (!lanes.back().lane) return system_failure("counters of " + settings.path, ENOMEM);
  return std::make_shared<ReplaySource>(std::move(engine), std::move(lanes), std::move(file.value()), settings);
}

ReplaySource::ReplaySource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, CaptureFile file,
                           const ReplaySettings& settings)
    : Source{std::move(engine), std::move(lanes), 0},
      file_{std::move(file)},
      counting_{settings.wire, settings.sampling} {
  if (settings.flow) telemetry_.emplace(lane(0), *settings.flow);
  read_ahead();
  if (!ahead_) return;
  tick_end_ = ahead_->frame.at_micros;
  skip_to(tick_end_);
}

void ReplaySource::read_ahead() {
  FileFrame next;
  if (!file_.next(next)) {
    ahead_.reset();
    if (file_.error() != DecodeError::none) lane(0).lane->count_error(file_.error());
    return;
  }
  latest_ = std::max(latest_, next.frame.at_micros);
  next.frame.at_micros = latest_;
  ahead_ = next;
}

ReplayPosition ReplaySource::step() {
  const std::int64_t tick = engine().settings().tick_micros;
  ReplayPosition position;
  if (ahead_ && !closed_) {
    const std::int64_t gap = ahead_->frame.at_micros - tick_end_;
    if (gap > kMaxReplayGapMicros) {
      tick_end_ += gap / tick * tick;
      skip_to(tick_end_);  // what comes is of one tick, not of the gap
    }
    tick_end_ += tick;
    while (ahead_ && ahead_->frame.at_micros < tick_end_) {
      take(*ahead_);
      ++position.packets;
      read_ahead();
    }
    counting_.flush(*lane(0).lane);
    if (telemetry_) telemetry_->play(tick_end_);
  }
  position.at = tick_end_;
  position.done = !ahead_ || closed_;
  position.offset = file_.offset();
  position.size = file_.size();
  return position;
}

void ReplaySource::take(const FileFrame& frame) {
  if (!telemetry_) {
    counting_.take(*lane(0).lane, frame.link, frame.frame);
    return;
  }
  const auto link = link_type_of(frame.link);
  if (!link) return;
  const auto udp = udp_in_frame(*link, frame.frame.bytes);
  if (!udp) return;
  const std::int64_t at = frame.frame.at_micros;
  if (at - expired_at_ >= kReportEveryMicros) {
    expired_at_ = at;
    telemetry_->collector().expire(at);
  }
  telemetry_->take(udp->payload, udp->source, at);
}

std::vector<ExporterStats> ReplaySource::exporters() const {
  std::vector<ExporterStats> all;
  if (telemetry_) telemetry_->collector().snapshot(all);
  return all;
}

}  // namespace tidegate
