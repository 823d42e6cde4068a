/// HostMemory: a few packets to each of our busier hosts from the minutes before, one at a time and far apart. What a
/// host's normal traffic looks like, for judging what a rule against an attack would hit.
///
/// - Fed with the samples of a RecentRing alone, so it costs a packet nothing.
/// - kHosts hosts, kPerHost packets of each. A host that is full forgets every second packet and takes them half as often, up
///   to one in kMaxGapMicros: so a flood of any rate leaves the minutes before it in place.
/// - A new host takes the place of the one of its set that was seen longest ago.
/// - One writer, the lane's thread; any reader. The writer never waits, and never allocates.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "../base/hash.hpp"
#include "../base/prefix.hpp"
#include "sample.hpp"

namespace tidegate {

class HostMemory {
 public:
  static constexpr std::size_t kHosts = 4096;
  static constexpr std::size_t kPerHost = 32;
  static constexpr std::int64_t kMinGapMicros = 1'000'000;
  static constexpr std::int64_t kMaxGapMicros = 64'000'000;

  explicit HostMemory(std::uint64_t seed) : key_{make_hash_key(seed)}, hosts_(kHosts), packets_(kHosts) {}

  /// From the lane's thread: a packet to a host of ours, to be remembered if its turn has come.
  void offer(const Sample& sample) noexcept {
    if (sample.direction != Direction::incoming && sample.direction != Direction::internal) return;
    const std::unique_lock lock{mutex_, std::try_to_lock};
    if (!lock.owns_lock()) return;
    const std::size_t place = place_of(sample.facts.destination);
    Host& host = hosts_[place];
    if (host.count > 0 && sample.at_micros - host.last_kept < host.gap) return;
    if (host.count == kPerHost) forget_half(host, packets_[place]);
    host.last_kept = sample.at_micros;
    packets_[place][host.count++] = remembered(sample);
  }

  /// The `most` latest packets to the subject, oldest first.
  [[nodiscard]] std::vector<Sample> recall(const Prefix& subject, std::size_t most) const {
    std::vector<Sample> found;
    const std::lock_guard lock{mutex_};
    for (std::size_t place = 0; place < kHosts; ++place) {
      const Host& host = hosts_[place];
      if (host.count == 0 || !contains(subject, host.address)) continue;
      for (std::size_t i = 0; i < host.count; ++i) {
        found.push_back(sample_of(packets_[place][i], host.address));
      }
    }
    std::ranges::stable_sort(found, {}, &Sample::at_micros);
    if (found.size() > most) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(most));
    return found;
  }

 private:
  struct Packet {
    std::int64_t at_micros = 0;
    std::uint64_t source_high = 0;
    std::uint64_t source_low = 0;
    std::uint32_t ip_length = 0;
    std::uint32_t wire_length = 0;
    std::uint32_t sampling = 1;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
    std::uint8_t tcp_flags = 0;
    std::uint8_t ttl = 0;
    Direction direction = Direction::other;
    bool fragment = false;
    bool first_fragment = false;
    bool has_bytes = false;
  };
  using Packets = std::array<Packet, kPerHost>;
  /// Apart from its packets: a search looks at a set of these, and a lane that wakes a hundred times a second finds every
  /// line and page cold.
  struct Host {
    Address address;
    std::int64_t last_kept = 0;
    std::int64_t gap = kMinGapMicros;
    std::size_t count = 0;
  };
  static constexpr std::size_t kWays = 4;

  /// The host's own place, or that of the one of its set that was seen longest ago, emptied for it.
  std::size_t place_of(const Address& address) noexcept {
    const std::size_t first = hash_words(key_, address.high, address.low) % (kHosts / kWays) * kWays;
    std::size_t oldest = first;
    for (std::size_t place = first; place < first + kWays; ++place) {
      const Host& host = hosts_[place];
      const Host& other = hosts_[oldest];
      if (host.count > 0 && host.address == address) return place;
      if (host.count == 0 ? other.count > 0 : other.count > 0 && host.last_kept < other.last_kept) oldest = place;
    }
    hosts_[oldest] = {.address = address};
    return oldest;
  }

  static void forget_half(Host& host, Packets& packets) noexcept {
    std::size_t kept = 0;
    if (host.gap < kMaxGapMicros) {
      host.gap *= 2;
      for (std::size_t i = 1; i < host.count; i += 2) packets[kept++] = packets[i];
    } else {
      for (std::size_t i = 1; i < host.count; ++i) packets[kept++] = packets[i];
    }
    host.count = kept;
  }

  static Packet remembered(const Sample& sample) noexcept {
    const PacketFacts& facts = sample.facts;
    return {sample.at_micros,   facts.source.high,      facts.source.low, facts.ip_length, facts.wire_length,
            sample.sampling,    facts.source_port,      facts.destination_port, facts.protocol, facts.tcp_flags,
            facts.ttl,          sample.direction,       facts.fragment,   facts.first_fragment, sample.has_bytes};
  }

  static Sample sample_of(const Packet& packet, const Address& host) {
    Sample sample;
    sample.at_micros = packet.at_micros;
    sample.facts.source = {packet.source_high, packet.source_low, host.family};
    sample.facts.destination = host;
    sample.facts.ip_length = packet.ip_length;
    sample.facts.wire_length = packet.wire_length;
    sample.facts.source_port = packet.source_port;
    sample.facts.destination_port = packet.destination_port;
    sample.facts.protocol = packet.protocol;
    sample.facts.tcp_flags = packet.tcp_flags;
    sample.facts.ttl = packet.ttl;
    sample.facts.fragment = packet.fragment;
    sample.facts.first_fragment = packet.first_fragment;
    sample.direction = packet.direction;
    sample.sampling = packet.sampling;
    sample.has_bytes = packet.has_bytes;
    return sample;
  }

  const HashKey key_;
  mutable std::mutex mutex_;
  std::vector<Host> hosts_;       // under mutex_
  std::vector<Packets> packets_;  // under mutex_; of the host in the same place
};

}  // namespace tidegate
