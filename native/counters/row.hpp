/// A host's counters: one cache line a direction, which is all that a common packet touches.
///
/// - Words are written by one thread and read by another, relaxed; they only grow, modulo their width.
/// - Packets and flows are 32 bits wide: a reader takes differences before 2^32 of one have passed.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>

#include "../base/classes.hpp"
#include "../base/facts.hpp"

namespace tidegate {

using HostDelta = std::array<std::uint64_t, kDeltaValues>;

/// Counter classes of bytes that are kept in the direction's own line: total, tcp, udp, icmp.
inline constexpr std::size_t kLineByteClasses = 4;
/// The others, tcp_syn and fragment, are rare.
inline constexpr std::size_t kRareClasses = kCounterClasses - kLineByteClasses;

struct alignas(64) DirectionLine {
  std::array<std::uint64_t, kLineByteClasses> bytes;
  std::array<std::uint32_t, kCounterClasses> packets;
  std::uint32_t flows;
  std::uint32_t marked_in;  ///< the drain period in which the writer last marked this line dirty; its own
};
static_assert(sizeof(DirectionLine) == 64);

/// Bytes of the rare classes, both directions.
struct alignas(32) RareBytes {
  std::array<std::array<std::uint64_t, kRareClasses>, kHostDirections> bytes;
};
static_assert(sizeof(RareBytes) == 32);

/// What sampling leaves uncertain of one host: the estimated variance of each direction's packets and bytes.
///
/// Each packet observed under 1-in-w sampling adds w(w − 1) to the variance of the packets counted, and so often
/// the square of its length to that of the bytes (Horvitz and Thompson). Without sampling nothing is written.
struct alignas(32) SampledVariance {
  std::array<std::array<std::uint64_t, kDirectionVariances>, kHostDirections> of;
};
static_assert(sizeof(SampledVariance) == 32);

/// Variances of bytes are kept in squares of so many bytes, rounded up: 64 bits hold what a tick can add.
inline constexpr std::uint64_t kVarianceUnitBytes = 256;
inline constexpr double kVarianceUnit = static_cast<double>(kVarianceUnitBytes * kVarianceUnitBytes);

/// What one sighting adds, and to which classes.
struct Amount {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint8_t protocol_class = 0;  ///< tcp, udp or icmp; 0 for any other
  bool syn = false;
  bool fragment = false;

  [[nodiscard]] constexpr bool rare() const noexcept { return (static_cast<unsigned>(syn) | static_cast<unsigned>(fragment)) != 0; }
};

/// Counter class of each protocol number, IPv4 first, then IPv6: icmp is 1 in the one and 58 in the other.
inline constexpr auto kProtocolClasses = [] {
  std::array<std::uint8_t, 512> table{};
  for (const std::size_t family : {std::size_t{0}, std::size_t{256}}) {
    table[family + 6] = static_cast<std::uint8_t>(CounterClass::tcp);
    table[family + 17] = static_cast<std::uint8_t>(CounterClass::udp);
  }
  table[0 + 1] = static_cast<std::uint8_t>(CounterClass::icmp);
  table[256 + 58] = static_cast<std::uint8_t>(CounterClass::icmp);
  return table;
}();

/// tcp, udp or icmp as a counter class; 0 for any other protocol.
constexpr std::uint8_t protocol_class(Family family, std::uint8_t protocol) noexcept {
  return kProtocolClasses[(family == Family::ipv6 ? 256U : 0U) + protocol];
}

/// For words with a single writer: a load and a store are enough, and cheaper than an atomic addition.
template <std::unsigned_integral T>
inline void add_to(T& word, std::type_identity_t<T> n) noexcept {
  std::atomic_ref<T> shared{word};
  shared.store(static_cast<T>(shared.load(std::memory_order_relaxed) + n), std::memory_order_relaxed);
}

/// The classes that every packet or most have; tcp_syn and fragment are add_rare's.
inline void add_to(DirectionLine& line, const Amount& amount) noexcept {
  const auto packets = static_cast<std::uint32_t>(amount.packets);
  add_to(line.bytes[0], amount.bytes);
  add_to(line.packets[0], packets);
  if (amount.protocol_class != 0) [[likely]] {
    add_to(line.bytes[amount.protocol_class], amount.bytes);
    add_to(line.packets[amount.protocol_class], packets);
  }
}

/// What of a line's totals is about to change above the steps that `packets` and `bytes` mask.
inline std::uint64_t crossed_steps(const DirectionLine& line, const Amount& amount, std::uint64_t packets,
                                   std::uint64_t bytes) noexcept {
  const std::uint64_t packets_now = line.packets[0];
  const std::uint64_t bytes_now = line.bytes[0];
  return ((packets_now ^ (packets_now + amount.packets)) & packets) | ((bytes_now ^ (bytes_now + amount.bytes)) & bytes);
}

/// Packets last: a reader that sees them added sees their bytes as well, and looks for those where packets were added.
inline void add_rare(DirectionLine& line, RareBytes& rare, std::size_t direction, const Amount& amount) noexcept {
  const auto packets = static_cast<std::uint32_t>(amount.packets);
  for (std::size_t i = 0; i < kRareClasses; ++i) {
    if (!(i == 0 ? amount.syn : amount.fragment)) continue;
    add_to(rare.bytes[direction][i], amount.bytes);
    std::uint32_t& word = line.packets[kLineByteClasses + i];
    std::atomic_ref<std::uint32_t>{word}.store(word + packets, std::memory_order_release);
  }
}

/// What one sighting with sampling above 1 adds to its direction's variances.
struct Uncertain {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< in kVarianceUnit
};

/// `amount.packets` stand for `amount.packets / sampling` that were observed, all of one length as far as is known.
inline Uncertain uncertain(const Amount& amount, std::uint32_t sampling) noexcept {
  constexpr double kMost = 72057594037927936.0;  // 2^56: 256 a tick fit, as with packets of the longest sighting
  if (amount.packets == 0) return {};
  const auto packets = static_cast<double>(amount.packets);
  const double variance = packets * (static_cast<double>(sampling) - 1);
  const double length = static_cast<double>(amount.bytes) / packets;
  const auto whole = [](double value) { return static_cast<std::uint64_t>(value < kMost ? value : kMost); };
  return {whole(variance), whole(variance * length * length / kVarianceUnit + 1)};
}

inline void add_to(SampledVariance& row, std::size_t direction, const Uncertain& added) noexcept {
  add_to(row.of[direction][kPacketVarianceAt], added.packets);
  add_to(row.of[direction][kByteVarianceAt], added.bytes);
}

/// What was added to `now` since `seen`, which becomes equal to it.
template <std::unsigned_integral T>
inline std::uint64_t take_new(T& now, T& seen) noexcept {
  const T value = std::atomic_ref<T>{now}.load(std::memory_order_relaxed);
  const auto added = static_cast<T>(value - seen);
  seen = value;
  return added;
}

inline void take_new(DirectionLine& now, DirectionLine& seen, std::size_t direction, HostDelta& into) noexcept {
  const std::size_t at = direction * kDirectionValues;
  for (std::size_t i = 0; i < kCounterClasses; ++i) {
    into[at + kPacketsAt + i] = take_new(now.packets[i], seen.packets[i]);
  }
  for (std::size_t i = 0; i < kLineByteClasses; ++i) into[at + kBytesAt + i] = take_new(now.bytes[i], seen.bytes[i]);
  into[at + kFlowsAt] = take_new(now.flows, seen.flows);
}

inline void take_new(RareBytes& now, RareBytes& seen, std::size_t direction, HostDelta& into) noexcept {
  std::atomic_thread_fence(std::memory_order_acquire);  // see add_rare
  for (std::size_t i = 0; i < kRareClasses; ++i) {
    into[direction * kDirectionValues + kBytesAt + kLineByteClasses + i] =
        take_new(now.bytes[direction][i], seen.bytes[direction][i]);
  }
}

/// Whether what was taken of a line holds packets of a rare class.
inline bool has_rare(const HostDelta& delta, std::size_t direction) noexcept {
  const std::size_t at = direction * kDirectionValues + kPacketsAt + kLineByteClasses;
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < kRareClasses; ++i) any |= delta[at + i];
  return any != 0;
}

inline void take_new(SampledVariance& now, SampledVariance& seen, HostDelta& into) noexcept {
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    for (std::size_t i = 0; i < kDirectionVariances; ++i) {
      into[kHostValues + direction * kDirectionVariances + i] = take_new(now.of[direction][i], seen.of[direction][i]);
    }
  }
}

}  // namespace tidegate
