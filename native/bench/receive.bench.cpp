/// The floor that flow collectors are measured against: takes datagrams with recvmmsg(2) and discards them.
///
/// bench-receive ADDRESS PORT: until SIGTERM; then prints datagrams, bytes, and what the kernel dropped.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../capture/socket.hpp"

using namespace tidegate;

namespace {

constexpr unsigned kBatch = 64;
constexpr std::size_t kDatagramBytes = 65'535;
constexpr int kReceiveBufferBytes = 8 << 20;

volatile std::sig_atomic_t stopped = 0;
void stop(int) { stopped = 1; }

struct Seen {
  std::uint64_t datagrams = 0;
  std::uint64_t bytes = 0;
  std::uint32_t drops = 0;  ///< SO_RXQ_OVFL: of the socket since it was opened, as of the last datagram
};

struct Slots {
  std::vector<std::byte> memory = std::vector<std::byte>(kBatch * kDatagramBytes);
  std::array<iovec, kBatch> pieces{};
  std::array<std::array<std::byte, CMSG_SPACE(sizeof(std::uint32_t))>, kBatch> control{};
  std::array<mmsghdr, kBatch> messages{};

  void make_ready() noexcept {
    for (unsigned i = 0; i < kBatch; ++i) {
      pieces[i] = {memory.data() + i * kDatagramBytes, kDatagramBytes};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_control = control[i].data();
      messages[i].msg_hdr.msg_controllen = control[i].size();
    }
  }
};

void note_drops(msghdr& header, Seen& seen) noexcept {
  for (cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr; one = CMSG_NXTHDR(&header, one)) {
    if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SO_RXQ_OVFL) {
      std::memcpy(&seen.drops, CMSG_DATA(one), sizeof seen.drops);
    }
  }
}

Seen receive(const Socket& socket) {
  Slots slots;
  Seen seen;
  while (stopped == 0) {
    slots.make_ready();
    const int got = ::recvmmsg(socket.fd(), slots.messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (got <= 0) {
      if (errno != EINTR && errno != EAGAIN) std::perror("recvmmsg");
      continue;
    }
    seen.datagrams += static_cast<std::uint64_t>(got);
    for (int i = 0; i < got; ++i) seen.bytes += slots.messages[static_cast<std::size_t>(i)].msg_len;
    note_drops(slots.messages[static_cast<std::size_t>(got) - 1].msg_hdr, seen);
  }
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench-receive ADDRESS PORT\n");
    return 2;
  }
  const Socket socket{::socket(AF_INET, SOCK_DGRAM, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  const timeval briefly{0, 100'000};  // so that a signal between two datagrams is seen
  const bool ready = ::inet_pton(AF_INET, argv[1], &address.sin_addr) == 1 &&
                     (socket.set(SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBufferBytes) ||
                      socket.set(SOL_SOCKET, SO_RCVBUF, kReceiveBufferBytes)) &&
                     socket.set(SOL_SOCKET, SO_RXQ_OVFL, 1) && socket.set(SOL_SOCKET, SO_RCVTIMEO, briefly) &&
                     ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (!ready) {
    std::perror("bench-receive");
    return 1;
  }
  struct sigaction action {};
  action.sa_handler = stop;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  const Seen seen = receive(socket);
  std::printf("{\"datagrams\":%llu,\"bytes\":%llu,\"dropped\":%u}\n", static_cast<unsigned long long>(seen.datagrams),
              static_cast<unsigned long long>(seen.bytes), seen.drops);
  return 0;
}
