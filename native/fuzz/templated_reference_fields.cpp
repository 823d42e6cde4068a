/// The reference's own table of elements, and how their bytes become times and rates.
#include <cstring>

#include "templated_reference_parts.hpp"

namespace tidegate::templated::reference {

namespace {

/// Element, name and which of several elements for a name comes first. Written apart from the decoder's table.
struct Known {
  unsigned element;
  const char* name;
  int order;
  char kind;  // n number, 4 and 6 addresses, p NTP, b bytes
};
const Known kKnown[] = {
    {8, "src4", 0, '4'}, {12, "dst4", 0, '4'}, {27, "src6", 0, '6'}, {28, "dst6", 0, '6'}, {7, "sport", 0, 'n'},
    {11, "dport", 0, 'n'}, {180, "usport", 0, 'n'}, {181, "udport", 0, 'n'}, {182, "tsport", 0, 'n'},
    {183, "tdport", 0, 'n'}, {4, "proto", 0, 'n'}, {6, "flags", 0, 'n'}, {1, "octets", 0, 'n'}, {231, "octets", 1, 'n'},
    {352, "octets", 2, 'n'}, {85, "octets", 3, 'n'}, {23, "octets", 4, 'n'}, {353, "octets", 5, 'n'},
    {171, "octets", 6, 'n'}, {2, "packets", 0, 'n'}, {298, "packets", 1, 'n'}, {86, "packets", 3, 'n'},
    {24, "packets", 4, 'n'}, {172, "packets", 6, 'n'}, {232, "back_octets", 1, 'n'}, {299, "back_packets", 1, 'n'},
    {10, "in", 0, 'n'}, {252, "in", 1, 'n'}, {14, "out", 0, 'n'}, {253, "out", 1, 'n'}, {16, "src_as", 0, 'n'},
    {17, "dst_as", 0, 'n'}, {61, "direction", 0, 'n'}, {136, "end", 0, 'n'}, {89, "status", 0, 'n'},
    {34, "interval", 0, 'n'}, {50, "interval", 1, 'n'}, {305, "every", 0, 'n'}, {306, "space", 0, 'n'},
    {309, "size", 0, 'n'}, {310, "population", 0, 'n'}, {311, "probability", 0, 'n'}, {302, "sampler", 0, 'n'},
    {48, "sampler", 1, 'n'}, {88, "frag_offset", 0, 'n'}, {197, "frag_flags", 0, 'n'}, {192, "ttl", 0, 'n'},
    {52, "ttl", 1, 'n'}, {53, "ttl", 2, 'n'}, {233, "firewall", 0, 'n'}, {40005, "firewall", 1, 'n'}, {230, "nat", 0, 'n'},
    {152, "first", 0, 'm'}, {156, "first", 1, 'p'}, {154, "first", 2, 'p'}, {150, "first", 3, 's'}, {158, "first", 4, 'd'},
    {153, "last", 0, 'm'}, {157, "last", 1, 'p'}, {155, "last", 2, 'p'}, {151, "last", 3, 's'}, {159, "last", 4, 'd'},
    {22, "first_up", 0, 'n'}, {21, "last_up", 0, 'n'}, {323, "seen", 0, 'm'}, {325, "seen", 1, 'p'}, {324, "seen", 2, 'p'},
    {322, "seen", 3, 's'}, {162, "lasted", 0, 'u'}, {161, "lasted", 1, 'm'}, {160, "boot", 0, 'm'},
    {313, "ip_section", 0, 'b'}, {315, "link_section", 0, 'b'}, {104, "link_section", 1, 'b'}, {312, "frame_size", 0, 'n'},
    {410, "section_size", 0, 'n'}, {103, "section_size", 1, 'n'}, {224, "ip_total", 0, 'n'}, {190, "ip_total", 1, 'n'},
};
const Known kKnownReverse[] = {
    {1, "back_octets", 0, 'n'}, {352, "back_octets", 2, 'n'}, {85, "back_octets", 3, 'n'},
    {2, "back_packets", 0, 'n'}, {86, "back_packets", 3, 'n'}, {6, "back_flags", 0, 'n'},
};

bool length_allowed(char kind, unsigned length) {
  if (kind == '4') return length == 4;
  if (kind == '6') return length == 16;
  if (kind == 'p') return length == 8;
  if (kind == 'b') return length > 0;
  return (length > 0 && length <= 8) || length == 65535;
}
}  // namespace

std::map<std::string, Told> told_by(const Layout& layout, bool v9) {
  std::map<std::string, Told> told;
  for (std::size_t i = 0; i < layout.fields.size(); ++i) {
    const Field& field = layout.fields[i];
    std::string name;
    int order = 0;
    char kind = 'n';
    if (v9 && i < layout.scopes) {
      if (field.element == 2) name = "interface";
    } else {
      const auto look = [&](const auto& table) {
        for (const Known& known : table) {
          if (known.element == field.element) name = known.name, order = known.order, kind = known.kind;
        }
      };
      if (field.enterprise == 0) look(kKnown);
      if (field.enterprise == 29305) look(kKnownReverse);
      if (i < layout.scopes && (name == "in" || name == "out")) name = "interface", order = name == "in" ? 0 : order;
    }
    if (name.empty() || !length_allowed(kind, field.length)) continue;
    if (told.contains(name) && told[name].order <= order) continue;
    told[name] = {i, order, kind};
  }
  for (const auto& [forth, back] : {std::pair{"octets", "back_octets"}, {"packets", "back_packets"}}) {
    if (told.contains(back) && told[back].order == 1 && (!told.contains(forth) || told[forth].order != 1)) told.erase(back);
  }
  if (told.contains("first")) told.erase("first_up");
  if (told.contains("last")) told.erase("last_up");
  if (told.contains("first") && told.contains("last")) told.erase("seen"), told.erase("lasted");
  return told;
}

std::int64_t micros(const Record& r, const std::string& name, const std::map<std::string, Told>& told, const Clock& clock) {
  if (!r.contains(name)) return 0;
  const std::uint64_t value = n(r, name.c_str());
  switch (told.at(name).kind) {
    case 's': return value < kFarFuture / 1'000'000 ? static_cast<std::int64_t>(value * 1'000'000) : 0;
    case 'm': return value < kFarFuture / 1'000'000 ? static_cast<std::int64_t>(value * 1'000) : 0;
    case 'u': return value < kFarFuture ? static_cast<std::int64_t>(value) : 0;
    case 'd': return value < static_cast<std::uint64_t>(clock.export_micros) ? clock.export_micros - static_cast<std::int64_t>(value) : 0;
    default: break;
  }
  const std::uint64_t seconds = value >> 32;
  if (seconds < 2'208'988'800) return 0;
  return static_cast<std::int64_t>((seconds - 2'208'988'800) * 1'000'000 + (((value & 0xFFFFFFFF) * 1'000'000) >> 32));
}

std::optional<std::uint32_t> rate_of(const Record& r) {
  const auto cap = [](std::uint64_t v) { return v > 0xFFFFFFFF ? 0xFFFFFFFFU : static_cast<std::uint32_t>(v); };
  const auto divided = [&](std::uint64_t whole, std::uint64_t by) {
    if (by == 0) return 0U;
    const std::uint64_t rest = whole % by;
    return cap(whole / by + (rest >= by - by / 2 ? 1 : 0));
  };
  if (has(r, "size") && has(r, "population")) return divided(n(r, "population"), n(r, "size"));
  if (has(r, "every")) {
    const std::uint64_t every = cap(n(r, "every"));
    return has(r, "space") ? divided(every + cap(n(r, "space")), every) : cap(every);
  }
  if (has(r, "probability")) {
    double p = 0;
    const std::uint64_t bits = n(r, "probability");
    std::memcpy(&p, &bits, sizeof(p));
    if (!(p > 0) || p > 1) return 0;
    const double one_in = 1 / p + 0.5;
    return one_in >= 4294967295.0 ? 0xFFFFFFFFU : static_cast<std::uint32_t>(one_in);
  }
  if (has(r, "interval")) return cap(n(r, "interval"));
  return std::nullopt;
}

}  // namespace tidegate::templated::reference
