/// The decoder of NetFlow versions 1, 5 and 7 alone, from memory.
///
/// bench-netflow5 [version: 1, 5 or 7] [records a datagram] [datagrams in turn]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "../base/hash.hpp"
#include "../flow/netflow5/netflow5.hpp"
#include "../tests/netflow_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

double thread_nanos() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Mixed protocols, sizes and spans, so that no branch is learned by heart.
std::vector<std::byte> datagram_of(std::uint16_t version, std::size_t records, std::uint64_t& random) {
  std::vector<NetflowRecord> all;
  for (std::size_t i = 0; i < records; ++i) {
    const std::uint64_t r = next_random(random);
    const std::uint32_t packets = 1 + static_cast<std::uint32_t>(r % 50);
    NetflowRecord record;
    record.source = static_cast<std::uint32_t>(r >> 32);
    record.destination = 0x0A00'0000 | static_cast<std::uint32_t>(r & 0xffff);
    record.packets = packets;
    record.bytes = packets * (64 + static_cast<std::uint32_t>(r >> 8 & 1023));
    record.first_ms = 100'000 - static_cast<std::uint32_t>(r >> 16 & 0x7fff);
    record.last_ms = 100'000;
    record.protocol = r >> 61 == 0 ? 1 : r >> 61 < 4 ? 17 : 6;
    record.tcp_flags = 0x18;
    all.push_back(record);
  }
  return netflow_of({.version = version, .sampling = 100}, all);
}

}  // namespace

int main(int argc, char** argv) {
  const auto version = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 5);
  const auto records = static_cast<std::size_t>(argc > 2 ? std::clamp(std::atoi(argv[2]), 1, 1000) : 30);
  const auto count = static_cast<std::size_t>(argc > 3 ? std::clamp(std::atoi(argv[3]), 1, 100'000) : 256);
  std::uint64_t random = 1;
  std::vector<std::vector<std::byte>> datagrams;
  for (std::size_t i = 0; i < count; ++i) datagrams.push_back(datagram_of(version, records, random));
  RecordBatch batch;
  constexpr std::size_t kRecordsInAll = 20'000'000;
  const std::size_t rounds = kRecordsInAll / records;
  std::uint64_t sum = 0;
  double best = 1e18;
  for (int run = 0; run < 3; ++run) {
    const double before = thread_nanos();
    for (std::size_t i = 0; i < rounds; ++i) {
      netflow5::decode(datagrams[i % count], {}, batch);
      sum += batch.sightings().back().bytes + static_cast<std::uint64_t>(batch.details().front().first_micros);
    }
    best = std::min(best, thread_nanos() - before);
  }
  const double each = best / static_cast<double>(rounds * records);
  std::printf("version %u, %zu records a datagram: %.2f ns a record, %.1f M records/s (%llu)\n", version, records, each,
              1e3 / each, static_cast<unsigned long long>(sum));
  return 0;
}
