/// Which flow records count: the operator's rules, the first that matches decides. Semantics: domain/flow.ts.
///
/// compile() alone allocates; keeps() reads flat sorted ranges. Any number of threads may call keeps().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../base/prefix.hpp"
#include "record.hpp"

namespace tidegate {

/// As domain/flow.ts names them, in the same order. `interface`, `address`, `as` and `port`: either end.
enum class FilterField : std::uint8_t {
  exporter,
  input,
  output,
  interface,
  source,
  destination,
  address,
  source_as,
  destination_as,
  as,
  source_port,
  destination_port,
  port,
  protocol
};
inline constexpr std::array<std::string_view, 14> kFilterFieldNames{
    "exporter",  "input",          "output", "interface",   "source",           "destination", "address",
    "source_as", "destination_as", "as",     "source_port", "destination_port", "port",        "protocol"};

/// Both ends included.
struct FilterRange {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

/// Any of the ranges or prefixes; `negated`: none of them. Prefixes say nothing about numbers, ranges nothing about
/// addresses.
struct FilterCondition {
  FilterField field = FilterField::exporter;
  bool negated = false;
  std::vector<FilterRange> ranges;
  std::vector<Prefix> prefixes;
};

/// All conditions together; a rule without any matches every record.
struct FilterRule {
  bool keep = false;  ///< else drop
  std::vector<FilterCondition> conditions;
};

inline constexpr std::size_t kMaxFilterRules = 1024;
/// Conditions of all rules; ranges and prefixes of all conditions.
inline constexpr std::size_t kMaxFilterConditions = 8192;
inline constexpr std::size_t kMaxFilterValues = 65536;

class FlowFilter {
 public:
  /// Keeps everything.
  FlowFilter() = default;
  /// Nothing where there are more rules, conditions or values than the bounds.
  [[nodiscard]] static std::optional<FlowFilter> compile(std::span<const FilterRule> rules);

  [[nodiscard]] bool keeps_all() const noexcept { return rules_.empty(); }
  /// What no rule matches is kept, unless there are rules and all are `keep`.
  [[nodiscard]] bool keeps(const Address& exporter, const Sighting& sighting, const FlowDetail& detail) const noexcept {
    return rules_.empty() || judge(exporter, sighting, detail);
  }

 private:
  /// Addresses of one family as numbers; IPv4 in `low`.
  struct Point {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend constexpr auto operator<=>(const Point&, const Point&) noexcept = default;
  };
  struct Span {
    Point from;
    Point to;
  };
  /// Sorted and disjoint: spans_[first … first + count).
  struct Set {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  struct Condition {
    FilterField field = FilterField::exporter;
    bool negated = false;
    Set numbers;  // or IPv4 addresses
    Set ipv6;
  };
  struct Rule {
    bool keep = false;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  [[nodiscard]] static bool is_address(FilterField field) noexcept;
  [[nodiscard]] Set add_spans(std::vector<Span>& spans);
  void add_condition(const FilterCondition& condition);
  [[nodiscard]] bool judge(const Address& exporter, const Sighting& sighting, const FlowDetail& detail) const noexcept;
  [[nodiscard]] bool matches(const Condition& condition, const Address& exporter, const Sighting& sighting,
                             const FlowDetail& detail) const noexcept;
  [[nodiscard]] bool holds(const Set& set, const Point& point) const noexcept;
  [[nodiscard]] bool holds_number(const Condition& condition, std::uint32_t number) const noexcept;
  [[nodiscard]] bool holds_address(const Condition& condition, const Address& address) const noexcept;

  std::vector<Rule> rules_;
  std::vector<Condition> conditions_;
  std::vector<Span> spans_;
  bool keep_unmatched_ = true;
};

}  // namespace tidegate
