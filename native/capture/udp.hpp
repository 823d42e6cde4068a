/// A UDP socket that flow telemetry is sent to.
///
/// - Belongs to one thread. poll() never allocates or throws; datagrams live until the visitor returns.
/// - Wake-ups are coalesced. A waiting thread costs the kernel a wake for each datagram (2.5 µs), so while
///   datagrams come the thread sleeps `coalesce_micros` without waiting on the socket, then takes all there is;
///   a small receive buffer shortens the sleep to what it can hold.
/// - Datagrams are taken whole, up to the 65,535 bytes that UDP allows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "../base/facts.hpp"
#include "opened.hpp"
#include "socket.hpp"

namespace tidegate {

struct Datagram {
  std::span<const std::byte> bytes;
  Address sender;  ///< an IPv4 sender is IPv4 on a dual-stack socket, too
  std::uint16_t sender_port = 0;
};

struct UdpOptions {
  std::string address;                                     ///< IPv4 or IPv6; '::' takes both
  std::uint16_t port = 0;                                  ///< zero: any
  std::size_t receive_buffer_bytes = std::size_t{8} << 20;
  std::uint32_t coalesce_micros = 5000;                    ///< under one second
  bool shared = false;                                     ///< with others on the same address: udp_workers.hpp
};

/// Datagrams handed over at once.
inline constexpr std::size_t kBatchDatagrams = 32;
/// Batches of one poll(), so that the caller gets its turn under any load.
inline constexpr std::size_t kMaxBatchesPerPoll = 64;
inline constexpr std::size_t kMaxDatagramBytes = 65'535;

class UdpListener {
 public:
  /// Fails with the errno's name, address and port in the text.
  [[nodiscard]] static Opened<UdpListener> open(const UdpOptions& options);

  UdpListener(UdpListener&&) noexcept;
  UdpListener& operator=(UdpListener&&) noexcept;
  ~UdpListener();

  /// Waits up to `timeout_ms` for a datagram (0: not at all), then hands all there are, kMaxBatchesPerPoll
  /// batches at most, to `visit(std::span<const Datagram>)`. Returns how many.
  template <class Visit>
  std::size_t poll(int timeout_ms, Visit&& visit) {
    if (!more_) pause(timeout_ms);
    std::size_t total = 0;
    more_ = true;
    for (std::size_t batch = 0; batch < kMaxBatchesPerPoll && more_; ++batch) {
      const auto datagrams = receive();
      if (!datagrams.empty()) visit(datagrams);
      total += datagrams.size();
      more_ = datagrams.size() == kBatchDatagrams;
    }
    busy_ = total > 0;
    return total;
  }

  /// False with errno set, as setsockopt(2).
  template <class T>
  [[nodiscard]] bool set(int level, int option, const T& value) const noexcept {
    return socket_.set(level, option, value);
  }
  [[nodiscard]] std::uint16_t bound_port() const noexcept { return bound_port_; }
  /// What the kernel really gave, in the bytes that setsockopt counts; below what was asked for without
  /// CAP_NET_ADMIN and with a small net.core.rmem_max.
  [[nodiscard]] std::size_t receive_buffer_bytes() const noexcept { return receive_buffer_bytes_; }
  /// Datagrams that found the buffer full, since the socket was opened. One system call. From the listener's thread only.
  [[nodiscard]] std::uint64_t drops() noexcept;
  /// Calls that failed otherwise than by having nothing to give.
  [[nodiscard]] std::uint64_t receive_errors() const noexcept { return receive_errors_; }

 private:
  struct Buffers;
  UdpListener(Socket socket, std::uint32_t coalesce_micros);

  void pause(int timeout_ms) noexcept;
  [[nodiscard]] std::span<const Datagram> receive() noexcept;

  Socket socket_;
  std::unique_ptr<Buffers> buffers_;
  std::uint32_t coalesce_micros_;
  std::uint16_t bound_port_ = 0;
  std::size_t receive_buffer_bytes_ = 0;
  std::uint64_t drops_ = 0;
  std::uint32_t kernel_drops_ = 0;
  std::uint64_t receive_errors_ = 0;
  bool busy_ = false;  ///< the last poll gave something
  bool more_ = false;  ///< and left something in the socket
};

}  // namespace tidegate
