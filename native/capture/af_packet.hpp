/// Frames of one interface through AF_PACKET rings, one ring a worker.
///
/// - A worker belongs to one thread. poll() never allocates or throws; frames live until the visitor returns.
/// - Only frames that arrive are seen: copies of what this machine sends itself are left out, so that a
///   frame is not counted twice.
/// - The kernel copies `snap_length` bytes of a frame; the wire length is that of the whole frame.
/// - 'interface down' heals by itself; after 'interface gone' and 'socket failed' the worker stays failed
///   and is to be opened anew.
/// - A received super-packet (GRO) is one frame here. Interfaces that only mirror should have GRO off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "interface.hpp"
#include "opened.hpp"
#include "packet_ring.hpp"
#include "socket.hpp"

namespace tidegate {

/// How the kernel shares an interface's frames among its workers; the order of door/contract.ts `fanoutModes`.
enum class FanoutMode : std::uint8_t { cpu, lb, hash, random, rollover, queue_mapping };
inline constexpr std::size_t kFanoutModes = 6;
inline constexpr std::array<std::string_view, kFanoutModes> kFanoutModeNames{
    "cpu", "lb", "hash", "random", "rollover", "queue_mapping"};

struct AfPacketOptions {
  std::string interface;
  std::uint32_t workers = 1;
  FanoutMode fanout = FanoutMode::cpu;
  bool promiscuous = true;
  std::uint32_t snap_length = 128;                  ///< bytes copied of a frame
  std::size_t ring_bytes = std::size_t{16} << 20;   ///< a worker's; rounded down to whole blocks
  std::uint32_t block_timeout_ms = 10;              ///< a block is handed over at the latest after this
};

/// Bounds that open() checks.
inline constexpr std::uint32_t kMaxWorkers = 64;
inline constexpr std::uint32_t kMaxSnapLength = 65535;
inline constexpr std::size_t kMinRingBytes = std::size_t{1} << 18;
inline constexpr std::size_t kMaxRingBytes = std::size_t{1} << 31;
/// A block: the wake-up is per block, so it should hold what arrives in some milliseconds.
inline constexpr std::size_t kMaxBlockBytes = std::size_t{1} << 20;

enum class CaptureFault : std::uint8_t { none, interface_down, interface_gone, socket_failed };
inline constexpr std::array<std::string_view, 4> kCaptureFaultTexts{
    "", "interface down", "interface gone", "packet socket failed"};

/// What one poll() gave. `frames` are those handed to the visitor.
struct PollResult {
  std::uint64_t frames = 0;
  CaptureFault fault = CaptureFault::none;
};

/// What the kernel says of one ring since it was opened.
struct RingStats {
  std::uint64_t received = 0;  ///< frames for this ring, the dropped included
  std::uint64_t dropped = 0;   ///< found the ring full
};

class AfPacketWorker {
 public:
  /// Waits up to `timeout_ms` for a block (0: not at all), then hands the frames of the blocks that are full,
  /// one ring at most, to `visit(std::span<const CapturedFrame>)` in batches of up to kBatchFrames.
  template <class Visit>
  PollResult poll(int timeout_ms, Visit&& visit) {
    PollResult result;
    if (!ring_.ready()) wait(timeout_ms);
    std::array<CapturedFrame, kBatchFrames> batch;
    for (std::size_t blocks = 0; blocks < ring_.blocks() && ring_.ready(); ++blocks) {
      BlockWalk walk = ring_.walk();
      for (auto frames = walk.next(batch); !frames.empty(); frames = walk.next(batch)) {
        visit(frames);
        result.frames += frames.size();
      }
      ring_.release();
    }
    look_at_link();
    result.fault = fault_;
    return result;
  }

  [[nodiscard]] CaptureFault fault() const noexcept { return fault_; }
  [[nodiscard]] LinkNumber link() const noexcept { return interface_.link; }
  /// One system call: reading resets the kernel's counters, so they are added up here. From the worker's thread only.
  [[nodiscard]] RingStats stats() noexcept;

 private:
  friend Opened<std::vector<AfPacketWorker>> open_af_packet(const AfPacketOptions& options);
  AfPacketWorker(Socket socket, Interface interface, PacketRing ring) noexcept;

  void wait(int timeout_ms) noexcept;
  void look_at_link() noexcept;
  void check_link() noexcept;

  Socket socket_;
  Interface interface_;
  PacketRing ring_;
  CaptureFault fault_ = CaptureFault::none;
  std::int64_t next_look_ms_ = 0;  ///< monotonic
  RingStats stats_;
};

/// All workers of one interface, sharing its frames. Fails with the errno's name and the interface in the text:
/// EPERM without CAP_NET_RAW, ENODEV without the interface, ENOMEM for the ring, EINVAL for options out of bounds.
[[nodiscard]] Opened<std::vector<AfPacketWorker>> open_af_packet(const AfPacketOptions& options);

}  // namespace tidegate
