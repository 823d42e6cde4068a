/// capture/sender: what is sent, how fast, and what is refused.
#include "../capture/sender.hpp"

#include <chrono>
#include <thread>

#include "check.hpp"
#include "pcap_builder.hpp"
#include "veth.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {
std::vector<WrittenFrame> frames_at(std::initializer_list<std::uint32_t> micros) {
  std::vector<WrittenFrame> frames;
  for (const auto at : micros) frames.push_back({std::vector<std::byte>(60), 1000, at});
  return frames;
}

SendReport send(const SendOptions& options) {
  auto sent = send_capture(options);
  if (!sent.ok()) NOTE(sent.failure().text);
  REQUIRE(sent.ok());
  return sent.value();
}
}  // namespace

TEST("frames are sent at the rate asked for, loop after loop") {
  with_veth_pair([] {
    const TemporaryFile file{pcap_of(std::vector<WrittenFrame>(1000, {std::vector<std::byte>(60)}))};
    const auto sent = send({.interface = kNear, .path = file.path(), .packets_per_second = 40'000.0, .loops = 8});
    CHECK(sent.sent == 8000);
    CHECK(sent.bytes == 8000 * 60);
    CHECK(sent.refused == 0);
    CHECK(sent.seconds >= 0.198);
    CHECK(sent.seconds < 0.8);  // a busy machine may be late, never early
  });
}

TEST("without a rate the capture's own times hold, and a clock that steps back holds nothing up") {
  with_veth_pair([] {
    const TemporaryFile file{pcap_of(frames_at({0, 50'000, 20'000, 100'000}))};
    const auto sent = send({.interface = kNear, .path = file.path(), .packets_per_second = {}, .loops = 2});
    CHECK(sent.sent == 8);
    CHECK(sent.seconds >= 0.23);  // 100 ms, a mean gap of 33 ms, 100 ms
    CHECK(sent.seconds < 20.0);  // a gap of minus 30 ms, taken without its sign, has no end
  });
}

TEST("a frame longer than the interface takes is refused, counted, and stops nothing") {
  with_veth_pair([] {
    std::vector<WrittenFrame> frames(3, {std::vector<std::byte>(60)});
    frames[1].bytes.resize(10'000);
    const TemporaryFile file{pcap_of(frames)};
    const auto sent = send({.interface = kNear, .path = file.path(), .packets_per_second = 1000.0});
    CHECK(sent.sent == 2);
    CHECK(sent.refused == 1);
  });
}

TEST("sending stops when it is asked to") {
  with_veth_pair([] {
    const TemporaryFile file{pcap_of(frames_at({0, 60'000'000}))};
    std::stop_source stop;
    std::thread stopper{[&] {
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
      stop.request_stop();
    }};
    auto sent = send_capture({.interface = kNear, .path = file.path(), .packets_per_second = {}}, stop.get_token());
    stopper.join();
    REQUIRE(sent.ok());
    CHECK(sent.value().sent == 1);
    CHECK(sent.value().seconds < 30.0);
  });
}

TEST("what cannot be sent says why") {
  const auto text = [](const SendOptions& options) {
    auto sent = send_capture(options);
    return sent.ok() ? std::string{"sent"} : sent.failure().text;
  };
  const TemporaryFile cooked{pcap_of(frames_at({0}), true, false, 113)};
  const TemporaryFile empty{pcap_of({})};
  CHECK(text({.interface = "lo", .path = "/nonexistent", .packets_per_second = {}}).starts_with("ENOENT: /nonexistent"));
  CHECK(text({.interface = "lo", .path = cooked.path(), .packets_per_second = {}}).find("not Ethernet") != std::string::npos);
  CHECK(text({.interface = "lo", .path = empty.path(), .packets_per_second = {}}).find("no frames") != std::string::npos);
  CHECK(text({.interface = "lo", .path = empty.path(), .packets_per_second = -1.0}).find("positive") != std::string::npos);
}
