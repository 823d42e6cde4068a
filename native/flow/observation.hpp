/// One packet, two records: a device that watches an interface inward and another outward reports what passes both
/// twice.
///
/// An egress record (FlowSide::egress) whose input interface is known to be watched inward is the second sight of
/// packets that were counted where they came in. Records that do not say their side count.
///
/// - An interface is watched inward for kIngressMicros after its last ingress record, so that a device that is set
///   up anew is right again by itself.
/// - Bounded: sets of four; a new interface takes the place of the one in its set that has been silent longest.
///   What is lost so is marked again by its next ingress record; displaced() counts it.
/// - One thread. Only the constructor allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../base/hash.hpp"
#include "record.hpp"

namespace tidegate {

inline constexpr std::int64_t kIngressMicros = std::int64_t{10} * 60 * 1'000'000;
inline constexpr std::size_t kMaxIngressInterfaces = std::size_t{1} << 22;

class Observation {
 public:
  /// `capacity`: interfaces of all exporters together; rounded up to a power of two, held to 4 … kMaxIngressInterfaces.
  Observation(std::size_t capacity, std::uint64_t seed);

  /// Whether the record's packets have been counted where they came in. `exporter`: Exporter::id.
  [[nodiscard]] bool seen_twice(std::uint64_t exporter, const FlowDetail& detail, std::int64_t at_micros) noexcept;
  /// Interfaces that were still watched and lost their place to others.
  [[nodiscard]] std::uint64_t displaced() const noexcept { return displaced_; }

 private:
  struct Watched {
    std::uint64_t key = 0;
    std::int64_t until_micros = INT64_MIN;
  };
  using Ways = std::array<Watched, 4>;

  void mark(std::uint64_t key, std::int64_t at_micros) noexcept;
  [[nodiscard]] bool watched(std::uint64_t key, std::int64_t at_micros) const noexcept;

  HashKey hash_key_;
  std::vector<Ways> sets_;
  std::uint64_t displaced_ = 0;
};

}  // namespace tidegate
