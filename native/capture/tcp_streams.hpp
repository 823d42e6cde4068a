/// TCP connections that peers open to one address, read by one thread with epoll(7).
///
/// - Bounded: kMaxConnections in all, kMaxConnectionsPerPeer of one address. Where all are taken, the one that has been
///   silent longest gives way, if that is kIdleMicros or more; else the new one is closed at once and counted.
/// - A connection that breaks or is closed costs only itself. Nothing is ever sent.
/// - Belongs to one thread. Only open() and a new connection allocate.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../base/facts.hpp"
#include "opened.hpp"
#include "socket.hpp"

namespace tidegate {

inline constexpr std::size_t kMaxConnections = 256;
inline constexpr std::size_t kMaxConnectionsPerPeer = 16;
inline constexpr std::int64_t kIdleMicros = 60'000'000;
/// Taken in one poll(), so that those who are there already get their turn.
inline constexpr std::size_t kAcceptsPerPoll = 64;
inline constexpr std::size_t kReadBytes = std::size_t{64} << 10;

struct TcpOptions {
  std::string address;  ///< IPv4 or IPv6; '::' takes both
  std::uint16_t port = 0;
  std::size_t receive_buffer_bytes = std::size_t{1} << 20;
};

/// Who is told what happens. Connections are numbered from 0 to kMaxConnections - 1; numbers are used again.
class TcpVisitor {
 public:
  /// Whether to let this peer in.
  [[nodiscard]] virtual bool admits(const Address& peer) = 0;
  virtual void opened(std::size_t connection, const Address& peer) = 0;
  /// False: the connection is to be closed; closed() follows.
  [[nodiscard]] virtual bool received(std::size_t connection, std::span<const std::byte> bytes) = 0;
  virtual void closed(std::size_t connection) = 0;

 protected:
  ~TcpVisitor() = default;
};

class TcpStreams {
 public:
  /// Fails with the errno's name, address and port in the text.
  [[nodiscard]] static Opened<TcpStreams> open(const TcpOptions& options);

  /// Waits up to `timeout_ms` for something to happen, then takes what there is: of each connection kReadBytes at most.
  void poll(int timeout_ms, std::int64_t now_micros, TcpVisitor& visitor);
  void close(std::size_t connection, TcpVisitor& visitor);

  [[nodiscard]] std::uint16_t bound_port() const noexcept { return bound_port_; }
  [[nodiscard]] std::size_t receive_buffer_bytes() const noexcept { return receive_buffer_bytes_; }
  [[nodiscard]] std::size_t connections() const noexcept { return used_; }
  /// Peers that found no place.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  struct Connection {
    Socket socket;
    Address peer;
    std::int64_t heard_micros = 0;
  };
  TcpStreams(Socket listener, Socket events);

  void accept_some(std::int64_t now_micros, TcpVisitor& visitor);
  [[nodiscard]] std::size_t place_for(const Address& peer, std::int64_t now_micros, TcpVisitor& visitor);
  void read(std::size_t connection, std::int64_t now_micros, TcpVisitor& visitor);

  Socket listener_;
  Socket events_;
  std::uint16_t bound_port_ = 0;
  std::size_t receive_buffer_bytes_ = 0;
  std::vector<Connection> connections_;  // by number; without a socket: free
  std::size_t used_ = 0;
  std::uint64_t refused_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace tidegate
