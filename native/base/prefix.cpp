#include "prefix.hpp"

namespace tidegate {

std::optional<Prefix> parse_prefix(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::uint8_t bits = address_bits(address->family);
  if (slash == std::string_view::npos) return make_prefix(*address, bits);
  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  unsigned length = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    length = length * 10 + static_cast<unsigned>(digit - '0');
  }
  if (length > bits) return std::nullopt;
  return make_prefix(*address, static_cast<std::uint8_t>(length));
}

std::string format_prefix(const Prefix& prefix) {
  return format_address(prefix.address) + "/" + std::to_string(prefix.length);
}

}  // namespace tidegate
