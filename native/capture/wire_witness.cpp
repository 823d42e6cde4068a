#include "wire_witness.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "../base/cursor.hpp"

namespace tidegate {

namespace {

/// The longest IPv4 header and the ports behind it.
constexpr std::uint32_t kHeaderBytes = 64;
constexpr int kBufferBytes = 4 << 20;
/// Packets read between two looks at the clock.
constexpr std::size_t kMaxReadsAtOnce = 4096;

using Program = std::vector<sock_filter>;

/// `code` ends with the destination port in the accumulator; one comparison a port follows.
void compare_ports(Program& code, std::span<const std::uint16_t> ports) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto to_accept = static_cast<std::uint8_t>(ports.size() - i);  // over the other ports and the drop
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ports[i], to_accept, 0));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, kHeaderBytes));
}

/// `jump` matches to go on, or not to; the drop is the next instruction but one.
void require(Program& code, sock_filter jump_over_drop) {
  code.push_back(jump_over_drop);
  code.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
}

/// PACKET_HOST, PACKET_BROADCAST and PACKET_MULTICAST are the kinds that are for this machine.
void require_for_us(Program& code) {
  code.push_back(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)));
  require(code, BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_MULTICAST, 0, 1));
}

/// RFC 791 section 3.1: protocol at 9, fragment offset in the low 13 bits at 6, header length in the low half at 0.
Program ipv4_filter(std::span<const std::uint16_t> ports) {
  Program code;
  require_for_us(code);
  code.push_back(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9));
  require(code, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0));
  code.push_back(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6));
  require(code, BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 0, 1));
  code.push_back(BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0));
  code.push_back(BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2));
  compare_ports(code, ports);
  return code;
}

/// RFC 8200 section 3: next header at 6, what follows at 40.
Program ipv6_filter(std::span<const std::uint16_t> ports) {
  Program code;
  require_for_us(code);
  code.push_back(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6));
  require(code, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0));
  code.push_back(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 42));
  compare_ports(code, ports);
  return code;
}

/// Gets packets of one protocol alone, above bridges and bonds, so that each is seen once. Silent until it is bound.
Opened<Socket> packet_socket(std::uint16_t protocol, Program code) {
  Socket socket{::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.is_open()) return system_failure("packet socket, which needs CAP_NET_RAW,", errno);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (!socket.set(SOL_SOCKET, SO_ATTACH_FILTER, program)) return system_failure("socket filter", errno);
  // Beyond the system's limit with CAP_NET_ADMIN alone; with what there is otherwise, missed() tells.
  if (!socket.set(SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes)) (void)socket.set(SOL_SOCKET, SO_RCVBUF, kBufferBytes);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure("bind of a packet socket", errno);
  }
  return socket;
}

std::uint64_t missed_by(const Socket& socket) noexcept {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  return ::getsockopt(socket.fd(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0 ? stats.tp_drops : 0;
}

struct Ends {
  Address source;
  Address destination;
  std::uint16_t port = 0;
};

std::optional<Ends> ends_of_ipv4(std::span<const std::byte> packet) noexcept {
  Cursor header{packet};
  const std::size_t words = header.u8() & 0x0FU;
  header.skip(11);
  const std::uint32_t source = header.u32();
  const std::uint32_t destination = header.u32();
  if (words < 5) return std::nullopt;
  header.skip(words * 4 - 20 + 2);
  const std::uint16_t port = header.u16();
  if (!header.ok()) return std::nullopt;
  return Ends{{0, source, Family::ipv4}, {0, destination, Family::ipv4}, port};
}

std::optional<Ends> ends_of_ipv6(std::span<const std::byte> packet) noexcept {
  Cursor header{packet};
  header.skip(8);
  const std::uint64_t source_high = header.u64();
  const std::uint64_t source_low = header.u64();
  const std::uint64_t destination_high = header.u64();
  const std::uint64_t destination_low = header.u64();
  header.skip(2);
  const std::uint16_t port = header.u16();
  if (!header.ok()) return std::nullopt;
  return Ends{{source_high, source_low, Family::ipv6}, {destination_high, destination_low, Family::ipv6}, port};
}

}  // namespace

WireWitness::WireWitness(Socket ipv4, Socket ipv6) noexcept : ipv4_{std::move(ipv4)}, ipv6_{std::move(ipv6)} {}

Opened<WireWitness> WireWitness::open(std::span<const std::uint16_t> ports) {
  if (ports.empty() || ports.size() > kMaxWitnessPorts) return system_failure("a witness takes 1 to 128 ports", EINVAL);
  auto ipv4 = packet_socket(ETH_P_IP, ipv4_filter(ports));
  if (!ipv4.ok()) return ipv4.failure();
  auto ipv6 = packet_socket(ETH_P_IPV6, ipv6_filter(ports));
  if (!ipv6.ok()) return ipv6.failure();
  return WireWitness{std::move(ipv4.value()), std::move(ipv6.value())};
}

WitnessReport WireWitness::listen(std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  const auto end = begun + std::min(time, kMaxWitnessTime);
  std::array<pollfd, 2> ready{{{ipv4_.fd(), POLLIN, 0}, {ipv6_.fd(), POLLIN, 0}}};
  for (auto now = begun; now < end; now = Clock::now()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
    if (::poll(ready.data(), ready.size(), static_cast<int>(left.count())) <= 0) continue;
    if (ready[0].revents != 0) receive(ipv4_, false);
    if (ready[1].revents != 0) receive(ipv6_, true);
  }
  receive(ipv4_, false);
  receive(ipv6_, true);

  WitnessReport report;
  report.sights.reserve(sights_.size());
  for (const auto& [key, datagrams] : sights_) {
    const Family family = key.ipv6 ? Family::ipv6 : Family::ipv4;
    report.sights.push_back({{key.source_high, key.source_low, family},
                             {key.destination_high, key.destination_low, family},
                             key.port,
                             key.interface,
                             datagrams});
  }
  report.overflow = overflow_;
  report.missed = missed_by(ipv4_) + missed_by(ipv6_);
  report.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  return report;
}

void WireWitness::receive(const Socket& socket, bool ipv6) {
  std::array<std::byte, kHeaderBytes> header;
  for (std::size_t i = 0; i < kMaxReadsAtOnce; ++i) {
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const auto got = ::recvfrom(socket.fd(), header.data(), header.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return;
    count(std::span{header}.first(static_cast<std::size_t>(got)), ipv6, from.sll_ifindex);
  }
}

void WireWitness::count(std::span<const std::byte> header, bool ipv6, int interface) {
  const auto ends = ipv6 ? ends_of_ipv6(header) : ends_of_ipv4(header);
  if (!ends) return;
  const Key key{ends->source.high, ends->source.low, ends->destination.high, ends->destination.low,
                ends->port,        interface,        ipv6};
  if (const auto found = sights_.find(key); found != sights_.end()) {
    ++found->second;
  } else if (sights_.size() < kMaxWireSights) {
    sights_.emplace(key, 1);
  } else {
    ++overflow_;
  }
}

}  // namespace tidegate
