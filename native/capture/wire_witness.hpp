/// What arrives at this machine for some UDP ports, whether or not a socket ever gets it.
///
/// A packet socket is handed each IP packet before rp_filter and netfilter look at it (packet(7)), so what it counts and a
/// UDP socket does not has been dropped by this machine. Packets for other hosts, and those this machine sends, do not count;
/// of a fragmented datagram its first fragment does. IPv6 datagrams with extension headers are not seen.
///
/// One thread. Needs CAP_NET_RAW.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "../base/facts.hpp"
#include "opened.hpp"
#include "socket.hpp"

namespace tidegate {

/// Ports of one filter; a filter's jumps reach no further than 255.
inline constexpr std::size_t kMaxWitnessPorts = 128;
/// Senders of forged addresses must not grow the table.
inline constexpr std::size_t kMaxWireSights = 4096;
inline constexpr std::chrono::milliseconds kMaxWitnessTime{20'000};

/// Datagrams that came by one interface, from one address to one socket address.
struct WireSight {
  Address source;
  Address destination;
  std::uint16_t port = 0;
  int interface = 0;  ///< its index
  std::uint64_t datagrams = 0;
};

struct WitnessReport {
  std::vector<WireSight> sights;
  std::uint64_t overflow = 0;  ///< datagrams of sights that found no room
  std::uint64_t missed = 0;    ///< datagrams that found the witness's own buffer full
  double seconds = 0;
};

class WireWitness {
 public:
  /// From here on datagrams are kept for listen(). Fails with EPERM without CAP_NET_RAW, with EINVAL for no
  /// ports or more than kMaxWitnessPorts.
  [[nodiscard]] static Opened<WireWitness> open(std::span<const std::uint16_t> ports);

  /// Blocks for `time`, kMaxWitnessTime at most, and reports what has come since open().
  [[nodiscard]] WitnessReport listen(std::chrono::milliseconds time);

 private:
  struct Key {
    std::uint64_t source_high, source_low, destination_high, destination_low;
    std::uint16_t port;
    int interface;
    bool ipv6;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  WireWitness(Socket ipv4, Socket ipv6) noexcept;

  void receive(const Socket& socket, bool ipv6);
  void count(std::span<const std::byte> header, bool ipv6, int interface);

  Socket ipv4_;
  Socket ipv6_;
  std::map<Key, std::uint64_t> sights_;
  std::uint64_t overflow_ = 0;
};

}  // namespace tidegate
