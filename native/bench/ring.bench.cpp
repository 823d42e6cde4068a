/// CPU of one capture thread for each packet, live over a veth pair: walking the ring alone, and with wire/.
///
/// bench-ring [packets per second] [seconds] [ring MiB] [frame bytes]; needs root. One line for each kind.
#include <sched.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <vector>

#include "../capture/af_packet.hpp"
#include "../capture/sender.hpp"
#include "../wire/frame.hpp"

using namespace tidegate;

namespace {

constexpr std::size_t kFrames = 4096;

void put(std::ofstream& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out.put(static_cast<char>(value >> shift));
}

/// UDP from changing sources to changing hosts of 10.0.0.0/8.
void write_capture(const std::string& path, std::uint32_t frame_bytes) {
  std::ofstream out{path, std::ios::binary};
  for (const std::uint32_t word : {0xA1B2C3D4U, 0x0004'0002U, 0U, 0U, 65535U, 1U}) put(out, word);
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    for (const std::uint32_t word : {0U, i, frame_bytes, frame_bytes}) put(out, word);
    std::vector<unsigned char> frame(frame_bytes);
    frame[12] = 0x08;
    frame[14] = 0x45;
    frame[16] = static_cast<unsigned char>((frame_bytes - 14) >> 8);
    frame[17] = static_cast<unsigned char>(frame_bytes - 14);
    frame[22] = 64;
    frame[23] = 17;
    frame[26] = 192;
    frame[30] = 10;
    frame[28] = frame[32] = static_cast<unsigned char>(i >> 8);
    frame[29] = frame[33] = static_cast<unsigned char>(i);
    for (const unsigned char byte : frame) out.put(static_cast<char>(byte));
  }
}

double thread_cpu_nanos() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Load {
  std::string path;
  double packets_per_second;
  std::uint32_t seconds;
  std::size_t ring_bytes;
};

template <class Visit>
void measure(const char* name, const Load& load, Visit visit) {
  auto opened = open_af_packet({.interface = "far0", .ring_bytes = load.ring_bytes, .block_timeout_ms = 25});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.failure().text.c_str());
    std::exit(1);
  }
  AfPacketWorker& worker = opened.value().front();
  std::atomic<bool> done = false;
  std::uint64_t sent = 0;
  std::thread sender{[&] {
    const auto loops = static_cast<std::uint32_t>(load.packets_per_second * load.seconds / kFrames);
    auto report = send_capture({"near0", load.path, load.packets_per_second, loops});
    if (!report.ok()) {
      std::fprintf(stderr, "%s\n", report.failure().text.c_str());
    } else {
      sent = report.value().sent;
      std::printf("%-6s sent %llu at %.0f pps, ", name, static_cast<unsigned long long>(sent),
                  static_cast<double>(sent) / report.value().seconds);
    }
    done = true;
  }};
  std::uint64_t frames = 0;
  std::uint64_t polls = 0;
  const double before = thread_cpu_nanos();
  for (bool last = false; !last;) {
    last = done;
    frames += worker.poll(50, visit).frames;
    ++polls;
  }
  const double spent = thread_cpu_nanos() - before;
  sender.join();
  std::printf("received %llu, dropped %llu, %.1f ns CPU a packet, %.0f packets a poll\n",
              static_cast<unsigned long long>(frames), static_cast<unsigned long long>(worker.stats().dropped),
              spent / static_cast<double>(frames), static_cast<double>(frames) / static_cast<double>(polls));
}

double argument(int argc, char** argv, int index, double otherwise) {
  return argc > index ? std::atof(argv[index]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const Load load{"/tmp/tidegate-bench-ring." + std::to_string(::getpid()), argument(argc, argv, 1, 200'000),
                  static_cast<std::uint32_t>(argument(argc, argv, 2, 3)),
                  static_cast<std::size_t>(argument(argc, argv, 3, 16)) << 20};
  if (::unshare(CLONE_NEWNET) != 0 ||
      std::system("ip link add near0 type veth peer name far0 && ip link set near0 up && ip link set far0 up") != 0) {
    std::fprintf(stderr, "needs root and the ip command\n");
    return 1;
  }
  write_capture(load.path, static_cast<std::uint32_t>(argument(argc, argv, 4, 64)));
  std::uint64_t sum = 0;
  measure("walk", load, [&](std::span<const CapturedFrame> frames) {
    for (const auto& frame : frames) sum += frame.wire_length;
  });
  measure("touch", load, [&](std::span<const CapturedFrame> frames) {
    for (const auto& frame : frames) sum += std::to_integer<std::uint64_t>(frame.bytes.back());
  });
  measure("decode", load, [&](std::span<const CapturedFrame> frames) {
    for (const auto& frame : frames) {
      PacketFacts facts;
      const auto error = decode_frame(LinkType::ethernet, frame.bytes, frame.wire_length, {}, facts);
      sum += error == DecodeError::none ? facts.destination.low : 0;
    }
  });
  ::unlink(load.path.c_str());
  std::printf("(%llu)\n", static_cast<unsigned long long>(sum));
  return 0;
}
