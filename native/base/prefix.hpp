/// Prefixes: CIDR text (RFC 4632 section 3.1, RFC 4291 section 2.3), masks and containment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "address.hpp"

namespace tidegate {

constexpr std::uint8_t address_bits(Family family) noexcept { return family == Family::ipv4 ? 32 : 128; }

/// `address` with all but its first `length` bits cleared. A length past the address keeps all of it.
constexpr Address mask(const Address& address, std::uint8_t length) noexcept {
  Address masked = address;
  if (address.family == Family::ipv4) {
    const std::uint32_t bits = length == 0 ? 0 : length >= 32 ? ~0U : ~0U << (32 - length);
    masked.low &= bits;
    return masked;
  }
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  masked.high &= length == 0 ? 0 : length >= 64 ? kAll : kAll << (64 - length);
  masked.low &= length <= 64 ? 0 : length >= 128 ? kAll : kAll << (128 - length);
  return masked;
}

/// Bits past `length` are clear: made by parse_prefix or make_prefix.
struct Prefix {
  Address address;
  std::uint8_t length = 0;  ///< bits

  friend constexpr bool operator==(const Prefix&, const Prefix&) noexcept = default;
};

constexpr Prefix make_prefix(const Address& address, std::uint8_t length) noexcept {
  return {mask(address, length), length};
}

constexpr bool contains(const Prefix& prefix, const Address& address) noexcept {
  return prefix.address.family == address.family && mask(address, prefix.length) == prefix.address;
}

/// True when all of `inner` lies in `outer`; a prefix contains itself.
constexpr bool contains(const Prefix& outer, const Prefix& inner) noexcept {
  return outer.length <= inner.length && contains(outer, inner.address);
}

/// '192.0.2.0/24'; a bare address is its own /32 or /128. Host bits are cleared. Nothing for anything else.
std::optional<Prefix> parse_prefix(std::string_view text) noexcept;

/// '2001:db8::/32'.
std::string format_prefix(const Prefix& prefix);

}  // namespace tidegate
