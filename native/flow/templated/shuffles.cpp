#include "shuffles.hpp"

#include <algorithm>
#include <span>

#include "plan.hpp"

namespace tidegate::templated {

namespace {

constexpr std::size_t kWindowBytes = 16;
constexpr std::uint16_t kNowhere = 0xFFFF;

/// A slot's number, of so many bytes, from `at` on among the sixteen.
struct Wanted {
  Slot slot;
  std::uint8_t at;
  std::uint8_t bytes;
};

/// Window by window from the front of the record on. False when some bytes lie in none of them.
template <std::size_t kWindows>
bool lay(std::span<const Wanted> numbers, const FieldPlaces& places, std::size_t record_bytes, Gather<kWindows>& out) noexcept {
  std::array<std::uint16_t, kWindowBytes> wanted;  // which byte, counted from kFront bytes in front of the record
  wanted.fill(kNowhere);
  for (const Wanted& number : numbers) {
    const FieldPlace& field = places[static_cast<std::size_t>(number.slot)];
    for (std::size_t i = 0; i < std::min<std::size_t>(number.bytes, field.bytes); ++i) {
      wanted[number.at + i] = static_cast<std::uint16_t>(kFront + field.begin + field.bytes - 1 - i);
    }
  }
  for (std::size_t window = 0; window < kWindows; ++window) {
    out.order[window].fill(kNoByte);
    const std::uint16_t least = *std::ranges::min_element(wanted);
    if (least == kNowhere) continue;
    const std::size_t at = std::min<std::size_t>(least, kFront + record_bytes - kWindowBytes);
    out.at[window] = static_cast<std::uint16_t>(at);
    for (std::size_t i = 0; i < kWindowBytes; ++i) {
      if (wanted[i] == kNowhere || wanted[i] - at >= kWindowBytes) continue;
      out.order[window][i] = static_cast<std::uint8_t>(wanted[i] - at);
      wanted[i] = kNowhere;
    }
  }
  return std::ranges::all_of(wanted, [](std::uint16_t byte) { return byte == kNowhere; });
}

}  // namespace

void lay_shuffles(const FieldPlaces& places, Slot first, Slot last, std::size_t record_bytes, Shuffles& out) noexcept {
  out = {};
  if (kFront + record_bytes < kWindowBytes) return;
  // Of these the whole number is looked at, and only one byte is taken.
  for (const Slot slot : {Slot::direction, Slot::end_reason}) {
    if (places[static_cast<std::size_t>(slot)].bytes > 1) return;
  }
  const auto laid = [&](std::initializer_list<Wanted> numbers, auto& gather) {
    return lay(std::span{numbers.begin(), numbers.size()}, places, record_bytes, gather);
  };
  out.usable = laid({{Slot::source4, 0, 8}, {Slot::destination4, 8, 8}}, out.addresses) &&
               laid({{Slot::packets, 0, 8}, {Slot::octets, 8, 8}}, out.amounts) &&
               laid({{first, 0, 8}, {last, 8, 8}}, out.times) &&
               laid({{Slot::input, 0, 4}, {Slot::output, 4, 4}, {Slot::source_as, 8, 4}, {Slot::destination_as, 12, 4}}, out.ways) &&
               laid({{Slot::source_port, 0, 2}, {Slot::destination_port, 2, 2}, {Slot::protocol, 4, 1}, {Slot::tcp_flags, 5, 1},
                     {Slot::ttl, 6, 1}, {Slot::direction, 8, 1}, {Slot::end_reason, 9, 1}, {Slot::forwarding, 10, 1}}, out.rest);
}

}  // namespace tidegate::templated
