#include "packets.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <numeric>

#include "../base/hash.hpp"
#include "../base/prefix.hpp"
#include "../wire/frame.hpp"

namespace tidegate::bench {
namespace {

constexpr std::uint32_t kFirstHost = 10U << 24;
constexpr std::size_t kLeastFrames = 65536;
constexpr std::size_t kMostFrameBytes = 64;  // as a ring cut to headers holds them
constexpr std::size_t kCountedTogether = 128;

using Clock = std::chrono::steady_clock;

/// Time that this thread has had a core, in seconds: what else runs on the machine is not our cost.
double core_seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void put16(std::span<std::byte> at, std::size_t offset, std::uint32_t value) {
  at[offset] = static_cast<std::byte>(value >> 8 & 255);
  at[offset + 1] = static_cast<std::byte>(value & 255);
}

void put32(std::span<std::byte> at, std::size_t offset, std::uint32_t value) {
  put16(at, offset, value >> 16);
  put16(at, offset + 2, value & 0xffff);
}

// One Ethernet frame with IPv4; checksums are left zero, since nothing in the path looks at them.
void append_frame(FrameStore& store, std::uint64_t& random, std::uint32_t host) {
  const std::uint64_t dice = next_random(random);
  const bool outgoing = dice % 3 == 0;
  const bool tagged = (dice >> 8) % 16 == 0;
  const std::uint64_t kind = (dice >> 16) % 100;
  const std::uint8_t protocol = kind < 55 ? 17 : kind < 95 ? 6 : 1;
  std::array<std::byte, kMostFrameBytes> frame{};
  const std::span<std::byte> all{frame};
  const std::size_t ip = tagged ? 18 : 14;
  const std::size_t captured = 60 + (dice >> 32) % 5;
  const std::size_t length = (dice >> 36) % 2 == 0 ? captured : 60 + (dice >> 48) % 1455;
  if (tagged) {
    put16(all, 12, 0x8100);
    put16(all, 14, 7);
  }
  put16(all, ip - 2, 0x0800);
  frame[ip] = std::byte{0x45};
  put16(all, ip + 2, static_cast<std::uint32_t>(length - ip));
  if ((dice >> 24) % 64 == 0) put16(all, ip + 6, 0x2000);
  frame[ip + 8] = std::byte{64};
  frame[ip + 9] = std::byte{protocol};
  const auto foreign = static_cast<std::uint32_t>(0x20000000U + (next_random(random) & 0x7fffffffU));
  put32(all, ip + 12, outgoing ? host : foreign);
  put32(all, ip + 16, outgoing ? foreign : host);
  put32(all, ip + 20, static_cast<std::uint32_t>(next_random(random)));
  if (protocol == 6) frame[ip + 33] = std::byte{(dice >> 40) % 10 == 0 ? std::uint8_t{2} : std::uint8_t{16}};
  store.add(std::span{frame}.first(captured), static_cast<std::uint32_t>(std::max(length, captured)));
}

/// Decodes `count` frames from `first` on, and counts them.
void count_frames(Lane& lane, const FrameStore& frames, std::size_t first, std::size_t count, std::int64_t at_micros,
                  std::vector<Sighting>& sightings) {
  std::size_t decoded = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = first; i < first + count; ++i) {
    Sighting& sighting = sightings[decoded];
    const std::uint32_t wire_length = frames.wire_length(i);
    const DecodeError error = decode_frame(frames.link(), frames.bytes(i), wire_length, {}, sighting.facts);
    bytes += wire_length;
    if (error != DecodeError::none) [[unlikely]] {
      lane.count_error(error);
      continue;
    }
    sighting.packets = 1;
    sighting.bytes = sighting.facts.wire_length;
    ++decoded;
  }
  lane.count_raw(count, bytes);
  lane.count(std::span{sightings}.first(decoded), at_micros);
}

}  // namespace

FrameStore::FrameStore(std::size_t room_bytes, LinkType link) : link_{link} {
  if (auto bytes = Array<std::byte>::make(room_bytes)) bytes_ = std::move(*bytes);
}

bool FrameStore::add(std::span<const std::byte> frame, std::uint32_t wire_length) {
  constexpr std::size_t kMost = 65535;
  const std::size_t lines = (frame.size() + kLineBytes - 1) / kLineBytes;
  if (frame.size() > kMost || (lines_used_ + lines) * kLineBytes > bytes_.size()) return false;
  const std::span<std::byte> kept = bytes_.items().subspan(lines_used_ * kLineBytes, frame.size());
  std::copy(frame.begin(), frame.end(), kept.begin());
  entries_.push_back({static_cast<std::uint32_t>(lines_used_), static_cast<std::uint16_t>(frame.size()),
                      static_cast<std::uint16_t>(std::min<std::size_t>(wire_length, kMost))});
  lines_used_ += lines;
  return true;
}

FrameStore mixed_frames(const PacketsOptions& options) {
  std::uint64_t random = options.seed;
  std::vector<std::uint32_t> order(std::max<std::size_t>(options.hosts, kLeastFrames));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = kFirstHost + static_cast<std::uint32_t>(i % options.hosts);
  for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[next_random(random) % (i + 1)]);
  FrameStore store{order.size() * kMostFrameBytes};
  for (const std::uint32_t host : order) append_frame(store, random, host);
  return store;
}

std::shared_ptr<const HostSpace> bench_space(const PacketsOptions& options) {
  const auto length = static_cast<std::uint8_t>(32 - std::bit_width(options.hosts - 1));
  const std::vector<Prefix> networks{make_prefix(ipv4_address(kFirstHost), length)};
  const std::vector<HostgroupPrefixes> groups{{"global", {}}};
  return HostSpace::compile(networks, groups).space;
}

PacketsResult run_packets(const FrameStore& frames, std::shared_ptr<const HostSpace> space,
                          const PacketsOptions& options) {
  PacketsResult result;
  const auto lane = Lane::make(space, {.count_flows = options.flows, .flow_slots = 1U << 22, .seed = options.seed});
  if (lane == nullptr || frames.size() == 0) return result;
  std::vector<Sighting> sightings(kCountedTogether);
  const auto micros = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
  };
  const auto frames_from = [&](std::size_t at) { return std::min(kCountedTogether, frames.size() - at); };
  const auto one_round = [&] {
    for (std::size_t at = 0; at < frames.size(); at += kCountedTogether) {
      count_frames(*lane, frames, at, frames_from(at), micros(), sightings);
    }
  };
  one_round();
  {
    BatchBuilder first{*space, 0, 1};
    lane->drain(first);
  }

  const double core_begin = core_seconds();
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  constexpr std::size_t kBatchesBetweenLooksAtClock = 64;
  std::size_t at = 0;
  for (auto now = begin; now < end; now = Clock::now()) {
    const std::int64_t at_micros = micros();
    for (std::size_t i = 0; i < kBatchesBetweenLooksAtClock; ++i) {
      const std::size_t count = frames_from(at);
      count_frames(*lane, frames, at, count, at_micros, sightings);
      result.packets += count;
      at += count;
      if (at == frames.size()) at = 0;
    }
  }
  result.seconds = core_seconds() - core_begin;
  result.mpps = static_cast<double>(result.packets) / result.seconds / 1e6;
  result.ns_per_packet = result.seconds * 1e9 / static_cast<double>(result.packets);

  one_round();
  const double drain_begin = core_seconds();
  BatchBuilder builder{*space, 1, 2};
  lane->drain(builder);
  result.drained = builder.take();
  result.drain_ms = (core_seconds() - drain_begin) * 1e3;
  for (const Batch& batch : result.drained) result.drained_hosts += batch.hosts;
  return result;
}

}  // namespace tidegate::bench
