#include "sender.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <span>
#include <vector>

#include "capture_file.hpp"
#include "interface.hpp"
#include "socket.hpp"

namespace tidegate {

namespace {
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
/// Between two bursts at high rates: long enough to sleep in, short against a tick.
constexpr std::int64_t kBurstGapNanos = 200'000;
/// A sleep is cut into such pieces, so that a stop is heeded soon.
constexpr std::int64_t kMaxSleepNanos = 50'000'000;
/// How often a full socket buffer is waited for before a frame counts as refused.
constexpr unsigned kMaxBufferRetries = 10'000;
constexpr long kBufferRetryNanos = 100'000;

std::int64_t nanos_of(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * kNanosPerSecond + now.tv_nsec;
}

void sleep_until(std::int64_t monotonic_nanos) noexcept {
  const timespec at{monotonic_nanos / kNanosPerSecond, monotonic_nanos % kNanosPerSecond};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

/// When each frame is due, in nanoseconds since the first one of the first loop.
class Schedule {
 public:
  Schedule(std::span<const CapturedFrame> frames, std::optional<double> packets_per_second)
      : gap_nanos_{packets_per_second.has_value() ? static_cast<double>(kNanosPerSecond) / *packets_per_second : 0} {
    if (packets_per_second.has_value()) return;
    due_.reserve(frames.size());
    std::int64_t latest = 0;  // a capture's clock may step back; sending does not
    for (const auto& frame : frames) {
      latest = std::max(latest, (frame.at_micros - frames.front().at_micros) * 1000);
      due_.push_back(latest);
    }
    const auto gaps = static_cast<std::int64_t>(std::max<std::size_t>(frames.size() - 1, 1));
    loop_nanos_ = latest + latest / gaps;
  }
  [[nodiscard]] std::int64_t due(std::uint32_t loop, std::size_t index, std::size_t frames) const noexcept {
    if (!due_.empty()) return loop * loop_nanos_ + due_[index];
    return static_cast<std::int64_t>(gap_nanos_ * static_cast<double>(std::uint64_t{loop} * frames + index));
  }

 private:
  double gap_nanos_;
  std::vector<std::int64_t> due_;
  std::int64_t loop_nanos_ = 0;
};

/// Some frames on their way to the kernel.
class Burst {
 public:
  [[nodiscard]] bool full() const noexcept { return used_ == kSendBurst; }
  [[nodiscard]] bool empty() const noexcept { return used_ == 0; }
  void add(const CapturedFrame& frame) noexcept {
    // sendmmsg(2) only reads, though its type does not say so.
    parts_[used_] = {const_cast<std::byte*>(frame.bytes.data()), frame.bytes.size()};
    headers_[used_] = {};
    headers_[used_].msg_hdr.msg_iov = &parts_[used_];
    headers_[used_].msg_hdr.msg_iovlen = 1;
    ++used_;
  }
  /// Zero, or the errno that ends the sending. A frame that is refused is passed over and counted.
  int send(const Socket& socket, SendReport& report) noexcept {
    unsigned retries = 0;
    for (std::size_t at = 0; at < used_;) {
      const int sent = ::sendmmsg(socket.fd(), &headers_[at], static_cast<unsigned>(used_ - at), 0);
      if (sent > 0) {
        for (int i = 0; i < sent; ++i, ++at) report.bytes += parts_[at].iov_len;
        report.sent += static_cast<std::uint64_t>(sent);
      } else if ((errno == ENOBUFS || errno == EAGAIN) && retries < kMaxBufferRetries) {
        ++retries;
        const timespec briefly{0, kBufferRetryNanos};
        ::nanosleep(&briefly, nullptr);
      } else if (errno == EMSGSIZE || errno == EINVAL || errno == ENOBUFS || errno == EAGAIN) {
        ++report.refused;
        ++at;
      } else if (errno != EINTR) {
        return errno;
      }
    }
    used_ = 0;
    return 0;
  }

 private:
  std::array<mmsghdr, kSendBurst> headers_{};
  std::array<iovec, kSendBurst> parts_{};
  std::size_t used_ = 0;
};

Opened<std::vector<CapturedFrame>> frames_of(CaptureFile& file, const std::string& path) {
  std::vector<CapturedFrame> frames;
  FileFrame next;
  while (file.next(next)) {
    if (next.link != kLinkEthernet) return system_failure(path + " has frames that are not Ethernet", EINVAL);
    if (frames.size() == kMaxSendFrames) return system_failure(path + " has too many frames", EINVAL);
    if (!next.frame.bytes.empty()) frames.push_back(next.frame);
  }
  if (file.error() != DecodeError::none) {
    return OpenFailure{0, std::string{error_name(file.error())} + ": " + path};
  }
  if (frames.empty()) return system_failure(path + " has no frames", EINVAL);
  return frames;
}

Opened<Socket> sending_socket(const std::string& name) {
  const auto refuse = [&](std::string_view what) { return system_failure(std::string{what} + " on " + name, errno); };
  // Protocol zero: it sends only, and no copy of any frame is queued to it.
  Socket socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return refuse("packet socket, which needs CAP_NET_RAW,");
  auto found = find_interface(socket, name);
  if (!found.ok()) return found.failure();
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = found.value().index;
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return refuse("bind");
  if (!socket.set(SOL_PACKET, PACKET_QDISC_BYPASS, int{1})) return refuse("bypassing the queue");
  return socket;
}

}  // namespace

Opened<SendReport> send_capture(const SendOptions& options, const std::stop_token& stop) {
  const auto rate = options.packets_per_second;
  if (rate.has_value() && (!std::isfinite(*rate) || *rate <= 0)) return system_failure("a sending rate must be positive", EINVAL);
  auto file = CaptureFile::open(options.path);
  if (!file.ok()) return file.failure();
  auto frames = frames_of(file.value(), options.path);
  if (!frames.ok()) return frames.failure();
  auto socket = sending_socket(options.interface);
  if (!socket.ok()) return socket.failure();

  // The default slack of 50 µs is a quarter of the gap between bursts.
  static_cast<void>(::prctl(PR_SET_TIMERSLACK, 1UL));
  const Schedule schedule{frames.value(), rate};
  const std::size_t count = frames.value().size();
  SendReport report;
  Burst burst;
  const std::int64_t start = nanos_of(CLOCK_MONOTONIC);
  report.first_at_micros = nanos_of(CLOCK_REALTIME) / 1000;
  std::int64_t now = start;
  const auto flush = [&]() -> int {
    const int error = burst.send(socket.value(), report);
    now = nanos_of(CLOCK_MONOTONIC);
    return error;
  };
  int error = 0;
  for (std::uint32_t loop = 0; loop < options.loops && error == 0; ++loop) {
    for (std::size_t i = 0; i < count && error == 0; ++i) {
      const std::int64_t due = start + schedule.due(loop, i, count);
      if (burst.full() || (due > now && !burst.empty())) error = flush();
      while (due > now && error == 0) {
        if (stop.stop_requested()) break;
        sleep_until(std::min(std::max(due, now + kBurstGapNanos), now + kMaxSleepNanos));
        now = nanos_of(CLOCK_MONOTONIC);
      }
      if (stop.stop_requested()) error = ECANCELED;
      else burst.add(frames.value()[i]);
    }
  }
  if (error == 0) error = flush();
  report.seconds = static_cast<double>(nanos_of(CLOCK_MONOTONIC) - start) / static_cast<double>(kNanosPerSecond);
  if (error != 0 && error != ECANCELED) return system_failure("sending on " + options.interface, error);
  return report;
}

}  // namespace tidegate
