/// Data sets that came before their template, raw, in the order they came.
///
/// - One ring of bytes and one of entries, both bounded when made. Where there is no room a new set pushes out the
///   oldest ones, whoever's they are.
/// - So no exporter may have more waiting than there is spare room, or than a kShares-th of all: one alone fills half,
///   two a third each. What one sends beyond that is not kept, and costs nobody else's.
/// - A set that was taken keeps its bytes until release(): spans into it are good so long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../../base/hash.hpp"
#include "linked_rows.hpp"
#include "message_time.hpp"
#include "pages.hpp"

namespace tidegate::templated {

/// Whose set it is: a row of the store's exporters and who lived there then, and the template it waits for.
struct WaitingKey {
  std::uint32_t scope = 0;
  std::uint32_t generation = 0;
  std::uint16_t template_id = 0;

  friend constexpr bool operator==(const WaitingKey&, const WaitingKey&) noexcept = default;
};

struct WaitingSet {
  WaitingKey key;
  MessageTime time;
  std::int64_t since_micros = 0;
  std::size_t begin = 0;    ///< of what is kept: kFront bytes and the set
  std::uint32_t bytes = 0;  ///< of the set, without its header
  std::uint32_t after = kNoRow;  ///< the next one under the same hash
  bool waits = false;
};

/// So much of the room an exporter may always have, and push out others' for it.
inline constexpr std::size_t kShares = 64;

class Waiting {
 public:
  /// `scopes`: rows of the store's exporters.
  Waiting(std::size_t bytes, std::int64_t for_micros, std::size_t scopes, std::uint64_t seed) noexcept;

  /// Keeps a set; `lost` is called with the key of each that is pushed out. False when it cannot be kept, or its
  /// exporter has its share.
  template <typename Lost>
  bool keep(const WaitingKey& key, const MessageTime& time, std::span<const std::byte> set, std::int64_t at_micros,
            Lost&& lost) noexcept;
  /// Those that have waited too long go; `lost` as above.
  template <typename Lost>
  void expire(std::int64_t at_micros, Lost&& lost) noexcept;

  /// The oldest set of this key, or kNoRow.
  [[nodiscard]] std::uint32_t first_of(const WaitingKey& key) const noexcept;
  void take(std::uint32_t entry) noexcept { unlink(entry); }
  [[nodiscard]] const WaitingSet& operator[](std::uint32_t entry) const noexcept { return entries_[entry]; }
  /// The set with kFront bytes in front of it.
  [[nodiscard]] std::span<const std::byte> bytes_of(std::uint32_t entry) const noexcept;
  /// Frees the room of those taken. Spans into them end here.
  void release() noexcept;

  [[nodiscard]] bool empty() const noexcept { return waiting_ == 0; }
  [[nodiscard]] std::size_t sets() const noexcept { return waiting_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return waiting_bytes_; }

 private:
  /// What one exporter has waiting: the room it takes, and who lives in its row.
  struct Share {
    std::uint32_t generation = 0;
    std::uint32_t room = 0;
  };

  [[nodiscard]] static std::uint32_t room_for(std::size_t set_bytes) noexcept;
  [[nodiscard]] bool has_share_left(const WaitingKey& key, std::size_t set_bytes) const noexcept;
  /// In bytes, as room_for() counts.
  [[nodiscard]] std::size_t spare() const noexcept;
  [[nodiscard]] std::size_t bucket_of(const WaitingKey& key) const noexcept;
  [[nodiscard]] std::uint32_t oldest() const noexcept { return static_cast<std::uint32_t>(head_ & (entries_.size() - 1)); }
  [[nodiscard]] bool place_for(std::size_t bytes, std::size_t& begin) const noexcept;
  void add(const WaitingKey& key, const MessageTime& time, std::span<const std::byte> set, std::int64_t at_micros,
           std::size_t begin) noexcept;
  void unlink(std::uint32_t entry) noexcept;

  std::int64_t for_micros_;
  HashKey hash_key_;
  Pages<std::byte> ring_;
  Pages<WaitingSet> entries_;
  Pages<Share> shares_;  ///< by row of the store's exporters
  Pages<Ends> buckets_;  ///< entry + 1 in both ends, zero: empty
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::size_t write_ = 0;
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
};

template <typename Lost>
bool Waiting::keep(const WaitingKey& key, const MessageTime& time, std::span<const std::byte> set,
                   std::int64_t at_micros, Lost&& lost) noexcept {
  std::size_t begin = 0;
  if (entries_.size() == 0 || set.size() > ring_.size() / 4 || !has_share_left(key, set.size())) return false;
  while (tail_ - head_ == entries_.size() || !place_for(set.size(), begin)) {
    if (head_ == tail_ || !entries_[oldest()].waits) return false;  // taken, and still read from
    lost(entries_[oldest()].key);
    unlink(oldest());
    ++head_;
  }
  add(key, time, set, at_micros, begin);
  return true;
}

template <typename Lost>
void Waiting::expire(std::int64_t at_micros, Lost&& lost) noexcept {
  for (; head_ != tail_; ++head_) {
    const WaitingSet& entry = entries_[oldest()];
    if (!entry.waits) continue;
    if (at_micros - entry.since_micros <= for_micros_) return;
    lost(entry.key);
    unlink(oldest());
  }
}

}  // namespace tidegate::templated
