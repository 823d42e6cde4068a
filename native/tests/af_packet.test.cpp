/// capture/af_packet over a veth pair: every frame once, with its true length; and what happens to the interface.
#include "../capture/af_packet.hpp"

#include <sys/syscall.h>

#include <chrono>
#include <functional>
#include <thread>

#include "../capture/sender.hpp"
#include "check.hpp"
#include "pcap_builder.hpp"
#include "veth.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};

/// A frame of `size` bytes that says its number; with `vlan` not zero it is tagged.
WrittenFrame frame_of(std::size_t size, std::uint32_t number, std::uint16_t vlan = 0) {
  FileWriter bytes{false};
  bytes.u16(0x0200).u32(1).u16(0x0200).u32(2);
  if (vlan != 0) bytes.u16(0x8100).u16(vlan);
  bytes.u16(0x88B5).u32(number);  // an ethertype for local experiments, IEEE 802
  bytes.zeros(size - bytes.size());
  return {bytes.done()};
}

std::vector<WrittenFrame> frames_of(std::size_t count) {
  std::vector<WrittenFrame> frames;
  for (std::size_t i = 0; i < count; ++i) frames.push_back(frame_of(60 + i * 37 % 1400, static_cast<std::uint32_t>(i)));
  return frames;
}

std::uint64_t bytes_of(std::span<const WrittenFrame> frames) {
  std::uint64_t sum = 0;
  for (const auto& frame : frames) sum += frame.bytes.size();
  return sum;
}

SendReport send(std::span<const WrittenFrame> frames, const char* interface = kNear, double rate = 100'000) {
  const TemporaryFile file{pcap_of(frames)};
  auto sent = send_capture({.interface = interface, .path = file.path(), .packets_per_second = rate});
  if (!sent.ok()) NOTE(sent.failure().text);
  REQUIRE(sent.ok());
  return sent.value();
}

std::vector<AfPacketWorker> open(AfPacketOptions options) {
  auto opened = open_af_packet(options);
  if (!opened.ok()) NOTE(opened.failure().text);
  REQUIRE(opened.ok());
  return std::move(opened.value());
}

/// Polls all workers until `done`, or what a busy machine may need has passed.
void poll_until(std::vector<AfPacketWorker>& workers, const std::function<void(std::span<const CapturedFrame>)>& visit,
                const std::function<bool()>& done) {
  const auto deadline = Clock::now() + kPatience;
  while (!done() && Clock::now() < deadline) {
    for (auto& worker : workers) worker.poll(5, visit);
  }
  // One more block time, so that a frame counted twice would show.
  for (auto& worker : workers) worker.poll(30, visit);
}

struct Counted {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> by_worker;
};

/// Until as many as wanted were counted or dropped, and no more come.
Counted count(std::vector<AfPacketWorker>& workers, std::uint64_t wanted) {
  Counted counted;
  const auto deadline = Clock::now() + kPatience;
  counted.by_worker.resize(workers.size());
  auto last = Clock::now();
  const auto dropped = [&] {
    std::uint64_t sum = 0;
    for (auto& worker : workers) sum += worker.stats().dropped;
    return sum;
  };
  while (Clock::now() < deadline &&
         (counted.frames + dropped() < wanted || Clock::now() - last < std::chrono::milliseconds{50})) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
      const auto got = workers[i].poll(2, [&](std::span<const CapturedFrame> frames) {
        for (const auto& frame : frames) counted.bytes += frame.wire_length;
      });
      counted.frames += got.frames;
      counted.by_worker[i] += got.frames;
      if (got.frames > 0) last = Clock::now();
    }
  }
  return counted;
}

void count_exactly(std::uint32_t workers_wanted) {
  with_veth_pair([&] {
    auto workers = open({.interface = kFar, .workers = workers_wanted, .fanout = FanoutMode::lb});
    const auto frames = frames_of(20'000);
    SendReport sent;
    std::thread sender{[&] { sent = send(frames); }};
    const auto counted = count(workers, frames.size());
    sender.join();
    CHECK(sent.sent == frames.size());
    CHECK(counted.frames == frames.size());
    CHECK(counted.bytes == bytes_of(frames));
    std::uint64_t received = 0;
    for (auto& worker : workers) {
      const auto stats = worker.stats();
      CHECK(stats.dropped == 0);
      received += stats.received;
    }
    CHECK(received == frames.size());
    for (const auto share : counted.by_worker) CHECK(share == frames.size() / workers_wanted);
  });
}

}  // namespace

TEST("one worker counts every frame and byte that was sent, once") { count_exactly(1); }

TEST("two workers share an interface's frames and count each of them once") { count_exactly(2); }

TEST("a VLAN tag that the kernel has stripped counts on the wire and can be put back") {
  with_veth_pair([] {
    auto workers = open({.interface = kFar, .snap_length = 2000});
    const auto plain = frame_of(100, 1);
    const auto tagged = frame_of(104, 2, 0x6123);
    send(std::vector{plain, tagged});
    std::vector<std::vector<std::byte>> on_wire;
    std::vector<std::uint32_t> tags;
    std::vector<std::uint32_t> lengths;
    poll_until(workers, [&](std::span<const CapturedFrame> frames) {
      for (const auto& frame : frames) {
        std::vector<std::byte> copy(200);
        copy.resize(copy_as_on_wire(frame, copy));
        on_wire.push_back(copy);
        tags.push_back(frame.vlan_tag);
        lengths.push_back(frame.wire_length);
      }
    }, [&] { return on_wire.size() >= 2; });
    REQUIRE(on_wire.size() == 2);
    CHECK(tags[0] == 0);
    CHECK(tags[1] == 0x8100'6123);
    CHECK(lengths[0] == 100);
    CHECK(lengths[1] == 104);
    CHECK(on_wire[0] == plain.bytes);
    CHECK(on_wire[1] == tagged.bytes);
  });
}

TEST("the snap length cuts what is copied, not what is counted, and times are the present") {
  with_veth_pair([] {
    auto workers = open({.interface = kFar, .snap_length = 64});
    const auto before = std::chrono::system_clock::now();
    send(std::vector{frame_of(1500, 7)});
    CapturedFrame seen;
    std::size_t captured = 0;
    poll_until(workers, [&](std::span<const CapturedFrame> frames) {
      seen = frames.front();
      captured += frames.size();
    }, [&] { return captured > 0; });
    REQUIRE(captured == 1);
    CHECK(seen.bytes.size() == 64);
    CHECK(seen.wire_length == 1500);
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(before.time_since_epoch()).count();
    CHECK(seen.at_micros >= since - 10'000);
    CHECK(seen.at_micros <= since + 5'000'000);
  });
}

TEST("what this machine sends itself is not counted, by one worker or by a group") {
  for (const std::uint32_t workers_wanted : {1U, 2U}) {
    with_veth_pair([&] {
      auto workers = open({.interface = kNear, .workers = workers_wanted, .fanout = FanoutMode::hash});
      CHECK(send(frames_of(100)).sent == 100);  // before those that count: they would come before
      CHECK(send(frames_of(100), kFar).sent == 100);
      CHECK(count(workers, 100).frames == 100);
    });
  }
}

TEST("frames that find the ring full are counted as dropped") {
  with_veth_pair([] {
    auto workers = open({.interface = kFar, .ring_bytes = kMinRingBytes});
    const auto frames = frames_of(10'000);
    CHECK(send(frames).sent == frames.size());
    const auto counted = count(workers, frames.size());
    const auto stats = workers.front().stats();
    CHECK(stats.dropped > 0);
    CHECK(counted.frames > 0);
    CHECK(stats.received == frames.size());
    CHECK(counted.frames + stats.dropped == frames.size());
    CHECK(workers.front().stats().dropped == stats.dropped);  // reading does not forget
  });
}

TEST("an interface that goes down is a fault at once, and counts again when it is up") {
  with_veth_pair([] {
    auto workers = open({.interface = kFar});
    CHECK(workers.front().fault() == CaptureFault::none);
    REQUIRE(shell("ip link set far0 down"));
    CHECK(workers.front().poll(200, [](auto) {}).fault == CaptureFault::interface_down);
    auto reopened = open({.interface = kFar});
    CHECK(reopened.front().fault() == CaptureFault::interface_down);
    REQUIRE(shell("ip link set far0 up"));
    const auto deadline = Clock::now() + kPatience;  // it looks again every 100 ms
    auto fault = CaptureFault::interface_down;
    while (fault != CaptureFault::none && Clock::now() < deadline) fault = workers.front().poll(10, [](auto) {}).fault;
    CHECK(fault == CaptureFault::none);
    auto anew = open({.interface = kFar});
    send(frames_of(100));
    CHECK(count(workers, 100).frames == 100);
    CHECK(count(reopened, 100).frames == 100);
    CHECK(count(anew, 100).frames == 100);
  });
}

TEST("an interface that is deleted is gone for good, even when another takes its name") {
  with_veth_pair([] {
    auto workers = open({.interface = kFar, .workers = 2});
    REQUIRE(shell("ip link del far0"));
    for (auto& worker : workers) CHECK(worker.poll(200, [](auto) {}).fault == CaptureFault::interface_gone);
    REQUIRE(shell("ip link add near0 type veth peer name far0"));
    REQUIRE(shell("ip link set near0 up && ip link set far0 up"));
    const auto before = Clock::now();
    CHECK(workers.front().poll(100, [](auto) {}).fault == CaptureFault::interface_gone);
    CHECK(Clock::now() - before >= std::chrono::milliseconds{90});  // no busy loop on a dead socket
    auto reopened = open({.interface = kFar});
    send(frames_of(50));
    CHECK(count(reopened, 50).frames == 50);
  });
}

TEST("an interface that cannot be captured says which and why") {
  const auto text = [](AfPacketOptions options) {
    auto opened = open_af_packet(options);
    return opened.ok() ? std::string{"opened"} : opened.failure().text;
  };
  CHECK(text({.interface = "nosuch0"}) == "ENODEV: interface nosuch0 (No such device)");
  CHECK(text({.interface = "lo", .workers = 0}) == "EINVAL: capture on lo: workers must be 1 to 64 (Invalid argument)");
  CHECK(text({.interface = "lo", .ring_bytes = 1}).starts_with("EINVAL: capture on lo: a ring must be"));
  CHECK(text({.interface = "lo", .snap_length = 0}).starts_with("EINVAL: capture on lo: snap length"));
  CHECK(text({.interface = "lo", .block_timeout_ms = 0}).starts_with("EINVAL: capture on lo: block timeout"));
}

TEST("without CAP_NET_RAW the failure names the capability") {
  with_veth_pair([] {
    // Of this thread alone, unlike the C library's setuid().
    REQUIRE(::syscall(SYS_setresuid, 65534, 65534, 65534) == 0);
    auto opened = open_af_packet({.interface = kFar});
    REQUIRE(!opened.ok());
    CHECK(opened.failure().text.starts_with("EPERM: "));
    CHECK(opened.failure().text.find("CAP_NET_RAW") != std::string::npos);
    CHECK(opened.failure().text.find(kFar) != std::string::npos);
  });
}
