/// engine/replay_source: steps of the capture's own clock.
#include <unistd.h>

#include <fstream>

#include "../engine/replay_source.hpp"
#include "check.hpp"

using namespace tidegate;

namespace {

std::shared_ptr<Engine> engine() {
  EngineSettings settings;
  const std::array networks{*parse_prefix("198.51.100.0/24")};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  settings.space = HostSpace::compile(networks, groups).space;
  settings.group_prefixes.resize(1);
  settings.lane.ipv6_hosts = 64;
  return std::make_shared<Engine>(std::move(settings));
}

void put32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift & 255));
}

/// A pcap file of one UDP packet to 198.51.100.7 at each time, deleted when it goes.
class File {
 public:
  explicit File(const std::vector<std::int64_t>& times, std::size_t cut = 0)
      : path_{"/tmp/tidegate-replay-" + std::to_string(getpid()) + ".pcap"} {
    std::string bytes;
    for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 101U}) put32(bytes, word);
    const std::array<unsigned char, 28> packet{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 203, 0, 113, 1, 198, 51, 100, 7,
                                               0,    9, 0, 9,  0, 8, 0, 0};
    for (const std::int64_t at : times) {
      put32(bytes, static_cast<std::uint32_t>(at / 1'000'000));
      put32(bytes, static_cast<std::uint32_t>(at % 1'000'000));
      put32(bytes, packet.size());
      put32(bytes, packet.size());
      for (const unsigned char byte : packet) bytes.push_back(static_cast<char>(byte));
    }
    std::ofstream{path_, std::ios::binary} << bytes.substr(0, bytes.size() - cut);
  }
  ~File() { (void)unlink(path_.c_str()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

constexpr std::int64_t kEpoch = 1'795'480'780'000'000;

}  // namespace

TEST("ticks begin with the first frame, empty ones are steps, and a batch spans its own tick also after a jump") {
  const File file{{kEpoch + 5, kEpoch + 100'004, kEpoch + 100'005, kEpoch + 350'005, kEpoch + 1'000'000'005}};
  auto result = ReplaySource::open(engine(), {file.path(), {}, 1, std::nullopt});
  REQUIRE(result.ok());
  ReplaySource& source = *result.value();
  const std::array<std::uint64_t, 5> packets{2, 1, 0, 1, 1};
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const ReplayPosition step = source.step();
    CHECK(step.packets == packets[i]);
    CHECK(step.done == (i == 4));
    // The jump is over whole ticks.
    const std::int64_t ticks = i < 4 ? static_cast<std::int64_t>(i) + 1 : 10'001;
    CHECK(step.at == kEpoch + 5 + 100'000 * ticks);
    for (const Batch& batch : source.drain(step.at)) CHECK(batch.to_micros - batch.from_micros == 100'000);
  }
  CHECK(source.stats().lanes.packets == 5U);
  CHECK(source.stats().lanes.totals[0].packets == 5U);
}

TEST("a file that breaks off is done, and its error counted") {
  const File file{{kEpoch, kEpoch + 10}, 3};
  auto result = ReplaySource::open(engine(), {file.path(), {}, 1, std::nullopt});
  REQUIRE(result.ok());
  const ReplayPosition step = result.value()->step();
  CHECK(step.done);
  CHECK(step.packets == 1U);
  CHECK(result.value()->stats().lanes.errors[static_cast<std::size_t>(DecodeError::pcap_truncated)] == 1U);
}

TEST("a closed replay is done at its next step") {
  const File file{{kEpoch, kEpoch + 1'000'000}};
  auto result = ReplaySource::open(engine(), {file.path(), {}, 1, std::nullopt});
  REQUIRE(result.ok());
  CHECK(!result.value()->step().done);
  result.value()->close();
  const ReplayPosition step = result.value()->step();
  CHECK(step.done);
  CHECK(step.packets == 0U);
}
