/// capture/udp_workers on the loopback interface: which socket of a group gets whose datagrams.
#include "../capture/udp_workers.hpp"

#include <chrono>
#include <set>

#include "../base/address.hpp"
#include "../capture/socket_address.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

std::vector<UdpListener> open(const UdpOptions& options, std::size_t workers) {
  auto opened = open_udp_workers(options, workers);
  if (!opened.ok()) NOTE(opened.failure().text);
  REQUIRE(opened.ok());
  return std::move(opened.value());
}

void send_from(const Address& from, const Endpoint& to) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  const int family = from.family == Family::ipv4 ? AF_INET : AF_INET6;
  const Socket socket{::socket(family, SOCK_DGRAM, 0)};
  const socklen_t own_size = to_socket_address({from, 0}, own);
  REQUIRE(::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&own), own_size) == 0);
  const socklen_t size = to_socket_address(to, peer);
  constexpr char kByte = 'x';
  REQUIRE(::sendto(socket.fd(), &kByte, 1, 0, reinterpret_cast<const sockaddr*>(&peer), size) == 1);
}

/// By worker, the sender of each datagram that has come.
std::vector<std::multiset<std::string>> receive(std::vector<UdpListener>& group) {
  std::vector<std::multiset<std::string>> seen(group.size());
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (int idle = 0; idle < 2;) {
      const std::size_t got = group[i].poll(5, [&](std::span<const Datagram> datagrams) {
        for (const auto& datagram : datagrams) seen[i].insert(format_address(datagram.sender));
      });
      idle = got == 0 ? idle + 1 : 0;
    }
  }
  return seen;
}

/// One thread each gets all of a sender's hundred datagrams, each from a port of its own, and worker_of() names it.
void check_sticks(const std::string& listen, const std::string& to, const std::vector<Address>& senders) {
  constexpr std::size_t kPorts = 100;
  UdpOptions options;
  options.address = listen;
  auto group = open(options, 4);
  for (std::size_t i = 0; i < kPorts; ++i) {
    for (const Address& sender : senders) send_from(sender, {*parse_address(to), group.front().bound_port()});
  }
  const auto seen = receive(group);
  std::size_t busy = 0;
  for (const auto& worker : seen) busy += worker.empty() ? 0 : 1;
  CHECK((senders.size() == 1 || busy > 1));
  for (const Address& sender : senders) {
    CHECK(seen[worker_of(sender, group.size())].count(format_address(sender)) == kPorts);
  }
}

std::vector<Address> loopback_addresses(std::uint32_t count) {
  std::vector<Address> all;
  for (std::uint32_t i = 2; i < 2 + count; ++i) all.push_back(ipv4_address(0x7F00'0000 + i * 257));
  return all;
}

}  // namespace

TEST("an exporter's datagrams reach one worker from a hundred ports, and exporters spread over workers") {
  check_sticks("127.0.0.1", "127.0.0.1", loopback_addresses(12));
}

TEST("IPv4 exporters stick on a dual-stack group too") { check_sticks("::", "127.0.0.1", loopback_addresses(12)); }

TEST("an IPv6 exporter sticks to the worker that its address names") {
  check_sticks("::1", "::1", {ipv6_address(0, 1)});
}

TEST("a group of sockets does not join another's address") {
  UdpOptions options;
  options.address = "127.0.0.1";
  const auto group = open(options, 2);
  options.port = group.front().bound_port();
  for (const std::size_t workers : {1, 2}) {
    const auto second = open_udp_workers(options, workers);
    REQUIRE(!second.ok());
    CHECK(second.failure().error_number == EADDRINUSE);
  }
}
