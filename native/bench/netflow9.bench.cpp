/// Decoding alone of NetFlow v9 and IPFIX records, from memory: nanoseconds and instructions a record.
///
/// bench-netflow9 [records a datagram] [million records]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <linux/perf_event.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include "../flow/templated/decoder.hpp"
#include "../tests/templated_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

/// Instructions of this thread in user space; negative where the kernel does not count them.
class Instructions {
 public:
  Instructions() {
    perf_event_attr wanted{};
    wanted.type = PERF_TYPE_HARDWARE;
    wanted.size = sizeof(wanted);
    wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
    wanted.exclude_kernel = 1;
    fd_ = static_cast<int>(::syscall(SYS_perf_event_open, &wanted, 0, -1, -1, 0));
  }
  Instructions(const Instructions&) = delete;
  Instructions& operator=(const Instructions&) = delete;
  ~Instructions() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] double count() const {
    std::uint64_t value = 0;
    if (fd_ < 0 || ::read(fd_, &value, sizeof(value)) != sizeof(value)) return -1;
    return static_cast<double>(value);
  }

 private:
  int fd_ = -1;
};

double nanos() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Layout {
  const char* name;
  bool netflow9;
  BuiltFields fields;
};

const Layout kLayouts[] = {
    {"v9, 14 fields, uptime", true,
     {{8, 4}, {12, 4}, {21, 4}, {22, 4}, {1, 4}, {2, 4}, {10, 4}, {14, 4}, {7, 2}, {11, 2}, {4, 1}, {6, 1}, {60, 1}, {5, 1}}},
    {"v9, 23 fields, sampler and direction", true,
     {{2, 4}, {1, 4}, {8, 4}, {12, 4}, {10, 4}, {14, 4}, {21, 4}, {22, 4}, {7, 2}, {11, 2}, {16, 4}, {17, 4},
      {18, 4}, {9, 1}, {13, 1}, {4, 1}, {6, 1}, {5, 1}, {61, 1}, {89, 1}, {48, 2}, {234, 4}, {235, 4}}},
    {"ipfix, 12 fields, milliseconds", false,
     {{8, 4}, {12, 4}, {10, 4}, {14, 4}, {2, 8}, {1, 8}, {152, 8}, {153, 8}, {7, 2}, {11, 2}, {5, 1}, {4, 1}}},
    {"ipfix, 14 fields, IPv6", false,
     {{27, 16}, {28, 16}, {10, 4}, {14, 4}, {2, 8}, {1, 8}, {152, 8}, {153, 8}, {7, 2}, {11, 2}, {5, 1}, {4, 1}, {6, 2}, {136, 1}}},
    {"ipfix, variable length", false,
     {{8, 4}, {12, 4}, {10, 4}, {14, 4}, {2, 8}, {1, 8}, {152, 8}, {153, 8}, {7, 2}, {11, 2}, {5, 1}, {4, 1}, {82, 65535}}},
};

std::vector<std::byte> datagram_of(const Layout& layout, std::uint32_t records, bool with_template) {
  auto builder = layout.netflow9 ? netflow9() : ipfix();
  if (with_template) builder.templates(256, layout.fields);
  FileWriter data{false};
  std::uint64_t state = 1;
  for (std::uint32_t i = 0; i < records; ++i) {
    for (const BuiltField& field : layout.fields) {
      if (field.length == templated::kVariableLength) {
        data.bytes(std::vector<std::byte>(9, std::byte{8}));
        continue;
      }
      std::vector<std::byte> value(field.length);
      for (auto& b : value) b = static_cast<std::byte>(next_random(state));
      if (field.element == 4) value[0] = std::byte{static_cast<unsigned char>(i % 2 == 0 ? 6 : 17)};
      data.bytes(value);
    }
  }
  return builder.data(256, data).done();
}

}  // namespace

int main(int argc, char** argv) {
  const auto records = static_cast<std::uint32_t>(argc > 1 ? std::clamp(std::atoi(argv[1]), 1, 300) : 24);
  const double millions = argc > 2 ? std::atof(argv[2]) : 10;
  const auto rounds = static_cast<std::uint64_t>(millions * 1e6 / records);
  RecordBatch batch;
  const Instructions instructions;
  for (const Layout& layout : kLayouts) {
    templated::Decoder decoder{{}, 1, {}};
    const Address sender{0, 0xC000'0201, Family::ipv4};
    batch.clear();
    decoder.decode(datagram_of(layout, records, true), sender, 1, batch);
    const auto datagram = datagram_of(layout, records, false);
    std::uint64_t seen = 0;
    const double counted = instructions.count();
    const double before = nanos();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      batch.clear();
      decoder.decode(datagram, sender, static_cast<std::int64_t>(i), batch);
      seen += batch.sightings().size();
    }
    const double spent = nanos() - before;
    const double all = static_cast<double>(seen);
    std::printf("%-38s %6.2f ns  %6.1f instructions a record\n", layout.name, spent / all,
                counted < 0 ? -1 : (instructions.count() - counted) / all);
  }
  return 0;
}
