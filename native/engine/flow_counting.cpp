#include "flow_counting.hpp"

#include <algorithm>

namespace tidegate {

namespace {
constexpr std::int64_t kLooksPerTick = 8;
constexpr std::int64_t kMicrosPerMilli = 1000;

bool is_outside(const HostSpace& space, const HeldRecord& held) noexcept {
  return space.lookup(held.source) == kNotOurs && space.lookup(held.destination) == kNotOurs;
}
}  // namespace

FlowCounting::FlowCounting(TappedLane& lane, CollectorOptions options) : lane_{lane}, collector_{std::move(options)} {
  views_.reserve(kMaxRecordsPerDatagram);
  lane_.lane->set_observer(this);
}

void FlowCounting::count(const Collected& collected, std::int64_t at_micros) {
  for (const DecodeError error : collected.errors) lane_.lane->count_error(error);
  lane_.lane->count_raw(collected.packets, collected.bytes);
  views_.clear();
  if (collected.shows_packets) {
    for (std::size_t i = 0; i < collected.details.size(); ++i) {
      const FlowDetail& detail = collected.details[i];
      // Evidence is written as Ethernet; of other links only the facts are shown.
      const bool shown = detail.link == LinkType::ethernet;
      views_.push_back({shown ? detail.bytes : std::span<const std::byte>{}, at_micros, stands_for(collected.sightings[i])});
    }
  }
  lane_.tap->set_time(at_micros);
  lane_.lane->count(collected.sightings, at_micros, views_);
  const HostSpace& space = lane_.lane->space();
  for (const HeldRecord& held : collected.held) {
    if (is_outside(space, held)) outside_ += held.records;
  }
  collector_.add_outside(outside_);
  outside_ = 0;
}

void FlowCounting::play(std::int64_t at_micros) {
  std::size_t used = 0;
  const auto flush = [&] {
    lane_.lane->count(std::span{played_}.first(used), at_micros);
    used = 0;
  };
  lane_.tap->set_time(at_micros);
  collector_.play(at_micros, [&](const Sighting& due) {
    played_[used++] = due;
    if (used == kPlayedAtOnce) flush();
  });
  flush();
  outside_ = 0;  // these records have been looked at when they came
}

int FlowCounting::patience_ms(std::int64_t tick_micros) const noexcept {
  if (collector_.held() == 0) return kPollTimeoutMs;
  return static_cast<int>(std::clamp<std::int64_t>(tick_micros / kLooksPerTick / kMicrosPerMilli, 1, kPollTimeoutMs));
}

void FlowCounting::observe(const ObservedBatch& batch) noexcept {
  for (const Direction direction : batch.directions) outside_ += direction == Direction::other ? 1 : 0;
  lane_.tap->observe(batch);
}

}  // namespace tidegate
