/// read_by_shuffles(): what read_by_loads() does field by field, sixteen bytes at a time.
#include "straight.hpp"

#if defined(__x86_64__)
#include <tmmintrin.h>

#include <bit>
#include <cstring>

#include "../../base/cursor.hpp"
#include "straight_fields.hpp"

namespace tidegate::templated {

namespace {

/// A Gather while records are read: what it says, in registers.
template <std::size_t kWindows>
struct Gatherer {
  std::size_t at[kWindows];
  __m128i order[kWindows];
};

[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i sixteen(std::span<const std::byte> bytes) noexcept {
  __m128i out;
  std::memcpy(&out, bytes.first<sizeof out>().data(), sizeof out);
  return out;
}

template <std::size_t kWindows>
[[gnu::target("ssse3"), gnu::always_inline]] inline Gatherer<kWindows> gatherer(const Gather<kWindows>& from) noexcept {
  Gatherer<kWindows> out;
  for (std::size_t i = 0; i < kWindows; ++i) {
    out.at[i] = from.at[i];
    out.order[i] = sixteen(std::as_bytes(std::span{from.order[i]}));
  }
  return out;
}

template <std::size_t kWindows>
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i gathered(std::span<const std::byte> window,
                                                                      const Gatherer<kWindows>& by) noexcept {
  __m128i out = _mm_shuffle_epi8(sixteen(window.subspan(by.at[0])), by.order[0]);
  for (std::size_t i = 1; i < kWindows; ++i) {
    out = _mm_or_si128(out, _mm_shuffle_epi8(sixteen(window.subspan(by.at[i])), by.order[i]));
  }
  return out;
}

[[gnu::target("ssse3"), gnu::always_inline]] inline std::uint64_t lower(__m128i two) noexcept {
  return static_cast<std::uint64_t>(two[0]);
}
[[gnu::target("ssse3"), gnu::always_inline]] inline std::uint64_t upper(__m128i two) noexcept {
  return static_cast<std::uint64_t>(two[1]);
}

/// As the compiler knows it: stores of all four become one.
using FourNumbers [[gnu::vector_size(16)]] = std::uint32_t;

template <bool kSix, Clock kClock>
[[gnu::target("ssse3")]] void read_all(const Plan& plan, std::span<const std::byte> bytes, std::size_t first,
                                       std::size_t count, const MessageTime& time, RecordBatch& out) noexcept {
  const Straight& from = plan.straight;
  const auto addresses = gatherer(from.shuffles.addresses);
  const auto amounts = gatherer(from.shuffles.amounts);
  const auto times = gatherer(from.shuffles.times);
  const auto ways = gatherer(from.shuffles.ways);
  const auto rest = gatherer(from.shuffles.rest);
  const bool says_side = from.direction.mask != 0;
  const bool says_end = from.end_reason.mask != 0;
  const bool says_sampler = from.sampler.mask != 0;
  const std::size_t record_bytes = plan.record_bytes;
  const MessageTime clock = time;
  const auto sightings = out.free_sightings().first(count);
  const auto details = out.free_details().first(count);
  std::size_t at = first - kFront;
  for (std::size_t i = 0; i < count; ++i, at += record_bytes) {
    const auto window = bytes.subspan(at);
    Sighting& sighting = sightings[i];
    FlowDetail& detail = details[i];
    PacketFacts& facts = sighting.facts;
    if constexpr (kSix) {
      load_address6(window, from.source_at, facts.source);
      load_address6(window, from.destination_at, facts.destination);
    } else {
      const __m128i both = gathered(window, addresses);
      facts.source.high = 0;
      facts.source.low = lower(both);
      facts.source.family = Family::ipv4;
      facts.destination.high = 0;
      facts.destination.low = upper(both);
      facts.destination.family = Family::ipv4;
    }
    const __m128i said = gathered(window, rest);
    const auto protocol = static_cast<std::uint8_t>(lower(said) >> 32);
    const std::uint64_t told = lower(said) & kToldBy[protocol];
    facts.wire_length = facts.ip_length = 0;
    facts.source_port = static_cast<std::uint16_t>(told);
    facts.destination_port = static_cast<std::uint16_t>(told >> 16);
    facts.protocol = protocol;
    facts.tcp_flags = static_cast<std::uint8_t>(told >> 40);
    facts.ttl = static_cast<std::uint8_t>(told >> 48);
    facts.fragment = facts.first_fragment = false;
    const __m128i both = gathered(window, amounts);
    sighting.packets = lower(both);
    sighting.bytes = upper(both);
    sighting.sampling = 1;
    const __m128i ends = gathered(window, times);
    detail.first_micros = time_of<kClock>(lower(ends), clock);
    detail.last_micros = time_of<kClock>(upper(ends), clock);
    const auto way = std::bit_cast<FourNumbers>(gathered(window, ways));
    detail.input = way[0];
    detail.output = way[1];
    detail.source_as = way[2];
    detail.destination_as = way[3];
    detail.point = detail.sampling = 0;
    detail.sampler = says_sampler ? load(window, from.sampler) : 0;
    const std::uint64_t more = upper(said);
    detail.side = says_side ? side_of(more & 0xFF) : FlowSide::unknown;
    detail.end = says_end ? end_of(more >> 8 & 0xFF) : FlowEnd::unknown;
    detail.counts = true;
    detail.dropped = dropped_by(more >> 16);
    detail.short_header = false;
    detail.link = LinkType::ethernet;
    detail.frame_length = 0;
    detail.bytes = {};
  }
  out.keep(count);
}

template <bool kSix>
[[gnu::target("ssse3")]] void read_family(const Plan& plan, std::span<const std::byte> bytes, std::size_t first,
                                          std::size_t count, const MessageTime& time, RecordBatch& out) noexcept {
  switch (plan.straight.clock) {
    case Clock::none: return read_all<kSix, Clock::none>(plan, bytes, first, count, time, out);
    case Clock::uptime: return read_all<kSix, Clock::uptime>(plan, bytes, first, count, time, out);
    case Clock::millis: return read_all<kSix, Clock::millis>(plan, bytes, first, count, time, out);
    case Clock::seconds: return read_all<kSix, Clock::seconds>(plan, bytes, first, count, time, out);
  }
}

}  // namespace

bool has_shuffles() noexcept {
  static const bool has = __builtin_cpu_supports("ssse3") != 0;
  return has;
}

void read_by_shuffles(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                      const MessageTime& time, RecordBatch& out) noexcept {
  if (plan.straight.six) {
    read_family<true>(plan, bytes, first, count, time, out);
  } else {
    read_family<false>(plan, bytes, first, count, time, out);
  }
}

}  // namespace tidegate::templated

#else

namespace tidegate::templated {

bool has_shuffles() noexcept { return false; }

void read_by_shuffles(const Plan& plan, std::span<const std::byte> bytes, std::size_t first, std::size_t count,
                      const MessageTime& time, RecordBatch& out) noexcept {
  read_by_loads(plan, bytes, first, count, time, out);
}

}  // namespace tidegate::templated

#endif
