/// flow/filter against a model that looks at one range and one prefix after the other.
#include "../flow/filter.hpp"

#include <vector>

#include "../base/address.hpp"
#include "../base/hash.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

struct Seen {
  Address exporter;
  Sighting sighting;
  FlowDetail detail;
};

bool number_in(const FilterCondition& condition, std::uint32_t value) {
  for (const FilterRange& range : condition.ranges) {
    if (value >= range.from && value <= range.to) return true;
  }
  return false;
}
bool address_in(const FilterCondition& condition, const Address& value) {
  for (const Prefix& one : condition.prefixes) {
    if (contains(one, value)) return true;
  }
  return false;
}

bool slow_matches(const FilterCondition& c, const Seen& seen) {
  const PacketFacts& f = seen.sighting.facts;
  const FlowDetail& d = seen.detail;
  const std::string_view name = kFilterFieldNames[static_cast<std::size_t>(c.field)];
  if (name == "exporter") return address_in(c, seen.exporter);
  if (name == "source") return address_in(c, f.source);
  if (name == "destination") return address_in(c, f.destination);
  if (name == "address") return address_in(c, f.source) || address_in(c, f.destination);
  if (name == "input") return number_in(c, d.input);
  if (name == "output") return number_in(c, d.output);
  if (name == "interface") return number_in(c, d.input) || number_in(c, d.output);
  if (name == "source_as") return number_in(c, d.source_as);
  if (name == "destination_as") return number_in(c, d.destination_as);
  if (name == "as") return number_in(c, d.source_as) || number_in(c, d.destination_as);
  if (name == "source_port") return number_in(c, f.source_port);
  if (name == "destination_port") return number_in(c, f.destination_port);
  if (name == "port") return number_in(c, f.source_port) || number_in(c, f.destination_port);
  return number_in(c, f.protocol);
}

bool slow_keeps(const std::vector<FilterRule>& rules, const Seen& seen) {
  bool only_keep = !rules.empty();
  for (const FilterRule& rule : rules) {
    bool all = true;
    for (const FilterCondition& condition : rule.conditions) {
      if (slow_matches(condition, seen) == condition.negated) all = false;
    }
    if (all) return rule.keep;
    if (!rule.keep) only_keep = false;
  }
  return !only_keep;
}

/// Few values, so that they meet.
Address some_address(std::uint64_t& random) {
  const std::uint64_t bits = next_random(random);
  if (bits % 3 == 0) return ipv6_address(0x2001'0db8'0000'0000 + (bits >> 8) % 4, (bits >> 16) % 4);
  return ipv4_address(static_cast<std::uint32_t>(0x0A00'0000 + (bits >> 8) % 8 + ((bits >> 16) % 4 << 16)));
}
Prefix some_prefix(std::uint64_t& random) {
  const Address address = some_address(random);
  return make_prefix(address, static_cast<std::uint8_t>(next_random(random) % (address_bits(address.family) + 1U)));
}
std::uint32_t some_number(std::uint64_t& random) {
  const std::uint64_t bits = next_random(random);
  return bits % 20 == 0 ? UINT32_MAX : static_cast<std::uint32_t>(bits >> 8) % 12;
}

FilterCondition condition(FilterField field, std::vector<FilterRange> ranges, bool negated = false) {
  return {field, negated, std::move(ranges), {}};
}

}  // namespace

TEST("a compiled filter keeps what looking at each value in turn keeps") {
  std::uint64_t random = 2024;
  std::uint64_t kept = 0;
  std::uint64_t left_out = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::vector<FilterRule> rules(next_random(random) % 4);
    for (FilterRule& rule : rules) {
      rule.keep = next_random(random) % 2 == 0;
      rule.conditions.resize(next_random(random) % 3);
      for (FilterCondition& made : rule.conditions) {
        made.field = static_cast<FilterField>(next_random(random) % kFilterFieldNames.size());
        made.negated = next_random(random) % 3 == 0;
        for (std::uint64_t n = next_random(random) % 6; n > 0; --n) made.ranges.push_back({some_number(random), some_number(random)});
        for (std::uint64_t n = next_random(random) % 6; n > 0; --n) made.prefixes.push_back(some_prefix(random));
      }
    }
    const auto filter = FlowFilter::compile(rules);
    REQUIRE(filter.has_value());
    for (int record = 0; record < 20; ++record) {
      Seen seen;
      seen.exporter = some_address(random);
      PacketFacts& facts = seen.sighting.facts;
      facts.source = some_address(random);
      facts.destination = some_address(random);
      facts.source_port = static_cast<std::uint16_t>(some_number(random));
      facts.destination_port = static_cast<std::uint16_t>(some_number(random));
      facts.protocol = static_cast<std::uint8_t>(some_number(random));
      seen.detail.input = some_number(random);
      seen.detail.output = some_number(random);
      seen.detail.source_as = some_number(random);
      seen.detail.destination_as = some_number(random);
      const bool keeps = filter->keeps(seen.exporter, seen.sighting, seen.detail);
      CHECK(keeps == slow_keeps(rules, seen));
      ++(keeps ? kept : left_out);
    }
  }
  CHECK(kept > 5'000U);
  CHECK(left_out > 5'000U);
}

TEST("the first rule that matches decides, and lists of keep alone leave out the rest") {
  Sighting sighting;
  sighting.facts.destination_port = 53;
  FlowDetail detail;
  detail.input = 7;
  const auto keeps = [&](std::vector<FilterRule> rules) {
    return FlowFilter::compile(rules)->keeps(ipv4_address(1), sighting, detail);
  };
  const FilterRule drop_port{false, {condition(FilterField::port, {{53, 53}})}};
  const FilterRule keep_input{true, {condition(FilterField::input, {{5, 9}})}};
  const FilterRule keep_other{true, {condition(FilterField::input, {{5, 9}}, true)}};
  CHECK(FlowFilter{}.keeps(ipv4_address(1), sighting, detail));
  CHECK(keeps({}));
  CHECK(!keeps({drop_port, keep_input}));
  CHECK(keeps({keep_input, drop_port}));
  CHECK(!keeps({keep_other}));
  CHECK(keeps({keep_other, {false, {condition(FilterField::protocol, {{6, 6}})}}}));
  CHECK(!keeps({{false, {}}}));
}

TEST("a filter past its bounds is not compiled at all") {
  CHECK(FlowFilter::compile(std::vector<FilterRule>(kMaxFilterRules)).has_value());
  CHECK(!FlowFilter::compile(std::vector<FilterRule>(kMaxFilterRules + 1)).has_value());
  FilterRule rule;
  rule.conditions.push_back(condition(FilterField::port, std::vector<FilterRange>(kMaxFilterValues + 1)));
  CHECK(!FlowFilter::compile({&rule, 1}).has_value());
  rule.conditions.assign(kMaxFilterConditions + 1, {});
  CHECK(!FlowFilter::compile({&rule, 1}).has_value());
}
