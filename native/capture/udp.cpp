#include "udp.hpp"

#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <vector>

#include "../base/address.hpp"
#include "socket_address.hpp"

namespace tidegate {

namespace {
/// Buffers a power of two apart would all lie in the same cache sets; some lines more spread them.
constexpr std::size_t kBufferBytes = kMaxDatagramBytes + 1 + 26 * 64;

/// Room for ten seconds of any sane load; past it a configuration is mistaken.
constexpr std::size_t kMaxReceiveBufferBytes = std::size_t{1} << 30;

/// The memory that the kernel charges for one telemetry datagram, and the rate that a sleep must not lose any at.
constexpr std::size_t kChargedBytes = 2304;
constexpr std::size_t kDatagramsPerMilli = 200;
constexpr std::uint32_t kMaxCoalesceMicros = 999'999;

/// Half of the doubled buffer at that rate.
std::uint32_t coalescing_for(std::size_t buffer_bytes, std::uint32_t wanted_micros) noexcept {
  const std::size_t holds_micros = buffer_bytes / kChargedBytes * 1000 / kDatagramsPerMilli;
  return static_cast<std::uint32_t>(std::min<std::size_t>({wanted_micros, holds_micros, kMaxCoalesceMicros}));
}

bool size_receive_buffer(const Socket& socket, std::size_t wanted) noexcept {
  const int bytes = static_cast<int>(std::min(wanted, kMaxReceiveBufferBytes));
  // The forced form goes beyond net.core.rmem_max and needs CAP_NET_ADMIN.
  return socket.set(SOL_SOCKET, SO_RCVBUFFORCE, bytes) || socket.set(SOL_SOCKET, SO_RCVBUF, bytes);
}
}  // namespace

struct UdpListener::Buffers {
  std::vector<std::byte> memory = std::vector<std::byte>(kBatchDatagrams * kBufferBytes);
  std::array<iovec, kBatchDatagrams> parts{};
  std::array<mmsghdr, kBatchDatagrams> headers{};
  std::array<sockaddr_storage, kBatchDatagrams> senders{};
  std::array<Datagram, kBatchDatagrams> datagrams{};

  Buffers() {
    for (std::size_t i = 0; i < kBatchDatagrams; ++i) {
      parts[i] = {buffer(i).data(), kMaxDatagramBytes};
      headers[i].msg_hdr.msg_iov = &parts[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &senders[i];
    }
  }
  [[nodiscard]] std::span<std::byte> buffer(std::size_t i) noexcept {
    return std::span{memory}.subspan(i * kBufferBytes, kBufferBytes);
  }
};

UdpListener::UdpListener(Socket socket, std::uint32_t coalesce_micros)
    : socket_{std::move(socket)}, buffers_{std::make_unique<Buffers>()}, coalesce_micros_{coalesce_micros} {}
UdpListener::UdpListener(UdpListener&&) noexcept = default;
UdpListener& UdpListener::operator=(UdpListener&&) noexcept = default;
UdpListener::~UdpListener() = default;

Opened<UdpListener> UdpListener::open(const UdpOptions& options) {
  const auto refuse = [&](std::string_view what, int error) {
    return system_failure(std::string{what} + " " + options.address + " port " + std::to_string(options.port), error);
  };
  const auto address = parse_address(options.address);
  if (!address.has_value()) return refuse("not an address:", EINVAL);

  const int family = address->family == Family::ipv4 ? AF_INET : AF_INET6;
  Socket socket{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.is_open()) return refuse("UDP socket for", errno);
  if (family == AF_INET6 && !socket.set(IPPROTO_IPV6, IPV6_V6ONLY, int{0})) return refuse("dual stack on", errno);
  if (!size_receive_buffer(socket, options.receive_buffer_bytes)) return refuse("receive buffer of", errno);

  if (options.shared && !socket.set(SOL_SOCKET, SO_REUSEPORT, int{1})) return refuse("sharing", errno);
  sockaddr_storage bound;
  socklen_t size = to_socket_address({*address, options.port}, bound);
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&bound), size) != 0) return refuse("listening on", errno);
  size = sizeof bound;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return refuse("listening on", errno);

  UdpListener listener{std::move(socket), options.coalesce_micros};
  listener.bound_port_ = endpoint_of(bound).value_or(Endpoint{}).port;
  int had = 0;
  size = sizeof had;
  if (::getsockopt(listener.socket_.fd(), SOL_SOCKET, SO_RCVBUF, &had, &size) == 0) {
    listener.receive_buffer_bytes_ = static_cast<std::size_t>(had) / 2;  // the kernel doubles it, socket(7)
    listener.coalesce_micros_ = coalescing_for(listener.receive_buffer_bytes_, options.coalesce_micros);
  }
  return listener;
}

void UdpListener::pause(int timeout_ms) noexcept {
  if (timeout_ms == 0) return;
  if (busy_) {
    const timespec briefly{0, static_cast<long>(coalesce_micros_) * 1000};
    ::nanosleep(&briefly, nullptr);
    return;
  }
  pollfd waited{socket_.fd(), POLLIN, 0};
  static_cast<void>(::poll(&waited, 1, timeout_ms));
}

std::span<const Datagram> UdpListener::receive() noexcept {
  Buffers& buffers = *buffers_;
  for (auto& header : buffers.headers) header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  const int received = ::recvmmsg(socket_.fd(), buffers.headers.data(), kBatchDatagrams, MSG_DONTWAIT, nullptr);
  if (received < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) ++receive_errors_;
    return {};
  }
  const auto count = static_cast<std::size_t>(received);
  for (std::size_t i = 0; i < count; ++i) {
    const auto sender = endpoint_of(buffers.senders[i]).value_or(Endpoint{});
    buffers.datagrams[i] = {buffers.buffer(i).first(buffers.headers[i].msg_len), sender.address, sender.port};
  }
  return std::span{buffers.datagrams}.first(count);
}

std::uint64_t UdpListener::drops() noexcept {
  // Read where it is wanted, not from a control message with each datagram: that costs a copy for every one,
  // and tells of the last drops only when another datagram gets through.
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_.fd(), SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0) {
    drops_ += info[SK_MEMINFO_DROPS] - kernel_drops_;  // 32 bits that wrap
    kernel_drops_ = info[SK_MEMINFO_DROPS];
  }
  return drops_;
}

}  // namespace tidegate
