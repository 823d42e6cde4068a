/// HostSpace: which addresses are ours, in which network and hostgroup. Compiled once, then immutable.
///
/// - The longest matching network decides the network; independently, the longest matching hostgroup
///   prefix decides the group. The first group without prefixes takes the rest.
/// - A pair (network, group) that occurs is a *cell*; cells are numbered from 1, 0 is 'not ours'.
/// - IPv4 in four steps of 8 bits: a part of 256 chunks, a chunk of 256 pages, a page of 256 hosts, a cell. The last
///   step is only taken in pages with more than one cell. Pages are numbered densely from 0. Foreign addresses, which
///   come in random order, mostly end in one shared empty part: few cache lines, soon warm again after a sleep.
/// - IPv6 as sorted ranges of addresses, found by binary search.
/// - Any number of threads may read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../base/facts.hpp"
#include "../base/prefix.hpp"

namespace tidegate {

/// Addresses of 512 /8 parts: 2^17 pages of 256 hosts, 33 million.
inline constexpr std::size_t kMaxPages = std::size_t{1} << 17;
inline constexpr std::size_t kMaxPrefixes = 65536;
inline constexpr std::size_t kPageHosts = 256;

using CellId = std::uint32_t;
inline constexpr CellId kNotOurs = 0;
inline constexpr std::uint32_t kNoPage = 0x7fffffffU;

struct Cell {
  std::uint32_t network = 0;    ///< index in HostSpace::networks()
  std::uint32_t hostgroup = 0;  ///< index in HostSpace::hostgroups()

  friend constexpr bool operator==(const Cell&, const Cell&) noexcept = default;
};

struct HostgroupPrefixes {
  std::string name;
  std::vector<Prefix> prefixes;
};

class HostSpace {
 public:
  struct Compiled {
    std::shared_ptr<const HostSpace> space;  ///< null when refused
    std::string refused;                     ///< why, for people; empty when compiled
  };
  /// Networks and groups keep the order given; that is their index. A network given twice keeps its first index.
  static Compiled compile(std::span<const Prefix> networks, std::span<const HostgroupPrefixes> hostgroups);

  [[nodiscard]] std::span<const Prefix> networks() const noexcept { return networks_; }
  [[nodiscard]] std::span<const std::string> hostgroups() const noexcept { return hostgroups_; }
  [[nodiscard]] std::string network_name(std::uint32_t network) const { return format_prefix(networks_[network]); }

  /// Number of cells, the one for 'not ours' included.
  [[nodiscard]] std::size_t cells() const noexcept { return cells_.size(); }
  [[nodiscard]] const Cell& cell(CellId id) const noexcept { return cells_[id]; }
  [[nodiscard]] CellId lookup(const Address& address) const noexcept {
    return address.family == Family::ipv4 ? lookup_ipv4(static_cast<std::uint32_t>(address.low))
                                          : lookup_ipv6(address.high, address.low);
  }
  /// The cell's network and group, or nothing when the address is not ours.
  [[nodiscard]] std::optional<Cell> find(const Address& address) const noexcept {
    const CellId id = lookup(address);
    if (id == kNotOurs) return std::nullopt;
    return cells_[id];
  }

  [[nodiscard]] std::size_t pages() const noexcept { return pages_.size(); }
  /// Page of an IPv4 address of ours, or kNoPage.
  [[nodiscard]] std::uint32_t page_of(std::uint32_t address) const noexcept {
    const std::size_t part = part_of_[address >> 24];
    const std::size_t chunk = chunk_of_[part * 256 + (address >> 16 & 255)];
    const std::uint32_t entry = chunks_[chunk * 256 + (address >> 8 & 255)];
    if (entry < kMixed) [[likely]] return entry;
    const std::uint32_t page = entry - kMixed;
    return mixed_cells_[pages_[page].mixed_at + (address & 255)] == kNotOurs ? kNoPage : page;
  }
  /// First address of a page.
  [[nodiscard]] std::uint32_t page_address(std::uint32_t page) const noexcept { return pages_[page].address; }
  [[nodiscard]] CellId cell_in_page(std::uint32_t page, std::uint32_t host) const noexcept {
    const Page& at = pages_[page];
    return at.mixed ? mixed_cells_[at.mixed_at + host] : at.cell;
  }
  [[nodiscard]] CellId lookup_ipv4(std::uint32_t address) const noexcept {
    const std::uint32_t page = page_of(address);
    return page == kNoPage ? kNotOurs : cell_in_page(page, address & 255);
  }
  [[nodiscard]] CellId lookup_ipv6(std::uint64_t high, std::uint64_t low) const noexcept;

 private:
  friend class SpaceCompiler;
  /// Added to a page number whose hosts differ, so that the common case is one comparison.
  static constexpr std::uint32_t kMixed = 0x80000000U;

  struct Page {
    std::uint32_t address = 0;
    std::uint32_t mixed_at = 0;
    CellId cell = kNotOurs;
    bool mixed = false;
  };

  HostSpace() = default;

  std::vector<Prefix> networks_;
  std::vector<std::string> hostgroups_;
  std::vector<Cell> cells_;
  std::vector<std::uint16_t> part_of_;   // by the upper 8 bits; part 0 holds no chunk
  std::vector<std::uint32_t> chunk_of_;  // 256 entries each; chunk 0 holds no page
  std::vector<std::uint32_t> chunks_;    // 256 entries each
  std::vector<Page> pages_;
  std::vector<CellId> mixed_cells_;      // 256 entries each
  // Range i begins at starts i and ends before the next; range 0 begins at address zero.
  std::vector<std::uint64_t> starts_high_;
  std::vector<std::uint64_t> starts_low_;
  std::vector<CellId> range_cells_;
};

}  // namespace tidegate
