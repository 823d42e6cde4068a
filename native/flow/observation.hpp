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
  [[nodiscard]] bool seen_twice(std::uint64_t exporter, const FlowDetail& detail, std::int64_t at_micros) noexcept {
    if (detail.side == FlowSide::unknown) return false;
    if (detail.side == FlowSide::egress) {
      return detail.input != 0 && watched(hash_words(hash_key_, exporter, detail.input), at_micros);
    }
    // sFlow: the point is the interface that is watched, whatever the record says of the packet's way.
    const std::uint32_t interface = detail.point != 0 ? detail.point : detail.input;
    const Marked& marked = marked_[interface % kMarkedKept];
    const bool fresh = marked.exporter == exporter && marked.interface == interface &&
                       static_cast<std::uint64_t>(at_micros - marked.at_micros) < kRefreshMicros;
    if (interface != 0 && !fresh) mark(exporter, interface, at_micros);
    return false;
  }
  /// Interfaces that were still watched and lost their place to others.
  [[nodiscard]] std::uint64_t displaced() const noexcept { return displaced_; }

 private:
  struct Watched {
    std::uint64_t key = 0;
    std::int64_t until_micros = INT64_MIN;
  };
  using Ways = std::array<Watched, 4>;

  /// A mark is written anew no more often: most records then only read.
  static constexpr std::uint64_t kRefreshMicros = 1'000'000;
  static constexpr std::size_t kMarkedKept = 64;
  /// What has been marked a moment ago is not looked for again.
  struct Marked {
    std::uint64_t exporter = 0;
    std::uint32_t interface = 0;
    std::int64_t at_micros = 0;
  };

  void mark(std::uint64_t exporter, std::uint32_t interface, std::int64_t at_micros) noexcept;
  [[nodiscard]] bool watched(std::uint64_t key, std::int64_t at_micros) const noexcept;

  HashKey hash_key_;
  std::vector<Ways> sets_;
  std::array<Marked, kMarkedKept> marked_{};
  std::uint64_t displaced_ = 0;
};

}  // namespace tidegate
