#include "udp_workers.hpp"

#include <linux/filter.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tidegate {

namespace {

/// Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): the upper half of a product.
constexpr std::uint32_t kMultiplier = 0x9E37'79B1;
constexpr unsigned kShift = 16;

// Offsets from the start of the IP header: RFC 791 section 3.1, RFC 8200 section 3.
constexpr std::uint32_t kNetwork = static_cast<std::uint32_t>(SKF_NET_OFF);
constexpr std::uint32_t kIpv4Source = kNetwork + 12;
constexpr std::uint32_t kIpv6Source = kNetwork + 8;

constexpr sock_filter statement(unsigned code, std::uint32_t k) noexcept {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}
constexpr sock_filter jump(unsigned code, std::uint32_t k, std::uint8_t if_true, std::uint8_t if_false) noexcept {
  return {static_cast<std::uint16_t>(code), if_true, if_false, k};
}

/// A classic BPF program whose result is the number of a socket in its group: what worker_of() computes.
bool attach_selector(const UdpListener& socket, std::size_t workers) noexcept {
  constexpr unsigned kLoadWord = BPF_LD | BPF_W | BPF_ABS;
  constexpr sock_filter kKeep = statement(BPF_MISC | BPF_TAX, 0);
  constexpr sock_filter kMix = statement(BPF_ALU | BPF_XOR | BPF_X, 0);
  std::array program{
      statement(BPF_LD | BPF_B | BPF_ABS, kNetwork),
      statement(BPF_ALU | BPF_RSH | BPF_K, 4),
      jump(BPF_JMP | BPF_JEQ | BPF_K, 6, 2, 0),
      statement(kLoadWord, kIpv4Source),
      jump(BPF_JMP | BPF_JA, 10, 0, 0),
      statement(kLoadWord, kIpv6Source),
      kKeep,
      statement(kLoadWord, kIpv6Source + 4),
      kMix,
      kKeep,
      statement(kLoadWord, kIpv6Source + 8),
      kMix,
      kKeep,
      statement(kLoadWord, kIpv6Source + 12),
      kMix,
      statement(BPF_ALU | BPF_MUL | BPF_K, kMultiplier),
      statement(BPF_ALU | BPF_RSH | BPF_K, kShift),
      statement(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(workers)),
      statement(BPF_RET | BPF_A, 0),
  };
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  return socket.set(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, attached);
}

}  // namespace

std::size_t worker_of(const Address& sender, std::size_t workers) noexcept {
  const std::uint64_t folded = sender.high ^ sender.low;
  const auto mixed = sender.family == Family::ipv4 ? static_cast<std::uint32_t>(sender.low)
                                                   : static_cast<std::uint32_t>(folded >> 32 ^ folded);
  return (mixed * kMultiplier >> kShift) % workers;
}

Opened<std::vector<UdpListener>> open_udp_workers(const UdpOptions& options, std::size_t workers) {
  const std::size_t count = std::clamp(workers, std::size_t{1}, kMaxUdpWorkers);
  std::vector<UdpListener> group;
  UdpOptions next = options;
  if (count > 1 && options.port != 0) {
    // Sockets that share an address take a newcomer in without a word, whoever it is: ask first, alone.
    const auto alone = UdpListener::open(options);
    if (!alone.ok()) return alone.failure();
  }
  next.shared = count > 1;
  for (std::size_t i = 0; i < count; ++i) {
    auto socket = UdpListener::open(next);
    if (!socket.ok()) return socket.failure();
    next.port = socket.value().bound_port();
    group.push_back(std::move(socket.value()));
  }
  // A group of sockets has one program, whichever of them it is attached to.
  if (count > 1 && !attach_selector(group.front(), count)) {
    return system_failure("choosing a thread by sender on " + options.address, errno);
  }
  return group;
}

}  // namespace tidegate
