/// Addresses as text: IPv4 dotted (RFC 6943 section 3.1.1, strict form), IPv6 as in RFC 4291 and RFC 5952.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "facts.hpp"

namespace tidegate {

constexpr Address ipv4_address(std::uint32_t value) noexcept { return {0, value, Family::ipv4}; }
constexpr Address ipv6_address(std::uint64_t high, std::uint64_t low) noexcept {
  return {high, low, Family::ipv6};
}

/// '192.0.2.7' (four decimal numbers, no leading zeros) or an IPv6 address without a zone; else nothing.
std::optional<Address> parse_address(std::string_view text) noexcept;

/// IPv6 in its canonical form: lower case, the longest run of zero groups as '::' (RFC 5952 section 4).
std::string format_address(const Address& address);

}  // namespace tidegate
