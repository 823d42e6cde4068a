/// The in-memory data plane on one core: whole frames → decode_frame → Lane::count, with every check.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../base/link.hpp"
#include "../counters/lane.hpp"
#include "../counters/region.hpp"

namespace tidegate::bench {

struct PacketsOptions {
  std::uint32_t hosts = 65536;  ///< of ours, in 10.0.0.0/8; 256 … 2^22
  bool flows = false;
  double seconds = 1;           ///< how long to count
  std::uint64_t seed = 1;
};

struct PacketsResult {
  std::uint64_t packets = 0;
  double seconds = 0;  ///< of one core, as the others below
  double mpps = 0;
  double ns_per_packet = 0;
  double drain_ms = 0;               ///< handing over what one round over all hosts has left dirty
  std::uint32_t drained_hosts = 0;
  std::vector<Batch> drained;        ///< of that round: to measure what comes after
};

/// Frames in memory as a ring holds them: each begins a cache line. Bounded by the room it is made with.
class FrameStore {
 public:
  /// Room for so many bytes of frames, padding included; none when memory cannot be had.
  explicit FrameStore(std::size_t room_bytes, LinkType link = LinkType::ethernet);

  struct Frame {
    std::span<const std::byte> bytes;
    std::uint32_t wire_length = 0;
  };
  /// False when the frame does not fit any more.
  bool add(std::span<const std::byte> frame, std::uint32_t wire_length);
  [[nodiscard]] LinkType link() const noexcept { return link_; }
  [[nodiscard]] std::span<const Frame> frames() const noexcept { return frames_; }
  [[nodiscard]] std::size_t size() const noexcept { return frames_.size(); }

 private:
  static constexpr std::size_t kLineBytes = 64;
  LinkType link_;
  Array<std::byte> bytes_;
  std::size_t lines_used_ = 0;
  std::vector<Frame> frames_;
};

/// One frame a host at least, in random order, from random sources: UDP, TCP (some SYN), ICMP, a few tags and
/// fragments; two thirds to our hosts, one third from them.
FrameStore mixed_frames(const PacketsOptions& options);
/// The networks and hostgroups that the mixed frames are of.
std::shared_ptr<const HostSpace> bench_space(const PacketsOptions& options);

/// Counts all frames of the store, over and over. The first round, which makes the pages, is not timed.
PacketsResult run_packets(const FrameStore& frames, std::shared_ptr<const HostSpace> space, const PacketsOptions& options);

}  // namespace tidegate::bench
