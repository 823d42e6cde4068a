#include "tcp_streams.hpp"

#include <algorithm>
#include <cerrno>

#include "../base/address.hpp"
#include "socket_address.hpp"

namespace tidegate {

namespace {

constexpr int kBacklog = 128;
constexpr std::size_t kEventsPerPoll = 64;
constexpr std::uint64_t kListener = kMaxConnections;
constexpr std::size_t kNoPlace = kMaxConnections;
/// The kernel finds out about peers that have vanished without a word.
constexpr int kKeepAlive = 1;

}  // namespace

TcpStreams::TcpStreams(Socket listener, Socket events)
    : listener_{std::move(listener)}, events_{std::move(events)}, connections_(kMaxConnections), buffer_(kReadBytes) {}

Opened<TcpStreams> TcpStreams::open(const TcpOptions& options) {
  const auto refuse = [&](std::string_view what, int error) {
    return system_failure(std::string{what} + " " + options.address + " port " + std::to_string(options.port), error);
  };
  const auto address = parse_address(options.address);
  if (!address) return refuse("not an address:", EINVAL);
  const int family = address->family == Family::ipv4 ? AF_INET : AF_INET6;
  Socket listener{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  Socket events{::epoll_create1(EPOLL_CLOEXEC)};
  if (!listener.is_open() || !events.is_open()) return refuse("TCP socket for", errno);
  if (family == AF_INET6 && !listener.set(IPPROTO_IPV6, IPV6_V6ONLY, int{0})) return refuse("dual stack on", errno);
  // Connections of a listener that has just been closed must not keep its address.
  if (!listener.set(SOL_SOCKET, SO_REUSEADDR, int{1})) return refuse("address of", errno);
  // Before listening: connections take it over.
  const int bytes = static_cast<int>(std::min<std::size_t>(options.receive_buffer_bytes, std::size_t{1} << 30));
  if (!listener.set(SOL_SOCKET, SO_RCVBUF, bytes)) return refuse("receive buffer of", errno);

  sockaddr_storage bound;
  socklen_t size = to_socket_address({*address, options.port}, bound);
  if (::bind(listener.fd(), reinterpret_cast<const sockaddr*>(&bound), size) != 0) return refuse("listening on", errno);
  if (::listen(listener.fd(), kBacklog) != 0) return refuse("listening on", errno);
  size = sizeof bound;
  if (::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return refuse("listening on", errno);
  epoll_event event{EPOLLIN, {.u64 = kListener}};
  if (::epoll_ctl(events.fd(), EPOLL_CTL_ADD, listener.fd(), &event) != 0) return refuse("listening on", errno);

  TcpStreams streams{std::move(listener), std::move(events)};
  streams.bound_port_ = endpoint_of(bound).value_or(Endpoint{}).port;
  int had = 0;
  size = sizeof had;
  if (::getsockopt(streams.listener_.fd(), SOL_SOCKET, SO_RCVBUF, &had, &size) == 0) {
    streams.receive_buffer_bytes_ = static_cast<std::size_t>(had) / 2;  // the kernel doubles it, socket(7)
  }
  return streams;
}

void TcpStreams::poll(int timeout_ms, std::int64_t now_micros, TcpVisitor& visitor) {
  std::array<epoll_event, kEventsPerPoll> ready;
  const int count = ::epoll_wait(events_.fd(), ready.data(), static_cast<int>(ready.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t who = ready[static_cast<std::size_t>(i)].data.u64;
    if (who == kListener) {
      accept_some(now_micros, visitor);
    } else if (connections_[who].socket.is_open()) {
      read(who, now_micros, visitor);
    }
  }
}

void TcpStreams::close(std::size_t connection, TcpVisitor& visitor) {
  if (!connections_[connection].socket.is_open()) return;
  connections_[connection].socket = Socket{};  // epoll forgets what is closed
  --used_;
  visitor.closed(connection);
}

void TcpStreams::accept_some(std::int64_t now_micros, TcpVisitor& visitor) {
  for (std::size_t i = 0; i < kAcceptsPerPoll; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    Socket socket{::accept4(listener_.fd(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket.is_open()) return;
    const Address peer = endpoint_of(from).value_or(Endpoint{}).address;
    if (!visitor.admits(peer)) continue;
    const std::size_t place = place_for(peer, now_micros, visitor);
    epoll_event event{EPOLLIN, {.u64 = place}};
    if (place == kNoPlace || ::epoll_ctl(events_.fd(), EPOLL_CTL_ADD, socket.fd(), &event) != 0) {
      ++refused_;
      continue;
    }
    static_cast<void>(socket.set(SOL_SOCKET, SO_KEEPALIVE, kKeepAlive));
    connections_[place] = {std::move(socket), peer, now_micros};
    ++used_;
    visitor.opened(place, peer);
  }
}

std::size_t TcpStreams::place_for(const Address& peer, std::int64_t now_micros, TcpVisitor& visitor) {
  std::size_t free = kNoPlace;
  std::size_t silent = kNoPlace;
  std::size_t of_peer = 0;
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    const Connection& one = connections_[i];
    if (!one.socket.is_open()) {
      free = i;
      continue;
    }
    of_peer += one.peer == peer ? 1 : 0;
    if (now_micros - one.heard_micros < kIdleMicros) continue;
    if (silent == kNoPlace || one.heard_micros < connections_[silent].heard_micros) silent = i;
  }
  if (of_peer >= kMaxConnectionsPerPeer) return kNoPlace;
  if (free != kNoPlace || silent == kNoPlace) return free;
  close(silent, visitor);
  return silent;
}

void TcpStreams::read(std::size_t connection, std::int64_t now_micros, TcpVisitor& visitor) {
  Connection& one = connections_[connection];
  const ssize_t got = ::recv(one.socket.fd(), buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (got <= 0) {
    close(connection, visitor);
    return;
  }
  one.heard_micros = now_micros;
  if (!visitor.received(connection, std::span{buffer_}.first(static_cast<std::size_t>(got)))) close(connection, visitor);
}

}  // namespace tidegate
