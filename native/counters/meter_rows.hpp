/// Rows of a meter: the cheap form of every value of every host, `previous · (1 − elapsed/W) + current`.
///
/// - IPv4 hosts lie in dense pages of 256, made on first touch; IPv6 hosts in a keyed table of bounded size.
/// - A row rolls to the present window when it is touched; nothing walks over idle rows.
/// - Bounded: kMaxMeterPages pages for IPv4, the given number of rows for IPv6. Rows idle for two windows give way;
///   where none is idle, the host is refused and counted.
/// - A RowRef is good until its row gives way, which no row with exact buckets does.
/// - One owner; not shared between threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "../base/classes.hpp"
#include "../base/facts.hpp"
#include "../base/hash.hpp"
#include "../base/prefetch.hpp"
#include "meter_time.hpp"

namespace tidegate {

/// 2^21 hosts, about 460 MB when all are in use at once.
inline constexpr std::size_t kMaxMeterPages = 8192;
inline constexpr std::size_t kRowsPerPage = 256;
/// A key of the IPv6 table is in one of so many neighbouring places.
inline constexpr std::size_t kIpv6Ways = 16;
inline constexpr std::uint32_t kNoSlot = 0;

/// Values in the cheap form.
template <std::size_t kValues>
struct CheapSums {
  std::array<float, kValues> previous{};
  std::array<float, kValues> current{};
  std::uint32_t window = 0;  ///< that `current` belongs to; 0: never touched

  /// Moves on to `window`. Going back does nothing. True when the row was idle until now.
  bool roll(std::uint32_t to) noexcept {
    if (to <= window) return false;
    const bool idle = window == 0 || to - window > 1;
    if (idle) {
      previous.fill(0);
    } else {
      previous = current;
    }
    current.fill(0);
    window = to;
    return idle;
  }

  /// Adds one delta. The sums must have been rolled to the share's window.
  void add(std::size_t value, std::uint64_t delta, const WindowShare& share) noexcept {
    const auto amount = static_cast<float>(delta);
    if (window == share.window) {
      current[value] += amount * share.current;
      previous[value] += amount * share.previous;
    } else if (window - share.window == 1) {  // another source is one window ahead
      previous[value] += amount * share.current;
    }
  }

  /// The sum over the last window as the cheap form has it, `elapsed` (0..1) into window `now`.
  [[nodiscard]] double estimate(std::size_t value, std::uint32_t now, double elapsed) const noexcept {
    if (now <= window) return static_cast<double>(previous[value]) * (1 - elapsed) + static_cast<double>(current[value]);
    if (now - window == 1) return static_cast<double>(current[value]) * (1 - elapsed);
    return 0;
  }
};

/// Variances of one subject, as kHostVariances orders them.
using VarianceSums = CheapSums<kHostVariances>;

struct MeterRow : CheapSums<kHostValues> {
  float seen_upto = 0;            ///< how far into `window` the row is known, 0..1
  std::uint32_t busy_since = 0;   ///< cell, from the grid's origin, since which the row has not been idle
  std::uint32_t slot : 27 = kNoSlot;       ///< exact buckets + 1
  std::uint32_t reported : 2 = 0;          ///< a bit a direction: told as exceeded by the cheap form
  std::uint32_t candidate : 1 = 0;         ///< waits for the next judgement without exact buckets
  std::uint32_t counted : 1 = 0;           ///< in hosts()

  /// All is known up to `elapsed` (0..1) of window `to`. To come before the roll to it.
  void know(std::uint32_t to, float elapsed) noexcept {
    if (to > window) {
      seen_upto = elapsed;
    } else if (to == window) {
      seen_upto = seen_upto < elapsed ? elapsed : seen_upto;
    }
  }
  [[nodiscard]] bool is_reported(std::size_t direction) const noexcept { return (reported >> direction & 1U) != 0; }
  void set_reported(std::size_t direction, bool is) noexcept {
    const std::uint32_t bit = 1U << direction;
    reported = (is ? reported | bit : reported & ~bit) & 3U;
  }
};
static_assert(sizeof(MeterRow) <= 224);

using RowRef = std::uint32_t;

class MeterRows {
 public:
  MeterRows(std::size_t ipv6_hosts, std::uint64_t seed);

  /// The host's row, made if need be; `window` is the present one, by which idle rows are told.
  /// Nothing when all rows are in use: counted in refused().
  [[nodiscard]] std::optional<RowRef> touch_ipv4(std::uint32_t address, std::uint32_t window);
  [[nodiscard]] std::optional<RowRef> touch_ipv6(std::uint64_t high, std::uint64_t low, std::uint32_t window);
  /// Before touch_ipv4(), for a row that has been made.
  void prefetch_ipv4(std::uint32_t address) const noexcept {
    constexpr std::size_t kLine = 64;
    const std::uint32_t page = ipv4_page(address >> 8);
    if (page == kNone) return;
    const auto row = std::as_bytes(std::span{&pages_[page]->rows[address & 255], 1});
    for (std::size_t at = 0; at < row.size(); at += kLine) prefetch_for_write(row.subspan(at).data());
  }
  /// The host's row if it has been touched and not given way.
  [[nodiscard]] std::optional<RowRef> find(const Address& host) const noexcept;

  [[nodiscard]] MeterRow& row(RowRef ref) noexcept { return pages_[ref / kRowsPerPage]->rows[ref % kRowsPerPage]; }
  [[nodiscard]] const MeterRow& row(RowRef ref) const noexcept {
    return pages_[ref / kRowsPerPage]->rows[ref % kRowsPerPage];
  }
  [[nodiscard]] Address address(RowRef ref) const noexcept;

  /// The row's variances, made if need be: a page of rows gets room for them with the first of its hosts that is sampled.
  [[nodiscard]] VarianceSums& touch_variances(RowRef ref);
  /// Null: no host of the page has ever been sampled.
  [[nodiscard]] const VarianceSums* variances(RowRef ref) const noexcept {
    const Page& page = *pages_[ref / kRowsPerPage];
    return page.variances ? &(*page.variances)[ref % kRowsPerPage] : nullptr;
  }

  /// For walks over all rows: pages in no order of addresses.
  [[nodiscard]] std::size_t pages() const noexcept { return pages_.size(); }
  /// The newest window in which a row of the page was touched.
  [[nodiscard]] std::uint32_t page_window(std::size_t page) const noexcept { return pages_[page]->window; }

  [[nodiscard]] std::size_t hosts() const noexcept { return hosts_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Ipv6Words {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };
  struct Page {
    std::array<MeterRow, kRowsPerPage> rows{};
    std::uint32_t window = 0;
    std::uint32_t first_address = 0;
    std::unique_ptr<std::array<Ipv6Words, kRowsPerPage>> keys;  // null: a page of IPv4 hosts
    std::unique_ptr<std::array<VarianceSums, kRowsPerPage>> variances;
  };
  struct Ipv6Entry {
    Ipv6Words key;
    RowRef row_plus_one = 0;  // 0: free
  };
  static constexpr std::uint32_t kNone = 0xffffffffU;
  static constexpr std::size_t kDirectoryBits = 12;

  [[nodiscard]] std::uint32_t ipv4_page(std::uint32_t upper24) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> make_ipv4_page(std::uint32_t upper24, std::uint32_t window);
  [[nodiscard]] std::optional<std::uint32_t> idle_ipv4_page(std::uint32_t window) noexcept;
  [[nodiscard]] std::optional<RowRef> new_ipv6_row(std::uint32_t window);
  [[nodiscard]] std::optional<RowRef> idle_ipv6_row(std::uint32_t window) noexcept;
  [[nodiscard]] std::size_t ipv6_set(std::uint64_t high, std::uint64_t low) const noexcept;
  void note(Page& page, MeterRow& row, std::uint32_t window) noexcept;

  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<std::vector<std::uint32_t>> directory_;  // upper 12 bits → next 12 bits → page
  std::vector<std::uint32_t> ipv4_pages_;              // for the clock that looks for an idle one
  std::size_t clock_ = 0;
  std::vector<Ipv6Entry> ipv6_;
  std::size_t ipv6_limit_;
  std::size_t ipv6_clock_ = 0;
  std::size_t ipv6_rows_ = 0;
  std::uint32_t ipv6_page_ = kNone;
  HashKey key_;
  std::size_t hosts_ = 0;
  std::size_t variance_pages_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace tidegate
