#include "hold.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidegate {
namespace {

constexpr std::size_t kHurriedSlots = 4096;
constexpr std::size_t kHintsPerFlow = 4;
/// Hints are made anew when there are so many stale ones, and a quarter as many again as flows.
constexpr std::size_t kStaleHints = 1024;
/// Flows that one search for a small one looks at.
constexpr std::size_t kFlowsSearched = 16;
/// Only a flow of less than this share of the newcomer's rate gives way.
constexpr double kSmall = 0.25;
/// A rate that has grown by less is the same rate, told a little differently.
constexpr double kGrown = 1.02;
/// Sums over the last window want ticks that are shorter than it.
constexpr std::int64_t kLeastMicros = 1'000;
constexpr std::uint8_t kTcpSyn = 2;
constexpr std::uint8_t kTcpAck = 16;

std::uint64_t whole(double value) noexcept { return value < 1 ? 0 : static_cast<std::uint64_t>(value); }

}  // namespace

FlowHold::FlowHold(const HoldOptions& options)
    : options_{options},
      window_{static_cast<double>(std::max(options.window_micros, kLeastMicros))},
      window_plays_{1},
      hash_key_{make_hash_key(options.seed)},
      bound_{std::clamp(options.max_held, std::size_t{1}, kMaxHeldFlows)},
      slots_(std::bit_ceil(bound_) * 2),
      hints_(std::max(std::bit_ceil(bound_) * kHintsPerFlow / kHintBits, std::size_t{1})),
      hurried_(kHurriedSlots) {
  flows_.reserve(bound_);
  faces_.reserve(bound_);
  options_.window_micros = std::max(options.window_micros, kLeastMicros);
  options_.tick_micros = std::clamp(options.tick_micros, kLeastMicros, options_.window_micros);
  window_plays_ =
      static_cast<std::uint32_t>((options_.window_micros + options_.tick_micros - 1) / options_.tick_micros);
}

/// Zero: none.
std::int64_t FlowHold::span_of(const FlowDetail& detail, const HoldOrigin& origin, std::int64_t at_micros) noexcept {
  if (detail.first_micros == 0 || detail.last_micros == 0) return 0;
  const std::int64_t span = detail.last_micros - detail.first_micros;
  if (span < 0 || span > kLongestSpanMicros || detail.last_micros > at_micros + origin.clock_skew_micros + kFutureMicros) {
    ++counts_.nonsense;
    return 0;
  }
  return span;
}

bool FlowHold::goes_on(const PacketFacts& facts, const FlowDetail& detail, const HoldOrigin& origin,
                       std::int64_t span_micros, std::int64_t at_micros) const noexcept {
  if (span_micros == 0) return false;
  if (detail.end != FlowEnd::unknown) return detail.end == FlowEnd::active;
  const std::int64_t timeout = origin.active_timeout_micros;
  if (ended_by_tcp(facts)) return timeout != 0 && span_micros >= timeout;
  // A flow that is cut was alive a moment ago; one that fell silent is reported after the inactive timeout.
  if (at_micros + origin.clock_skew_micros - detail.last_micros > kCutLagMicros) return false;
  if (timeout == 0) return span_micros >= std::max(kLeastActiveMicros, options_.window_micros / 10 * 9);
  return span_micros + kHoldSlackMicros >= timeout || span_micros >= timeout / 10 * 9;
}

FlowHold::Record FlowHold::record_of(const Sighting& sighting, std::int64_t timeout_micros, bool on,
                                     std::int64_t span_micros, std::int64_t at_micros) noexcept {
  Record record;
  record.at_micros = at_micros;
  record.goes_on = on;
  record.span = static_cast<double>(span_micros);
  record.at_once = std::min(record.span, window_);
  record.packets = static_cast<std::int64_t>(std::min<std::uint64_t>(sighting.packets, INT64_MAX / 2));
  record.bytes = static_cast<std::int64_t>(std::min<std::uint64_t>(sighting.bytes, INT64_MAX / 2));
  if (span_micros > 0) {
    record.rate = {static_cast<double>(record.packets) / record.span, static_cast<double>(record.bytes) / record.span};
  }
  if (span_micros > kLongestPlayMicros) {
    record.span = static_cast<double>(kLongestPlayMicros);
    const auto packets = static_cast<std::int64_t>(std::ceil(record.rate.packets * record.span));
    const auto bytes = static_cast<std::int64_t>(std::ceil(record.rate.bytes * record.span));
    drop(record.packets - packets, record.bytes - bytes);
    record.packets = packets;
    record.bytes = bytes;
  }
  const double lasts = std::max(record.span, static_cast<double>(on ? timeout_micros : 0));
  record.hold_until_micros =
      at_micros + static_cast<std::int64_t>(1.1 * lasts + window_) + kHoldSlackMicros;
  return record;
}

void FlowHold::spread(Sighting& sighting, const FlowDetail& detail, const HoldOrigin& origin, std::int64_t at_micros,
                      std::uint64_t key) noexcept {
  if (sighting.packets == 0) return;
  const std::int64_t span = span_of(detail, origin, at_micros);
  const std::int64_t timeout = origin.active_timeout_micros;
  const bool on = goes_on(sighting.facts, detail, origin, span, at_micros);
  const bool lays_out = span > options_.window_micros || on;
  const std::uint64_t held = may_hold(key) ? slots_[slot_of(key)] : 0;
  if (held == 0 && !lays_out) return;
  const Record record = record_of(sighting, timeout, on, span, at_micros);
  // Flags of a record are those of all its packets: where there are answers, the SYN was that of the first.
  constexpr std::uint8_t kBoth = kTcpSyn | kTcpAck;
  if ((sighting.facts.tcp_flags & kBoth) == kBoth) sighting.facts.tcp_flags &= static_cast<std::uint8_t>(~kTcpSyn);
  if (held != 0) {
    const std::size_t i = flow_in(held);
    faces_[i] = {sighting.facts, sighting.sampling, sighting.origin};
    take_next(flows_[i], sighting, record);
  } else {
    take_first(key, sighting, record);
  }
}

/// The first record of a flow, or the first after it was given up.
void FlowHold::take_first(std::uint64_t key, Sighting& sighting, const Record& record) noexcept {
  Flow* const flow = insert(key, record);
  if (flow == nullptr) {
    take_without_place(sighting, record);
    return;
  }
  faces_[used_ - 1] = {sighting.facts, sighting.sampling, sighting.origin};
  flow->packets_left = record.packets;
  flow->bytes_left = record.bytes;
  flow->rate = record.rate;
  Amount now;
  now.add(record.rate, record.at_once);
  add_stroke(*flow, now, record.at_micros);
  flow->carry = now;
  sighting.packets = std::min(whole(now.packets), static_cast<std::uint64_t>(record.packets));
  sighting.bytes = sighting.packets == 0 ? 0 : std::min(whole(now.bytes), static_cast<std::uint64_t>(record.bytes));
  flow->carry.add({static_cast<double>(sighting.packets), static_cast<double>(sighting.bytes)}, -1);
  flow->packets_left -= static_cast<std::int64_t>(sighting.packets);
  flow->bytes_left -= static_cast<std::int64_t>(sighting.bytes);
}

/// A record of a flow that is held: its volume first pays what was borrowed, and its rate is that of the flow from now on.
void FlowHold::take_next(Flow& flow, Sighting& sighting, const Record& record) noexcept {
  const Amount before = flow.rate;
  const std::int64_t queued_packets = flow.packets_left;
  flow.packets_left += record.packets;
  flow.bytes_left += record.bytes;
  flow.goes_on = record.goes_on;
  flow.expected_micros = record.at_micros + static_cast<std::int64_t>(record.span);
  flow.hold_until_micros = record.hold_until_micros;

  // What the last window holds more than was thought.
  const bool short_one = record.span <= window_ && !record.goes_on;
  const double stands_for = short_one ? window_ : record.at_once;
  Amount said = record.rate;
  if (short_one) said = {static_cast<double>(record.packets) / window_, static_cast<double>(record.bytes) / window_};
  const bool packets_grew = said.packets > before.packets * kGrown;
  const bool bytes_grew = said.bytes > before.bytes * kGrown;
  Amount now;
  if (packets_grew) now.packets = (said.packets - before.packets) * stands_for;
  if (bytes_grew) now.bytes = (said.bytes - before.bytes) * stands_for;

  if (!short_one) {
    // What is still queued plays first, at the rate that it was reported with; only growth does not wait.
    flow.next_rate = record.rate;
    flow.next_below = record.packets;
    flow.rate = {std::max(before.packets, record.rate.packets), std::max(before.bytes, record.rate.bytes)};
    if (queued_packets <= 0) settle(flow);
    if (packets_grew || bytes_grew) add_stroke(flow, now, record.at_micros);
  }

  flow.carry.add(now);
  std::uint64_t packets = packets_grew || bytes_grew ? whole(flow.carry.packets) : 0;
  std::uint64_t bytes = packets == 0 ? 0 : whole(flow.carry.bytes);
  if (!record.goes_on) {
    packets = std::min(packets, static_cast<std::uint64_t>(std::max<std::int64_t>(0, flow.packets_left)));
    bytes = packets == 0 ? 0 : std::min(bytes, static_cast<std::uint64_t>(std::max<std::int64_t>(0, flow.bytes_left)));
  }
  flow.carry.add({static_cast<double>(packets), static_cast<double>(bytes)}, -1);
  flow.packets_left -= static_cast<std::int64_t>(packets);
  flow.bytes_left -= static_cast<std::int64_t>(bytes);
  sighting.packets = packets;
  sighting.bytes = bytes;
}

/// The rate of the last record is in force from now on.
void FlowHold::settle(Flow& flow) noexcept {
  for (Stroke& stroke : flow.strokes) {
    if (flow.next_rate.packets < flow.rate.packets) stroke.amount.packets *= flow.next_rate.packets / flow.rate.packets;
    if (flow.next_rate.bytes < flow.rate.bytes) stroke.amount.bytes *= flow.next_rate.bytes / flow.rate.bytes;
  }
  flow.rate = flow.next_rate;
  flow.next_below = INT64_MIN;
}

/// With all strokes in use, the one that beats first goes over into the other: once too late, never too early.
void FlowHold::add_stroke(Flow& flow, const Amount& amount, std::int64_t at_micros) noexcept {
  // The play in whose tick this falls, and the one a window later. The end of a tick belongs to the next.
  const std::uint32_t play = plays_ + (plays_ != 0 && at_micros < played_upto_ ? 0 : 1);
  Stroke made;
  made.amount = amount;
  made.due_micros = at_micros + options_.window_micros;
  made.due_play = play + window_plays_;
  made.beats = true;
  Stroke* place = std::ranges::find(flow.strokes, false, &Stroke::beats);
  if (place == flow.strokes.end()) {
    place = std::ranges::min_element(flow.strokes, {}, &Stroke::due_micros);
    std::ranges::max_element(flow.strokes, {}, &Stroke::due_micros)->amount.add(place->amount);
  }
  *place = made;
}

/// Now: what lies in the last window. The rest as far as it cannot make an attack of either end.
void FlowHold::take_without_place(Sighting& sighting, const Record& record) noexcept {
  ++counts_.refused;
  const auto all_packets = static_cast<std::uint64_t>(record.packets);
  const auto all_bytes = static_cast<std::uint64_t>(record.bytes);
  sighting.packets = std::min(all_packets, std::max<std::uint64_t>(1, whole(record.rate.packets * record.at_once)));
  sighting.bytes = std::min(all_bytes, whole(record.rate.bytes * record.at_once));
  const std::uint64_t packets = all_packets - sighting.packets;
  const std::uint64_t bytes = all_bytes - sighting.bytes;
  Hurried& from = hurried(sighting.facts.source, record.at_micros);
  Hurried& to = hurried(sighting.facts.destination, record.at_micros);
  const bool fits = std::max(from.packets, to.packets) + packets <= kHurriedPackets &&
                    std::max(from.bytes, to.bytes) + bytes <= kHurriedBytes;
  if (!fits) {
    drop(static_cast<std::int64_t>(packets), static_cast<std::int64_t>(bytes));
    return;
  }
  from.packets += packets;
  from.bytes += bytes;
  if (&from != &to) {
    to.packets += packets;
    to.bytes += bytes;
  }
  sighting.packets = all_packets;
  sighting.bytes = all_bytes;
}

FlowHold::Hurried& FlowHold::hurried(const Address& address, std::int64_t at_micros) noexcept {
  Hurried& slot = hurried_[hash_words(hash_key_, address.high, address.low) % kHurriedSlots];
  const std::int64_t window = at_micros / options_.window_micros;
  if (slot.window != window) slot = {0, 0, window};
  return slot;
}

void FlowHold::drop(std::int64_t packets, std::int64_t bytes) noexcept {
  counts_.dropped_packets += static_cast<std::uint64_t>(packets);
  counts_.dropped_bytes += static_cast<std::uint64_t>(bytes);
}

void FlowHold::write_off(const Flow& flow) noexcept {
  drop(std::max<std::int64_t>(0, flow.packets_left), std::max<std::int64_t>(0, flow.bytes_left));
  counts_.borrowed_packets += static_cast<std::uint64_t>(std::max<std::int64_t>(0, -flow.packets_left));
  counts_.borrowed_bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(0, -flow.bytes_left));
}

/// The slot that holds the key, or the free one where it belongs. There is always a free one.
std::size_t FlowHold::slot_of(std::uint64_t key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = key & mask;
  const auto is_it = [&](std::uint64_t value) {
    return ((value ^ key) & kUpperHalf) == 0 && flows_[flow_in(value)].key == key;
  };
  while (slots_[slot] != 0 && !is_it(slots_[slot])) slot = (slot + 1) & mask;
  return slot;
}

void FlowHold::hint_anew() noexcept {
  stale_hints_ = 0;
  std::ranges::fill(hints_, 0);
  for (std::size_t i = 0; i < used_; ++i) hint(flows_[i].key);
}

/// A new last flow, or null where none gives way.
FlowHold::Flow* FlowHold::insert(std::uint64_t key, const Record& record) noexcept {
  if (used_ == bound_ && !displace(record)) return nullptr;
  if (used_ == flows_.size()) {  // within what is reserved: no memory is asked for
    flows_.emplace_back();
    faces_.emplace_back();
  }
  Flow& flow = flows_[used_++];
  flow = Flow{};
  flow.key = key;
  flow.goes_on = record.goes_on;
  flow.played_micros = record.at_micros;
  flow.expected_micros = record.at_micros + static_cast<std::int64_t>(record.span);
  flow.hold_until_micros = record.hold_until_micros;
  slots_[slot_of(key)] = slot_value(key, used_ - 1);
  hint(key);
  return &flow;
}

bool FlowHold::displace(const Record& record) noexcept {
  std::size_t smallest = hand_ % used_;
  for (std::size_t i = 0; i < std::min(kFlowsSearched, used_); ++i) {
    hand_ = (hand_ + 1) % used_;
    if (flows_[hand_].rate.bytes < flows_[smallest].rate.bytes) smallest = hand_;
  }
  if (flows_[smallest].rate.bytes >= record.rate.bytes * kSmall) return false;
  ++counts_.displaced;
  write_off(flows_[smallest]);
  remove(smallest);
  return true;
}

void FlowHold::remove(std::size_t i) noexcept {
  free_slot(slot_of(flows_[i].key));
  --used_;
  if (i != used_) {
    slots_[slot_of(flows_[used_].key)] = slot_value(flows_[used_].key, i);
    flows_[i] = flows_[used_];
    faces_[i] = faces_[used_];
  }
  if (++stale_hints_ > kStaleHints + used_ / 4) hint_anew();
}

/// Takes a slot out, and moves up those behind it that would no longer be found.
void FlowHold::free_slot(std::size_t slot) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = slot;
  slots_[hole] = 0;
  for (std::size_t next = (hole + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    const std::size_t home = flows_[flow_in(slots_[next])].key & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;  // its home lies behind the hole
    slots_[hole] = slots_[next];
    slots_[next] = 0;
    hole = next;
  }
}

}  // namespace tidegate
