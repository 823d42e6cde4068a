/// Addresses between the kernel's form and ours.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "../base/facts.hpp"

namespace tidegate {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
};

/// An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) becomes the IPv4 address. Nothing for other families.
[[nodiscard]] std::optional<Endpoint> endpoint_of(const sockaddr_storage& from) noexcept;

/// How much of the result is used.
[[nodiscard]] socklen_t to_socket_address(const Endpoint& endpoint, sockaddr_storage& out) noexcept;

}  // namespace tidegate
