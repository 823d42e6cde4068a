#include "exporters.hpp"

#include <algorithm>
#include <bit>

namespace tidegate {

ExporterTable::ExporterTable(std::size_t capacity, std::uint64_t seed)
    : hash_key_{make_hash_key(seed)},
      rows_(std::clamp(capacity, std::size_t{1}, kMaxExporters)),
      slots_(std::bit_ceil(rows_.size()) * 2) {}

/// The slot that holds the key, or the free one where it belongs. There is always a free one.
std::size_t ExporterTable::slot_of(const ExporterKey& key) const noexcept {
  const auto mix = [&](const Address& a, std::uint64_t with) {
    return hash_words(hash_key_, a.high ^ with, a.low + (static_cast<std::uint64_t>(a.family) << 40));
  };
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = mix(key.agent, mix(key.address, key.sub_agent)) & mask;
  while (slots_[slot] != 0 && rows_[slots_[slot] - 1].key != key) slot = (slot + 1) & mask;
  return slot;
}

Exporter* ExporterTable::find_or_add(const ExporterKey& key, std::int64_t at_micros) noexcept {
  if (last_ < used_ && rows_[last_].key == key) return &rows_[last_];
  std::size_t slot = slot_of(key);
  if (slots_[slot] == 0) {
    if (used_ == rows_.size()) {
      if (!reclaim(at_micros)) {
        ++refused_;
        return nullptr;
      }
      slot = slot_of(key);
    }
    rows_[used_] = Exporter{};
    rows_[used_].key = key;
    slots_[slot] = static_cast<std::uint32_t>(++used_);
  }
  last_ = slots_[slot] - 1;
  return &rows_[last_];
}

/// Drops the rows of all who are silent. False when there is none.
bool ExporterTable::reclaim(std::int64_t at_micros) noexcept {
  if (at_micros < next_reclaim_micros_) return false;
  next_reclaim_micros_ = at_micros + kReclaimEveryMicros;
  const auto live = std::span{rows_}.first(used_);
  const auto kept = std::remove_if(live.begin(), live.end(), [&](const Exporter& row) {
    return at_micros - row.last_seen_micros >= kIdleMicros;
  });
  if (kept == live.end()) return false;
  used_ = static_cast<std::size_t>(kept - live.begin());
  rebuild();
  return true;
}

void ExporterTable::rebuild() noexcept {
  std::ranges::fill(slots_, 0U);
  for (std::size_t row = 0; row < used_; ++row) {
    slots_[slot_of(rows_[row].key)] = static_cast<std::uint32_t>(row + 1);
  }
}

}  // namespace tidegate
