/// CPU of one capture thread for each packet, live over a veth pair, by what it does with them: walks the ring (w), decodes (d),
/// counts (c), counts while another thread drains as a daemon does (D). Beside it the same frames out of memory, which is all of
/// the capture's and cold, in bursts with the same sleeps between them: decodes (x), counts (m), counts and drains (M); without
/// sleeping (n, N).
///
/// bench-live CAPTURE NETWORK [packets per second] [seconds] [kinds, in order]; needs root. PIN_SEND, PIN_CAPTURE and PIN_DRAIN in
/// the environment hold a thread on a core.
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../capture/af_packet.hpp"
#include "../capture/capture_file.hpp"
#include "../capture/sender.hpp"
#include "../engine/frame_counting.hpp"

using namespace tidegate;

namespace {

constexpr std::uint32_t kBlockMs = 25;
constexpr std::int64_t kTickMicros = 100'000;

double nanos(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void stay_on(const char* variable) noexcept {
  const char* wanted = std::getenv(variable);
  if (wanted == nullptr) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(std::atoi(wanted)), &set);
  static_cast<void>(::sched_setaffinity(0, sizeof set, &set));
}

struct Load {
  std::string path;
  std::size_t frames = 0;  ///< in the capture
  double packets_per_second = 0;
  double seconds = 0;
};

/// What a kind's thread took.
struct Cost {
  double thread = 0;   // its CPU, kernel included
  double visit = 0;    // in the visits, by the wall
  std::uint64_t frames = 0;
  std::uint64_t polls = 0;
  double drain = 0;    // the other thread's CPU
  long system = 0;     // per mille of the thread's time, by ticks
};

/// Drains ten times a second until destroyed.
class Drainer {
 public:
  Drainer(Lane& lane, bool wanted) {
    if (!wanted) return;
    thread_ = std::jthread{[this, &lane](const std::stop_token& stop) {
      stay_on("PIN_DRAIN");
      std::int64_t at = wall_micros();
      while (!stop.stop_requested()) {
        ::usleep(kTickMicros);
        const double before = nanos(CLOCK_THREAD_CPUTIME_ID);
        const std::int64_t now = wall_micros();
        BatchBuilder builder{lane.space(), at, now};
        lane.drain(builder);
        const auto batches = builder.take();
        for (const Batch& batch : batches) hosts += batch.hosts;
        at = now;
        spent.store(spent.load() + nanos(CLOCK_THREAD_CPUTIME_ID) - before);
      }
    }};
  }
  std::atomic<double> spent{0};
  std::atomic<std::uint64_t> hosts{0};

 private:
  std::jthread thread_;
};

template <class Visit>
Cost live(const Load& load, Visit visit) {
  auto opened = open_af_packet({.interface = "far0", .block_timeout_ms = kBlockMs});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.failure().text.c_str());
    std::exit(1);
  }
  AfPacketWorker& worker = opened.value().front();
  std::atomic<bool> done = false;
  double rate = 0;
  std::thread sender{[&] {
    stay_on("PIN_SEND");
    const auto loops = static_cast<std::uint32_t>(load.packets_per_second * load.seconds / static_cast<double>(load.frames));
    auto report = send_capture({"near0", load.path, load.packets_per_second, std::max(1U, loops)});
    if (report.ok()) rate = static_cast<double>(report.value().sent) / report.value().seconds;
    done = true;
  }};
  Cost cost;
  stay_on("PIN_CAPTURE");
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  const auto micros = [](const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; };
  const long system = micros(used.ru_stime);
  const long both = system + micros(used.ru_utime);
  const double before = nanos(CLOCK_THREAD_CPUTIME_ID);
  for (bool last = false; !last;) {
    last = done;
    const PollResult result = worker.poll(100, [&](std::span<const CapturedFrame> frames) {
      const double from = nanos(CLOCK_MONOTONIC);
      visit(frames);
      cost.visit += nanos(CLOCK_MONOTONIC) - from;
    });
    cost.frames += result.frames;
    ++cost.polls;
  }
  cost.thread = nanos(CLOCK_THREAD_CPUTIME_ID) - before;
  ::getrusage(RUSAGE_THREAD, &used);
  cost.system = (micros(used.ru_stime) - system) * 1000 / std::max(1L, micros(used.ru_stime) + micros(used.ru_utime) - both);
  sender.join();
  std::printf("%6.0f pps, lost %llu, ", rate, static_cast<unsigned long long>(worker.stats().dropped));
  return cost;
}

/// The frames as a ring would hold them, in bursts; `ring` bytes of memory in turn.
class Frames {
 public:
  explicit Frames(CaptureFile& file) {
    FileFrame next;
    while (file.next(next)) {
      const auto cut = next.frame.bytes.first(std::min<std::size_t>(next.frame.bytes.size(), 128));
      constexpr std::size_t kHead = 82;
      const std::size_t at = bytes_.size();
      bytes_.resize(at + (kHead + cut.size() + 7) / 8 * 8);
      std::copy(cut.begin(), cut.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at + kHead));
      entries_.push_back({at + kHead, cut.size(), next.frame.wire_length});
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] CapturedFrame at(std::size_t i, std::int64_t micros) const noexcept {
    const Entry& entry = entries_[i];
    CapturedFrame frame;
    frame.bytes = std::span{bytes_}.subspan(entry.at, entry.bytes);
    frame.wire_length = entry.wire_length;
    frame.at_micros = micros;
    frame.vlan_tag = 0;
    return frame;
  }

 private:
  struct Entry {
    std::size_t at;
    std::size_t bytes;
    std::uint32_t wire_length;
  };
  std::vector<std::byte> bytes_;
  std::vector<Entry> entries_;
};

template <class Visit>
Cost in_memory(const Load& load, const Frames& frames, bool sleeping, Visit visit) {
  Cost cost;
  stay_on("PIN_CAPTURE");
  const auto burst = static_cast<std::size_t>(load.packets_per_second * kBlockMs / 1000);
  const auto wanted = static_cast<std::uint64_t>(load.packets_per_second * load.seconds);
  std::array<CapturedFrame, kBatchFrames> batch;
  std::size_t at = 0;
  const double before = nanos(CLOCK_THREAD_CPUTIME_ID);
  while (cost.frames < wanted) {
    const std::int64_t micros = wall_micros();
    for (std::size_t left = burst; left > 0;) {
      const std::size_t count = std::min(left, kBatchFrames);
      for (std::size_t i = 0; i < count; ++i) {
        batch[i] = frames.at(at, micros);
        at = at + 1 == frames.size() ? 0 : at + 1;
      }
      const double from = nanos(CLOCK_MONOTONIC);
      visit(std::span<const CapturedFrame>{batch}.first(count));
      cost.visit += nanos(CLOCK_MONOTONIC) - from;
      left -= count;
      cost.frames += count;
    }
    ++cost.polls;
    if (sleeping) ::usleep(kBlockMs * 1000);
  }
  cost.thread = nanos(CLOCK_THREAD_CPUTIME_ID) - before;
  return cost;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto argument = [&](int i, double otherwise) { return argc > i ? std::atof(argv[i]) : otherwise; };
  const std::string_view kinds = argc > 5 ? argv[5] : "wdcDmM";
  auto file = CaptureFile::open(argv[1]);
  const auto network = parse_prefix(argv[2]);
  if (!file.ok() || !network) return 2;
  const Frames frames{file.value()};
  const Load load{argv[1], frames.size(), argument(3, 200'000), argument(4, 3)};
  if (::unshare(CLONE_NEWNET) != 0 ||
      std::system("ip link add near0 type veth peer name far0 && sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
                  "net.ipv6.conf.default.disable_ipv6=1 && ip link set near0 up && ip link set far0 up") != 0) {
    std::fprintf(stderr, "needs root and the ip command\n");
    return 1;
  }
  const std::vector<Prefix> networks{*network};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  auto steps = std::make_shared<SharedSteps>();
  steps->set({64, 1U << 19, 0, 5'000'000});
  EngineSettings settings;
  settings.space = HostSpace::compile(networks, groups).space;
  settings.group_prefixes = {{*network}};
  Engine engine{settings};
  // The engine's own lane has the taps, which the daemon has too.
  TappedLane tapped = TappedLane::make(engine);
  auto plain = Lane::make(settings.space, {.seed = 1, .steps = steps});
  plain->set_observer(tapped.tap.get());
  std::uint64_t sum = 0;
  FrameCounting counting{{}, 1};
  const auto walk = [&](std::span<const CapturedFrame> seen) {
    for (const auto& frame : seen) sum += frame.wire_length;
  };
  const auto decode = [&](std::span<const CapturedFrame> seen) {
    for (const auto& frame : seen) {
      PacketFacts facts;
      const auto error = decode_frame(LinkType::ethernet, frame.bytes, frame.wire_length, {}, facts);
      sum += error == DecodeError::none ? facts.destination.low : 0;
    }
  };
  const auto count = [&](std::span<const CapturedFrame> seen) {
    for (const auto& frame : seen) counting.take(*plain, 1, frame);
    counting.flush(*plain);
  };
  for (const char kind : kinds) {
    std::printf("%c ", kind);
    const Drainer drainer{*plain, kind == 'D' || kind == 'M' || kind == 'N'};
    Cost cost;
    switch (kind) {
      case 'w': cost = live(load, walk); break;
      case 'd': cost = live(load, decode); break;
      case 'c':
      case 'D': cost = live(load, count); break;
      case 'x': cost = in_memory(load, frames, true, decode); break;
      case 'm':
      case 'M': cost = in_memory(load, frames, true, count); break;
      case 'n':
      case 'N': cost = in_memory(load, frames, false, count); break;
      default: continue;
    }
    const auto each = [&](double value) { return value / static_cast<double>(cost.frames); };
    std::printf("%.1f ns a packet, of which visits %.1f; drain %.1f (%llu hosts); %llu packets, %.0f a poll, system %ld/1000\n",
                each(cost.thread), each(cost.visit), each(drainer.spent.load()),
                static_cast<unsigned long long>(drainer.hosts.load()), static_cast<unsigned long long>(cost.frames),
                static_cast<double>(cost.frames) / static_cast<double>(cost.polls), cost.system);
    std::fflush(stdout);
  }
  std::printf("(%llu)\n", static_cast<unsigned long long>(sum));
  return 0;
}
