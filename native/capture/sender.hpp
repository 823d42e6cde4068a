/// Sends the frames of a capture file out of an interface, at a rate or by the capture's own times.
///
/// For traffic/: demo, tests and benches. Frames go as they are in the file, cut ones cut.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "opened.hpp"

namespace tidegate {

struct SendOptions {
  std::string interface;
  std::string path;                          ///< a pcap or pcapng file of Ethernet frames
  std::optional<double> packets_per_second;  ///< nothing: by the capture's own times
  std::uint32_t loops = 1;
};

/// Frames of one file that are kept for sending.
inline constexpr std::size_t kMaxSendFrames = std::size_t{1} << 23;
/// Frames given to the kernel at once.
inline constexpr std::size_t kSendBurst = 64;

struct SendReport {
  std::uint64_t sent = 0;
  std::uint64_t bytes = 0;            ///< of the frames sent
  std::uint64_t refused = 0;          ///< the interface would not take them: longer than its MTU, mostly
  double seconds = 0;                 ///< from the first frame to the last
  std::int64_t first_at_micros = 0;   ///< since the Unix epoch
};

/// Blocks until all is sent or `stop` is asked for. Late frames are sent at once, so the mean rate holds
/// as long as the machine can keep it.
/// Fails like open_af_packet() for the socket, with ENETDOWN where the interface goes down on the way,
/// and with EINVAL for a file without Ethernet frames, with more than kMaxSendFrames, or a rate that is not positive.
[[nodiscard]] Opened<SendReport> send_capture(const SendOptions& options, const std::stop_token& stop = {});

}  // namespace tidegate
