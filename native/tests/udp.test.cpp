/// capture/udp on the loopback interface: every datagram, its sender, its losses.
#include "../capture/udp.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "../base/address.hpp"
#include "../capture/socket_address.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

UdpListener open(const UdpOptions& options) {
  auto opened = UdpListener::open(options);
  if (!opened.ok()) NOTE(opened.failure().text);
  REQUIRE(opened.ok());
  return std::move(opened.value());
}

class Peer {
 public:
  Peer(std::string_view to, std::uint16_t port) {
    const auto address = parse_address(to);
    size_ = to_socket_address({*address, port}, to_);
    socket_ = Socket{::socket(address->family == Family::ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0)};
  }
  void send(std::size_t size, std::uint8_t fill) {
    const std::vector<std::byte> payload(size, std::byte{fill});
    REQUIRE(::sendto(socket_.fd(), payload.data(), size, 0, reinterpret_cast<const sockaddr*>(&to_), size_) ==
            static_cast<ssize_t>(size));
  }
  std::uint16_t port() {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    REQUIRE(::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
    return endpoint_of(own)->port;
  }

 private:
  Socket socket_;
  sockaddr_storage to_{};
  socklen_t size_ = 0;
};

struct Seen {
  std::vector<std::size_t> sizes;
  std::vector<std::uint8_t> fills;
  std::vector<std::string> senders;
  std::vector<std::uint16_t> ports;
};

/// All that comes until nothing has come for two waits.
Seen receive(UdpListener& listener) {
  Seen seen;
  for (int idle = 0; idle < 2;) {
    const std::size_t got = listener.poll(20, [&](std::span<const Datagram> datagrams) {
      for (const auto& datagram : datagrams) {
        seen.sizes.push_back(datagram.bytes.size());
        seen.fills.push_back(datagram.bytes.empty() ? 0 : std::to_integer<std::uint8_t>(datagram.bytes.back()));
        seen.senders.push_back(format_address(datagram.sender));
        seen.ports.push_back(datagram.sender_port);
      }
    });
    idle = got == 0 ? idle + 1 : 0;
  }
  return seen;
}

}  // namespace

TEST("every datagram is received whole and in order, up to the longest that UDP allows") {
  auto listener = open({.address = "127.0.0.1"});
  REQUIRE(listener.bound_port() != 0);
  Peer peer{"127.0.0.1", listener.bound_port()};
  std::vector<std::size_t> sizes{0, 1, 1400, 65'507};
  for (std::size_t i = 0; i < 200; ++i) sizes.push_back(i);
  for (std::size_t i = 0; i < sizes.size(); ++i) peer.send(sizes[i], static_cast<std::uint8_t>(i));
  const auto seen = receive(listener);
  REQUIRE(seen.sizes.size() == sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    CHECK(seen.sizes[i] == sizes[i]);
    CHECK(seen.fills[i] == (sizes[i] == 0 ? 0 : i));
    CHECK(seen.senders[i] == "127.0.0.1");
    CHECK(seen.ports[i] == peer.port());
  }
  CHECK(listener.drops() == 0);
}

TEST("a dual-stack socket hears both families, and an IPv4 sender is IPv4") {
  auto listener = open({.address = "::"});
  Peer{"127.0.0.1", listener.bound_port()}.send(4, 1);
  Peer{"::1", listener.bound_port()}.send(6, 2);
  const auto seen = receive(listener);
  REQUIRE(seen.senders.size() == 2);
  CHECK(seen.senders[0] == "127.0.0.1");
  CHECK(seen.senders[1] == "::1");
}

TEST("datagrams that find the buffer full are counted, with none behind them, too") {
  auto listener = open({.address = "::1", .receive_buffer_bytes = 20'000});
  CHECK(listener.receive_buffer_bytes() == 20'000);
  Peer peer{"::1", listener.bound_port()};
  for (std::size_t i = 0; i < 500; ++i) peer.send(1000, 1);
  const auto seen = receive(listener);
  CHECK(seen.sizes.size() < 500);
  CHECK(listener.drops() == 500 - seen.sizes.size());
  CHECK(listener.drops() == 500 - seen.sizes.size());  // reading does not forget, nor count twice
  peer.send(1000, 1);
  CHECK(receive(listener).sizes.size() == 1);
}

TEST("a listener that hears nothing waits, and one under load does not wait on the socket") {
  auto listener = open({.address = "127.0.0.1", .coalesce_micros = 10'000});
  const auto timed = [&] {
    const auto before = std::chrono::steady_clock::now();
    const std::size_t got = listener.poll(40, [](auto) {});
    const auto took = std::chrono::steady_clock::now() - before;
    return std::pair{got, std::chrono::duration_cast<std::chrono::milliseconds>(took).count()};
  };
  CHECK(timed().second >= 39);
  Peer peer{"127.0.0.1", listener.bound_port()};
  peer.send(10, 1);
  CHECK(timed().first == 1);
  peer.send(10, 1);
  const auto [got, took] = timed();  // there at once, taken after the pause
  CHECK(got == 1);
  CHECK(took >= 9);
}

TEST("a receive buffer that holds little shortens the sleep, so that it does not overflow meanwhile") {
  auto listener = open({.address = "127.0.0.1", .receive_buffer_bytes = 100'000, .coalesce_micros = 900'000});
  Peer peer{"127.0.0.1", listener.bound_port()};
  // a machine that is busy wakes it late, but not each time
  auto quickest = std::chrono::steady_clock::duration::max();
  for (int round = 0; round < 10; ++round) {
    peer.send(10, 1);
    CHECK(listener.poll(1000, [](auto) {}) == 1);
    const auto before = std::chrono::steady_clock::now();
    listener.poll(100, [](auto) {});
    quickest = std::min(quickest, std::chrono::steady_clock::now() - before);
  }
  CHECK(quickest < std::chrono::milliseconds{100});
}

TEST("one poll takes a bounded number of datagrams") {
  auto listener = open({.address = "127.0.0.1", .receive_buffer_bytes = std::size_t{64} << 20});
  Peer peer{"127.0.0.1", listener.bound_port()};
  constexpr std::size_t kBound = kMaxBatchesPerPoll * kBatchDatagrams;
  for (std::size_t i = 0; i < kBound + 10; ++i) peer.send(1, 1);
  if (listener.drops() > 0) SKIP("this system gives no receive buffer of 64 MiB");
  std::size_t longest = 0;
  const std::size_t taken =
      listener.poll(100, [&](std::span<const Datagram> batch) { longest = std::max(longest, batch.size()); });
  CHECK(taken == kBound);
  CHECK(longest == kBatchDatagrams);
  CHECK(receive(listener).sizes.size() == 10);
}

TEST("a listener that cannot be had says where and why") {
  auto first = open({.address = "127.0.0.1"});
  auto second = UdpListener::open({.address = "127.0.0.1", .port = first.bound_port()});
  REQUIRE(!second.ok());
  CHECK(second.failure().text == "EADDRINUSE: listening on 127.0.0.1 port " + std::to_string(first.bound_port()) +
                                     " (Address already in use)");
  auto name = UdpListener::open({.address = "localhost"});
  REQUIRE(!name.ok());
  CHECK(name.failure().text.starts_with("EINVAL: not an address: localhost"));
  auto foreign = UdpListener::open({.address = "192.0.2.1"});
  REQUIRE(!foreign.ok());
  CHECK(foreign.failure().text.starts_with("EADDRNOTAVAIL: "));
}
