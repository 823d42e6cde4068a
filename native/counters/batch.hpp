/// A batch: what one source counted over one tick for one hostgroup. Values, not references: a batch that
/// nobody absorbs loses its own tick and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "../base/classes.hpp"

namespace tidegate {

/// Host deltas as words. A host begins with a header:
///
///   bit 63      1: IPv6, two words of address (high, low) follow; 0: IPv4, address in bits 0..31
///   bits 32..61 which of the kDeltaValues values follow, lowest first, one word each; only what is not zero
///
/// The rest is zero.
inline constexpr std::uint64_t kHostIpv6 = std::uint64_t{1} << 63;
inline constexpr unsigned kHostMaskShift = 32;
static_assert(kDeltaValues <= 30);

/// Sums over the hosts of one network that are in this batch's hostgroup, hosts without a row included: exact.
struct NetworkDelta {
  std::uint32_t network;  ///< index in the engine's list of networks
  std::array<std::uint64_t, kDeltaValues> values;
};

struct Batch {
  std::uint32_t hostgroup = 0;
  std::uint32_t hosts = 0;       ///< in both lists; one that is in both counts twice
  std::int64_t from_micros = 0;  ///< of the drain before; the deltas lie between the two
  std::int64_t to_micros = 0;
  std::vector<std::uint64_t> host_words;
  /// Hosts whose turn it was: their deltas lie between `turn_from_micros`, not after `from_micros`, and `to_micros`.
  std::vector<std::uint64_t> turn_words;
  std::int64_t turn_from_micros = 0;
  std::vector<NetworkDelta> networks;
};

}  // namespace tidegate
