#include "straight.hpp"

#include "straight_fields.hpp"

namespace tidegate::templated {

namespace {

template <bool kSix, Clock kClock>
void read_all(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
              const MessageTime& time, RecordBatch& out) noexcept {
  const Straight& from = plan.straight;
  const auto sightings = out.free_sightings().first(count);
  const auto details = out.free_details().first(count);
  std::size_t at = first - kFront;
  for (std::size_t i = 0; i < count; ++i, at += plan.record_bytes) {
    const auto window = bytes.subspan(at);
    Sighting& sighting = sightings[i];
    FlowDetail& detail = details[i];
    const auto protocol = static_cast<std::uint8_t>(load(window, from.protocol));
    // Each field goes straight to its place: a whole one made first and copied would wait for its own narrow stores.
    PacketFacts& facts = sighting.facts;
    if constexpr (kSix) {
      load_address6(window, from.source_at, facts.source);
      load_address6(window, from.destination_at, facts.destination);
    } else {
      load_address4(window, from.source_at, facts.source);
      load_address4(window, from.destination_at, facts.destination);
    }
    facts.wire_length = facts.ip_length = 0;
    facts.source_port = static_cast<std::uint16_t>(load(window, from.source_port) & kToldBy[protocol]);
    facts.destination_port = static_cast<std::uint16_t>(load(window, from.destination_port) & kToldBy[protocol]);
    facts.protocol = protocol;
    facts.tcp_flags = static_cast<std::uint8_t>(load(window, from.tcp_flags));
    facts.ttl = 0;
    facts.fragment = facts.first_fragment = false;
    sighting.packets = load(window, from.packets);
    sighting.bytes = load(window, from.octets);
    sighting.sampling = 1;
    detail = {};
    detail.first_micros = time_of<kClock>(load(window, from.first), time);
    detail.last_micros = time_of<kClock>(load(window, from.last), time);
    detail.input = load(window, from.input);
    detail.output = load(window, from.output);
    detail.source_as = load(window, from.source_as);
    detail.destination_as = load(window, from.destination_as);
    if (!from.more) continue;
    if (from.direction.mask != 0) detail.side = side_of(load(window, from.direction));
    if (from.end_reason.mask != 0) detail.end = end_of(load(window, from.end_reason));
    detail.dropped = dropped_by(load(window, from.forwarding));
    detail.sampler = load(window, from.sampler);
    facts.ttl = static_cast<std::uint8_t>(load(window, from.ttl));
  }
  out.keep(count);
}

template <bool kSix>
void read_family(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                 const MessageTime& time, RecordBatch& out) noexcept {
  switch (plan.straight.clock) {
    case Clock::none: return read_all<kSix, Clock::none>(plan, bytes, first, count, time, out);
    case Clock::uptime: return read_all<kSix, Clock::uptime>(plan, bytes, first, count, time, out);
    case Clock::millis: return read_all<kSix, Clock::millis>(plan, bytes, first, count, time, out);
    case Clock::seconds: return read_all<kSix, Clock::seconds>(plan, bytes, first, count, time, out);
  }
}

}  // namespace

void read_by_loads(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                   const MessageTime& time, RecordBatch& out) noexcept {
  if (plan.straight.six) {
    read_family<true>(plan, bytes, first, count, time, out);
  } else {
    read_family<false>(plan, bytes, first, count, time, out);
  }
}

void read_straight(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                   const MessageTime& time, RecordBatch& out) noexcept {
  if (plan.straight.shuffles.usable && has_shuffles()) {
    read_by_shuffles(plan, bytes, first, count, time, out);
  } else {
    read_by_loads(plan, bytes, first, count, time, out);
  }
}

}  // namespace tidegate::templated
