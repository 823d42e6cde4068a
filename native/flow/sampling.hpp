/// At which rate an exporter samples, and who says so: its operator, the record, options data or a header.
///
/// - The first of these that says anything decides: configured for the interface, configured for the exporter, the
///   record, the sampler that the record names, the interface that it came in by, the exporter as a whole, the
///   header, the fallback.
/// - A stated zero counts as one, and is counted. A rate past kMaxSamplingRate is no statement, and is counted.
/// - What is known of samplers, interfaces and sFlow points has room for kMaxSamplingPlaces an exporter; what finds
///   none is counted, and goes by the last rate that was refused a place, if its exporter says nothing else.
/// - One thread. Only SamplingPolicy's constructor allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../base/prefix.hpp"
#include "record.hpp"

namespace tidegate {

/// As domain/flow.ts names them, in the same order.
enum class SamplingOrigin : std::uint8_t { unknown, configured, record, sampler, options, header, fallback };
inline constexpr std::size_t kSamplingOrigins = 7;

/// One in 2^24 - 1 is the most that sFlow version 5 (its data source's rate) and any switch we know of can mean.
inline constexpr std::uint32_t kMaxSamplingRate = (std::uint32_t{1} << 24) - 1;
inline constexpr std::size_t kMaxSamplingPlaces = 64;

/// A rate stated by the operator. Without an interface: for all of the exporter's.
struct SamplingOverride {
  Prefix exporter;
  std::optional<std::uint32_t> interface;
  std::uint32_t rate = 1;
};

/// What the operator says, for all exporters of a listener. The longest prefix of an exporter wins.
class SamplingPolicy {
 public:
  SamplingPolicy() = default;
  /// `fallback`: where an exporter says nothing; nothing: 1. Rates are held to 1 … kMaxSamplingRate.
  SamplingPolicy(std::span<const SamplingOverride> overrides, std::optional<std::uint32_t> fallback);

  /// Zero: not said.
  [[nodiscard]] std::uint32_t of_exporter(const Address& exporter) const noexcept;
  [[nodiscard]] std::uint32_t of_interface(const Address& exporter, std::uint32_t interface) const noexcept;
  [[nodiscard]] bool names_interfaces_of(const Address& exporter) const noexcept;
  [[nodiscard]] std::uint32_t fallback() const noexcept { return fallback_; }

 private:
  std::vector<SamplingOverride> exporters_;   // longest prefix first
  std::vector<SamplingOverride> interfaces_;  // by interface, then longest prefix first
  std::uint32_t fallback_ = 0;
};

struct SamplingRate {
  std::uint32_t rate = 1;
  SamplingOrigin origin = SamplingOrigin::unknown;
};

struct SamplingCounts {
  std::uint64_t changes = 0;    ///< a rate in force became another, in the same place
  std::uint64_t conflicts = 0;  ///< records of which two origins said different rates, both above one
  std::uint64_t zeros = 0;      ///< statements of rate zero
  std::uint64_t excessive = 0;  ///< statements past kMaxSamplingRate
  std::uint64_t refused = 0;    ///< statements of a sampler or an interface that found no place
};

/// What one exporter says.
class ExporterSampling {
 public:
  /// Once, before all else: what the operator says of this exporter.
  void attach(const SamplingPolicy& policy, const Address& exporter) noexcept;
  void state(const SamplingStatement& statement) noexcept;
  /// The rate in a datagram's header (v5); zero: not said.
  void state_header(std::uint32_t rate) noexcept;

  /// The rate for one record. `policy` and `exporter` as in attach().
  [[nodiscard]] SamplingRate resolve(const SamplingPolicy& policy, const Address& exporter,
                                     const FlowDetail& detail) noexcept;
  /// The same as resolve(), quicker for trains of records that say the same.
  [[nodiscard]] std::uint32_t rate_of(const SamplingPolicy& policy, const Address& exporter,
                                      const FlowDetail& detail) noexcept {
    const Question question{detail.sampler, detail.sampling, detail.point, by_interface_ ? detail.input : 0};
    if (answered_ && question == question_) return last_.rate;
    const std::uint64_t noted = counts_.conflicts + counts_.excessive;
    const std::uint32_t rate = resolve(policy, exporter, detail).rate;
    question_ = question;
    answered_ = noted == counts_.conflicts + counts_.excessive;  // what is counted is counted for each record
    return rate;
  }
  /// The last one resolved; rate zero: none yet.
  [[nodiscard]] SamplingRate last() const noexcept { return last_; }
  [[nodiscard]] const SamplingCounts& counts() const noexcept { return counts_; }

 private:
  enum class Kind : std::uint8_t { none, sampler, interface, point };
  /// Where a rate is said, and which was last in force there. Zero: none.
  struct Voice {
    std::uint32_t stated = 0;
    std::uint32_t in_force = 0;
  };
  struct Place {
    std::uint64_t id = 0;
    Voice voice;
    Kind kind = Kind::none;
  };

  /// All that resolve() asks of a record.
  struct Question {
    std::uint64_t sampler = 0;
    std::uint32_t sampling = 0;
    std::uint32_t point = 0;
    std::uint32_t input = 0;
    friend constexpr bool operator==(const Question&, const Question&) noexcept = default;
  };

  [[nodiscard]] Place* find(Kind kind, std::uint64_t id) noexcept;
  [[nodiscard]] Place* find_or_add(Kind kind, std::uint64_t id) noexcept;
  /// The rate that a statement means; zero: none.
  [[nodiscard]] std::uint32_t meant(std::uint32_t stated) noexcept;
  void put_in_force(Voice& voice, std::uint32_t rate) noexcept;
  [[nodiscard]] Voice& record_voice(const FlowDetail& detail) noexcept;

  std::array<Place, kMaxSamplingPlaces> places_;
  std::size_t used_ = 0;
  std::size_t last_place_ = 0;  // records come in trains of the same sampler
  Voice exporter_;
  Voice header_;
  Voice record_;                // of records that name neither point nor sampler, or whose place is none
  std::uint32_t unplaced_ = 0;  // the last statement of an interface or sampler that found no place
  std::uint32_t configured_ = 0;
  bool configured_interfaces_ = false;
  SamplingRate last_{0, SamplingOrigin::unknown};
  Question question_;           // that last_ answers, as long as
  bool answered_ = false;       // nothing has been stated since
  bool by_interface_ = false;   // somebody has stated rates of interfaces
  SamplingCounts counts_;
};

}  // namespace tidegate
