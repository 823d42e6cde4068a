/// Who sends flow telemetry to one listener, and how well it arrives.
///
/// - Capacity is fixed when built. A full table gives a row away only to an exporter that has come kKnockings
///   times, and only the row of one that has sent fewer than kEstablishedDatagrams, or is silent for kSilentMicros
///   and for as long as it was heard before (kLongestSilenceMicros at most): so many spoofed addresses push out neither
///   those that are heard nor those long known that export every few minutes.
/// - Else the new one is refused and counted. What it reports counts all the same: it gets the spare row, emptied.
/// - Rows stay where they are. One thread. Nothing but the constructor allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../base/facts.hpp"
#include "../base/hash.hpp"
#include "record.hpp"
#include "sampling.hpp"
#include "sequence.hpp"
#include "timeouts.hpp"

namespace tidegate {

/// sFlow names a device by agent address and sub-agent; NetFlow and IPFIX by an engine, source or domain id, with
/// `agent` as `address`.
struct ExporterKey {
  FlowProtocol protocol = FlowProtocol::sflow5;
  Address address;  ///< datagrams come from here
  Address agent;
  std::uint32_t domain = 0;

  friend constexpr bool operator==(const ExporterKey&, const ExporterKey&) noexcept = default;
};

/// Monotonic, but for `templates` and `template_interval_seconds`. For the collector to write; as domain/flow.ts says.
struct ExporterCounts {
  std::uint64_t datagrams = 0;  ///< written by the table
  std::uint64_t records = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t decode_errors = 0;
  std::uint64_t templates = 0;
  std::uint64_t template_changes = 0;
  std::uint64_t templates_evicted = 0;
  std::uint64_t sets_without_template = 0;
  std::uint64_t records_recovered = 0;
  std::uint64_t sets_expired = 0;
  std::uint64_t records_outside = 0;
  std::uint64_t records_seen_twice = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t duplicates_looked_at = 0;
  std::uint64_t short_headers = 0;
  std::uint64_t records_filtered = 0;
  std::uint32_t device_drops = 0;  ///< as last reported
  std::uint32_t template_interval_seconds = 0;

  /// What a datagram's records have added: all that is counted by the record.
  void add_records(const ExporterCounts& more) noexcept {
    records += more.records;
    packets += more.packets;
    bytes += more.bytes;
    records_seen_twice += more.records_seen_twice;
    duplicates += more.duplicates;
    duplicates_looked_at += more.duplicates_looked_at;
    short_headers += more.short_headers;
    records_filtered += more.records_filtered;
  }
};

/// All that others are told of an exporter: `ExporterStats` of domain/flow.ts.
struct ExporterStats {
  ExporterKey key;
  std::uint32_t origin = 0;  ///< of its sightings
  ExporterCounts counts;
  std::uint64_t sequence_lost = 0;
  std::uint64_t sequence_restarts = 0;
  SamplingRate sampling{0, SamplingOrigin::unknown};
  SamplingCounts sampling_counts;
  std::optional<std::int64_t> clock_skew_micros;
  std::int64_t active_timeout_micros = 0;    ///< zero: not learned yet
  std::int64_t inactive_timeout_micros = 0;  ///< zero: not learned yet
  std::int64_t first_seen_micros = 0;
  std::int64_t last_seen_micros = 0;
};

/// By which a sighting says whose record it was.
[[nodiscard]] constexpr std::uint32_t origin_of(std::uint64_t exporter_id) noexcept {
  return static_cast<std::uint32_t>(exporter_id);
}

struct Exporter {
  ExporterKey key;
  /// The same for the same key as long as the table lives, row or no row: by this the other policies know it.
  std::uint64_t id = 0;
  ExporterCounts counts;
  SequenceTracker sequence;
  ExporterSampling sampling;
  FlowTimeouts timeouts;
  ClockSkew skew;
  /// Records of it that count nothing now, until one of them is looked at; and for how many that one stands.
  std::uint32_t held_until_look = 1;
  std::uint32_t held_represented = 1;
  std::int64_t first_seen_micros = 0;
  std::int64_t last_seen_micros = 0;

  [[nodiscard]] ExporterStats stats() const noexcept;
};

inline constexpr std::int64_t kSilentMicros = 60'000'000;
inline constexpr std::int64_t kLongestSilenceMicros = 30 * kSilentMicros;
inline constexpr std::uint64_t kEstablishedDatagrams = 16;
/// Even a newcomer keeps its row for so long after its last datagram: two that begin together do not push each
/// other out.
inline constexpr std::int64_t kNewcomerMicros = 5'000'000;
/// Datagrams of a newcomer until a full table looks for a row for it.
inline constexpr std::uint8_t kKnockings = 8;
/// Knockings are forgotten after this time.
inline constexpr std::int64_t kKnockingMicros = 30'000'000;
/// Rows that one search for a place looks at; the next goes on where it ended.
inline constexpr std::size_t kRowsSearched = 512;
inline constexpr std::size_t kMaxExporters = std::size_t{1} << 20;

class ExporterTable {
 public:
  /// `seed` keys the hash. Capacity is held to 1 … kMaxExporters. `policy` lives longer than the table.
  ExporterTable(std::size_t capacity, std::uint64_t seed, const SamplingPolicy& policy);

  /// A datagram of the exporter has come: its row, with that datagram counted; the spare one when it is refused.
  /// Good until the next call.
  [[nodiscard]] Exporter& hear(const ExporterKey& key, std::int64_t at_micros) noexcept;
  [[nodiscard]] std::span<const Exporter> all() const noexcept { return std::span{rows_}.first(used_); }
  [[nodiscard]] std::size_t capacity() const noexcept { return heard_.size(); }
  /// Datagrams whose exporter found no row.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  /// Exporters whose row another one has got.
  [[nodiscard]] std::uint64_t replaced() const noexcept { return replaced_; }

 private:
  /// What a search for a place reads of a row: apart, because rows are large.
  struct Heard {
    std::int64_t first_micros = 0;
    std::int64_t last_micros = 0;
    std::uint64_t datagrams = 0;
  };

  [[nodiscard]] std::uint64_t hash(const ExporterKey& key) const noexcept;
  [[nodiscard]] std::size_t slot_of(const ExporterKey& key, std::uint64_t id) const noexcept;
  [[nodiscard]] bool knocked_enough(std::uint64_t id, std::int64_t at_micros) noexcept;
  /// A row that may be given away, or nothing.
  [[nodiscard]] std::optional<std::size_t> dispensable(std::int64_t at_micros) noexcept;
  void free_slot(std::size_t slot) noexcept;
  void begin(Exporter& row, const ExporterKey& key, std::uint64_t id, std::int64_t at_micros) noexcept;

  HashKey hash_key_;
  const SamplingPolicy* policy_;
  std::vector<Exporter> rows_;        ///< one more than the capacity: the last is the spare row
  std::vector<Heard> heard_;
  std::vector<std::uint32_t> slots_;  ///< row number + 1, zero: free; a power of two, at least twice the rows
  std::vector<std::uint8_t> knocks_;  ///< of those who have no row, by their hash
  std::size_t used_ = 0;
  std::size_t last_ = 0;              ///< datagrams come in trains of the same exporter
  std::size_t hand_ = 0;              ///< where the next search begins
  std::int64_t knocks_since_micros_ = INT64_MIN;
  std::uint64_t refused_ = 0;
  std::uint64_t replaced_ = 0;
};

}  // namespace tidegate
