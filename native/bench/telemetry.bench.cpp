/// Sends the UDP datagrams of a capture again and again at a given pace, with sendmmsg(2), from one exporter or many.
///
/// bench-telemetry FILE ADDRESS PORT DATAGRAMS_PER_SECOND SECONDS [EXPORTERS]
///
/// Exporters send from 127.0.1.1, 127.0.1.2 and so on, in turn, each all datagrams of the file in order. Prints what
/// was sent, in which time, and how much of it was behind the pace: a sender that cannot keep it says so.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <vector>

#include "../capture/capture_file.hpp"
#include "../capture/socket.hpp"
#include "../flow/udp_in_frame.hpp"

using namespace tidegate;

namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kMaxExporters = 250;
constexpr std::uint32_t kFirstExporter = 0x7F00'0101;
constexpr int kSendBufferBytes = 4 << 20;
/// Woken so often while ahead of the pace.
constexpr long kNapNanos = 100'000;

double seconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// The payloads of the capture's datagrams; they live as long as the file.
std::vector<std::span<const std::byte>> payloads_of(CaptureFile& file) {
  std::vector<std::span<const std::byte>> payloads;
  FileFrame frame;
  while (file.next(frame)) {
    if (const auto datagram = udp_in_frame(LinkType::ethernet, frame.frame.bytes)) payloads.push_back(datagram->payload);
  }
  return payloads;
}

std::vector<Socket> exporters_to(const sockaddr_in& collector, std::size_t count) {
  std::vector<Socket> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    Socket socket{::socket(AF_INET, SOCK_DGRAM, 0)};
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(kFirstExporter + static_cast<std::uint32_t>(i));
    const bool ready = socket.set(SOL_SOCKET, SO_SNDBUF, kSendBufferBytes) &&
                       ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
                       ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&collector), sizeof collector) == 0;
    if (!ready) {
      std::perror("bench-telemetry");
      std::exit(1);
    }
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

struct Sent {
  std::uint64_t datagrams = 0;
  std::uint64_t refused = 0;
  double seconds = 0;
};

/// One exporter after the other sends a batch, so that their datagrams mix as they would on a wire.
class Sending {
 public:
  Sending(std::span<const std::span<const std::byte>> payloads, std::vector<Socket> exporters)
      : payloads_{payloads}, exporters_{std::move(exporters)}, next_(exporters_.size()) {}

  void batch(std::size_t count, Sent& sent) {
    const std::size_t who = turn_++ % exporters_.size();
    std::size_t& at = next_[who];
    for (std::size_t i = 0; i < count; ++i, at = (at + 1) % payloads_.size()) {
      const auto payload = payloads_[at];
      pieces_[i] = {const_cast<std::byte*>(payload.data()), payload.size()};
      messages_[i] = {};
      messages_[i].msg_hdr.msg_iov = &pieces_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    for (std::size_t done = 0; done < count;) {
      const auto left = static_cast<unsigned>(count - done);
      const int got = ::sendmmsg(exporters_[who].fd(), messages_.data() + done, left, 0);
      // Nobody listens: said once for each datagram sent before.
      if (got <= 0) ++sent.refused;
      done += static_cast<std::size_t>(std::max(got, 1));
    }
    sent.datagrams += count;
  }

 private:
  std::span<const std::span<const std::byte>> payloads_;
  std::vector<Socket> exporters_;
  std::vector<std::size_t> next_;
  std::size_t turn_ = 0;
  std::array<iovec, kBatch> pieces_{};
  std::array<mmsghdr, kBatch> messages_{};
};

Sent send_all(Sending& sending, double per_second, double seconds) {
  Sent sent;
  const auto all = static_cast<std::uint64_t>(per_second * seconds);
  const double start = seconds_now();
  while (sent.datagrams < all) {
    const double due = (seconds_now() - start) * per_second;
    const auto behind = static_cast<std::uint64_t>(due) - std::min(sent.datagrams, static_cast<std::uint64_t>(due));
    if (behind == 0) {
      const timespec nap{0, kNapNanos};
      ::nanosleep(&nap, nullptr);
      continue;
    }
    sending.batch(static_cast<std::size_t>(std::min({behind, all - sent.datagrams, std::uint64_t{kBatch}})), sent);
  }
  sent.seconds = seconds_now() - start;
  return sent;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: bench-telemetry FILE ADDRESS PORT DATAGRAMS_PER_SECOND SECONDS [EXPORTERS]\n");
    return 2;
  }
  auto opened = CaptureFile::open(argv[1]);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s: %s\n", argv[1], opened.failure().text.c_str());
    return 1;
  }
  CaptureFile file = std::move(opened.value());
  const auto payloads = payloads_of(file);
  sockaddr_in collector{};
  collector.sin_family = AF_INET;
  collector.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[3])));
  if (payloads.empty() || ::inet_pton(AF_INET, argv[2], &collector.sin_addr) != 1) {
    std::fprintf(stderr, "%s: no datagrams, or no IPv4 address in '%s'\n", argv[1], argv[2]);
    return 1;
  }
  const auto exporters = argc > 6 ? std::clamp<std::size_t>(std::strtoul(argv[6], nullptr, 10), 1, kMaxExporters) : 1;
  Sending sending{payloads, exporters_to(collector, exporters)};
  const double per_second = std::atof(argv[4]);
  const double seconds = std::atof(argv[5]);
  const Sent sent = send_all(sending, per_second, seconds);
  std::printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.6f,\"late\":%.6f}\n",
              static_cast<unsigned long long>(sent.datagrams), static_cast<unsigned long long>(sent.refused), sent.seconds,
              std::max(0.0, sent.seconds - seconds));
  return 0;
}
