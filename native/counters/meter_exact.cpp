#include "meter_exact.hpp"

#include <algorithm>

namespace tidegate {

namespace {

/// MeterRow::slot has 27 bits, one value of which says "none".
constexpr std::size_t kMostSlots = (std::size_t{1} << 27) - 1;

std::size_t slots_within(std::size_t values, std::size_t cells, std::size_t bytes) noexcept {
  return values == 0 ? 0 : std::min(kMostSlots, bytes / TickRings::slot_bytes(values, cells));
}

}  // namespace

ExactSet::ExactSet(const JudgedValues& judged, std::size_t cells, std::size_t bytes)
    : rings_{judged.size(), cells, slots_within(judged.size(), cells, bytes)} {
  for (const JudgedValue& value : judged) {
    tick_shares_.push_back(value.limit * kExactShare / static_cast<double>(cells - 1));
  }
}

bool ExactSet::is_even(std::uint32_t slot) const noexcept {
  for (std::size_t i = 0; i < tick_shares_.size(); ++i) {
    if (static_cast<double>(rings_.peak(slot, i)) > tick_shares_[i]) return false;
  }
  return true;
}

bool ExactSet::open(MeterRows& rows, RowRef row, std::int64_t cell, float strength) {
  auto slot = rings_.open(cell);
  if (!slot && replace_weaker(rows, strength)) slot = rings_.open(cell);
  if (!slot) return false;
  if (*slot >= hosts_.size()) hosts_.resize(*slot + 1);
  hosts_[*slot] = {row, true, strength, kNotWeak, false};
  rows.row(row).slot = (*slot + 1) & kMostSlots;
  return true;
}

void ExactSet::release(MeterRows& rows, std::uint32_t slot) {
  rows.row(hosts_[slot].row).slot = kNoSlot;
  hosts_[slot].used = false;
  rings_.close(slot);
}

bool ExactSet::replace_weaker(MeterRows& rows, float strength) {
  const std::size_t steps = std::min(kSweepSteps, hosts_.size());
  for (std::size_t step = 0; step < steps; ++step) {
    hand_ = hand_ + 1 < hosts_.size() ? hand_ + 1 : 0;
    if (!hosts_[hand_].used || hosts_[hand_].strength * 2 >= strength) continue;
    release(rows, static_cast<std::uint32_t>(hand_));
    return true;
  }
  return false;
}

void ExactSet::settle(MeterRows& rows, std::uint32_t slot, float strength, std::int64_t now,
                      std::int64_t window_micros) {
  ExactHost& host = hosts_[slot];
  host.strength = strength;
  if (static_cast<double>(strength) > kExactShare) {
    host.weak_since = kNotWeak;
    return;
  }
  // One look a window, for it goes through the whole ring. The ring reaches back a window, so two cover two.
  const bool again = host.weak_since != kNotWeak;
  if (again && now - host.weak_since < window_micros) return;
  const bool even = is_even(slot);
  if (again && even && host.was_even) {
    release(rows, slot);
    return;
  }
  host.weak_since = now;
  host.was_even = even;
}

}  // namespace tidegate
