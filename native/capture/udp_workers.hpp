/// Several UDP sockets on one address, one a thread, where a sender's datagrams always reach the same one.
///
/// The kernel chooses by the sender's address alone (SO_ATTACH_REUSEPORT_CBPF), so templates that came from one port
/// are known to what comes from another. IPv4 senders on a dual-stack socket are chosen by their IPv4 address.
#pragma once

#include <cstddef>
#include <vector>

#include "udp.hpp"

namespace tidegate {

inline constexpr std::size_t kMaxUdpWorkers = 64;

/// The worker that the kernel chooses for this sender, of `workers`.
[[nodiscard]] std::size_t worker_of(const Address& sender, std::size_t workers) noexcept;

/// 1 … kMaxUdpWorkers sockets, in the order that worker_of() counts. Fails as UdpListener::open(), also with
/// EADDRINUSE where another group of sockets has the address already.
[[nodiscard]] Opened<std::vector<UdpListener>> open_udp_workers(const UdpOptions& options, std::size_t workers);

}  // namespace tidegate
