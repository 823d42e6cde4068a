/// What the decoders say of one datagram of flow telemetry: the hand-over from flow/'s decoders to the collector.
///
/// - Values are as the exporter states them, sampling not undone.
/// - One batch belongs to one thread and is used again for each datagram; it allocates when made, and never again.
/// - Sightings of datagrams before may be left in front of those of the next, so that all are counted at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "../base/errors.hpp"
#include "../base/facts.hpp"
#include "../base/link.hpp"

namespace tidegate {

enum class FlowProtocol : std::uint8_t { sflow2, sflow4, sflow5, netflow1, netflow5, netflow7, netflow9, ipfix };
inline constexpr std::size_t kFlowProtocols = 8;
/// As domain/flow.ts names them, in the same order.
inline constexpr std::array<std::string_view, kFlowProtocols> kFlowProtocolNames{
    "sflow2", "sflow4", "sflow5", "netflow1", "netflow5", "netflow7", "netflow9", "ipfix"};

/// Where on the device the record was made: IE 61 flowDirection, or the sFlow data source against the interfaces.
enum class FlowSide : std::uint8_t { unknown, ingress, egress };
/// Why the record was made: IE 136 flowEndReason, 1 idle, 2 active timeout, 3 end of flow, 4 forced, 5 lack of resources.
enum class FlowEnd : std::uint8_t { unknown, idle, active, finished, forced, resources };

/// What an exporter says of one record or sample, apart from addresses, ports and amounts.
struct FlowDetail {
  std::int64_t first_micros = 0;       ///< of its span, Unix epoch by the exporter's clock; zero: not said
  std::int64_t last_micros = 0;
  std::uint32_t input = 0;             ///< ifIndex; zero: not said
  std::uint32_t output = 0;
  std::uint32_t source_as = 0;
  std::uint32_t destination_as = 0;
  std::uint32_t point = 0;             ///< sFlow source id; else zero
  std::uint32_t sampling = 0;          ///< one in so many, stated in the record itself; zero: not said
  std::uint64_t sampler = 0;           ///< IE 48 samplerId or IE 302 selectorId; zero: none
  FlowSide side = FlowSide::unknown;
  FlowEnd end = FlowEnd::unknown;
  /// False: an event that moves no bytes (firewall created or denied, NAT), or a record without IP addresses.
  bool counts = true;
  bool dropped = false;                ///< the device did not forward it (IE 89 forwardingStatus, sFlow output format 1)
  bool short_header = false;           ///< a sampled packet whose bytes end before its transport header does
  LinkType link = LinkType::ethernet;  ///< what `bytes` begins with
  std::uint32_t frame_length = 0;      ///< of a sampled packet on the wire
  std::span<const std::byte> bytes;    ///< the start of a sampled packet, good as long as the datagram; else empty
};

/// A statement of sampling outside a record: options data.
struct SamplingStatement {
  enum class Scope : std::uint8_t { exporter, sampler, interface };
  Scope scope = Scope::exporter;
  std::uint64_t id = 0;    ///< of the sampler or the interface
  std::uint32_t rate = 0;  ///< one in so many; zero and one: all
};

struct FlowHeader {
  FlowProtocol protocol = FlowProtocol::sflow5;
  Address agent;                  ///< sFlow: as stated; else the sender
  std::uint32_t domain = 0;       ///< sub-agent, engine type · 256 + id, source id, observation domain
  std::uint32_t sequence = 0;
  std::uint32_t units = 0;        ///< by how much this datagram moves the sequence on: sFlow, v9: 1; v5, IPFIX: records
  bool sequenced = false;         ///< v1 has no sequence
  bool units_known = true;        ///< false: a data set of unknown template held more (IPFIX)
  std::int64_t export_micros = 0; ///< the exporter's clock, Unix epoch; zero: not said (sFlow)
  std::uint32_t uptime_ms = 0;
  std::uint32_t sampling = 0;     ///< in the header (v5); zero: not said
};

/// What a datagram held besides records.
struct FlowExtras {
  std::uint32_t counter_samples = 0;
  std::uint32_t discard_samples = 0;
  std::uint32_t other_samples = 0;
  std::uint32_t templates = 0;          ///< template records, options templates included
  std::uint32_t option_records = 0;
  std::uint32_t withdrawals = 0;
  std::uint32_t sets_without_template = 0;
  std::uint32_t records_recovered = 0;  ///< had waited for their template
  std::uint32_t sets_expired = 0;       ///< waited in vain, or were pushed out
  std::uint32_t device_drops = 0;       ///< samples the device has lost since it started, the newest said; zero: not said
};

/// Shorter records than these exist on paper only; what is past the bound is one error and not read.
inline constexpr std::size_t kMaxRecordsPerDatagram = 4096;
inline constexpr std::size_t kMaxErrorsPerDatagram = 256;
inline constexpr std::size_t kMaxStatementsPerDatagram = 256;
/// Sightings of datagrams before, beyond which another one's are not put behind them. Few, so that they are still in the
/// second-level cache when they are counted; and many batches of the lane, whose first finds nothing in the first level.
inline constexpr std::size_t kGatheredRecords = 512;

class RecordBatch {
 public:
  RecordBatch()
      : sightings_(kGatheredRecords + kMaxRecordsPerDatagram),
        details_(kMaxRecordsPerDatagram),
        errors_(kMaxErrorsPerDatagram),
        statements_(kMaxStatementsPerDatagram) {}

  /// For the next datagram. What was gathered stays.
  void clear() noexcept {
    header = {};
    extras = {};
    records_ = errors_used_ = statements_used_ = 0;
  }
  /// The datagram's first `count` sightings stay when the next one comes.
  void gather(std::size_t count) noexcept {
    gathered_ += count;
    records_ = 0;
  }
  void forget_gathered() noexcept { gathered_ = 0; }
  [[nodiscard]] std::span<const Sighting> gathered() const noexcept { return std::span{sightings_}.first(gathered_); }

  FlowHeader header;
  FlowExtras extras;

  [[nodiscard]] bool full() const noexcept { return records_ == kMaxRecordsPerDatagram; }
  /// The next record, its old contents still in it: to be written whole, then kept with keep(). Only while not full().
  [[nodiscard]] Sighting& next_sighting() noexcept { return sightings_[gathered_ + records_]; }
  [[nodiscard]] FlowDetail& next_detail() noexcept { return details_[records_]; }
  void keep() noexcept { ++records_; }
  /// All that are still free at once, for decoders that write many alike; those written from the front on are kept.
  [[nodiscard]] std::span<Sighting> free_sightings() noexcept {
    return std::span{sightings_}.subspan(gathered_ + records_, kMaxRecordsPerDatagram - records_);
  }
  [[nodiscard]] std::span<FlowDetail> free_details() noexcept { return std::span{details_}.subspan(records_); }
  void keep(std::size_t count) noexcept { records_ += count; }
  /// Errors and statements past their bounds are dropped: the datagram has shown what it is.
  void error(DecodeError error) noexcept {
    if (errors_used_ < kMaxErrorsPerDatagram) errors_[errors_used_++] = error;
  }
  void state(const SamplingStatement& statement) noexcept {
    if (statements_used_ < kMaxStatementsPerDatagram) statements_[statements_used_++] = statement;
  }

  [[nodiscard]] std::span<Sighting> sightings() noexcept { return std::span{sightings_}.subspan(gathered_, records_); }
  [[nodiscard]] std::span<FlowDetail> details() noexcept { return std::span{details_}.first(records_); }
  [[nodiscard]] std::span<const DecodeError> errors() const noexcept { return std::span{errors_}.first(errors_used_); }
  [[nodiscard]] std::span<const SamplingStatement> statements() const noexcept {
    return std::span{statements_}.first(statements_used_);
  }

 private:
  std::vector<Sighting> sightings_;
  std::vector<FlowDetail> details_;
  std::vector<DecodeError> errors_;
  std::vector<SamplingStatement> statements_;
  std::size_t gathered_ = 0;
  std::size_t records_ = 0;  // of the datagram, behind those gathered
  std::size_t errors_used_ = 0;
  std::size_t statements_used_ = 0;
};

}  // namespace tidegate
