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

  /// False when the frame does not fit any more, or is longer than 65,535 bytes.
  bool add(std::span<const std::byte> frame, std::uint32_t wire_length);
  [[nodiscard]] LinkType link() const noexcept { return link_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t index) const noexcept {
    return std::span<const std::byte>{bytes_.items()}.subspan(entries_[index].line * kLineBytes, entries_[index].captured);
  }
  [[nodiscard]] std::uint32_t wire_length(std::size_t index) const noexcept { return entries_[index].wire_length; }

 private:
  static constexpr std::size_t kLineBytes = 64;
  // Small, for it is read with every frame.
  struct Entry {
    std::uint32_t line = 0;
    std::uint16_t captured = 0;
    std::uint16_t wire_length = 0;
  };
  LinkType link_;
  Array<std::byte> bytes_;
  std::size_t lines_used_ = 0;
  std::vector<Entry> entries_;
};

/// One frame a host at least, in random order, from random sources: UDP, TCP (some SYN), ICMP, a few tags and
/// fragments; two thirds to our hosts, one third from them.
FrameStore mixed_frames(const PacketsOptions& options);
/// The networks and hostgroups that the mixed frames are of.
std::shared_ptr<const HostSpace> bench_space(const PacketsOptions& options);

/// Counts all frames of the store, over and over. The first round, which makes the pages, is not timed.
PacketsResult run_packets(const FrameStore& frames, std::shared_ptr<const HostSpace> space, const PacketsOptions& options);

}  // namespace tidegate::bench
