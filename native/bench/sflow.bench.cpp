/// CPU of one listener thread for each sFlow sample, live over the loopback interface; and from memory.
///
/// bench-sflow [samples a datagram] [datagrams per second] [seconds]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include "../capture/socket_address.hpp"
#include "../capture/udp.hpp"
#include "../flow/sflow/collector.hpp"
#include "../tests/sflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

double nanos_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Samples of 128 bytes of UDP in IPv4 in Ethernet, as most agents send them.
std::vector<std::byte> datagram_of(std::uint32_t samples) {
  SflowBuilder builder;
  for (std::uint32_t i = 0; i < samples; ++i) {
    FileWriter header{false};
    header.zeros(12).u16(0x0800).u16(0x4500).u16(1000).u32(0).u16(0x4011).u16(0).u32(0xC000'0200 + i).u32(0x0A00'0000 + i);
    header.u16(53).u16(4444).u16(980).u16(0);
    builder.flow_sample(1000).raw_header(1, 1018, header.zeros(128 - header.size()).done());
  }
  return builder.done();
}

/// Decoding alone, the best of three runs.
void from_memory(const std::vector<std::byte>& datagram, std::uint32_t samples) {
  RecordBatch batch;
  constexpr std::uint32_t kRounds = 200'000;
  std::uint64_t sum = 0;
  double best = 1e18;
  for (int run = 0; run < 3; ++run) {
    const double before = nanos_of(CLOCK_THREAD_CPUTIME_ID);
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      sflow::decode(datagram, {}, batch);
      sum += batch.sightings().back().bytes;
    }
    best = std::min(best, nanos_of(CLOCK_THREAD_CPUTIME_ID) - before);
  }
  std::printf("memory %.1f ns a sample (%llu)\n", best / kRounds / samples, static_cast<unsigned long long>(sum));
}

/// Sends in bursts that keep the mean rate.
std::uint64_t send_all(std::uint16_t port, const std::vector<std::byte>& datagram, double per_second, double seconds) {
  sockaddr_storage to;
  const socklen_t size = to_socket_address({{0, 0x7F00'0001, Family::ipv4}, port}, to);
  const Socket socket{::socket(AF_INET, SOCK_DGRAM, 0)};
  std::uint64_t sent = 0;
  const double start = nanos_of(CLOCK_MONOTONIC);
  for (double now = start; now < start + seconds * 1e9; now = nanos_of(CLOCK_MONOTONIC)) {
    const auto due = static_cast<std::uint64_t>((now - start) * per_second / 1e9);
    for (; sent < due; ++sent) {
      static_cast<void>(::sendto(socket.fd(), datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&to), size));
    }
    const timespec briefly{0, 200'000};
    ::nanosleep(&briefly, nullptr);
  }
  return sent;
}

void live(const std::vector<std::byte>& datagram, std::uint32_t samples, double per_second, double seconds) {
  auto opened = UdpListener::open({.address = "127.0.0.1"});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.failure().text.c_str());
    std::exit(1);
  }
  UdpListener& listener = opened.value();
  sflow::Collector collector{{}, 64, 1};
  std::atomic<bool> done = false;
  std::uint64_t sent = 0;
  std::thread sender{[&] {
    sent = send_all(listener.bound_port(), datagram, per_second, seconds);
    done = true;
  }};
  std::uint64_t sum = 0;
  std::uint64_t polls = 0;
  const double before = nanos_of(CLOCK_THREAD_CPUTIME_ID);
  for (bool last = false; !last; ++polls) {
    last = done;
    listener.poll(50, [&](std::span<const Datagram> datagrams) {
      for (const auto& one : datagrams) {
        for (const auto& sighting : collector.take(one.bytes, one.sender, 0).sightings()) sum += sighting.bytes;
      }
    });
  }
  const double spent = nanos_of(CLOCK_THREAD_CPUTIME_ID) - before;
  sender.join();
  const double received = static_cast<double>(collector.totals().datagrams);
  std::printf("live   sent %.0f datagrams/s, dropped %llu, %.0f ns a datagram, %.1f ns a sample, %.0f datagrams a poll\n",
              static_cast<double>(sent) / seconds, static_cast<unsigned long long>(listener.drops()), spent / received,
              spent / received / samples, received / static_cast<double>(polls));
}

}  // namespace

int main(int argc, char** argv) {
  const auto samples = static_cast<std::uint32_t>(argc > 1 ? std::clamp(std::atoi(argv[1]), 1, 256) : 6);
  const auto datagram = datagram_of(samples);
  from_memory(datagram, samples);
  live(datagram, samples, argc > 2 ? std::atof(argv[2]) : 50'000, argc > 3 ? std::atof(argv[3]) : 2);
  return 0;
}
