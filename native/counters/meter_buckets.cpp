#include "meter_buckets.hpp"

#include <algorithm>
#include <cmath>

namespace tidegate {

namespace {

constexpr std::size_t kSlabBytes = 256 * 1024;

/// The part of `delta` that a share of its span holds, rounded up.
std::uint64_t part(std::uint64_t delta, double share) noexcept {
  if (share <= 0) return 0;
  if (share >= 1) return delta;
  const double exact = static_cast<double>(delta) * share;
  // A share computed in binary can land a hair above a whole number that it should be.
  const double nearest = std::nearbyint(exact);
  const double rounded = std::abs(exact - nearest) <= 1e-9 * std::max(1.0, exact) ? nearest : std::ceil(exact);
  return std::min(delta, static_cast<std::uint64_t>(rounded));
}

}  // namespace

// A slot, in words: the newest cell's number | a sum for each value | cells, each a counter for each value.

TickRings::TickRings(std::size_t values, std::size_t cells, std::size_t max_slots)
    : values_{values},
      cells_{cells},
      max_slots_{max_slots},
      stride_{1 + values + values * cells},
      slots_per_slab_{std::max<std::size_t>(1, kSlabBytes / (stride_ * sizeof(std::uint64_t)))} {}

std::span<std::uint64_t> TickRings::words(std::uint32_t slot) noexcept {
  return std::span{slabs_[slot / slots_per_slab_]}.subspan((slot % slots_per_slab_) * stride_, stride_);
}

std::span<const std::uint64_t> TickRings::words(std::uint32_t slot) const noexcept {
  return std::span{slabs_[slot / slots_per_slab_]}.subspan((slot % slots_per_slab_) * stride_, stride_);
}

std::size_t TickRings::counter_at(std::int64_t cell, std::size_t index) const noexcept {
  const auto count = static_cast<std::int64_t>(cells_);
  const auto place = static_cast<std::size_t>((cell % count + count) % count);
  return 1 + values_ + place * values_ + index;
}

std::int64_t TickRings::cell_in(std::span<const std::uint64_t> ring) noexcept {
  return static_cast<std::int64_t>(ring[0]);
}

std::optional<std::uint32_t> TickRings::open(std::int64_t cell) {
  std::uint32_t slot = 0;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    if (made_ >= max_slots_) return std::nullopt;
    if (made_ == slabs_.size() * slots_per_slab_) {
      slabs_.emplace_back(std::min(slots_per_slab_, max_slots_ - made_) * stride_);
    }
    slot = static_cast<std::uint32_t>(made_++);
  }
  const auto ring = words(slot);
  std::ranges::fill(ring, 0);
  ring[0] = static_cast<std::uint64_t>(cell);
  return slot;
}

void TickRings::close(std::uint32_t slot) { free_.push_back(slot); }

void TickRings::advance(std::uint32_t slot, std::int64_t cell) noexcept {
  const auto ring = words(slot);
  const std::int64_t newest = cell_in(ring);
  if (cell <= newest) return;
  ring[0] = static_cast<std::uint64_t>(cell);
  if (cell - newest >= static_cast<std::int64_t>(cells_)) {
    std::ranges::fill(ring.subspan(1), 0);
    return;
  }
  for (std::int64_t next = newest + 1; next <= cell; ++next) {  // fewer than cells_ rounds
    const auto counters = ring.subspan(counter_at(next, 0), values_);
    for (std::size_t i = 0; i < values_; ++i) {
      ring[1 + i] -= counters[i];
      counters[i] = 0;
    }
  }
}

void TickRings::add(std::uint32_t slot, const Spread& spread, std::size_t index, std::uint64_t delta) noexcept {
  if (delta == 0) return;
  advance(slot, spread.last());
  const auto ring = words(slot);
  const std::int64_t oldest = cell_in(ring) - static_cast<std::int64_t>(cells_) + 1;
  std::uint64_t before = part(delta, spread.dropped);
  std::int64_t cell = spread.first;
  for (const double share : spread.upto) {  // at most cells_ rounds
    const std::uint64_t upto = std::max(before, part(delta, share));
    if (cell >= oldest) {
      ring[counter_at(cell, index)] += upto - before;
      ring[1 + index] += upto - before;
    }
    before = upto;
    ++cell;
  }
}

std::uint64_t TickRings::sum(std::uint32_t slot, std::size_t index, const WindowEdge& edge) const noexcept {
  const auto ring = words(slot);
  const std::int64_t newest = cell_in(ring);
  std::uint64_t out = 0;
  const std::int64_t oldest = newest - static_cast<std::int64_t>(cells_) + 1;
  for (std::int64_t cell = oldest; cell < edge.first && cell <= newest; ++cell) out += ring[counter_at(cell, index)];
  if (edge.first >= oldest && edge.first <= newest) out += part(ring[counter_at(edge.first, index)], edge.fraction);
  return ring[1 + index] - out;
}

std::uint64_t TickRings::peak(std::uint32_t slot, std::size_t index) const noexcept {
  const auto ring = words(slot);
  std::uint64_t most = 0;
  for (std::size_t cell = 0; cell < cells_; ++cell) most = std::max(most, ring[1 + values_ + cell * values_ + index]);
  return most;
}

std::size_t TickRings::bytes() const noexcept {
  std::size_t total = free_.capacity() * sizeof(std::uint32_t);
  for (const auto& slab : slabs_) total += slab.capacity() * sizeof(std::uint64_t);
  return total;
}

}  // namespace tidegate
