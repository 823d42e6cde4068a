#include "flow_counting.hpp"

#include <algorithm>

namespace tidegate {

namespace {
constexpr std::int64_t kLooksPerTick = 8;
constexpr std::int64_t kMicrosPerMilli = 1000;

/// Asks for what a datagram says, as much of it as usual ones have. Many were received at once: it has left the first-level
/// cache since the kernel wrote it, and a decoder that finds it missing waits for each line.
void ask_for(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kUsual = 1536;
  for (std::size_t at = 0; at < std::min(bytes.size(), kUsual); at += kLine) __builtin_prefetch(bytes.subspan(at).data());
}

bool is_outside(const HostSpace& space, const HeldRecord& held) noexcept {
  return space.lookup(held.source) == kNotOurs && space.lookup(held.destination) == kNotOurs;
}
}  // namespace

FlowCounting::FlowCounting(TappedLane& lane, CollectorOptions options)
    : lane_{lane},
      collector_{std::move(options)},
      views_(kGatheredRecords + kMaxRecordsPerDatagram),
      lumps_{collector_.seed()} {
  parts_.reserve(kGatheredRecords);
  lane_.lane->set_observer(this);
}

void FlowCounting::take(std::span<const Datagram> datagrams, std::int64_t at_micros) {
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const Datagram& datagram = datagrams[i];
    if (i + 1 < datagrams.size()) ask_for(datagrams[i + 1].bytes);
    gather(collector_.take_next(datagram.bytes, datagram.sender, at_micros), at_micros);
    if (collector_.gathered().size() >= kGatheredRecords) count(at_micros);
  }
  count(at_micros);
}

void FlowCounting::gather(const Collected& collected, std::int64_t at_micros) {
  for (const DecodeError error : collected.errors) lane_.lane->count_error(error);
  packets_ += collected.packets;
  bytes_ += collected.bytes;
  packet_bits_ |= collected.packet_bits;
  byte_bits_ |= collected.byte_bits;
  const HostSpace& space = lane_.lane->space();
  for (const HeldRecord& held : collected.held) {
    if (is_outside(space, held)) Collector::add_outside(collected.exporter, held.records);
  }
  if (collected.sightings.empty()) return;
  const std::size_t end = collector_.gathered().size();
  parts_.push_back({collected.exporter, end});
  show(collected, end - collected.sightings.size(), at_micros);
}

void FlowCounting::show(const Collected& collected, std::size_t from, std::int64_t at_micros) {
  if (!collected.shows_packets && views_used_ == 0) return;
  // Written field by field: one that is made and then copied is read before it has been written.
  const auto add = [&](std::span<const std::byte> bytes, const Sighting& sighting) {
    FrameView& view = views_[views_used_++];
    view.bytes = bytes;
    view.at_micros = at_micros;
    view.sampling = stands_for(sighting);
  };
  while (views_used_ < from) add({}, collector_.gathered()[views_used_]);  // of datagrams before, that showed none
  for (std::size_t i = 0; i < collected.details.size(); ++i) {
    const FlowDetail& detail = collected.details[i];
    // Evidence is written as Ethernet; of other links only the facts are shown.
    const bool shown = detail.link == LinkType::ethernet;
    add(shown ? detail.bytes : std::span<const std::byte>{}, collected.sightings[i]);
  }
}

void FlowCounting::count(std::int64_t at_micros) {
  observed_ = part_ = 0;
  lane_.tap->set_time(at_micros);
  lane_.lane->count(collector_.gathered(), at_micros, std::span{views_}.first(views_used_));
  lane_.lane->count_raw(packets_, bytes_);  // who sees these finds the records' own counts
  for (const Part& part : parts_) {
    if (part.outside != 0) Collector::add_outside(part.exporter, part.outside);
  }
  look_for_lumps(collector_.gathered(), packet_bits_, byte_bits_, at_micros);
  collector_.forget_gathered();
  views_used_ = 0;
  parts_.clear();
  packets_ = bytes_ = packet_bits_ = byte_bits_ = 0;
}

/// Bits of all amounts together tell at once that there is no lump among them, as there hardly ever is.
void FlowCounting::look_for_lumps(std::span<const Sighting> counted, std::uint64_t packet_bits, std::uint64_t byte_bits,
                                  std::int64_t at_micros) noexcept {
  if (!steps_) return;
  const StepMasks masks = steps_->masks();
  const StepMasks strides = masks.strides();
  if (masks.near_micros == 0 || ((packet_bits & strides.packets) | (byte_bits & strides.bytes)) == 0) [[likely]] return;
  const HostSpace& space = lane_.lane->space();
  for (const Sighting& sighting : counted) {
    if (((sighting.packets & strides.packets) | (sighting.bytes & strides.bytes)) == 0) continue;
    for (const Address* host : {&sighting.facts.source, &sighting.facts.destination}) {
      if (space.lookup(*host) == kNotOurs) continue;
      lumps_near_ += lumps_.bring_near(*host, sighting, masks, at_micros) ? 1 : 0;
    }
  }
}

void FlowCounting::play(std::int64_t at_micros) {
  std::size_t used = 0;
  std::uint64_t packet_bits = 0;
  std::uint64_t byte_bits = 0;
  const auto flush = [&] {
    const auto due = std::span{played_}.first(used);
    lane_.lane->count(due, at_micros);
    look_for_lumps(due, packet_bits, byte_bits, at_micros);
    used = 0;
    packet_bits = byte_bits = 0;
  };
  lane_.tap->set_time(at_micros);
  collector_.play(at_micros, [&](const Sighting& due) {
    played_[used++] = due;
    packet_bits |= due.packets;
    byte_bits |= due.bytes;
    if (used == kPlayedAtOnce) flush();
  });
  flush();
}

int FlowCounting::patience_ms(std::int64_t tick_micros) const noexcept {
  if (collector_.held() == 0) return kPollTimeoutMs;
  return static_cast<int>(std::clamp<std::int64_t>(tick_micros / kLooksPerTick / kMicrosPerMilli, 1, kPollTimeoutMs));
}

void FlowCounting::observe(const ObservedBatch& batch) noexcept {
  // Records that are played out have been looked at when they came; they are of no part.
  if (!parts_.empty()) {
    for (std::size_t i = 0; i < batch.directions.size(); ++i) {
      if (batch.directions[i] != Direction::other) [[likely]] continue;
      while (parts_[part_].end <= observed_ + i) ++part_;
      ++parts_[part_].outside;
    }
    observed_ += batch.directions.size();
  }
  lane_.tap->observe(batch);
}

}  // namespace tidegate
