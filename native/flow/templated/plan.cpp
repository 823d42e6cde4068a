#include "plan.hpp"

#include <algorithm>
#include <limits>

namespace tidegate::templated {

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint16_t kNoField = 0xFFFF;

/// Which field of the template fills each slot.
struct Choice {
  std::array<std::uint16_t, kSlots> field{};
  std::array<Meaning, kSlots> meaning{};

  Choice() noexcept { field.fill(kNoField); }
  [[nodiscard]] bool has(Slot slot) const noexcept { return field[static_cast<std::size_t>(slot)] != kNoField; }
  [[nodiscard]] Reading reading(Slot slot) const noexcept { return meaning[static_cast<std::size_t>(slot)].reading; }
  [[nodiscard]] std::uint8_t rank(Slot slot) const noexcept { return meaning[static_cast<std::size_t>(slot)].rank; }
  void drop(Slot slot) noexcept { field[static_cast<std::size_t>(slot)] = kNoField; }
};

/// Of several fields for a slot the one of the lowest rank, of equal ones the first.
Choice choose(const TemplateRecord& record) noexcept {
  Choice choice;
  const auto fields = record.fields();
  for (std::uint16_t i = 0; i < fields.size(); ++i) {
    const Meaning meaning = i < record.scope_fields ? scope_meaning_of(fields[i], record.netflow9) : meaning_of(fields[i]);
    const auto slot = static_cast<std::size_t>(meaning.slot);
    if (meaning.slot == Slot::none) continue;
    if (choice.has(meaning.slot) && choice.meaning[slot].rank <= meaning.rank) continue;
    choice.field[slot] = i;
    choice.meaning[slot] = meaning;
  }
  // 231 and 232, 298 and 299 are pairs. Without the first in use, the second says nothing that is not said otherwise
  // (and Huawei gives 232 another meaning). Rank 1 is that of the pairs, see the field table.
  for (const auto& [forth, back] : {std::pair{Slot::octets, Slot::back_octets}, {Slot::packets, Slot::back_packets}}) {
    if (choice.has(back) && choice.rank(back) == 1 && !(choice.has(forth) && choice.rank(forth) == 1)) choice.drop(back);
  }
  // One message header is enough of a clock; uptime is asked only where nothing better is there.
  if (choice.has(Slot::first)) choice.drop(Slot::first_uptime);
  if (choice.has(Slot::last)) choice.drop(Slot::last_uptime);
  if (choice.has(Slot::first) && choice.has(Slot::last)) {
    choice.drop(Slot::observed);
    choice.drop(Slot::duration);
  }
  return choice;
}

/// Lays out the steps. False when there are too many.
bool lay_steps(const TemplateRecord& record, const Choice& choice, Plan& out) noexcept {
  const auto fields = record.fields();
  std::size_t skip = 0;
  for (std::uint16_t i = 0; i < fields.size(); ++i) {
    const Meaning meaning = i < record.scope_fields ? scope_meaning_of(fields[i], record.netflow9) : meaning_of(fields[i]);
    const bool wanted = meaning.slot != Slot::none && choice.field[static_cast<std::size_t>(meaning.slot)] == i;
    const std::uint16_t length = fields[i].length;
    const bool variable = !record.netflow9 && length == kVariableLength;
    if (!wanted && !variable) {
      skip += length;
      continue;
    }
    if (!wanted && skip == 0 && out.step_count != 0 && out.steps[out.step_count - 1].slot == Slot::none) {
      ++out.steps[out.step_count - 1].length;
      continue;
    }
    if (out.step_count == kMaxSteps) return false;
    Step& step = out.steps[out.step_count++];
    step.skip = static_cast<std::uint16_t>(skip);
    step.length = wanted ? length : 1;
    step.slot = wanted ? meaning.slot : Slot::none;
    step.reading = meaning.reading;
    skip = 0;
  }
  out.tail = static_cast<std::uint16_t>(skip);
  return true;
}

/// The field of a slot as a load of `Load` bytes; all zero when there is none.
template <typename Place, std::size_t kLoad>
Place place_of(const TemplateRecord& record, const Choice& choice, Slot slot) noexcept {
  const std::uint16_t field = choice.field[static_cast<std::size_t>(slot)];
  if (field == kNoField) return {};
  std::size_t end = 0;
  for (std::size_t i = 0; i <= field; ++i) end += record.storage[i].length;
  using Mask = decltype(Place::mask);
  const std::size_t bits = 8U * record.storage[field].length;
  const Mask mask = bits >= 8 * kLoad ? std::numeric_limits<Mask>::max() : static_cast<Mask>((Mask{1} << bits) - 1);
  return {static_cast<std::uint16_t>(kFront + end - kLoad), mask};
}

/// Slots that a straight plan reads, addresses and times apart.
constexpr Slot kStraightSlots[] = {Slot::source_port, Slot::destination_port, Slot::protocol, Slot::tcp_flags,
                                   Slot::input, Slot::output, Slot::source_as, Slot::destination_as, Slot::octets,
                                   Slot::packets, Slot::direction, Slot::end_reason, Slot::forwarding, Slot::ttl,
                                   Slot::sampler};

std::optional<Clock> clock_of(const Choice& choice) noexcept {
  const bool absolute = choice.has(Slot::first) && choice.has(Slot::last);
  const bool uptime = choice.has(Slot::first_uptime) && choice.has(Slot::last_uptime);
  if (absolute && choice.reading(Slot::first) == choice.reading(Slot::last)) {
    if (choice.reading(Slot::first) == Reading::millis) return Clock::millis;
    if (choice.reading(Slot::first) == Reading::seconds) return Clock::seconds;
  }
  if (uptime && !choice.has(Slot::first) && !choice.has(Slot::last)) return Clock::uptime;
  for (const Slot slot : {Slot::first, Slot::last, Slot::first_uptime, Slot::last_uptime}) {
    if (choice.has(slot)) return std::nullopt;
  }
  return Clock::none;
}

bool straight_fits(const TemplateRecord& record, const Choice& choice) noexcept {
  const bool four = choice.has(Slot::source4) && choice.has(Slot::destination4);
  const bool six = choice.has(Slot::source6) && choice.has(Slot::destination6);
  if (four == six || !choice.has(Slot::octets) || !choice.has(Slot::packets)) return false;
  std::size_t wanted = 2;
  for (const Slot slot : kStraightSlots) {
    if (!choice.has(slot)) continue;
    ++wanted;
    const std::size_t length = record.storage[choice.field[static_cast<std::size_t>(slot)]].length;
    const bool wide = slot == Slot::octets || slot == Slot::packets || slot == Slot::sampler;
    if (length > (wide ? 8U : 4U)) return false;
  }
  for (const Slot slot : {Slot::first, Slot::last, Slot::first_uptime, Slot::last_uptime}) wanted += choice.has(slot) ? 1 : 0;
  std::size_t all = 0;
  for (const std::uint16_t field : choice.field) all += field == kNoField ? 0 : 1;
  return all == wanted;  // else some slot calls for more than loads
}

void lay_straight(const TemplateRecord& record, const Choice& choice, Straight& out) noexcept {
  const auto clock = clock_of(choice);
  if (!clock || !straight_fits(record, choice)) return;
  const auto narrow = [&](Slot slot) { return place_of<Narrow, 4>(record, choice, slot); };
  const auto wide = [&](Slot slot) { return place_of<Wide, 8>(record, choice, slot); };
  out.usable = true;
  out.six = choice.has(Slot::source6);
  out.clock = *clock;
  out.source_at = out.six ? static_cast<std::uint16_t>(wide(Slot::source6).at - 8) : narrow(Slot::source4).at;
  out.destination_at = out.six ? static_cast<std::uint16_t>(wide(Slot::destination6).at - 8) : narrow(Slot::destination4).at;
  out.source_port = narrow(Slot::source_port);
  out.destination_port = narrow(Slot::destination_port);
  out.protocol = narrow(Slot::protocol);
  out.tcp_flags = narrow(Slot::tcp_flags);
  out.input = narrow(Slot::input);
  out.output = narrow(Slot::output);
  out.source_as = narrow(Slot::source_as);
  out.destination_as = narrow(Slot::destination_as);
  out.octets = wide(Slot::octets);
  out.packets = wide(Slot::packets);
  const bool uptime = *clock == Clock::uptime;
  out.first = wide(uptime ? Slot::first_uptime : Slot::first);
  out.last = wide(uptime ? Slot::last_uptime : Slot::last);
  out.direction = narrow(Slot::direction);
  out.end_reason = narrow(Slot::end_reason);
  out.forwarding = narrow(Slot::forwarding);
  out.ttl = narrow(Slot::ttl);
  out.sampler = wide(Slot::sampler);
  FieldPlaces places;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < record.fields().size(); ++i) {
    const auto slot = std::ranges::find(choice.field, static_cast<std::uint16_t>(i));
    const std::uint16_t length = record.storage[i].length;
    if (slot != choice.field.end()) places[static_cast<std::size_t>(slot - choice.field.begin())] = {static_cast<std::uint16_t>(begin), length};
    begin += length;
  }
  lay_shuffles(places, uptime ? Slot::first_uptime : Slot::first, uptime ? Slot::last_uptime : Slot::last, begin, out.shuffles);
  out.more = (out.direction.mask | out.end_reason.mask | out.forwarding.mask | out.ttl.mask | out.sampler.mask) != 0;
}

}  // namespace

DecodeError compile(const TemplateRecord& record, Plan& out) noexcept {
  out = {};
  out.options = record.options;
  out.netflow9 = record.netflow9;
  std::size_t bytes = 0;
  for (const FieldSpec& field : record.fields()) {
    const bool variable = !record.netflow9 && field.length == kVariableLength;
    out.variable = out.variable || variable;
    bytes += variable ? 1U : field.length;
  }
  if (bytes == 0 || bytes > std::numeric_limits<std::uint16_t>::max() - kFront) return DecodeError::template_malformed;
  out.record_bytes = static_cast<std::uint16_t>(bytes);

  const Choice choice = choose(record);
  if (!lay_steps(record, choice, out)) return DecodeError::template_too_many_fields;
  out.both_directions = choice.has(Slot::back_octets) || choice.has(Slot::back_packets);
  const auto place = [&](Slot slot) { return choice.field[static_cast<std::size_t>(slot)]; };
  out.six_first = place(Slot::source6) < place(Slot::source4);
  const bool tcp = choice.has(Slot::tcp_destination_port) || choice.has(Slot::tcp_source_port);
  const bool udp = choice.has(Slot::udp_destination_port) || choice.has(Slot::udp_source_port);
  if (!choice.has(Slot::protocol) && tcp != udp) out.implied_protocol = tcp ? kTcp : kUdp;
  if (!out.options && !out.variable) lay_straight(record, choice, out.straight);
  return DecodeError::none;
}

}  // namespace tidegate::templated
