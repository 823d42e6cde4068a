#include "meter.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tidegate {

namespace {

constexpr std::uint32_t kValueMask = (std::uint32_t{1} << kHostValues) - 1;
constexpr std::uint32_t kDeltaMask = (std::uint32_t{1} << kDeltaValues) - 1;
/// Hosts whose rows are on their way while one is absorbed.
constexpr std::size_t kAbsorbAhead = 6;

float share_of(double amount, double limit) noexcept {
  if (limit > 0) return static_cast<float>(amount / limit);
  return amount > 0 ? std::numeric_limits<float>::infinity() : 0.0F;
}

}  // namespace

Meter::Meter(const MeterOptions& options)
    : time_{options.window_micros, options.tick_micros},
      confidence_{options.confidence},
      judged_{options.limits.incoming, options.limits.outgoing, options.window_micros},
      network_judged_{options.limits.network, options.limits.network, options.window_micros},
      total_judged_{options.limits.total, options.limits.total, options.window_micros},
      rows_{options.ipv6_hosts, options.seed},
      exact_{judged_, time_.cells(), options.exact_bytes},
      networks_{time_, network_judged_, options.networks} {}

Moment Meter::moment(std::int64_t at) {
  if (!time_.started()) time_.start(at);
  const Moment now = time_.moment(std::max(at, newest_));
  networks_.advance(now);
  return now;
}

void Meter::absorb(const Batch& batch, std::size_t lanes) {
  AbsorbPart part = absorb_begin(batch, lanes);
  while (absorb_some(batch, part, std::numeric_limits<std::size_t>::max())) {
  }
}

Meter::AbsorbPart Meter::absorb_begin(const Batch& batch, std::size_t lanes) {
  const std::int64_t to = batch.to_micros;
  const std::int64_t from = std::min(batch.from_micros, to - 1);
  if (!time_.started()) time_.start(from);
  AbsorbPart part;
  part.lanes = lanes;
  begin_list(from, to, part);
  part.seeded_upto = std::max(newest_, from);
  newest_ = std::max(newest_, to);
  if (!batch.turn_words.empty()) {
    // A drain may come two ticks late, and its turn with it.
    const std::int64_t waited = to - batch.turn_from_micros + 2 * time_.tick_micros();
    turn_windows_ = std::clamp(static_cast<double>(waited) / static_cast<double>(time_.window_micros()), turn_windows_, 1.0);
  }
  if (part.share.window == 0) return part;
  for (const NetworkDelta& delta : batch.networks) networks_.absorb(delta, part.spread, part.share);
  return part;
}

/// What follows was counted between the two times.
void Meter::begin_list(std::int64_t from, std::int64_t to, AbsorbPart& part) const {
  part.word = 0;
  part.ahead = 0;
  part.from = from;
  part.share = time_.window_share(from, to);
  part.elapsed = time_.elapsed(part.share.window, to);
  const auto length = static_cast<double>(std::max(to - from, time_.tick_micros()));
  part.instant_share = kExactShare * length / static_cast<double>(time_.window_micros()) /
                       static_cast<double>(std::max<std::size_t>(1, part.lanes));
  time_.spread(from, to, part.spread);
}

/// Asks for the row of the host at `part.ahead` and moves on to the next.
void Meter::prefetch_row(std::span<const std::uint64_t> words, AbsorbPart& part) const noexcept {
  if (part.ahead >= words.size()) return;
  const std::uint64_t header = words[part.ahead];
  const bool ipv6 = (header & kHostIpv6) != 0;
  if (!ipv6) rows_.prefetch_ipv4(static_cast<std::uint32_t>(header));
  const auto mask = static_cast<std::uint32_t>(header >> kHostMaskShift) & kDeltaMask;
  part.ahead += (ipv6 ? 3U : 1U) + static_cast<std::size_t>(std::popcount(mask));
}

bool Meter::absorb_some(const Batch& batch, AbsorbPart& part, std::size_t max_hosts) {
  if (part.share.window == 0) return false;  // older than the grid, four windows before the first batch
  const std::span<const std::uint64_t> words = part.list == HandedOver::at_once ? batch.host_words : batch.turn_words;
  if (part.ahead == 0) {
    for (std::size_t i = 0; i < kAbsorbAhead; ++i) prefetch_row(words, part);
  }
  for (std::size_t host = 0; host < max_hosts && part.word < words.size(); ++host) {
    prefetch_row(words, part);
    part.word += absorb_host(words, part);
  }
  if (part.word < words.size()) return true;
  if (part.list == HandedOver::in_turn || batch.turn_words.empty()) return false;
  part.list = HandedOver::in_turn;
  begin_list(std::min(batch.turn_from_micros, batch.to_micros - 1), batch.to_micros, part);
  return true;
}

/// How much of a quarter of a limit the host comes to with this batch: above 1 it earns buckets.
float Meter::strength(const MeterRow& row, const AbsorbPart& part, std::uint32_t mask,
                      std::span<const std::uint64_t> values) const noexcept {
  const double weight = static_cast<double>(part.share.current) +
                        static_cast<double>(part.share.previous) * (1 - part.elapsed);
  float most = 0;
  for (std::uint32_t left = mask & judged_.mask(); left != 0; left &= left - 1) {
    const auto value = static_cast<std::size_t>(std::countr_zero(left));
    const auto place = static_cast<std::size_t>(std::popcount(mask & ((std::uint32_t{1} << value) - 1)));
    const auto delta = static_cast<double>(values[place]);
    const double limit = judged_[static_cast<std::size_t>(judged_.index_of(value))].limit;
    const double estimate = row.estimate(value, part.share.window, part.elapsed) + delta * weight;
    most = std::max({most, share_of(delta, limit * part.instant_share), share_of(estimate, limit * kExactShare)});
  }
  return most;
}

/// One host of the batch; how many words it took.
std::size_t Meter::absorb_host(std::span<const std::uint64_t> words, AbsorbPart& part) {
  const std::uint64_t header = words[part.word];
  const bool ipv6 = (header & kHostIpv6) != 0;
  const auto all = static_cast<std::uint32_t>(header >> kHostMaskShift) & kDeltaMask;
  const std::uint32_t mask = all & kValueMask;
  const std::size_t values_at = part.word + (ipv6 ? 3 : 1);
  const std::size_t length = values_at - part.word + static_cast<std::size_t>(std::popcount(all));
  if (length > words.size() - part.word) return words.size() - part.word;  // a batch cut short ends here

  const auto ref = ipv6 ? rows_.touch_ipv6(words[part.word + 1], words[part.word + 2], part.share.window)
                        : rows_.touch_ipv4(static_cast<std::uint32_t>(header), part.share.window);
  if (!ref) return length;
  MeterRow& row = rows_.row(*ref);
  row.know(part.share.window, static_cast<float>(part.elapsed));
  if (row.roll(part.share.window)) {
    if (row.slot == kNoSlot && row.candidate == 0) row.reported = 0;  // else the next judgement sees to it
    row.busy_since = static_cast<std::uint32_t>(std::max<std::int64_t>(0, time_.cell_of(part.from)));
  }
  if ((mask & judged_.mask()) != 0) {
    if (row.slot == kNoSlot) {
      const float quarters = strength(row, part, mask, words.subspan(values_at));
      if (quarters > 1) promote(*ref, part, quarters * static_cast<float>(kExactShare));
    }
    if (row.slot != kNoSlot) {
      std::size_t at = values_at;
      for (std::uint32_t left = mask; left != 0; left &= left - 1, ++at) {
        const int index = judged_.index_of(static_cast<std::size_t>(std::countr_zero(left)));
        if (index >= 0) exact_.add(row, part.spread, static_cast<std::size_t>(index), words[at]);
      }
    }
  }
  std::size_t at = values_at;
  for (std::uint32_t left = mask; left != 0; left &= left - 1, ++at) {
    row.add(static_cast<std::size_t>(std::countr_zero(left)), words[at], part.share);
  }
  if (all == mask) [[likely]] return length;
  VarianceSums& variances = rows_.touch_variances(*ref);
  variances.roll(part.share.window);
  for (std::uint32_t left = all >> kHostValues; left != 0; left &= left - 1, ++at) {
    variances.add(static_cast<std::size_t>(std::countr_zero(left)), words[at], part.share);
  }
  return length;
}

/// Opens buckets for the row and fills them with what the cheap form says of the time before this batch, laid
/// evenly over the time that it stands for.
void Meter::promote(RowRef ref, const AbsorbPart& part, float strength) {
  if (!exact_.open(rows_, ref, part.spread.last(), strength)) {
    ++exact_refused_;
    add_candidate(ref);
    return;
  }
  const MeterRow& row = rows_.row(ref);
  const std::int64_t busy = time_.cell_start(row.busy_since);
  const std::int64_t window_start = time_.window_start(row.window);
  const auto lay = [&](const std::array<float, kHostValues>& values, std::int64_t from, std::int64_t to) {
    bool laid = false;
    for (std::size_t i = 0; i < judged_.size(); ++i) {
      const float amount = values[judged_[i].value];
      if (amount <= 0) continue;
      if (!laid) time_.spread(from, to, seed_spread_);
      laid = true;
      exact_.add(row, seed_spread_, i, static_cast<std::uint64_t>(std::llround(amount)));
    }
  };
  const std::int64_t previous_from = std::max(window_start - time_.window_micros(), busy);
  lay(row.previous, std::min(previous_from, window_start - 1), window_start);
  const std::int64_t current_from = std::max(window_start, busy);
  lay(row.current, current_from, std::max(part.seeded_upto, current_from + 1));
}

void Meter::add_candidate(RowRef ref) {
  MeterRow& row = rows_.row(ref);
  if (row.candidate != 0 || candidates_.size() >= kMaxCandidates) return;
  row.candidate = 1;
  candidates_.push_back(ref);
}

std::optional<WatchId> Meter::watch(const WatchedSubject& subject) {
  // Watched, it is no longer reported; unwatched while still over, it is reported again.
  const std::uint8_t direction = subject.direction;
  if (subject.host) {
    if (const auto ref = rows_.find(*subject.host)) rows_.row(*ref).set_reported(direction, false);
  }
  if (subject.network) {
    if (auto* network = networks_.find(*subject.network)) network->reported[direction] = false;
  }
  if (subject.group) group_reported_[direction] = false;
  return watches_.add(subject);
}

void Meter::unwatch(WatchId id) { watches_.remove(id); }

}  // namespace tidegate
