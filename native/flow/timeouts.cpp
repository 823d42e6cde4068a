#include "timeouts.hpp"

#include <algorithm>
#include <bit>
#include <span>

namespace tidegate {
namespace {

/// Of how many spans a heap is made.
constexpr unsigned kHeap = 3;
/// Of how many lags.
constexpr unsigned kLagHeap = 8;
/// A heap is so many times as dense as the octave under it.
constexpr unsigned kDenser = 2;
constexpr std::size_t kOctave = 8;

void halve(std::span<std::uint16_t> heaps) noexcept {
  for (std::uint16_t& count : heaps) count /= 2;
}

/// In microseconds: where a bucket begins.
constexpr std::int64_t lower_bound_of(std::size_t bucket) noexcept {
  return static_cast<std::int64_t>((kOctave + bucket % kOctave) << bucket / kOctave) * 125'000;
}

}  // namespace

void ClockSkew::learn(std::int64_t export_micros, std::int64_t at_micros) noexcept {
  if (export_micros == 0) return;
  kept_[seen_ % kKept] = export_micros - at_micros;
  ++seen_;
}

std::optional<std::int64_t> ClockSkew::micros() const noexcept {
  const std::size_t count = std::min(seen_, kKept);
  if (count == 0) return std::nullopt;
  auto sorted = kept_;
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count));
  return sorted[count / 2];
}

/// Which eighth of which octave above one second; spans below fall into the first.
std::size_t FlowTimeouts::bucket_of(std::int64_t span_micros) noexcept {
  const auto seconds_8 = static_cast<std::uint64_t>(span_micros) / 125'000;  // eighths of a second
  if (seconds_8 < kOctave) return 0;
  const auto octave = static_cast<unsigned>(std::bit_width(seconds_8)) - 4;
  const auto eighth = (seconds_8 >> octave) - kOctave;
  return std::min<std::size_t>(octave * kOctave + static_cast<std::size_t>(eighth), kBuckets - 1);
}

void FlowTimeouts::learn_from(const PacketFacts& facts, const FlowDetail& detail, std::int64_t export_micros) noexcept {
  if (detail.first_micros == 0 || detail.last_micros == 0) return;
  const std::int64_t span = detail.last_micros - detail.first_micros;
  const std::int64_t lag = export_micros - detail.last_micros;
  if (span < 0 || span > kLongestActiveMicros || lag < 0 || lag > kLongestActiveMicros) return;
  if (detail.end == FlowEnd::active) {
    if (!says_active_) spans_ = {};  // what was guessed before gives way to what is said
    says_active_ = true;
    learn_active(span);
  } else if (detail.end == FlowEnd::idle) {
    if (!says_idle_) {
      lag_counts_ = {};
      lags_ = 0;
      lag_edge_ = 0;
    }
    says_idle_ = true;
    learn_inactive(lag);
  } else if (detail.end == FlowEnd::unknown && !ended_by_tcp(facts)) {
    if (!says_active_ && lag < kLeastLagMicros) learn_active(span);
    if (!says_idle_ && !cut_by_active(span, lag)) learn_inactive(lag);
  }
}

void FlowTimeouts::learn_active(std::int64_t span_micros) noexcept {
  const std::size_t bucket = bucket_of(span_micros);
  if (bucket == 0) return;
  if (spans_[bucket] != UINT16_MAX) ++spans_[bucket];
  if (++spans_seen_ % kForgetAfter == 0) halve(spans_);

  const std::size_t edge = edge_bucket();
  if (edge == 0) {
    edge_ = 0;
    active_micros_ = 0;
    return;
  }
  const bool in_heap = bucket + 1 >= edge && bucket <= edge + 1;
  const bool moved = edge_ == 0 || edge > edge_ + 1 || edge + 1 < edge_;
  edge_ = edge;
  if (moved) {
    active_micros_ = in_heap ? span_micros : 0;
  } else if (in_heap && active_micros_ == 0) {
    active_micros_ = span_micros;
  } else if (in_heap) {
    // Quickly up and slowly down: near the heap's upper end, whichever way it is spread.
    const std::int64_t off = span_micros - active_micros_;
    active_micros_ += off > 0 ? off / 4 : off / 32;
  }
}

/// The uppermost bucket that holds a heap with its neighbour below: of an exporter that says which records go on, any three
/// spans; else several, and twice as dense as the octave under it.
std::size_t FlowTimeouts::edge_bucket() const noexcept {
  const std::size_t least = says_active_ ? 1 : bucket_of(kLeastActiveMicros);
  for (std::size_t bucket = kBuckets - 1; bucket >= least; --bucket) {
    if (spans_[bucket] == 0) continue;
    const unsigned heap = static_cast<unsigned>(spans_[bucket]) + spans_[bucket - 1];
    if (heap < kHeap) continue;
    if (says_active_) return bucket;
    unsigned below = 0;
    const std::size_t upto = bucket >= 2 ? bucket - 2 : 0;
    const std::size_t from = upto >= kOctave ? upto - kOctave + 1 : 0;
    for (std::size_t i = from; i <= upto; ++i) below += spans_[i];
    if (heap * kOctave >= 2 * kDenser * below) return bucket;
  }
  return 0;
}

/// Whether the age of its flow would have ended the record, silent or not. An exporter that looks at age only when a packet
/// comes tells records that are older.
bool FlowTimeouts::cut_by_active(std::int64_t span_micros, std::int64_t lag_micros) const noexcept {
  if (active_micros_ == 0) return false;
  const std::int64_t age = span_micros + lag_micros;
  const std::int64_t late = std::max(active_micros_ / 8, kLeastLagMicros);
  return span_micros >= active_micros_ / 10 * 9 || (age >= active_micros_ / 10 * 9 && age <= active_micros_ + late);
}

void FlowTimeouts::learn_inactive(std::int64_t lag_micros) noexcept {
  const std::size_t bucket = bucket_of(lag_micros);
  if (bucket == 0) return;
  if (lag_counts_[bucket] != UINT16_MAX) ++lag_counts_[bucket];
  ++lags_;
  if (lags_ % kForgetAfter == 0) halve(lag_counts_);
  if (lags_ % kLagsPerLook == 0 || (lags_ < kLagsPerLook && lags_ % kLagHeap == 0)) {
    const std::size_t edge = lag_edge_bucket();
    const bool moved = edge > lag_edge_ + 1 || edge + 1 < lag_edge_;
    // Until a lag of the new heap comes, its lower bound.
    if (edge != 0 && (lag_edge_ == 0 || moved)) inactive_edge_ = static_cast<double>(lower_bound_of(edge));
    lag_edge_ = edge;
  }
  const bool in_heap = lag_edge_ != 0 && bucket + 1 >= lag_edge_ && bucket <= lag_edge_ + 1;
  if (!in_heap) return;
  // Quickly down and slowly up: near the lower end.
  const double off = static_cast<double>(lag_micros) - inactive_edge_;
  inactive_edge_ += off < 0 ? off / 16 : off / 32;
}

/// The uppermost heap: two neighbours that have more than the octave under them; the upper of the two, if it has the most.
std::size_t FlowTimeouts::lag_edge_bucket() const noexcept {
  for (std::size_t bucket = kBuckets - 1; bucket >= bucket_of(kLeastLagMicros); --bucket) {
    const unsigned heap = static_cast<unsigned>(lag_counts_[bucket]) + lag_counts_[bucket - 1];
    if (lag_counts_[bucket] == 0 || heap < kLagHeap) continue;
    unsigned below = 0;
    const std::size_t upto = bucket >= 2 ? bucket - 2 : 0;
    const std::size_t from = upto >= kOctave ? upto - kOctave + 1 : 0;
    for (std::size_t i = from; i <= upto; ++i) below += lag_counts_[i];
    if (heap < below) continue;
    return lag_counts_[bucket] >= lag_counts_[bucket - 1] ? bucket : bucket - 1;
  }
  return 0;
}

}  // namespace tidegate
