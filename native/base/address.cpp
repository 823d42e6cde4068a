#include "address.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace tidegate {
namespace {

constexpr std::size_t kGroups = 8;  // of 16 bits, in an IPv6 address

std::optional<std::uint32_t> parse_ipv4(std::string_view text) noexcept {
  std::uint32_t value = 0;
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (at >= text.size() || text[at] != '.') return std::nullopt;
      ++at;
    }
    std::uint32_t number = 0;
    std::size_t digits = 0;
    for (; at < text.size() && digits < 4 && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      number = number * 10 + static_cast<std::uint32_t>(text[at] - '0');
    }
    // A leading zero reads as octal elsewhere, so it is refused.
    if (digits == 0 || digits > 3 || number > 255 || (digits > 1 && text[at - digits] == '0')) return std::nullopt;
    value = value << 8 | number;
  }
  if (at != text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> parse_group(std::string_view text) noexcept {
  if (text.empty() || text.size() > 4) return std::nullopt;
  std::uint16_t value = 0;
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

struct Groups {
  std::array<std::uint16_t, kGroups> values{};
  std::size_t count = 0;
};

// 'a:b:192.0.2.1': groups, of which the last two may be an IPv4 address. Empty text is no group.
bool parse_groups(std::string_view text, Groups& groups) noexcept {
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
      const auto tail = parse_ipv4(part);
      if (!tail || groups.count + 2 > kGroups) return false;
      groups.values[groups.count++] = static_cast<std::uint16_t>(*tail >> 16);
      groups.values[groups.count++] = static_cast<std::uint16_t>(*tail & 0xffff);
      return true;
    }
    const auto group = parse_group(part);
    if (!group || groups.count == kGroups) return false;
    groups.values[groups.count++] = *group;
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;  // ends in a single colon
  }
  return true;
}

std::optional<Address> parse_ipv6(std::string_view text) noexcept {
  Groups before;
  Groups after;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, before) || before.count != kGroups) return std::nullopt;
  } else {
    const std::string_view head = text.substr(0, gap);
    const std::string_view tail = text.substr(gap + 2);
    if (head.find('.') != std::string_view::npos || tail.starts_with(':')) return std::nullopt;
    if (!parse_groups(head, before) || !parse_groups(tail, after)) return std::nullopt;
    if (before.count + after.count >= kGroups) return std::nullopt;  // '::' stands for at least one group
    for (std::size_t i = 0; i < after.count; ++i) before.values[kGroups - after.count + i] = after.values[i];
  }
  Address address{0, 0, Family::ipv6};
  for (std::size_t i = 0; i < 4; ++i) {
    address.high = address.high << 16 | before.values[i];
    address.low = address.low << 16 | before.values[i + 4];
  }
  return address;
}

struct Run {
  std::size_t begin = kGroups;
  std::size_t length = 0;
};

// The longest run of at least two zero groups, the first of equals (RFC 5952 section 4.2).
Run longest_zero_run(const std::array<unsigned, kGroups>& groups) noexcept {
  Run best;
  Run run;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (groups[i] != 0) {
      run = {};
      continue;
    }
    if (run.length == 0) run.begin = i;
    ++run.length;
    if (run.length >= 2 && run.length > best.length) best = run;
  }
  return best;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) noexcept {
  if (text.find(':') != std::string_view::npos) return parse_ipv6(text);
  const auto value = parse_ipv4(text);
  if (!value) return std::nullopt;
  return ipv4_address(*value);
}

std::string format_address(const Address& address) {
  std::array<char, 48> text{};
  if (address.family == Family::ipv4) {
    const auto a = static_cast<unsigned>(address.low);
    std::snprintf(text.data(), text.size(), "%u.%u.%u.%u", a >> 24 & 255, a >> 16 & 255, a >> 8 & 255, a & 255);
    return text.data();
  }
  std::array<unsigned, kGroups> groups{};
  for (std::size_t i = 0; i < 4; ++i) {
    groups[i] = static_cast<unsigned>(address.high >> (48 - 16 * i) & 0xffff);
    groups[i + 4] = static_cast<unsigned>(address.low >> (48 - 16 * i) & 0xffff);
  }
  // IPv4-mapped addresses keep their dotted tail (RFC 5952 section 5).
  if (address.high == 0 && address.low >> 32 == 0xffff) {
    return "::ffff:" + format_address(ipv4_address(static_cast<std::uint32_t>(address.low)));
  }
  const Run run = longest_zero_run(groups);
  std::string out;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (i == run.begin) {
      out += "::";
      i += run.length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    std::snprintf(text.data(), text.size(), "%x", groups[i]);
    out += text.data();
  }
  return out;
}

}  // namespace tidegate
