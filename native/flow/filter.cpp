#include "filter.hpp"

#include <algorithm>

namespace tidegate {

bool FlowFilter::is_address(FilterField field) noexcept {
  switch (field) {
    case FilterField::exporter:
    case FilterField::source:
    case FilterField::destination:
    case FilterField::address:
      return true;
    default:
      return false;
  }
}

/// Sorts, joins what overlaps, and appends. Joining only what overlaps keeps each search exact; neighbours may stay apart.
FlowFilter::Set FlowFilter::add_spans(std::vector<Span>& spans) {
  std::ranges::sort(spans, {}, &Span::from);
  Set set{static_cast<std::uint32_t>(spans_.size()), 0};
  for (const Span& span : spans) {
    if (set.count != 0 && span.from <= spans_.back().to) {
      spans_.back().to = std::max(spans_.back().to, span.to);
      continue;
    }
    spans_.push_back(span);
    ++set.count;
  }
  return set;
}

void FlowFilter::add_condition(const FilterCondition& condition) {
  std::vector<Span> numbers;
  std::vector<Span> ipv6;
  if (is_address(condition.field)) {
    for (const Prefix& prefix : condition.prefixes) {
      const Address first = mask(prefix.address, prefix.length);
      if (first.family == Family::ipv4) {
        const std::uint64_t rest = prefix.length >= 32 ? 0 : ~std::uint32_t{0} >> prefix.length;
        numbers.push_back({{0, first.low}, {0, first.low | rest}});
        continue;
      }
      constexpr std::uint64_t kAll = ~std::uint64_t{0};
      const std::uint64_t high_rest = prefix.length >= 64 ? 0 : kAll >> prefix.length;
      const std::uint64_t low_rest = prefix.length >= 128 ? 0 : prefix.length <= 64 ? kAll : kAll >> (prefix.length - 64);
      ipv6.push_back({{first.high, first.low}, {first.high | high_rest, first.low | low_rest}});
    }
  } else {
    for (const FilterRange& range : condition.ranges) {
      if (range.from <= range.to) numbers.push_back({{0, range.from}, {0, range.to}});
    }
  }
  Condition made;
  made.field = condition.field;
  made.negated = condition.negated;
  made.numbers = add_spans(numbers);
  made.ipv6 = add_spans(ipv6);
  conditions_.push_back(made);
}

std::optional<FlowFilter> FlowFilter::compile(std::span<const FilterRule> rules) {
  std::size_t conditions = 0;
  std::size_t values = 0;
  for (const FilterRule& rule : rules) {
    conditions += rule.conditions.size();
    for (const FilterCondition& condition : rule.conditions) values += condition.ranges.size() + condition.prefixes.size();
  }
  if (rules.size() > kMaxFilterRules || conditions > kMaxFilterConditions || values > kMaxFilterValues) return std::nullopt;

  FlowFilter filter;
  for (const FilterRule& rule : rules) {
    filter.rules_.push_back({rule.keep, static_cast<std::uint32_t>(filter.conditions_.size()),
                             static_cast<std::uint32_t>(rule.conditions.size())});
    for (const FilterCondition& condition : rule.conditions) filter.add_condition(condition);
  }
  filter.keep_unmatched_ = rules.empty() || std::ranges::any_of(rules, [](const FilterRule& rule) { return !rule.keep; });
  return filter;
}

bool FlowFilter::holds(const Set& set, const Point& point) const noexcept {
  const auto spans = std::span{spans_}.subspan(set.first, set.count);
  const auto after = std::ranges::upper_bound(spans, point, {}, &Span::from);
  return after != spans.begin() && point <= std::prev(after)->to;
}

bool FlowFilter::holds_number(const Condition& condition, std::uint32_t number) const noexcept {
  return holds(condition.numbers, {0, number});
}

bool FlowFilter::holds_address(const Condition& condition, const Address& address) const noexcept {
  return holds(address.family == Family::ipv4 ? condition.numbers : condition.ipv6, {address.high, address.low});
}

bool FlowFilter::matches(const Condition& condition, const Address& exporter, const Sighting& sighting,
                         const FlowDetail& detail) const noexcept {
  const PacketFacts& facts = sighting.facts;
  const auto number = [&](std::uint32_t value) { return holds_number(condition, value); };
  const auto address = [&](const Address& value) { return holds_address(condition, value); };
  switch (condition.field) {
    case FilterField::exporter:
      return address(exporter);
    case FilterField::input:
      return number(detail.input);
    case FilterField::output:
      return number(detail.output);
    case FilterField::interface:
      return number(detail.input) || number(detail.output);
    case FilterField::source:
      return address(facts.source);
    case FilterField::destination:
      return address(facts.destination);
    case FilterField::address:
      return address(facts.source) || address(facts.destination);
    case FilterField::source_as:
      return number(detail.source_as);
    case FilterField::destination_as:
      return number(detail.destination_as);
    case FilterField::as:
      return number(detail.source_as) || number(detail.destination_as);
    case FilterField::source_port:
      return number(facts.source_port);
    case FilterField::destination_port:
      return number(facts.destination_port);
    case FilterField::port:
      return number(facts.source_port) || number(facts.destination_port);
    case FilterField::protocol:
      return number(facts.protocol);
  }
  return false;
}

bool FlowFilter::judge(const Address& exporter, const Sighting& sighting, const FlowDetail& detail) const noexcept {
  for (const Rule& rule : rules_) {
    const auto conditions = std::span{conditions_}.subspan(rule.first, rule.count);
    const bool all = std::ranges::all_of(conditions, [&](const Condition& condition) {
      return matches(condition, exporter, sighting, detail) != condition.negated;
    });
    if (all) return rule.keep;
  }
  return keep_unmatched_;
}

}  // namespace tidegate
