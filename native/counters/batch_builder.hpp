/// BatchBuilder: gathers what lanes drain into one batch a hostgroup.
///
/// One drain of one source: make it, drain every lane of the source into it, take(). A host that several
/// lanes have seen is in its batch once for each of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "batch.hpp"
#include "row.hpp"
#include "space.hpp"

namespace tidegate {

inline constexpr unsigned kBothDirections = (1U << kHostDirections) - 1;
/// Beside the directions: the variances of both.
inline constexpr unsigned kVariancesToo = 1U << kHostDirections;

/// Why a host is handed over: it has changed, or it has changed by little and its turn has come.
enum class HandedOver : std::uint8_t { at_once, in_turn };
inline constexpr std::size_t kWaysHandedOver = 2;

class BatchBuilder {
 public:
  /// The deltas lie between the two times, in microseconds since the Unix epoch. `space` must outlive the builder.
  BatchBuilder(const HostSpace& space, std::int64_t from_micros, std::int64_t to_micros);

  [[nodiscard]] std::int64_t to_micros() const noexcept { return to_micros_; }
  /// What is handed over in turn may have been counted since this time.
  void turn_began(std::int64_t micros) noexcept { turn_from_micros_ = std::min(turn_from_micros_, micros); }
  /// About so many hosts will come: batches make room for them at once and need not grow. An estimate will do.
  void expect(std::uint32_t hosts) noexcept { expected_hosts_ = hosts; }
  /// Adds a host unless all its values are zero. Does not touch the network's sum. Of `delta` only `parts` are looked
  /// at, a bit for each direction and kVariancesToo: most hosts of a tick have traffic in one direction, not sampled.
  void add_host(CellId cell, const Address& address, const HostDelta& delta, unsigned parts = kBothDirections,
                HandedOver how = HandedOver::at_once);
  void add_network(CellId cell, const HostDelta& delta);
  /// The network's sum, to be added to; it goes with take().
  HostDelta& network_sum(CellId cell) noexcept {
    touched_[cell] = 1;
    return by_cell_[cell];
  }

  /// Batches of groups that saw traffic, by hostgroup index; the builder is empty afterwards.
  std::vector<Batch> take();

 private:
  /// Words are written into room that is made in steps; `used` of them are.
  struct Gathering {
    Batch batch;
    std::array<std::size_t, kWaysHandedOver> used{};
  };

  void make_room(std::vector<std::uint64_t>& words) const;

  const HostSpace& space_;
  std::int64_t from_micros_;
  std::int64_t to_micros_;
  std::int64_t turn_from_micros_;
  std::uint32_t expected_hosts_ = 0;
  std::vector<Gathering> groups_;      // by hostgroup
  std::vector<HostDelta> by_cell_;     // network sums
  std::vector<std::uint8_t> touched_;  // by cell
};

}  // namespace tidegate
