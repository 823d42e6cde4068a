#include "waiting.hpp"

#include <algorithm>
#include <bit>

#include "limits.hpp"
#include "plan.hpp"

namespace tidegate::templated {

namespace {
/// A set with a record or two has about so many bytes; those of busy exporters have more.
constexpr std::size_t kBytesPerEntry = 128;
constexpr std::size_t kMostEntries = 65'536;

std::size_t entries_for(std::size_t bytes) noexcept {
  return bytes == 0 ? 0 : std::bit_ceil(std::clamp(bytes / kBytesPerEntry, std::size_t{1}, kMostEntries));
}
}  // namespace

Waiting::Waiting(std::size_t bytes, std::int64_t for_micros, std::size_t scopes, std::uint64_t seed) noexcept
    : for_micros_{for_micros},
      hash_key_{make_hash_key(seed)},
      ring_{std::min(bytes, kMostWaitingBytes)},
      entries_{entries_for(ring_.size())},
      shares_{entries_.size() == 0 ? 0 : scopes},
      buckets_{entries_.size()} {
  if (buckets_.size() == 0 || shares_.size() == 0) entries_ = Pages<WaitingSet>{0};
}

/// Small sets use up entries before they use up bytes.
std::uint32_t Waiting::room_for(std::size_t set_bytes) noexcept {
  return static_cast<std::uint32_t>(std::max(kFront + set_bytes, kBytesPerEntry));
}

/// What has been taken or lost between the oldest and the newest is not free yet.
std::size_t Waiting::spare() const noexcept {
  const std::size_t free_entries = entries_.size() - static_cast<std::size_t>(tail_ - head_);
  std::size_t free_bytes = ring_.size();
  if (head_ != tail_) {
    const std::size_t read = entries_[oldest()].begin;
    free_bytes = write_ > read ? ring_.size() - (write_ - read) : read - write_;
  }
  return std::min(free_bytes, free_entries * kBytesPerEntry);
}

bool Waiting::has_share_left(const WaitingKey& key, std::size_t set_bytes) const noexcept {
  const Share& share = shares_[key.scope];
  if (share.generation != key.generation || share.room == 0) return true;
  return share.room + room_for(set_bytes) <= std::max(spare(), ring_.size() / kShares);
}

std::size_t Waiting::bucket_of(const WaitingKey& key) const noexcept {
  const std::uint64_t where = std::uint64_t{key.scope} << 32 | key.generation;
  return hash_words(hash_key_, where, key.template_id) & (buckets_.size() - 1);
}

/// A stretch for kFront bytes and the set, behind the newest and in front of the oldest.
bool Waiting::place_for(std::size_t bytes, std::size_t& begin) const noexcept {
  const std::size_t needed = bytes + kFront;
  if (head_ == tail_) return begin = 0, needed <= ring_.size();
  const std::size_t read = entries_[oldest()].begin;
  begin = write_;
  if (write_ <= read) return needed < read - write_ || (needed == read - write_ && write_ != read);
  if (needed <= ring_.size() - write_) return true;
  begin = 0;
  return needed <= read;
}

void Waiting::add(const WaitingKey& key, const MessageTime& time, std::span<const std::byte> set,
                  std::int64_t at_micros, std::size_t begin) noexcept {
  const auto row = static_cast<std::uint32_t>(tail_++ & (entries_.size() - 1));
  entries_[row] = {key, time, at_micros, begin, static_cast<std::uint32_t>(set.size()), kNoRow, true};
  std::ranges::fill(ring_.all().subspan(begin, kFront), std::byte{0});
  std::ranges::copy(set, ring_.all().subspan(begin + kFront).begin());
  write_ = begin + kFront + set.size();
  Ends& bucket = buckets_[bucket_of(key)];
  if (bucket.first == 0) {
    bucket.first = row + 1;
  } else {
    entries_[bucket.last - 1].after = row;
  }
  bucket.last = row + 1;
  Share& share = shares_[key.scope];
  if (share.generation != key.generation) share = {key.generation, 0};
  share.room += room_for(set.size());
  ++waiting_;
  waiting_bytes_ += set.size();
}

std::uint32_t Waiting::first_of(const WaitingKey& key) const noexcept {
  if (empty()) return kNoRow;
  const Ends& bucket = buckets_[bucket_of(key)];
  std::uint32_t row = bucket.first == 0 ? kNoRow : bucket.first - 1;
  while (row != kNoRow && entries_[row].key != key) row = entries_[row].after;
  return row;
}

void Waiting::unlink(std::uint32_t entry) noexcept {
  WaitingSet& gone = entries_[entry];
  Ends& bucket = buckets_[bucket_of(gone.key)];
  std::uint32_t before = kNoRow;
  for (std::uint32_t row = bucket.first - 1; row != entry; row = entries_[row].after) before = row;
  if (before == kNoRow) {
    bucket.first = gone.after == kNoRow ? 0 : gone.after + 1;
  } else {
    entries_[before].after = gone.after;
  }
  if (bucket.last == entry + 1) bucket.last = before == kNoRow ? 0 : before + 1;
  Share& share = shares_[gone.key.scope];
  if (share.generation == gone.key.generation) share.room -= room_for(gone.bytes);
  gone.waits = false;
  gone.after = kNoRow;
  --waiting_;
  waiting_bytes_ -= gone.bytes;
}

std::span<const std::byte> Waiting::bytes_of(std::uint32_t entry) const noexcept {
  return ring_.all().subspan(entries_[entry].begin, kFront + entries_[entry].bytes);
}

void Waiting::release() noexcept {
  while (head_ != tail_ && !entries_[oldest()].waits) ++head_;
}

}  // namespace tidegate::templated
