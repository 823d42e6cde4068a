/// capture/wire_witness: it counts what arrives, also what rp_filter or a firewall then keeps from the socket.
#include "../capture/wire_witness.hpp"

#include <future>
#include <thread>

#include "../base/address.hpp"
#include "../capture/sender.hpp"
#include "../capture/udp.hpp"
#include "check.hpp"
#include "packet_builder.hpp"
#include "pcap_builder.hpp"
#include "veth.hpp"

using namespace tidegate;
using namespace tidegate::check;
using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kPort = 2055;
constexpr std::string_view kHere = "198.51.100.2";
constexpr std::string_view kNeighbour = "198.51.100.1";  // by far0's own network
constexpr std::string_view kStranger = "192.0.2.77";     // no route leads back to it

/// To far0, as the kernel takes it: its address on the link, the UDP length, and the IPv4 checksum (RFC 1071).
std::vector<std::byte> to_far(PacketBuilder packet) {
  auto bytes = packet.bytes();
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = std::byte{static_cast<unsigned char>(i == 0 || i == 5 ? 2 : 0)};
  const std::size_t header = (std::to_integer<std::size_t>(bytes[14]) & 0x0FU) * 4;
  const std::size_t udp_length = bytes.size() - 14 - header;
  bytes[14 + header + 4] = static_cast<std::byte>(udp_length >> 8);
  bytes[14 + header + 5] = static_cast<std::byte>(udp_length & 0xFF);
  std::uint32_t sum = 0;
  for (std::size_t i = 14; i < 14 + header; i += 2) {
    sum += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
  }
  sum = (sum & 0xFFFF) + (sum >> 16);
  sum = ~(sum + (sum >> 16)) & 0xFFFF;
  bytes[24] = static_cast<std::byte>(sum >> 8);
  bytes[25] = static_cast<std::byte>(sum & 0xFF);
  return bytes;
}

std::vector<std::byte> datagram(std::string_view source, std::uint16_t port = kPort) {
  return to_far(packet().ethernet().ipv4(source, kHere).udp(4000, port).payload(100));
}

void send(std::vector<std::vector<std::byte>> frames) {
  std::vector<WrittenFrame> written;
  for (auto& frame : frames) written.push_back({std::move(frame)});
  const TemporaryFile file{pcap_of(written)};
  const auto sent = send_capture({.interface = kNear, .path = file.path(), .packets_per_second = 5000.0});
  REQUIRE(sent.ok());
}

void address_far() {
  REQUIRE(shell("ip link set far0 address 02:00:00:00:00:02"));
  REQUIRE(shell("ip addr add 198.51.100.2/24 dev far0"));
  REQUIRE(shell("echo 0 | tee /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/far0/rp_filter"));
}

WireWitness witness(std::vector<std::uint16_t> ports) {
  auto opened = WireWitness::open(ports);
  if (!opened.ok()) NOTE(opened.failure().text);
  REQUIRE(opened.ok());
  return std::move(opened.value());
}

UdpListener listener() {
  auto opened = UdpListener::open({.address = "0.0.0.0", .port = kPort});
  REQUIRE(opened.ok());
  return std::move(opened.value());
}

std::size_t received(UdpListener& from) {
  std::size_t all = 0;
  for (int idle = 0; idle < 2;) {
    const std::size_t got = from.poll(20, [](std::span<const Datagram>) {});
    all += got;
    idle = got == 0 ? idle + 1 : 0;
  }
  return all;
}

std::uint64_t seen_from(const WitnessReport& report, std::string_view source) {
  std::uint64_t all = 0;
  for (const auto& sight : report.sights) {
    if (format_address(sight.source) == source) all += sight.datagrams;
  }
  return all;
}

}  // namespace

TEST("the wire witness counts what the socket gets, by sender, and nothing of other ports or hosts") {
  with_veth_pair([] {
    address_far();
    auto socket = listener();
    auto witnessing = witness({9, kPort, 4739});
    send({datagram(kNeighbour), datagram(kNeighbour), datagram(kNeighbour, 2056), datagram(kNeighbour, 4739),
          to_far(packet().ethernet().ipv4(kNeighbour, kHere).tcp(4000, kPort, 2)),
          to_far(packet().ethernet().ipv4(kNeighbour, kHere).ipv4_options(3).udp(4000, kPort).payload(20))});
    const auto report = witnessing.listen(50ms);
    REQUIRE(report.sights.size() == 2);
    CHECK(report.sights[0].port == kPort);
    CHECK(report.sights[0].datagrams == 3);
    CHECK(format_address(report.sights[0].source) == kNeighbour);
    CHECK(format_address(report.sights[0].destination) == kHere);
    CHECK(report.sights[0].interface > 0);
    CHECK(report.sights[1].port == 4739);
    CHECK(report.sights[1].datagrams == 1);
    CHECK(report.seconds >= 0.05);
    CHECK(report.overflow + report.missed == 0);
    CHECK(received(socket) == 3);
  });
}

TEST("the wire witness sees what rp_filter keeps from the socket") {
  with_veth_pair([] {
    address_far();
    REQUIRE(shell("echo 1 | tee /proc/sys/net/ipv4/conf/far0/rp_filter"));
    auto socket = listener();
    auto witnessing = witness({kPort});
    send({datagram(kStranger), datagram(kStranger), datagram(kNeighbour), datagram(kStranger)});
    const auto report = witnessing.listen(20ms);
    CHECK(seen_from(report, kStranger) == 3);
    CHECK(seen_from(report, kNeighbour) == 1);
    CHECK(received(socket) == 1);
  });
}

TEST("the wire witness sees what a firewall keeps from the socket") {
  with_veth_pair([] {
    address_far();
    if (!shell("iptables -I INPUT -p udp --dport 2055 -j DROP") &&
        !shell("nft 'add table ip t; add chain ip t c { type filter hook input priority 0; }; "
               "add rule ip t c udp dport 2055 drop'")) {
      SKIP("neither iptables nor nft works here");
    }
    auto socket = listener();
    auto witnessing = witness({kPort});
    send({datagram(kNeighbour), datagram(kNeighbour)});
    CHECK(seen_from(witnessing.listen(20ms), kNeighbour) == 2);
    CHECK(received(socket) == 0);
  });
}

TEST("a wire witness counts a fragmented datagram once, and IPv6 as well") {
  with_veth_pair([] {
    REQUIRE(shell("echo 0 | tee /proc/sys/net/ipv6/conf/all/disable_ipv6 /proc/sys/net/ipv6/conf/far0/disable_ipv6"));
    address_far();
    auto witnessing = witness({kPort});
    auto ipv6 = packet().ethernet().ipv6("2001:db8::1", "2001:db8::2").udp(4000, kPort).payload(9).bytes();
    for (std::size_t i = 0; i < 6; ++i) ipv6[i] = std::byte{static_cast<unsigned char>(i == 0 || i == 5 ? 2 : 0)};
    send({to_far(packet().ethernet().ipv4(kNeighbour, kHere).fragment(0, true).udp(4000, kPort).payload(40)),
          to_far(packet().ethernet().ipv4(kNeighbour, kHere).fragment(6, false).udp(4000, kPort).payload(40)), ipv6});
    const auto report = witnessing.listen(20ms);
    CHECK(seen_from(report, kNeighbour) == 1);
    CHECK(seen_from(report, "2001:db8::1") == 1);
  });
}

TEST("forged senders do not grow a wire witness past its bound") {
  with_veth_pair([] {
    address_far();
    auto witnessing = witness({kPort});
    std::vector<std::vector<std::byte>> frames;
    for (std::size_t i = 0; i < kMaxWireSights + 100; ++i) {
      frames.push_back(datagram("10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256)));
    }
    auto listening = std::async(std::launch::async, [&] { return witnessing.listen(3s); });
    send(std::move(frames));
    const auto report = listening.get();
    CHECK(report.sights.size() == kMaxWireSights);
    CHECK(report.overflow + report.missed == 100);
    CHECK(report.missed == 0);
  });
}

TEST("a wire witness needs ports, and not too many") {
  CHECK(!WireWitness::open({}).ok());
  const std::vector<std::uint16_t> many(kMaxWitnessPorts + 1, kPort);
  CHECK(!WireWitness::open(many).ok());
}

TEST("the largest filter of a wire witness still finds its first and its last port") {
  with_veth_pair([] {
    address_far();
    std::vector<std::uint16_t> ports;
    for (std::uint16_t i = 0; i < kMaxWitnessPorts; ++i) ports.push_back(static_cast<std::uint16_t>(3000 + i));
    auto witnessing = witness(ports);
    send({datagram(kNeighbour, 2999), datagram(kNeighbour, 3000), datagram(kNeighbour, 3127), datagram(kNeighbour, 3128)});
    CHECK(seen_from(witnessing.listen(20ms), kNeighbour) == 2);
  });
}
