/// Who sends flow telemetry to one listener, and how well it arrives.
///
/// - Capacity is fixed when built. A full table gives the row of an exporter that has been silent for
///   kIdleMicros to a new one; else the new one is refused and counted. What it reports counts all the same.
/// - One thread. Nothing but the constructor allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../base/facts.hpp"
#include "../base/hash.hpp"
#include "sequence.hpp"

namespace tidegate {

/// sFlow names a device by agent address and sub-agent; NetFlow and IPFIX by a source id, with `agent` as `address`.
struct ExporterKey {
  Address address;  ///< datagrams come from here
  Address agent;
  std::uint32_t sub_agent = 0;  ///< or NetFlow v9 source id, IPFIX observation domain

  friend constexpr bool operator==(const ExporterKey&, const ExporterKey&) noexcept = default;
};

struct Exporter {
  ExporterKey key;
  std::uint64_t datagrams = 0;
  std::uint64_t samples = 0;        ///< or flow records
  SequenceTracker sequence;
  std::uint32_t sampling_rate = 0;  ///< the last one seen; zero: none yet
  std::uint32_t device_drops = 0;   ///< samples the device says it has lost, as last reported
  std::int64_t last_seen_micros = 0;
};

inline constexpr std::int64_t kIdleMicros = std::int64_t{10} * 60 * 1'000'000;
/// A search for idle rows walks the whole table, so at most one is made in this time.
inline constexpr std::int64_t kReclaimEveryMicros = 1'000'000;
inline constexpr std::size_t kMaxExporters = std::size_t{1} << 20;

class ExporterTable {
 public:
  /// `seed` keys the hash. Capacity is held to 1 … kMaxExporters.
  ExporterTable(std::size_t capacity, std::uint64_t seed);

  /// The exporter's row, made where it is new; null when refused. Good until the next call.
  [[nodiscard]] Exporter* find_or_add(const ExporterKey& key, std::int64_t at_micros) noexcept;
  [[nodiscard]] std::span<const Exporter> all() const noexcept { return std::span{rows_}.first(used_); }
  /// Datagrams whose exporter found no row: to be shown as sflow_too_many_exporters.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  [[nodiscard]] std::size_t slot_of(const ExporterKey& key) const noexcept;
  [[nodiscard]] bool reclaim(std::int64_t at_micros) noexcept;
  void rebuild() noexcept;

  HashKey hash_key_;
  std::vector<Exporter> rows_;
  std::vector<std::uint32_t> slots_;  ///< row number + 1, zero: free; a power of two, at least twice the rows
  std::size_t used_ = 0;
  std::size_t last_ = 0;              ///< datagrams come in trains of the same exporter
  std::uint64_t refused_ = 0;
  std::int64_t next_reclaim_micros_ = 0;
};

}  // namespace tidegate
