/// Who may send: a set of prefixes, asked once a datagram.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "../base/prefix.hpp"

namespace tidegate {

class AccessList {
 public:
  /// Lets everybody in.
  AccessList() = default;
  /// Without prefixes: everybody.
  explicit AccessList(std::span<const Prefix> prefixes) : open_{prefixes.empty()} {
    for (const Prefix& prefix : prefixes) ranges_.push_back({first_of(prefix), last_of(prefix)});
    std::ranges::sort(ranges_, [](const Range& a, const Range& b) { return less(a.from, b.from); });
    // A prefix lies within another or apart from it, so those within an earlier one can go.
    const auto inner = [](const Range& outer, const Range& one) { return !less(outer.to, one.from); };
    ranges_.erase(std::unique(ranges_.begin(), ranges_.end(), inner), ranges_.end());
  }

  [[nodiscard]] bool admits(const Address& address) const noexcept {
    if (open_) return true;
    const auto after = std::ranges::upper_bound(ranges_, address, less, &Range::from);
    return after != ranges_.begin() && !less(std::prev(after)->to, address);
  }

 private:
  struct Range {
    Address from;
    Address to;
  };
  [[nodiscard]] static constexpr bool less(const Address& a, const Address& b) noexcept {
    if (a.family != b.family) return a.family < b.family;
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }
  [[nodiscard]] static constexpr Address first_of(const Prefix& prefix) noexcept { return prefix.address; }
  [[nodiscard]] static constexpr Address last_of(const Prefix& prefix) noexcept {
    constexpr std::uint64_t kAll = ~std::uint64_t{0};
    const bool ipv4 = prefix.address.family == Family::ipv4;
    const Address mine = mask({ipv4 ? 0 : kAll, ipv4 ? 0xFFFF'FFFF : kAll, prefix.address.family}, prefix.length);
    Address last = prefix.address;
    last.high |= ipv4 ? 0 : ~mine.high;
    last.low |= ipv4 ? 0xFFFF'FFFF & ~mine.low : ~mine.low;
    return last;
  }

  std::vector<Range> ranges_;  // sorted and disjoint
  bool open_ = true;
};

}  // namespace tidegate
