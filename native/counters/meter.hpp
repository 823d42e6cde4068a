/// Meter: the rates of one hostgroup over a sliding window, and who is over a threshold.
///
/// - Every host has the cheap form of every value (meter_rows); the few that have passed a quarter of a threshold
///   have exact tick buckets of the values that are judged (meter_exact). Networks and the group's total: meter_networks.
/// - Time is given by the caller in microseconds since the Unix epoch; a judgement never goes back behind what was absorbed.
/// - Batches may come from several sources, in any order; what is older than the window is dropped.
/// - A threshold is passed when the rate is strictly greater; when it is sampled, and a confidence is asked for, when the
///   true rate is so with that confidence (meter_sampling). Whether a watched subject is still over, its plain rate says.
/// - Hosts handed over in turn (steps.hpp) are judged by what is known of them; rates that are asked for are those up to
///   their last turn. Networks and the total take such counts as those of the tick in which they come.
/// - Not thread-safe: one call at a time. absorb_some() and judge_some() do a part each, so that an owner that
///   guards the meter with a lock need not hold it long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../base/facts.hpp"
#include "batch_builder.hpp"
#include "meter_exact.hpp"
#include "meter_limits.hpp"
#include "meter_networks.hpp"
#include "meter_report.hpp"
#include "meter_rows.hpp"
#include "meter_sampling.hpp"
#include "meter_time.hpp"
#include "meter_watch.hpp"

namespace tidegate {

/// Exceeded subjects in one judgement; the rest come with the next.
inline constexpr std::size_t kMaxExceededPerJudge = 256;
/// Hosts without exact buckets that a judgement looks at; a host beyond is looked at when it is next seen.
inline constexpr std::size_t kMaxCandidates = 65536;

struct MeterOptions {
  std::int64_t window_micros = 1'000'000;
  std::int64_t tick_micros = 100'000;
  MeterLimits limits;
  std::size_t exact_bytes = std::size_t{64} << 20;
  std::size_t ipv6_hosts = 65536;
  std::size_t networks = 0;  ///< in the engine's list; no batch names one beyond
  std::uint64_t seed = 0;    ///< keys the hash table
  std::optional<double> confidence;  ///< kLeastConfidence … kMostConfidence; nothing: sampled rates are judged as they are
};

class Meter {
 public:
  explicit Meter(const MeterOptions& options);

  /// Takes in a batch. `lanes`: in how many batches one tick of this source comes; a host's share of each may be
  /// that much smaller before it earns exact buckets.
  void absorb(const Batch& batch, std::size_t lanes = 1);

  /// The same in parts: begin, then hosts until false.
  struct AbsorbPart {
    std::size_t lanes = 1;
    HandedOver list = HandedOver::at_once;  ///< of the batch's two
    std::size_t word = 0;
    std::size_t ahead = 0;      ///< word of the host whose row is asked for next
    Spread spread;
    WindowShare share;
    double elapsed = 0;         ///< of the window at the batch's end, 0..1
    double instant_share = 0;   ///< of a limit, that a delta above a quarter of the threshold comes to
    std::int64_t from = 0;
    std::int64_t seeded_upto = 0;
  };
  [[nodiscard]] AbsorbPart absorb_begin(const Batch& batch, std::size_t lanes);
  [[nodiscard]] bool absorb_some(const Batch& batch, AbsorbPart& part, std::size_t max_hosts);

  [[nodiscard]] MeterJudgement judge(std::int64_t at);
  struct JudgePart {
    Moment now;
    std::size_t slot = 0;
    std::size_t candidate = 0;
    std::size_t kept = 0;
    WatchId watch = 0;
    MeterJudgement out;
  };
  [[nodiscard]] JudgePart judge_begin(std::int64_t at);
  /// Looks at up to `max_subjects` more; false when all have been judged.
  [[nodiscard]] bool judge_some(JudgePart& part, std::size_t max_subjects);

  /// Nothing when kMaxWatched subjects are watched already.
  [[nodiscard]] std::optional<WatchId> watch(const WatchedSubject& subject);
  void unwatch(WatchId id);
  /// Whether the group as a whole is reported as over, under the name of this network.
  [[nodiscard]] bool group_goes_by(std::uint32_t network, std::uint8_t direction) const noexcept {
    return group_network_[direction] == network;
  }

  [[nodiscard]] RateValues total(std::int64_t at);
  /// Nothing for a host without a row.
  [[nodiscard]] std::optional<RateValues> rates(const Address& host, std::int64_t at);
  /// Networks that have been seen, by index.
  [[nodiscard]] std::vector<std::pair<std::uint32_t, RateValues>> networks(std::int64_t at);
  /// The `count` hosts with most of a value, most first; only hosts that have any.
  [[nodiscard]] std::vector<TopHost> top(std::size_t value, std::size_t count, std::int64_t at);

  [[nodiscard]] MeterCounts counts() const noexcept;
  /// Subjects that a judgement looks at, by which its cost is told.
  [[nodiscard]] std::size_t judged_subjects() const noexcept {
    return exact_.in_use() + candidates_.size() + watches_.size();
  }

 private:
  [[nodiscard]] Moment moment(std::int64_t at);
  void begin_list(std::int64_t from, std::int64_t to, AbsorbPart& part) const;
  void prefetch_row(std::span<const std::uint64_t> words, AbsorbPart& part) const noexcept;
  [[nodiscard]] std::size_t absorb_host(std::span<const std::uint64_t> words, AbsorbPart& part);
  [[nodiscard]] float strength(const MeterRow& row, const AbsorbPart& part, std::uint32_t mask,
                               std::span<const std::uint64_t> values) const noexcept;
  void promote(RowRef ref, const AbsorbPart& part, float strength);
  void add_candidate(RowRef ref);

  void judge_slot(std::uint32_t slot, JudgePart& part);
  /// False when the host need not be looked at again.
  [[nodiscard]] bool judge_candidate(RowRef ref, JudgePart& part);
  void judge_networks(JudgePart& part);
  void judge_total(JudgePart& part);
  void judge_watched(const WatchedSubject& subject, WatchId id, JudgePart& part);
  /// Reports what is newly over; true once it has been reported.
  bool report(const JudgedValue& judged, double sum, const Dispersion& dispersion, const MeterSubject& subject,
              const RateValues& rates, JudgePart& part);
  [[nodiscard]] Dispersion host_dispersion(RowRef ref, std::size_t direction, const Moment& now) const noexcept {
    return dispersion_of(rows_.row(ref), rows_.variances(ref), direction, now);
  }
  [[nodiscard]] double host_sum(const MeterRow& row, std::size_t index, const Moment& now) const noexcept;
  [[nodiscard]] RateValues host_rates(const MeterRow& row, const Moment& now) const noexcept;
  /// The instant as of which the cheap form is to be shown: hosts handed over in turn are known up to their last one.
  [[nodiscard]] CheapMoment shown_at(const MeterRow& row, const Moment& now) const noexcept;
  /// The first judged value of a direction that is over, or nothing. Without dispersion: by the plain rate.
  [[nodiscard]] const JudgedValue* host_over(const MeterRow& row, std::size_t direction, const Dispersion& dispersion,
                                             const Moment& now) const noexcept;
  [[nodiscard]] const JudgedValue* network_over(const NetworkSums::Network& network, std::size_t direction,
                                                const Dispersion& dispersion, const Moment& now) const noexcept;
  [[nodiscard]] const JudgedValue* total_over(std::size_t direction, const Dispersion& dispersion,
                                              const Moment& now) const noexcept;

  Timeline time_;
  Confidence confidence_;
  std::int64_t newest_ = INT64_MIN;  // the latest end of a batch
  double turn_windows_ = 0;          // the longest time that a host has waited for its turn, in windows, one at most
  JudgedValues judged_;
  JudgedValues network_judged_;
  JudgedValues total_judged_;
  MeterRows rows_;
  ExactSet exact_;
  NetworkSums networks_;
  Watches watches_;
  std::vector<RowRef> candidates_;
  std::uint64_t exact_refused_ = 0;
  std::array<bool, kHostDirections> group_reported_{};
  std::array<std::optional<std::uint32_t>, kHostDirections> group_network_;
  Spread seed_spread_;
};

}  // namespace tidegate
