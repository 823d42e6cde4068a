#include "ipv6_table.hpp"

namespace tidegate {
namespace {

constexpr std::uint8_t kFullScore = 255;

// Never zero, which is the tag of a place that nobody has.
constexpr std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32) | 1; }

}  // namespace

std::optional<Ipv6Table> Ipv6Table::make(std::size_t rows, const HashKey& key) {
  auto buckets = Array<Bucket>::make(rows / kBucketRows);
  auto table = Array<Row>::make(rows);
  auto marks = Array<DirtyWord>::make((rows + kDirtyWordBits - 1) / kDirtyWordBits);
  auto seen = Array<SeenRow>::make(rows);
  auto variances = Array<SampledVariance>::make(rows);
  auto seen_variances = Array<SampledVariance>::make(rows);
  if (!buckets || !table || !marks || !seen || !variances || !seen_variances) return std::nullopt;
  Ipv6Table made;
  made.key_ = key;
  made.buckets_ = std::move(*buckets);
  made.rows_ = std::move(*table);
  made.marks_ = std::move(*marks);
  made.seen_ = std::move(*seen);
  made.variances_ = std::move(*variances);
  made.seen_variances_ = std::move(*seen_variances);
  return made;
}

std::uint32_t Ipv6Table::find_or_take(std::uint64_t hash, const Address& address, CellId cell) noexcept {
  const std::size_t number = bucket_of(hash);
  Bucket& bucket = buckets_[number];
  const auto first_row = static_cast<std::uint32_t>(number * kBucketRows);
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t place = 0; place < kBucketRows; ++place) {
    if (bucket.tags[place] != tag) continue;
    const std::uint32_t index = first_row + static_cast<std::uint32_t>(place);
    const Row& row = rows_[index];
    if (row.high != address.high || row.low != address.low) continue;
    if (bucket.scores[place] < kFullScore) ++bucket.scores[place];
    hold(bucket, place);
    return index;
  }
  return take(bucket, first_row, tag, address, cell);
}

std::uint32_t Ipv6Table::take(Bucket& bucket, std::uint32_t first_row, std::uint32_t tag, const Address& address,
                              CellId cell) noexcept {
  for (std::size_t place = 0; place < kBucketRows; ++place) {
    const std::uint32_t index = first_row + static_cast<std::uint32_t>(place);
    if (!can_be_given(bucket, place, index)) continue;
    Row& row = rows_[index];
    row.high = address.high;
    row.low = address.low;
    row.cell = cell;
    bucket.tags[place] = tag;
    bucket.scores[place] = 1;
    hold(bucket, place);
    ++taken_;
    return index;
  }
  std::uint8_t& score = bucket.scores[bucket.hand];
  if (score > 0) --score;
  bucket.hand = static_cast<std::uint8_t>((bucket.hand + 1) % kBucketRows);
  return kNoRow;
}

bool Ipv6Table::can_be_given(const Bucket& bucket, std::size_t place, std::uint32_t index) noexcept {
  if (bucket.tags[place] == 0) return true;
  const auto idle = static_cast<std::uint16_t>(second_ - bucket.last_seconds[place]);
  if (bucket.scores[place] > 0 && idle < kIdleSeconds) return false;
  if (bucket.held_batch == batch_ && (bucket.held >> place & 1) != 0) return false;
  // In this order: the reader says that it drains before it takes a mark away.
  if (is_marked(marks_[index / kDirtyWordBits], index % kDirtyWordBits)) return false;
  return !draining_->load(std::memory_order_seq_cst);
}

void Ipv6Table::hold(Bucket& bucket, std::size_t place) noexcept {
  if (bucket.held_batch != batch_) {
    bucket.held_batch = batch_;
    bucket.held = 0;
  }
  bucket.held = static_cast<std::uint8_t>(bucket.held | 1U << place);
  bucket.last_seconds[place] = second_;
}

void Ipv6Table::take_all() {
  draining_->store(true, std::memory_order_seq_cst);
  taken_marks_.resize(marks_.size());
  for (std::size_t word = 0; word < marks_.size(); ++word) taken_marks_[word] = take_marks(marks_[word]);
}

void Ipv6Table::read_taken(BatchBuilder& into) {
  const bool sampled = sampled_->load(std::memory_order_relaxed);
  for (std::size_t word = 0; word < taken_marks_.size(); ++word) {
    for_each_bit(taken_marks_[word], [&](std::size_t bit) {
      const std::size_t index = word * kDirtyWordBits + bit;
      Row& now = rows_[index];
      SeenRow& seen = seen_[index];
      HostDelta delta{};
      for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
        take_new(now.lines[direction], seen.lines[direction], direction, delta);
        take_new(now.rare, seen.rare, direction, delta);
      }
      if (sampled) take_new(variances_[index], seen_variances_[index], delta);
      into.add_host(now.cell, Address{now.high, now.low, Family::ipv6}, delta,
                    kBothDirections | (sampled ? kVariancesToo : 0U));
    });
  }
  draining_->store(false, std::memory_order_release);
}

}  // namespace tidegate
