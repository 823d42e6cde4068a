/// The keyed hash of a flow's five-tuple: source, destination, both ports, protocol.
#pragma once

#include <cstdint>

#include "../base/facts.hpp"
#include "../base/hash.hpp"

namespace tidegate {

constexpr std::uint64_t flow_hash(const HashKey& key, const PacketFacts& facts) noexcept {
  const std::uint64_t rest = std::uint64_t{facts.source_port} << 48 | std::uint64_t{facts.destination_port} << 32 |
                             std::uint64_t{static_cast<std::uint8_t>(facts.source.family)} << 8 | facts.protocol;
  if (facts.source.family == Family::ipv4 && facts.destination.family == Family::ipv4) {
    return hash_words(key, facts.source.low << 32 | facts.destination.low, rest);
  }
  const std::uint64_t source = hash_words(key, facts.source.high, facts.source.low);
  const std::uint64_t destination = hash_words(key, facts.destination.high ^ key.third, facts.destination.low);
  return hash_words(key, source + 3 * destination, rest);
}

}  // namespace tidegate
