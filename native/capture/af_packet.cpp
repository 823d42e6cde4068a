#include "af_packet.hpp"

#include <arpa/inet.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace tidegate {

namespace {
/// A look at the interface costs two system calls, so it is taken at most this often.
constexpr std::int64_t kLinkLookMs = 1000;
/// While down, so that an interface that comes up is reported soon.
constexpr std::int64_t kDownLookMs = 100;

std::int64_t monotonic_ms() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}
}  // namespace

AfPacketWorker::AfPacketWorker(Socket socket, Interface interface, PacketRing ring) noexcept
    : socket_{std::move(socket)}, interface_{std::move(interface)}, ring_{std::move(ring)} {
  check_link();
}

RingStats AfPacketWorker::stats() noexcept {
  tpacket_stats_v3 since_last{};
  socklen_t size = sizeof since_last;
  if (::getsockopt(socket_.fd(), SOL_PACKET, PACKET_STATISTICS, &since_last, &size) == 0) {
    stats_.received += since_last.tp_packets;
    stats_.dropped += since_last.tp_drops;
  }
  return stats_;
}

void AfPacketWorker::wait(int timeout_ms) noexcept {
  pollfd waited{socket_.fd(), POLLIN, 0};
  if (fault_ == CaptureFault::interface_gone || fault_ == CaptureFault::socket_failed) {
    // The socket would answer at once and for ever; keep the caller's pace without it.
    ::poll(nullptr, 0, timeout_ms);
    return;
  }
  if (::poll(&waited, 1, timeout_ms) <= 0) return;
  if ((waited.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0) return;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  check_link();
  if (fault_ == CaptureFault::none && error != 0 && error != ENETDOWN) fault_ = CaptureFault::socket_failed;
}

void AfPacketWorker::look_at_link() noexcept {
  if (monotonic_ms() >= next_look_ms_) check_link();
}

void AfPacketWorker::check_link() noexcept {
  if (fault_ == CaptureFault::interface_gone || fault_ == CaptureFault::socket_failed) return;
  switch (link_state(socket_, interface_)) {
    case LinkState::up: fault_ = CaptureFault::none; break;
    case LinkState::down: fault_ = CaptureFault::interface_down; break;
    case LinkState::gone: fault_ = CaptureFault::interface_gone; break;
  }
  next_look_ms_ = monotonic_ms() + (fault_ == CaptureFault::none ? kLinkLookMs : kDownLookMs);
}

}  // namespace tidegate
