/// Flow telemetry of one thread: datagrams of any protocol → what is to be counted, and who sent it in what health.
///
/// - A datagram is recognised by its first bytes. What the listener does not take is a stray: counted by protocol, not read.
/// - Records are filtered, left out where they are the second sight of the same packets, their sampling is undone, and they
///   are spread over their own time: what of them counts later is played.
/// - One thread. Nothing but the constructor, take_templates() and snapshot() allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../wire/frame.hpp"
#include "access_list.hpp"
#include "duplicates.hpp"
#include "exporters.hpp"
#include "family.hpp"
#include "filter.hpp"
#include "hold.hpp"
#include "observation.hpp"
#include "record.hpp"
#include "sampling.hpp"
#include "templated/decoder.hpp"

namespace tidegate {

struct CollectorOptions {
  WireOptions wire;
  FlowFamilies accepts = FlowFamilies::all();
  AccessList allow;
  bool sessions = false;        ///< every take() brings the templates of its session (IPFIX over TCP)
  bool refuse_unknown = false;  ///< those who are not in `allow` are not read; else they are counted, and read
  std::size_t max_exporters = 1024;
  templated::Limits templates;
  SamplingPolicy sampling;
  FlowFilter filter;
  std::optional<HoldOptions> hold;  ///< spreads records over their own time; nothing: all of a record counts at once
  std::uint64_t seed = 0;
};

/// Datagrams of one protocol that were not for this listener.
struct Stray {
  std::uint64_t datagrams = 0;
  Address last_from;
};
/// By FlowProtocol; the last place is of what is none of them.
using Strays = std::array<Stray, kFlowProtocols + 1>;

/// Since the collector was made. `packets` and `bytes` as exported, sampling not undone.
struct CollectorTotals {
  std::uint64_t datagrams = 0;      ///< with a readable header
  std::uint64_t records = 0;        ///< flow records and sFlow flow samples
  std::uint64_t samples = 0;        ///< of these, sFlow flow samples
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t decode_errors = 0;
  std::uint64_t refused = 0;        ///< datagrams of senders that are not in the access list
  std::optional<Address> last_refused;
  Strays strays;
};

/// Of this many records that count nothing now, one on average is told: a look at each would cost more than the rest.
inline constexpr std::uint32_t kHeldPerLook = 8;

/// A record all of which is played later, and of how many such of its exporter it is drawn.
struct HeldRecord {
  Address source;
  Address destination;
  std::uint32_t records = 0;
};

/// Whose a datagram was, to say more of its records later.
struct ExporterRef {
  Exporter* row = nullptr;
  std::uint64_t id = 0;  ///< another one may have got the row since
};

/// One datagram as it is to be counted. Good until the next call of the collector; its sightings as long as they are gathered.
struct Collected {
  std::span<const Sighting> sightings;    ///< sampling undone
  std::span<const FlowDetail> details;    ///< parallel to `sightings`
  std::span<const DecodeError> errors;
  std::uint64_t packets = 0;              ///< as exported
  std::uint64_t bytes = 0;
  std::uint64_t packet_bits = 0;          ///< that are set in the packets of any of `sightings`
  std::uint64_t byte_bits = 0;
  std::span<const HeldRecord> held{};     ///< a sample of those that are not among `sightings`
  bool shows_packets = false;             ///< some detail may have the bytes of a sampled packet
  ExporterRef exporter{};
};

class Collector {
 public:
  explicit Collector(CollectorOptions options);
  Collector(const Collector&) = delete;  // its table refers to the policy beside it
  Collector& operator=(const Collector&) = delete;

  /// One UDP payload that `sender` sent. What was gathered is forgotten.
  [[nodiscard]] Collected take(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros) noexcept {
    return take(payload, sender, at_micros, templates_);
  }
  /// The same, with the templates of one transport session alone (IPFIX over TCP).
  [[nodiscard]] Collected take(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros,
                               templated::Decoder& templates) noexcept {
    forget_gathered();
    return take_next(payload, sender, at_micros, templates);
  }
  /// The same for several datagrams that are counted together: its sightings stand behind those gathered, which must be
  /// fewer than kGatheredRecords.
  [[nodiscard]] Collected take_next(std::span<const std::byte> payload, const Address& sender,
                                    std::int64_t at_micros) noexcept {
    return take_next(payload, sender, at_micros, templates_);
  }
  /// Sightings of all datagrams taken since they were last forgotten.
  [[nodiscard]] std::span<const Sighting> gathered() const noexcept { return batch_.gathered(); }
  void forget_gathered() noexcept { batch_.forget_gathered(); }
  /// What falls due of the records that are played out, each shown to `emit`. Once for every drain of the lane.
  template <typename Emit>
  void play(std::int64_t at_micros, Emit&& emit) noexcept {
    if (hold_) hold_->play(at_micros, emit);
  }
  /// So many of its records neither come from nor go to a network of ours.
  static void add_outside(const ExporterRef& exporter, std::uint64_t records) noexcept {
    if (exporter.row != nullptr && exporter.row->id == exporter.id) exporter.row->counts.records_outside += records;
  }
  /// About once a second.
  void expire(std::int64_t at_micros) noexcept { templates_.expire(at_micros); }

  [[nodiscard]] std::uint64_t seed() const noexcept { return options_.seed; }
  [[nodiscard]] const CollectorTotals& totals() const noexcept { return totals_; }
  [[nodiscard]] std::uint64_t exporters_refused() const noexcept { return exporters_.refused(); }
  [[nodiscard]] std::size_t exporters() const noexcept { return exporters_.all().size(); }
  [[nodiscard]] std::size_t held() const noexcept { return hold_ ? hold_->held() : 0; }
  [[nodiscard]] std::size_t held_bound() const noexcept { return hold_ ? hold_->bound() : 0; }
  [[nodiscard]] std::uint64_t held_refused() const noexcept { return hold_ ? hold_->counts().refused : 0; }
  [[nodiscard]] templated::DecoderTotals templates() const noexcept { return templates_.totals(); }
  /// Replaces `out` by all exporters as they stand.
  void snapshot(std::vector<ExporterStats>& out) const;

  [[nodiscard]] std::vector<templated::StoredTemplate> take_templates(std::size_t most) {
    return templates_.take_changed(most);
  }
  [[nodiscard]] bool restore(const templated::StoredTemplate& stored, std::int64_t at_micros) noexcept {
    return templates_.restore(stored, at_micros);
  }
  /// For one transport session: few templates, which end with it.
  [[nodiscard]] static templated::Limits session_limits(const templated::Limits& all) noexcept;

 private:
  [[nodiscard]] Collected take_next(std::span<const std::byte> payload, const Address& sender, std::int64_t at_micros,
                                    templated::Decoder& templates) noexcept;
  /// Whether to read it. Counts what is not.
  [[nodiscard]] bool admits(const std::optional<FlowProtocol>& protocol, const Address& sender) noexcept;
  [[nodiscard]] bool decode(FlowProtocol protocol, std::span<const std::byte> payload, const Address& sender,
                            std::int64_t at_micros, templated::Decoder& templates) noexcept;
  void learn(Exporter& exporter, std::int64_t at_micros, const templated::Decoder& templates) noexcept;
  [[nodiscard]] Collected settle(Exporter& exporter, std::int64_t at_micros) noexcept;
  /// Where the hold has these records, so that looks at it do not wait for one another. Empty while it is not worth it.
  [[nodiscard]] std::span<const std::uint64_t> look_ahead(std::uint64_t exporter) noexcept;
  void look_at_held(Exporter& exporter, const PacketFacts& facts) noexcept;
  static void refresh(ExporterCounts& counts, const ExporterKey& key, const templated::Decoder& templates) noexcept;

  CollectorOptions options_;
  RecordBatch batch_;
  templated::Decoder templates_;
  ExporterTable exporters_;
  Observation observation_;
  Duplicates duplicates_;
  std::optional<FlowHold> hold_;
  std::vector<std::uint64_t> hold_keys_;  // of the datagram taken last, while flows are held
  std::vector<HeldRecord> held_;          // of the datagram taken last
  std::uint64_t random_;
  CollectorTotals totals_;
  Address last_sender_;  // datagrams come in trains
  bool last_admitted_ = false;
};

}  // namespace tidegate
