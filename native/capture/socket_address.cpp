#include "socket_address.hpp"

#include <array>
#include <cstring>

#include "../base/cursor.hpp"

namespace tidegate {

namespace {
constexpr std::uint64_t kMappedPrefix = 0xFFFF;  // bits 32 to 95 of ::ffff:0:0/96, seen as upper half of the low word

void store_big_endian(std::uint64_t value, std::span<std::byte, 8> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(value >> (56 - 8 * i));
}
}  // namespace

std::optional<Endpoint> endpoint_of(const sockaddr_storage& from) noexcept {
  if (from.ss_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &from, sizeof ipv4);
    return Endpoint{{0, ntohl(ipv4.sin_addr.s_addr), Family::ipv4}, ntohs(ipv4.sin_port)};
  }
  if (from.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 ipv6;
  std::memcpy(&ipv6, &from, sizeof ipv6);
  Cursor in{std::as_bytes(std::span{ipv6.sin6_addr.s6_addr})};
  const std::uint64_t high = in.u64();
  const std::uint64_t low = in.u64();
  const std::uint16_t port = ntohs(ipv6.sin6_port);
  if (high == 0 && low >> 32 == kMappedPrefix) return Endpoint{{0, low & 0xFFFF'FFFF, Family::ipv4}, port};
  return Endpoint{{high, low, Family::ipv6}, port};
}

socklen_t to_socket_address(const Endpoint& endpoint, sockaddr_storage& out) noexcept {
  out = {};
  if (endpoint.address.family == Family::ipv4) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(endpoint.port);
    ipv4.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(endpoint.address.low));
    std::memcpy(&out, &ipv4, sizeof ipv4);
    return sizeof ipv4;
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(endpoint.port);
  const auto bytes = std::as_writable_bytes(std::span{ipv6.sin6_addr.s6_addr});
  store_big_endian(endpoint.address.high, bytes.first<8>());
  store_big_endian(endpoint.address.low, bytes.last<8>());
  std::memcpy(&out, &ipv6, sizeof ipv6);
  return sizeof ipv6;
}

}  // namespace tidegate
