/// A capture file, read a tick at a time by the capture's own clock. No thread.
///
/// - Ticks begin with the first frame's time: step k ends at first + k · tick. Times that run backwards count as
///   the latest before them.
/// - Every tick is a step, also an empty one, while the gap to the next frame is at most kMaxReplayGapMicros;
///   a longer gap is jumped: the next step is the tick that holds the next frame.
/// - A file that breaks off counts its error, and is done.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "../capture/capture_file.hpp"
#include "frame_counting.hpp"
#include "flow_counting.hpp"
#include "source.hpp"

namespace tidegate {

inline constexpr std::int64_t kMaxReplayGapMicros = 120'000'000;

struct ReplaySettings {
  std::string path;
  WireOptions wire;
  std::uint32_t sampling = 1;
  std::optional<CollectorOptions> flow;  ///< decode the flow datagrams in the capture in place of its packets
};

struct ReplayPosition {
  std::int64_t at = 0;  ///< the end of the tick just read
  bool done = false;
  std::uint64_t packets = 0;  ///< frames of this step
  std::size_t offset = 0;     ///< bytes of the file read
  std::size_t size = 0;
};

class ReplaySource final : public Source {
 public:
  [[nodiscard]] static Opened<std::shared_ptr<ReplaySource>> open(std::shared_ptr<Engine> engine,
                                                                  const ReplaySettings& settings);
  /// For open() alone.
  ReplaySource(std::shared_ptr<Engine> engine, std::vector<TappedLane> lanes, CaptureFile file,
               const ReplaySettings& settings);
  [[nodiscard]] ReplayPosition step();
  /// Null where packets are counted.
  [[nodiscard]] const Collector* telemetry() const noexcept { return telemetry_ ? &telemetry_->collector() : nullptr; }
  [[nodiscard]] std::vector<ExporterStats> exporters() const override;
  void close() noexcept override { closed_ = true; }

 private:
  void read_ahead();
  void take(const FileFrame& frame);

  CaptureFile file_;
  FrameCounting counting_;
  std::optional<FlowCounting> telemetry_;
  std::optional<FileFrame> ahead_;  // read, and not yet counted
  std::int64_t latest_ = INT64_MIN;
  std::int64_t tick_end_ = 0;
  std::int64_t expired_at_ = 0;
  bool closed_ = false;
};

}  // namespace tidegate
