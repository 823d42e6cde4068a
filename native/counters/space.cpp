#include "space.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "../base/hash.hpp"

namespace tidegate {

namespace {

using Wide = Product;  // an address of either family as one number
inline constexpr std::uint32_t kUnset = 0xffffffffU;

Wide wide(const Address& address) noexcept { return static_cast<Wide>(address.high) << 64 | address.low; }

Wide last_address(const Prefix& prefix) noexcept {
  const unsigned free_bits = static_cast<unsigned>(address_bits(prefix.address.family)) - prefix.length;
  const Wide hosts = free_bits >= 128 ? ~Wide{0} : (Wide{1} << free_bits) - 1;
  return wide(prefix.address) | hosts;
}

/// A network or a hostgroup's prefix.
struct Claim {
  Prefix prefix;
  std::uint32_t index;
  bool is_network;
};

/// Addresses from `start` up to the next range belong to one cell.
struct Range {
  Wide start;
  CellId cell;
};

}  // namespace

class SpaceCompiler {
 public:
  HostSpace::Compiled compile(std::span<const Prefix> networks, std::span<const HostgroupPrefixes> hostgroups) {
    std::size_t prefixes = networks.size();
    for (const HostgroupPrefixes& group : hostgroups) prefixes += group.prefixes.size();
    if (prefixes > kMaxPrefixes) return refuse("more than " + std::to_string(kMaxPrefixes) + " prefixes");
    const auto rest = std::find_if(hostgroups.begin(), hostgroups.end(),
                                   [](const HostgroupPrefixes& group) { return group.prefixes.empty(); });
    if (rest == hostgroups.end()) return refuse("no hostgroup without networks to take the rest");
    rest_group_ = static_cast<std::uint32_t>(rest - hostgroups.begin());

    space_.networks_.assign(networks.begin(), networks.end());
    for (const HostgroupPrefixes& group : hostgroups) space_.hostgroups_.push_back(group.name);
    space_.cells_.push_back({});
    if (!lay_out_ipv4(ranges(claims(Family::ipv4, networks, hostgroups)))) {
      return refuse("the networks hold more than " + std::to_string(kMaxPages * kPageHosts) + " IPv4 addresses");
    }
    for (const Range& range : ranges(claims(Family::ipv6, networks, hostgroups))) {
      space_.starts_high_.push_back(static_cast<std::uint64_t>(range.start >> 64));
      space_.starts_low_.push_back(static_cast<std::uint64_t>(range.start));
      space_.range_cells_.push_back(range.cell);
    }
    return {std::make_shared<const HostSpace>(std::move(space_)), {}};
  }

 private:
  static HostSpace::Compiled refuse(std::string why) { return {nullptr, std::move(why)}; }

  // Outer before inner; of equal prefixes the first given comes last, and so wins.
  static std::vector<Claim> claims(Family family, std::span<const Prefix> networks,
                                   std::span<const HostgroupPrefixes> hostgroups) {
    std::vector<Claim> all;
    const auto add = [&](const Prefix& prefix, std::size_t index, bool is_network) {
      if (prefix.address.family == family) all.push_back({prefix, static_cast<std::uint32_t>(index), is_network});
    };
    for (std::size_t i = 0; i < networks.size(); ++i) add(networks[i], i, true);
    for (std::size_t i = 0; i < hostgroups.size(); ++i) {
      for (const Prefix& prefix : hostgroups[i].prefixes) add(prefix, i, false);
    }
    std::sort(all.begin(), all.end(), [](const Claim& a, const Claim& b) {
      const Wide start_a = wide(a.prefix.address);
      const Wide start_b = wide(b.prefix.address);
      if (start_a != start_b) return start_a < start_b;
      if (a.prefix.length != b.prefix.length) return a.prefix.length < b.prefix.length;
      return a.index > b.index;
    });
    return all;
  }

  CellId cell_of(std::uint32_t network, std::uint32_t group) {
    if (network == kUnset) return kNotOurs;
    const auto [at, fresh] = cell_ids_.try_emplace({network, group}, static_cast<CellId>(space_.cells_.size()));
    if (fresh) space_.cells_.push_back({network, group});
    return at->second;
  }

  /// One sweep over the sorted claims. Prefixes nest or are apart, so those that hold a point form a stack.
  std::vector<Range> ranges(const std::vector<Claim>& sorted) {
    struct Open {
      Wide last;
      std::uint32_t network;
      std::uint32_t group;
    };
    std::vector<Open> open{{~Wide{0}, kUnset, rest_group_}};
    std::vector<Range> out{{0, kNotOurs}};
    const auto begin_range = [&](Wide start) {
      const CellId cell = cell_of(open.back().network, open.back().group);
      if (out.back().start == start) out.pop_back();
      if (out.empty() || out.back().cell != cell) out.push_back({start, cell});
    };
    const auto close_before = [&](Wide start) {
      while (open.size() > 1 && open.back().last < start) {
        const Wide next = open.back().last + 1;
        open.pop_back();
        begin_range(next);
      }
    };
    for (const Claim& claim : sorted) {
      const Wide start = wide(claim.prefix.address);
      close_before(start);
      Open inner = open.back();
      inner.last = last_address(claim.prefix);
      (claim.is_network ? inner.network : inner.group) = claim.index;
      open.push_back(inner);
      begin_range(start);
    }
    close_before(~Wide{0});  // what ends with the last address of all needs no range behind it
    return out;
  }

  bool lay_out_ipv4(const std::vector<Range>& all) {
    constexpr Wide kIpv4End = Wide{1} << 32;
    space_.part_of_.assign(256, 0);
    space_.chunk_of_.assign(256, 0);
    space_.chunks_.assign(256, kNoPage);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].cell == kNotOurs) continue;
      const Wide end = i + 1 < all.size() ? std::min(all[i + 1].start, kIpv4End) : kIpv4End;
      const auto first = static_cast<std::uint64_t>(all[i].start);
      const auto last = static_cast<std::uint64_t>(end - 1);
      if ((last >> 8) - (first >> 8) + 1 + space_.pages_.size() > kMaxPages) return false;
      for (std::uint64_t page = first >> 8; page <= last >> 8; ++page) {
        const std::uint64_t from = std::max(first, page << 8);
        const std::uint64_t to = std::min(last, page << 8 | 255);
        claim_page(static_cast<std::uint32_t>(page << 8), from & 255, to & 255, all[i].cell);
      }
    }
    return true;
  }

  // Ranges come in the order of addresses, so a page shared with the range before is the last one made.
  void claim_page(std::uint32_t address, std::uint64_t first, std::uint64_t last, CellId cell) {
    auto& pages = space_.pages_;
    if (pages.empty() || pages.back().address != address) {
      if (space_.part_of_[address >> 24] == 0) {
        space_.part_of_[address >> 24] = static_cast<std::uint16_t>(space_.chunk_of_.size() / 256);
        space_.chunk_of_.resize(space_.chunk_of_.size() + 256, 0);
      }
      if (chunk_of(address) == 0) {
        chunk_of(address) = static_cast<std::uint32_t>(space_.chunks_.size() / 256);
        space_.chunks_.resize(space_.chunks_.size() + 256, kNoPage);
      }
      const auto number = static_cast<std::uint32_t>(pages.size());
      const bool mixed = first != 0 || last != 255;
      pages.push_back({address, 0, cell, mixed});
      entry(address) = mixed ? HostSpace::kMixed + number : number;
      if (!mixed) return;
      pages.back().mixed_at = static_cast<std::uint32_t>(space_.mixed_cells_.size());
      space_.mixed_cells_.resize(space_.mixed_cells_.size() + kPageHosts, kNotOurs);
    }
    const std::uint32_t at = pages.back().mixed_at;
    std::fill(space_.mixed_cells_.begin() + static_cast<std::ptrdiff_t>(at + first),
              space_.mixed_cells_.begin() + static_cast<std::ptrdiff_t>(at + last + 1), cell);
  }

  std::uint32_t& chunk_of(std::uint32_t address) {
    return space_.chunk_of_[space_.part_of_[address >> 24] * std::size_t{256} + (address >> 16 & 255)];
  }
  std::uint32_t& entry(std::uint32_t address) {
    return space_.chunks_[chunk_of(address) * std::size_t{256} + (address >> 8 & 255)];
  }

  HostSpace space_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, CellId> cell_ids_;
  std::uint32_t rest_group_ = 0;
};

HostSpace::Compiled HostSpace::compile(std::span<const Prefix> networks,
                                       std::span<const HostgroupPrefixes> hostgroups) {
  return SpaceCompiler{}.compile(networks, hostgroups);
}

CellId HostSpace::lookup_ipv6(std::uint64_t high, std::uint64_t low) const noexcept {
  std::size_t base = 0;
  for (std::size_t left = range_cells_.size(); left > 1;) {
    const std::size_t half = left / 2;
    const std::uint64_t start_high = starts_high_[base + half];
    const bool begins_before =
        start_high < high || (start_high == high && starts_low_[base + half] <= low);
    base += begins_before ? half : 0;
    left -= half;
  }
  return range_cells_[base];
}

}  // namespace tidegate
