#include "stated_sampling.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace tidegate::templated {

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();

std::uint32_t held(std::uint64_t rate) noexcept { return static_cast<std::uint32_t>(std::min(rate, kMost)); }

/// `whole` / `part`, rounded; zero where there is no part.
std::uint32_t ratio(std::uint64_t whole, std::uint64_t part) noexcept {
  if (part == 0) return 0;
  return held(whole / part + (whole % part >= part - part / 2 ? 1 : 0));
}

}  // namespace

std::optional<std::uint32_t> stated_rate(const Values& values) noexcept {
  if (values.has(Slot::sample_size) && values.has(Slot::population)) {
    return ratio(values[Slot::population], values[Slot::sample_size]);
  }
  if (values.has(Slot::packet_interval)) {
    const std::uint64_t interval = std::min(values[Slot::packet_interval], kMost);
    if (!values.has(Slot::packet_space)) return held(interval);
    return ratio(interval + std::min(values[Slot::packet_space], kMost), interval);
  }
  if (values.has(Slot::probability)) {
    const auto probability = std::bit_cast<double>(values[Slot::probability]);
    if (!(probability > 0) || probability > 1) return 0;
    return held(static_cast<std::uint64_t>(std::min(1 / probability + 0.5, static_cast<double>(kMost))));
  }
  if (values.has(Slot::interval)) return held(values[Slot::interval]);
  return std::nullopt;
}

std::optional<SamplingStatement> statement_of(const Values& values) noexcept {
  const auto rate = stated_rate(values);
  if (!rate) return std::nullopt;
  SamplingStatement statement;
  statement.rate = *rate;
  if (values.has(Slot::sampler)) {
    statement.scope = SamplingStatement::Scope::sampler;
    statement.id = values[Slot::sampler];
  } else if (values.has(Slot::scope_interface)) {
    statement.scope = SamplingStatement::Scope::interface;
    statement.id = values[Slot::scope_interface];
  }
  return statement;
}

}  // namespace tidegate::templated
