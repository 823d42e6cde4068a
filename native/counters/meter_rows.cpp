#include "meter_rows.hpp"

#include <algorithm>
#include <bit>

namespace tidegate {

namespace {

/// How many pages the clock looks at for an idle one before it gives up.
constexpr std::size_t kClockSteps = 64;

/// Two windows without a packet: the cheap form is zero. A row with exact buckets is kept until those are given back.
bool idle(const MeterRow& row, std::uint32_t window) noexcept {
  return row.slot == kNoSlot && row.candidate == 0 && row.window + 1 < window;
}

}  // namespace

MeterRows::MeterRows(std::size_t ipv6_hosts, std::uint64_t seed)
    : directory_(std::size_t{1} << kDirectoryBits), ipv6_limit_{ipv6_hosts}, key_{make_hash_key(seed)} {
  // Half full at most, so that a set of kIpv6Ways seldom overflows before the table is full.
  ipv6_.resize(std::bit_ceil(std::max<std::size_t>(2 * ipv6_hosts, kIpv6Ways)));
}

std::uint32_t MeterRows::ipv4_page(std::uint32_t upper24) const noexcept {
  const auto& part = directory_[upper24 >> kDirectoryBits];
  return part.empty() ? kNone : part[upper24 & ((1U << kDirectoryBits) - 1)];
}

void MeterRows::note(Page& page, MeterRow& row, std::uint32_t window) noexcept {
  page.window = std::max(page.window, window);
  if (row.counted == 0) {
    row.counted = 1;
    ++hosts_;
  }
}

std::optional<RowRef> MeterRows::touch_ipv4(std::uint32_t address, std::uint32_t window) {
  std::uint32_t page = ipv4_page(address >> 8);
  if (page == kNone) [[unlikely]] {
    const auto made = make_ipv4_page(address >> 8, window);
    if (!made) {
      ++refused_;
      return std::nullopt;
    }
    page = *made;
  }
  Page& in = *pages_[page];
  const std::uint32_t host = address & 255;
  note(in, in.rows[host], window);
  return page * static_cast<std::uint32_t>(kRowsPerPage) + host;
}

std::optional<std::uint32_t> MeterRows::make_ipv4_page(std::uint32_t upper24, std::uint32_t window) {
  std::uint32_t page = 0;
  if (ipv4_pages_.size() < kMaxMeterPages) {
    page = static_cast<std::uint32_t>(pages_.size());
    pages_.push_back(std::make_unique<Page>());
    ipv4_pages_.push_back(page);
  } else {
    const auto found = idle_ipv4_page(window);
    if (!found) return std::nullopt;
    page = *found;
    Page& old = *pages_[page];
    for (MeterRow& row : old.rows) {
      hosts_ -= row.counted;
      row = MeterRow{};
    }
    if (old.variances) {
      old.variances.reset();
      --variance_pages_;
    }
    const std::uint32_t before = old.first_address >> 8;
    directory_[before >> kDirectoryBits][before & ((1U << kDirectoryBits) - 1)] = kNone;
  }
  auto& part = directory_[upper24 >> kDirectoryBits];
  if (part.empty()) part.resize(std::size_t{1} << kDirectoryBits, kNone);
  part[upper24 & ((1U << kDirectoryBits) - 1)] = page;
  pages_[page]->first_address = upper24 << 8;
  pages_[page]->window = window;
  return page;
}

std::optional<std::uint32_t> MeterRows::idle_ipv4_page(std::uint32_t window) noexcept {
  for (std::size_t step = 0; step < kClockSteps; ++step) {
    clock_ = clock_ + 1 < ipv4_pages_.size() ? clock_ + 1 : 0;
    const Page& page = *pages_[ipv4_pages_[clock_]];
    if (page.window + 1 >= window) continue;
    if (std::ranges::all_of(page.rows, [&](const MeterRow& row) { return idle(row, window); })) return ipv4_pages_[clock_];
  }
  return std::nullopt;
}

std::size_t MeterRows::ipv6_set(std::uint64_t high, std::uint64_t low) const noexcept {
  return (hash_words(key_, high, low) & (ipv6_.size() / kIpv6Ways - 1)) * kIpv6Ways;
}

/// Takes the row of an idle host somewhere in the table, when all rows are given out.
std::optional<RowRef> MeterRows::idle_ipv6_row(std::uint32_t window) noexcept {
  for (std::size_t step = 0; step < kClockSteps; ++step) {
    ipv6_clock_ = ipv6_clock_ + 1 < ipv6_.size() ? ipv6_clock_ + 1 : 0;
    Ipv6Entry& entry = ipv6_[ipv6_clock_];
    if (entry.row_plus_one == 0 || !idle(row(entry.row_plus_one - 1), window)) continue;
    const RowRef ref = entry.row_plus_one - 1;
    entry.row_plus_one = 0;
    return ref;
  }
  return std::nullopt;
}

std::optional<RowRef> MeterRows::new_ipv6_row(std::uint32_t window) {
  if (ipv6_rows_ >= ipv6_limit_) return idle_ipv6_row(window);
  const std::size_t within = ipv6_rows_ % kRowsPerPage;
  if (within == 0) {
    ipv6_page_ = static_cast<std::uint32_t>(pages_.size());
    pages_.push_back(std::make_unique<Page>());
    pages_.back()->keys = std::make_unique<std::array<Ipv6Words, kRowsPerPage>>();
  }
  ++ipv6_rows_;
  return ipv6_page_ * static_cast<std::uint32_t>(kRowsPerPage) + static_cast<std::uint32_t>(within);
}

std::optional<RowRef> MeterRows::touch_ipv6(std::uint64_t high, std::uint64_t low, std::uint32_t window) {
  const std::size_t set = ipv6_set(high, low);
  Ipv6Entry* free = nullptr;
  Ipv6Entry* replaceable = nullptr;
  for (std::size_t way = 0; way < kIpv6Ways; ++way) {
    Ipv6Entry& entry = ipv6_[set + way];
    if (entry.row_plus_one == 0) {
      if (free == nullptr) free = &entry;
      continue;
    }
    if (entry.key.high == high && entry.key.low == low) {
      const RowRef ref = entry.row_plus_one - 1;
      note(*pages_[ref / kRowsPerPage], row(ref), window);
      return ref;
    }
    if (replaceable == nullptr && idle(row(entry.row_plus_one - 1), window)) replaceable = &entry;
  }
  if (replaceable == nullptr && free != nullptr) {
    if (const auto made = new_ipv6_row(window)) {
      free->row_plus_one = *made + 1;
      replaceable = free;
    }
  }
  if (replaceable == nullptr) {
    ++refused_;
    return std::nullopt;
  }
  const RowRef ref = replaceable->row_plus_one - 1;
  hosts_ -= row(ref).counted;
  row(ref) = MeterRow{};
  replaceable->key = {high, low};
  Page& page = *pages_[ref / kRowsPerPage];
  (*page.keys)[ref % kRowsPerPage] = {high, low};
  if (page.variances) (*page.variances)[ref % kRowsPerPage] = VarianceSums{};
  note(page, row(ref), window);
  return ref;
}

std::optional<RowRef> MeterRows::find(const Address& host) const noexcept {
  if (host.family == Family::ipv4) {
    const auto address = static_cast<std::uint32_t>(host.low);
    const std::uint32_t page = ipv4_page(address >> 8);
    if (page == kNone || pages_[page]->rows[address & 255].counted == 0) return std::nullopt;
    return page * static_cast<std::uint32_t>(kRowsPerPage) + (address & 255);
  }
  const std::size_t set = ipv6_set(host.high, host.low);
  for (std::size_t way = 0; way < kIpv6Ways; ++way) {
    const Ipv6Entry& entry = ipv6_[set + way];
    if (entry.row_plus_one == 0) continue;
    if (entry.key.high == host.high && entry.key.low == host.low) return entry.row_plus_one - 1;
  }
  return std::nullopt;
}

Address MeterRows::address(RowRef ref) const noexcept {
  const Page& page = *pages_[ref / kRowsPerPage];
  const std::size_t within = ref % kRowsPerPage;
  if (page.keys) return {(*page.keys)[within].high, (*page.keys)[within].low, Family::ipv6};
  return {0, page.first_address + static_cast<std::uint32_t>(within), Family::ipv4};
}

VarianceSums& MeterRows::touch_variances(RowRef ref) {
  Page& page = *pages_[ref / kRowsPerPage];
  if (!page.variances) {
    page.variances = std::make_unique<std::array<VarianceSums, kRowsPerPage>>();
    ++variance_pages_;
  }
  return (*page.variances)[ref % kRowsPerPage];
}

std::size_t MeterRows::bytes() const noexcept {
  std::size_t total = pages_.size() * sizeof(Page) + ipv6_.capacity() * sizeof(Ipv6Entry);
  total += (ipv6_rows_ + kRowsPerPage - 1) / kRowsPerPage * kRowsPerPage * sizeof(Ipv6Words);
  total += variance_pages_ * kRowsPerPage * sizeof(VarianceSums);
  for (const auto& part : directory_) total += part.capacity() * sizeof(std::uint32_t);
  return total;
}

}  // namespace tidegate
