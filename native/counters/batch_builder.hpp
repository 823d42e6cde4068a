/// BatchBuilder: gathers what lanes drain into one batch a hostgroup.
///
/// One drain of one source: make it, drain every lane of the source into it, take().
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "batch.hpp"
#include "space.hpp"

namespace tidegate {

/// Both directions of a host or a network in the order of base/classes.hpp.
using HostDelta = std::array<std::uint64_t, kHostValues>;

class BatchBuilder {
 public:
  BatchBuilder(const HostSpace& space, std::int64_t from_micros, std::int64_t to_micros);

  /// Room for about so many more hosts; spares growth. An estimate is enough.
  void expect(std::uint32_t hosts);
  /// A host with at least one value that is not zero. Does not touch the network's sum.
  void add_host(CellId cell, const Address& address, const HostDelta& delta);
  void add_network(CellId cell, const HostDelta& delta);

  /// Batches of groups that saw traffic, by hostgroup index; the builder is empty afterwards.
  std::vector<Batch> take();

 private:
  const HostSpace& space_;
  std::int64_t from_micros_;
  std::int64_t to_micros_;
  std::vector<Batch> batches_;        // by hostgroup
  std::vector<HostDelta> by_cell_;    // network sums
  std::vector<std::uint8_t> touched_; // by cell
};

}  // namespace tidegate
