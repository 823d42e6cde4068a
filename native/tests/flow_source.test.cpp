/// engine/flow_source and flow_streams on the loopback interface: threads, losses, templates, sessions.
#include "../engine/flow_source.hpp"

#include <sys/socket.h>

#include <thread>

#include "../base/address.hpp"
#include "../capture/socket_address.hpp"
#include "../capture/tcp_streams.hpp"
#include "check.hpp"
#include "netflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

std::shared_ptr<Engine> engine() {
  EngineSettings settings;
  const std::array networks{*parse_prefix("203.0.113.0/24")};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  settings.space = HostSpace::compile(networks, groups).space;
  settings.group_prefixes.resize(1);
  settings.lane.ipv6_hosts = 64;
  return std::make_shared<Engine>(std::move(settings));
}

FlowSettings listening(FlowTransport transport) {
  FlowSettings settings;
  settings.transport = transport;
  settings.socket.address = "127.0.0.1";
  return settings;
}

std::shared_ptr<Source> open(const FlowSettings& settings) {
  auto opened = open_flow_source(engine(), settings);
  if (!opened.ok()) NOTE(opened.failure().text);
  REQUIRE(opened.ok());
  return std::move(opened.value());
}

/// A limit tells what never comes from what a busy machine is late with.
constexpr int kBusyMachine = 6;

template <typename Holds>
bool within_seconds(int seconds, Holds&& holds) {
  for (int i = 0; i < seconds * kBusyMachine * 100; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return holds();
}

Socket connected(int kind, std::uint16_t port) {
  sockaddr_storage to{};
  const socklen_t size = to_socket_address({ipv4_address(0x7F00'0001), port}, to);
  Socket socket{::socket(AF_INET, kind, 0)};
  REQUIRE(::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), size) == 0);
  return socket;
}

void send(const Socket& socket, std::span<const std::byte> bytes) {
  REQUIRE(::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

/// The peer has closed: reading ends.
bool is_closed(const Socket& socket) {
  return within_seconds(5, [&] {
    char byte = 0;
    const ssize_t got = ::recv(socket.fd(), &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  });
}

std::vector<std::byte> ipfix(const FileWriter& sets, std::uint32_t sequence) {
  return FileWriter{false}.u16(10).u16(16 + sets.size()).u32(1'700'000'000).u32(sequence).u32(9).bytes(sets.done()).done();
}
std::vector<std::byte> ipfix_template() {
  FileWriter sets{false};
  sets.u16(2).u16(4 + 4 + 4 * 4).u16(300).u16(4);
  for (const unsigned field : {8U, 12U, 1U, 2U}) sets.u16(field).u16(4);
  return ipfix(sets, 0);
}
std::vector<std::byte> ipfix_data(std::uint32_t sequence) {
  return ipfix(FileWriter{false}.u16(300).u16(4 + 16).u32(1).u32(0xCB00'7105).u32(600).u32(2), sequence);
}
std::vector<std::byte> joined(const std::vector<std::vector<std::byte>>& parts) {
  std::vector<std::byte> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::uint64_t incoming(Source& source) { return source.stats().lanes.totals[0].packets; }

}  // namespace

TEST("what a full socket loses is counted to the datagram") {
  FlowSettings settings = listening(FlowTransport::udp);
  settings.socket.receive_buffer_bytes = 4096;
  const auto source = open(settings);
  const Socket peer = connected(SOCK_DGRAM, source->bound_port());
  const auto datagram = netflow_of({}, std::vector<NetflowRecord>(30));
  constexpr std::uint64_t kSent = 3000;
  for (std::uint64_t i = 0; i < kSent; ++i) send(peer, datagram);
  CHECK(within_seconds(5, [&] { return source->stats().dropped + source->flow()->totals.datagrams == kSent; }));
  CHECK(source->stats().dropped > 0U);
  CHECK(source->flow()->dropped == source->stats().dropped);
  CHECK(source->flow()->receive_buffer_asked == 4096U);
}

TEST("a listener tells its exporters, strays and templates within a second or two") {
  FlowSettings settings = listening(FlowTransport::udp);
  settings.workers = 3;
  settings.collector.accepts = {};
  settings.collector.accepts.add(FlowFamily::ipfix);
  const auto source = open(settings);
  const Socket peer = connected(SOCK_DGRAM, source->bound_port());
  send(peer, ipfix_template());
  const Socket other_port = connected(SOCK_DGRAM, source->bound_port());
  send(other_port, ipfix_data(0));
  send(peer, netflow_of({}, {NetflowRecord{}}));
  CHECK(within_seconds(5, [&] { return source->flow()->totals.records == 1U && source->exporters().size() == 1U; }));
  CHECK(within_seconds(5, [&] { return incoming(*source) == 2U; }));
  // each worker tells in its own time
  CHECK(within_seconds(5, [&] {
    return source->flow()->totals.strays[static_cast<std::size_t>(FlowProtocol::netflow5)].datagrams == 1U;
  }));
  CHECK(within_seconds(5, [&] { return source->flow()->templates == 1U; }));
  const auto kept = source->take_templates();
  REQUIRE(kept.size() == 1U);
  CHECK(source->take_templates().empty());

  const auto next = open(settings);
  CHECK(next->restore_templates(kept) == 1U);
  send(connected(SOCK_DGRAM, next->bound_port()), ipfix_data(1));
  CHECK(within_seconds(5, [&] { return incoming(*next) == 2U; }));
}

TEST("messages over TCP count however they are cut or joined") {
  const auto source = open(listening(FlowTransport::tcp));
  const Socket peer = connected(SOCK_STREAM, source->bound_port());
  const auto all = joined({ipfix_template(), ipfix_data(0), ipfix_data(1), ipfix_data(2)});
  send(peer, all);
  for (const std::byte& byte : joined({ipfix_data(3), ipfix_data(4)})) {
    send(peer, std::span{&byte, 1});
    std::this_thread::sleep_for(std::chrono::microseconds{200});
  }
  CHECK(within_seconds(5, [&] { return incoming(*source) == 10U; }));
  CHECK(within_seconds(5, [&] { return source->exporters().size() == 1U && source->exporters()[0].counts.records == 5U; }));
  CHECK(source->exporters()[0].sequence_lost == 0U);
  CHECK(within_seconds(5, [&] { return source->flow()->templates == 1U; }));
}

TEST("templates end with their connection, and are nobody else's") {
  const auto source = open(listening(FlowTransport::tcp));
  {
    const Socket first = connected(SOCK_STREAM, source->bound_port());
    send(first, joined({ipfix_template(), ipfix_data(0)}));
    CHECK(within_seconds(5, [&] { return incoming(*source) == 2U; }));
  }
  const Socket second = connected(SOCK_STREAM, source->bound_port());
  send(second, ipfix_data(1));
  CHECK(within_seconds(5, [&] { return source->exporters().size() == 1U && source->exporters()[0].counts.sets_without_template == 1U; }));
  CHECK(incoming(*source) == 2U);
}

TEST("a stream out of step costs its own connection alone") {
  const auto source = open(listening(FlowTransport::tcp));
  const Socket good = connected(SOCK_STREAM, source->bound_port());
  send(good, ipfix_template());
  const Socket bad = connected(SOCK_STREAM, source->bound_port());
  send(bad, std::vector<std::byte>(64, std::byte{0x47}));
  CHECK(is_closed(bad));
  const Socket short_length = connected(SOCK_STREAM, source->bound_port());
  send(short_length, FileWriter{false}.u16(10).u16(15).u32(0).done());
  CHECK(is_closed(short_length));
  send(good, ipfix_data(0));
  CHECK(within_seconds(5, [&] { return incoming(*source) == 2U; }));
  CHECK(within_seconds(
      5, [&] { return source->stats().lanes.errors[static_cast<std::size_t>(DecodeError::ipfix_bad_length)] == 2U; }));
}

TEST("one peer cannot take all connections, and who may not connect is closed at once") {
  const auto source = open(listening(FlowTransport::tcp));
  std::vector<Socket> mine;
  for (std::size_t i = 0; i < kMaxConnectionsPerPeer; ++i) mine.push_back(connected(SOCK_STREAM, source->bound_port()));
  CHECK(is_closed(connected(SOCK_STREAM, source->bound_port())));
  CHECK(within_seconds(5, [&] { return source->flow()->exporters_refused == 1U; }));

  FlowSettings settings = listening(FlowTransport::tcp);
  const std::array elsewhere{*parse_prefix("192.0.2.0/24")};
  settings.collector.allow = AccessList{elsewhere};
  settings.collector.refuse_unknown = true;
  const auto closed = open(settings);
  CHECK(is_closed(connected(SOCK_STREAM, closed->bound_port())));
  CHECK(within_seconds(5, [&] { return closed->flow()->totals.refused == 1U; }));
  CHECK(closed->flow()->totals.last_refused == ipv4_address(0x7F00'0001));
}

TEST("records that are neither from nor to us are counted, though they are played later") {
  FlowSettings settings = listening(FlowTransport::udp);
  settings.collector.hold = HoldOptions{};
  const auto source = open(settings);
  const Socket peer = connected(SOCK_DGRAM, source->bound_port());
  constexpr std::uint32_t kRecords = 400;
  for (std::uint32_t i = 0; i < kRecords; ++i) {
    NetflowRecord record;  // one packet in nine seconds
    record.source += i;
    record.destination = 0xC612'0001;
    record.packets = 1;
    send(peer, netflow_of({.sequence = i}, {record}));
  }
  CHECK(within_seconds(5, [&] { return source->flow()->totals.records == kRecords; }));
  const auto outside = [&]() -> std::uint64_t {
    const auto exporters = source->exporters();
    return exporters.empty() ? 0 : exporters[0].counts.records_outside;
  };
  CHECK(within_seconds(5, [&] { return outside() + 2 * kHeldPerLook > kRecords; }));
  CHECK(outside() <= kRecords);
}
