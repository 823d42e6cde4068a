#include "exporters.hpp"

#include <algorithm>
#include <bit>

namespace tidegate {
namespace {

/// Slots of either half: one who knocks counts in one slot of each.
constexpr unsigned kKnockBits = 17;

}  // namespace

ExporterStats Exporter::stats() const noexcept {
  return {key,
          origin_of(id),
          counts,
          sequence.lost(),
          sequence.restarts(),
          sampling.last(),
          sampling.counts(),
          skew.micros(),
          timeouts.active_micros(),
          timeouts.inactive_micros(),
          first_seen_micros,
          last_seen_micros};
}

ExporterTable::ExporterTable(std::size_t capacity, std::uint64_t seed, const SamplingPolicy& policy)
    : hash_key_{make_hash_key(seed)},
      policy_{&policy},
      rows_(std::clamp(capacity, std::size_t{1}, kMaxExporters) + 1),
      heard_(rows_.size() - 1),
      slots_(std::bit_ceil(heard_.size()) * 2),
      knocks_(std::size_t{2} << kKnockBits) {}

std::uint64_t ExporterTable::hash(const ExporterKey& key) const noexcept {
  const auto mix = [&](const Address& a, std::uint64_t with) {
    return hash_words(hash_key_, a.high ^ with, a.low + (static_cast<std::uint64_t>(a.family) << 40));
  };
  const std::uint64_t named = std::uint64_t{static_cast<std::uint8_t>(key.protocol)} << 32 | key.domain;
  return mix(key.agent, mix(key.address, named));
}

/// The slot that holds the key, or the free one where it belongs. There is always a free one.
std::size_t ExporterTable::slot_of(const ExporterKey& key, std::uint64_t id) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = id & mask;
  while (slots_[slot] != 0 && rows_[slots_[slot] - 1].key != key) slot = (slot + 1) & mask;
  return slot;
}

void ExporterTable::begin(Exporter& row, const ExporterKey& key, std::uint64_t id, std::int64_t at_micros) noexcept {
  row = Exporter{};
  row.key = key;
  row.id = id;
  row.first_seen_micros = at_micros;
  row.sampling.attach(*policy_, key.address);
}

Exporter& ExporterTable::hear(const ExporterKey& key, std::int64_t at_micros) noexcept {
  std::size_t row = last_;
  if (row >= used_ || rows_[row].key != key) {
    const std::uint64_t id = hash(key);
    std::size_t slot = slot_of(key, id);
    if (slots_[slot] == 0) {
      row = used_;
      if (used_ < heard_.size()) {
        ++used_;
      } else {
        const auto place = knocked_enough(id, at_micros) ? dispensable(at_micros) : std::nullopt;
        if (!place) {
          ++refused_;
          Exporter& spare = rows_.back();
          begin(spare, key, id, at_micros);
          spare.counts.datagrams = 1;
          spare.last_seen_micros = at_micros;
          return spare;
        }
        ++replaced_;
        row = *place;
        free_slot(slot_of(rows_[row].key, rows_[row].id));
        slot = slot_of(key, id);
      }
      begin(rows_[row], key, id, at_micros);
      heard_[row] = {.first_micros = at_micros};
      slots_[slot] = static_cast<std::uint32_t>(row + 1);
    } else {
      row = slots_[slot] - 1;
    }
    last_ = row;
  }
  Exporter& exporter = rows_[row];
  exporter.counts.datagrams = ++heard_[row].datagrams;
  exporter.last_seen_micros = heard_[row].last_micros = at_micros;
  return exporter;
}

/// Whoever comes once from each of many addresses never gets as far as a search.
bool ExporterTable::knocked_enough(std::uint64_t id, std::int64_t at_micros) noexcept {
  if (knocks_since_micros_ == INT64_MIN || at_micros - knocks_since_micros_ >= kKnockingMicros) {
    std::ranges::fill(knocks_, std::uint8_t{0});
    knocks_since_micros_ = at_micros;
  }
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kKnockBits) - 1;
  std::uint8_t& first = knocks_[id >> (64 - kKnockBits)];
  std::uint8_t& second = knocks_[(std::size_t{1} << kKnockBits) + ((id >> 24) & kMask)];
  // Others count in either slot as well, hardly in both: the lower is the truer, and grows alone.
  const std::uint8_t least = std::min(first, second);
  if (least >= kKnockings) return true;
  if (first == least) ++first;
  if (second == least) ++second;
  return least + 1 >= kKnockings;
}

/// The first newcomer among those looked at, else the one that has been silent longest.
std::optional<std::size_t> ExporterTable::dispensable(std::int64_t at_micros) noexcept {
  std::optional<std::size_t> silent;
  const std::size_t looked_at = std::min(kRowsSearched, used_);
  for (std::size_t i = 0; i < looked_at; ++i) {
    const std::size_t row = hand_;
    hand_ = hand_ + 1 == used_ ? 0 : hand_ + 1;
    const Heard& heard = heard_[row];
    if (heard.datagrams < kEstablishedDatagrams && at_micros - heard.last_micros >= kNewcomerMicros) return row;
    const std::int64_t known_for = heard.last_micros - heard.first_micros;
    if (at_micros - heard.last_micros < std::clamp(known_for, kSilentMicros, kLongestSilenceMicros)) continue;
    if (!silent || heard.last_micros < heard_[*silent].last_micros) silent = row;
  }
  return silent;
}

/// Takes a slot out, and moves up those behind it that would no longer be found.
void ExporterTable::free_slot(std::size_t slot) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = slot;
  slots_[hole] = 0;
  for (std::size_t next = (hole + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    const std::size_t home = rows_[slots_[next] - 1].id & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;  // its home lies behind the hole
    slots_[hole] = slots_[next];
    slots_[next] = 0;
    hole = next;
  }
}

}  // namespace tidegate
