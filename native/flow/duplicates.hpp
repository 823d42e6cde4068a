/// Whether the same traffic seems to be reported from two places: a suspicion for people, by which nothing is left out.
///
/// A sample of the flows, by their hash (at most one in 16, fewer when they come so fast that none would be
/// remembered long enough), is remembered in a direct-mapped table. A duplicate is the same five-tuple from another
/// exporter, interface or point:
/// - unsampled: with the same packets and bytes, within kDuplicateMicros (exporters have timeouts of their own);
/// - sampled: within kSampledDuplicateMicros, whatever the amounts.
///
/// One thread. Only the constructor allocates.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../base/hash.hpp"
#include "record.hpp"

namespace tidegate {

inline constexpr std::int64_t kDuplicateMicros = 60'000'000;
inline constexpr std::int64_t kSampledDuplicateMicros = 3'000'000;
inline constexpr std::size_t kDuplicateSlots = std::size_t{1} << 14;

struct DuplicateLook {
  bool looked = false;     ///< the flow belongs to the sample
  bool duplicate = false;
};

class Duplicates {
 public:
  explicit Duplicates(std::uint64_t seed);

  /// For each record that counts, after filters and Observation, with packets and bytes as exported. `sampled`: its
  /// rate is above one.
  [[nodiscard]] DuplicateLook look(const Sighting& exported, const FlowDetail& detail, std::uint64_t exporter, bool sampled,
                                   std::int64_t at_micros) noexcept {
    if (lot_of(exported.facts) >> (64 - skipped_bits_) != 0) [[likely]] return {};
    return remember(exported, detail, exporter, sampled, at_micros);
  }

 private:
  struct Remembered {
    std::uint64_t flow = 0;
    std::uint64_t exporter = 0;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::int64_t at_micros = INT64_MIN;
    std::uint32_t place = 0;  // sFlow point, else input interface
  };

  /// By which of its highest bits a flow belongs to the sample: multilinear and keyed, the cheapest that is fair.
  [[nodiscard]] std::uint64_t lot_of(const PacketFacts& facts) const noexcept {
    const auto word = [](const Address& address) { return address.low ^ std::rotl(address.high, 23); };
    const std::uint64_t rest = std::uint64_t{facts.source_port} << 24 | std::uint64_t{facts.destination_port} << 8 | facts.protocol;
    return word(facts.source) * lots_[0] + word(facts.destination) * lots_[1] + rest * lots_[2];
  }
  [[nodiscard]] DuplicateLook remember(const Sighting& exported, const FlowDetail& detail, std::uint64_t exporter,
                                       bool sampled, std::int64_t at_micros) noexcept;
  void pace(std::int64_t at_micros) noexcept;

  HashKey hash_key_;
  std::array<std::uint64_t, 3> lots_;
  std::vector<Remembered> slots_;
  unsigned skipped_bits_;  // one flow in 2^skipped_bits_ is looked at
  std::uint64_t looked_ = 0;
  std::int64_t paced_at_ = INT64_MIN;
};

}  // namespace tidegate
