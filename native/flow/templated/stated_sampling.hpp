/// The sampling that a record states: data records of themselves, options records of exporter, sampler or interface.
#pragma once

#include <cstdint>
#include <optional>

#include "../record.hpp"
#include "walk.hpp"

namespace tidegate::templated {

/// One in so many; nothing where none of its fields came. In this order, as selectors are described in RFC 5477
/// section 8.2: samplingSize out of samplingPopulation; samplingPacketInterval of samplingPacketInterval +
/// samplingPacketSpace; samplingProbability; samplingInterval or samplerRandomInterval. samplingPacketInterval alone is
/// the rate itself: exporters that leave the space out mean that. Zero where it is stated as zero.
[[nodiscard]] std::optional<std::uint32_t> stated_rate(const Values& values) noexcept;

/// What an options record says of sampling; nothing where it speaks of other things.
[[nodiscard]] std::optional<SamplingStatement> statement_of(const Values& values) noexcept;

}  // namespace tidegate::templated
