// Setting up the packet sockets of af_packet.hpp: packet(7) and Documentation/networking/packet_mmap.rst.
#include <arpa/inet.h>
#include <linux/filter.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <optional>

#include "af_packet.hpp"

namespace tidegate {

namespace {

/// PACKET_FANOUT_FLAG_IGNORE_OUTGOING (Linux 5.15), younger than the headers some build machines have.
constexpr std::uint32_t kFanoutIgnoreOutgoing = 0x4000;
/// Nominal in TPACKET_V3, where frames are as long as they are; the kernel checks its alignment.
constexpr std::uint32_t kNominalFrameBytes = 2048;
/// The fewest blocks with which the kernel can fill one while we read another.
constexpr std::size_t kWantedBlocks = 16;

constexpr std::array<std::uint32_t, kFanoutModes> kFanoutTypes{
    PACKET_FANOUT_CPU, PACKET_FANOUT_LB,       PACKET_FANOUT_HASH,
    PACKET_FANOUT_RND, PACKET_FANOUT_ROLLOVER, PACKET_FANOUT_QM};

std::optional<OpenFailure> out_of_bounds(const AfPacketOptions& options) {
  const auto refuse = [&](std::string_view what) {
    return system_failure("capture on " + options.interface + ": " + std::string{what}, EINVAL);
  };
  if (options.workers < 1 || options.workers > kMaxWorkers) return refuse("workers must be 1 to 64");
  if (options.snap_length < 1 || options.snap_length > kMaxSnapLength) return refuse("snap length must be 1 to 65535 bytes");
  if (options.ring_bytes < kMinRingBytes || options.ring_bytes > kMaxRingBytes) return refuse("a ring must be 256 KiB to 2 GiB");
  if (options.block_timeout_ms < 1 || options.block_timeout_ms > 10'000) return refuse("block timeout must be 1 ms to 10 s");
  return std::nullopt;
}

/// A power of two of which the ring holds at least kWantedBlocks, within one page and kMaxBlockBytes.
std::size_t block_bytes_for(std::size_t ring_bytes) noexcept {
  return std::clamp(std::bit_floor(ring_bytes / kWantedBlocks), std::size_t{4096}, kMaxBlockBytes);
}

/// Cuts each frame at `snap_length`; `incoming_only` also drops copies of what this machine sends.
bool attach_snap_filter(const Socket& socket, std::uint32_t snap_length, bool incoming_only) noexcept {
  constexpr auto kPacketType = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);
  std::array<sock_filter, 4> code{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kPacketType),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, snap_length),
  }};
  const auto used = incoming_only ? std::span{code} : std::span{code}.last(1);
  return socket.set(SOL_SOCKET, SO_ATTACH_FILTER, sock_fprog{static_cast<unsigned short>(used.size()), used.data()});
}

bool bind_to(const Socket& socket, const Interface& interface) noexcept {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interface.index;
  return ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// The group that the first worker founds under a number nobody has, and that the others join.
class FanoutGroup {
 public:
  explicit FanoutGroup(FanoutMode mode) noexcept : type_{kFanoutTypes[static_cast<std::size_t>(mode)]} {}

  [[nodiscard]] bool join(const Socket& socket) noexcept {
    if (founded_) return socket.set(SOL_PACKET, PACKET_FANOUT, group_ | type_ << 16);
    if (!found(socket, kFanoutIgnoreOutgoing) && !found(socket, 0)) return false;
    std::uint32_t joined = 0;
    socklen_t size = sizeof joined;
    if (::getsockopt(socket.fd(), SOL_PACKET, PACKET_FANOUT, &joined, &size) != 0) return false;
    group_ = joined & 0xFFFFU;
    return founded_ = true;
  }
  [[nodiscard]] bool ignores_outgoing() const noexcept { return (type_ & kFanoutIgnoreOutgoing) != 0; }

 private:
  bool found(const Socket& socket, std::uint32_t flag) noexcept {
    const std::uint32_t type = type_ | flag;
    if (!socket.set(SOL_PACKET, PACKET_FANOUT, (type | PACKET_FANOUT_FLAG_UNIQUEID) << 16)) return false;
    type_ = type;
    return true;
  }

  std::uint32_t type_;
  std::uint32_t group_ = 0;
  bool founded_ = false;
};

struct Prepared {
  Socket socket;
  PacketRing ring;
};

Opened<Prepared> prepare(const AfPacketOptions& options, const Interface& interface) {
  const auto refuse = [&](std::string_view what) {
    return system_failure(std::string{what} + " on " + options.interface, errno);
  };
  Socket socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.is_open()) return refuse("packet socket, which needs CAP_NET_RAW,");
  if (!socket.set(SOL_PACKET, PACKET_VERSION, int{TPACKET_V3})) return refuse("TPACKET_V3");

  const std::size_t block_bytes = block_bytes_for(options.ring_bytes);
  tpacket_req3 wanted{};
  wanted.tp_block_size = static_cast<unsigned>(block_bytes);
  wanted.tp_block_nr = static_cast<unsigned>(options.ring_bytes / block_bytes);
  wanted.tp_frame_size = kNominalFrameBytes;
  wanted.tp_frame_nr = static_cast<unsigned>(block_bytes / kNominalFrameBytes) * wanted.tp_block_nr;
  wanted.tp_retire_blk_tov = options.block_timeout_ms;
  if (!socket.set(SOL_PACKET, PACKET_RX_RING, wanted)) return refuse("receive ring");
  Mapping memory = Mapping::of(socket.fd(), block_bytes * wanted.tp_block_nr, PROT_READ | PROT_WRITE, MAP_SHARED);
  if (!memory.is_mapped()) return refuse("mapping the receive ring");

  // Until the worker has joined its group it would get a second copy of every frame: let nothing through.
  if (!attach_snap_filter(socket, 0, false)) return refuse("socket filter");
  if (options.promiscuous) {
    packet_mreq membership{};
    membership.mr_ifindex = interface.index;
    membership.mr_type = PACKET_MR_PROMISC;
    if (!socket.set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)) return refuse("promiscuous mode");
  }
  return Prepared{std::move(socket), PacketRing{std::move(memory), block_bytes}};
}

}  // namespace

Opened<std::vector<AfPacketWorker>> open_af_packet(const AfPacketOptions& options) {
  if (auto failure = out_of_bounds(options); failure.has_value()) return *std::move(failure);
  const auto refuse = [&](std::string_view what) {
    return system_failure(std::string{what} + " on " + options.interface, errno);
  };

  // Looking up an interface needs no privilege, so its absence is reported before the lack of one.
  const Socket asking{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  auto found = find_interface(asking, options.interface);
  if (!found.ok()) return found.failure();
  const Interface& interface = found.value();

  FanoutGroup group{options.fanout};
  std::vector<AfPacketWorker> workers;
  workers.reserve(options.workers);
  for (std::uint32_t worker = 0; worker < options.workers; ++worker) {
    auto prepared = prepare(options, interface);
    if (!prepared.ok()) return prepared.failure();
    Socket& socket = prepared.value().socket;
    // Before 4.20 the kernel does not know this option; then the filter does its work.
    bool ignores_outgoing = socket.set(SOL_PACKET, PACKET_IGNORE_OUTGOING, int{1});
    if (!bind_to(socket, interface)) return refuse("bind");
    if (options.workers > 1) {
      if (!group.join(socket)) return refuse("fanout group");
      ignores_outgoing = group.ignores_outgoing();  // in a group its own flag counts
    }
    if (!attach_snap_filter(socket, options.snap_length, !ignores_outgoing)) return refuse("socket filter");
    workers.push_back(AfPacketWorker{std::move(socket), interface, std::move(prepared.value().ring)});
  }
  return workers;
}

}  // namespace tidegate
