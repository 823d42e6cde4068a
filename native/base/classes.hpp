/// Counter classes, directions and metrics: the one list from which tables, batches and meters are laid out.
///
/// The order is that of domain/traffic.ts; a test of the door holds the two together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidegate {

enum class CounterClass : std::uint8_t { total, tcp, udp, icmp, tcp_syn, fragment };
inline constexpr std::size_t kCounterClasses = 6;
inline constexpr std::array<std::string_view, kCounterClasses> kCounterClassNames{
    "total", "tcp", "udp", "icmp", "tcp_syn", "fragment"};

/// incoming: only the destination is ours; outgoing: only the source; internal: both; other: neither.
enum class Direction : std::uint8_t { incoming, outgoing, internal, other };
inline constexpr std::size_t kDirections = 4;
/// Directions that a host row counts.
inline constexpr std::size_t kHostDirections = 2;

/// One direction of a host row as a flat list: packets of each class, then bytes of each class, then flows.
inline constexpr std::size_t kPacketsAt = 0;
inline constexpr std::size_t kBytesAt = kCounterClasses;
inline constexpr std::size_t kFlowsAt = 2 * kCounterClasses;
inline constexpr std::size_t kDirectionValues = 2 * kCounterClasses + 1;
/// Both directions, incoming first.
inline constexpr std::size_t kHostValues = kHostDirections * kDirectionValues;

/// What sampling leaves uncertain follows the values: of each direction the variance of its packets and of its bytes.
inline constexpr std::size_t kPacketVarianceAt = 0;
inline constexpr std::size_t kByteVarianceAt = 1;
inline constexpr std::size_t kDirectionVariances = 2;
inline constexpr std::size_t kHostVariances = kHostDirections * kDirectionVariances;
/// Values, then variances: what a batch says of a host or a network.
inline constexpr std::size_t kDeltaValues = kHostValues + kHostVariances;

/// What a threshold can judge, in the order in which the cause is named.
inline constexpr std::size_t kMetrics = 13;
struct Metric {
  std::string_view name;
  std::uint8_t value;  ///< index into one direction's flat list
  bool bits;           ///< judged in 10^6 bits per second
};
inline constexpr std::array<Metric, kMetrics> kMetricTable{{
    {"pps", kPacketsAt + 0, false},
    {"mbps", kBytesAt + 0, true},
    {"flows", kFlowsAt, false},
    {"tcp_pps", kPacketsAt + 1, false},
    {"udp_pps", kPacketsAt + 2, false},
    {"icmp_pps", kPacketsAt + 3, false},
    {"tcp_syn_pps", kPacketsAt + 4, false},
    {"fragment_pps", kPacketsAt + 5, false},
    {"tcp_mbps", kBytesAt + 1, true},
    {"udp_mbps", kBytesAt + 2, true},
    {"icmp_mbps", kBytesAt + 3, true},
    {"tcp_syn_mbps", kBytesAt + 4, true},
    {"fragment_mbps", kBytesAt + 5, true},
}};

}  // namespace tidegate
