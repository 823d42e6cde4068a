/// What the parts of the plain reference of flow/templated share.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../flow/record.hpp"

namespace tidegate::templated::reference {

using Bytes = std::vector<std::byte>;

inline unsigned at(const Bytes& b, std::size_t i) { return std::to_integer<unsigned>(b.at(i)); }
inline std::uint64_t number(const Bytes& b, std::size_t from, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value * 256 + at(b, from + i);
  return value;
}
inline Bytes part(const Bytes& b, std::size_t from, std::size_t count) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(b.at(from + i));
  return out;
}

struct Field {
  std::uint32_t enterprise;
  unsigned element;
  unsigned length;
};
struct Layout {
  bool options = false;
  unsigned scopes = 0;
  std::vector<Field> fields;
  Bytes body;
};
/// A value by the name we know it under, with the place of its field: the earlier of equal ones counts.
using Record = std::map<std::string, Bytes>;

struct Told {
  std::size_t field;
  int order;
  char kind;
};

struct Clock {
  std::int64_t export_micros = 0;
  std::uint32_t uptime = 0;
  bool known = false;
};

struct Row {
  Sighting sighting;
  FlowDetail detail;
  Bytes section;
};
struct Outcome {
  std::vector<Row> rows;
  std::vector<SamplingStatement> statements;
  std::vector<DecodeError> errors;
  FlowExtras extras;
  std::uint32_t records = 0;
  bool units_known = true;
};

constexpr std::uint64_t kFarFuture = std::uint64_t{1} << 62;

/// Which field tells each name.
std::map<std::string, Told> told_by(const Layout& layout, bool v9);

/// The number under a name; zero where it is not said.
inline std::uint64_t n(const Record& r, const char* name) {
  const auto found = r.find(name);
  return found == r.end() || found->second.size() > 8 ? 0 : number(found->second, 0, found->second.size());
}
inline bool has(const Record& r, const char* name) { return r.contains(name); }

/// Micros of the epoch of a time, by the kind of the field that tells it.
std::int64_t micros(const Record& r, const std::string& name, const std::map<std::string, Told>& told, const Clock& clock);
std::optional<std::uint32_t> rate_of(const Record& r);

/// What one data or options record adds. `boot`: when the device started, as last said.
void add_record(const Layout& layout, const Record& r, bool v9, Clock& clock, std::int64_t& boot, Outcome& out);

}  // namespace tidegate::templated::reference
