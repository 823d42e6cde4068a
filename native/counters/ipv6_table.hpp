/// Ipv6Table: rows of our IPv6 hosts, a bounded hash table keyed per run.
///
/// - Fixed in size; one writer: find_or_take(), row(), mark(). One reader at a time: take_all(), then read_taken().
/// - A host has eight places to be. A row carries a score that its packets raise and that newcomers who find no
///   place lower, so a host with traffic outlasts any number of addresses that are seen once. A row is given to
///   another host when its score is zero or it has been idle for kIdleSeconds; never while it holds counts that
///   no drain has read, and never during a drain, so counters need no reset: the next host's begin where they stand.
/// - No place: the host counts in its network only, and the caller counts the overflow.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "../base/hash.hpp"
#include "batch_builder.hpp"
#include "dirty_bits.hpp"
#include "region.hpp"
#include "row.hpp"

namespace tidegate {

inline constexpr std::size_t kBucketRows = 8;
inline constexpr std::uint16_t kIdleSeconds = 60;

class Ipv6Table {
 public:
  static constexpr std::uint32_t kNoRow = 0xffffffffU;
  struct Row {
    std::array<DirectionLine, kHostDirections> lines;
    RareBytes rare;
    std::uint64_t high;
    std::uint64_t low;
    CellId cell;  ///< kNotOurs while nobody has the row
  };

  /// `rows`: a power of two, at least kBucketRows. Nothing when memory cannot be had.
  static std::optional<Ipv6Table> make(std::size_t rows, const HashKey& key);

  [[nodiscard]] std::uint64_t hash(const Address& address) const noexcept {
    return hash_words(key_, address.high, address.low);
  }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[bucket_of(hash)], 1); }

  /// The host's row, taken for it if need be, or kNoRow. Held until the next begin_batch().
  std::uint32_t find_or_take(std::uint64_t hash, const Address& address, CellId cell) noexcept;
  /// `second`: of the caller's clock. Rows found from now on are held until the next call.
  void begin_batch(std::int64_t second) noexcept {
    ++batch_;
    second_ = static_cast<std::uint16_t>(second);
  }
  [[nodiscard]] Row& row(std::uint32_t index) const noexcept { return rows_[index]; }
  /// To be added to; from the first call on, drains look at variances.
  [[nodiscard]] SampledVariance& variance(std::uint32_t index) noexcept {
    sampled_->store(true, std::memory_order_relaxed);
    return variances_[index];
  }
  /// True when the row had no mark.
  bool mark(std::uint32_t index) noexcept {
    return tidegate::mark(marks_[index / kDirtyWordBits], index % kDirtyWordBits);
  }
  /// Times that a host was given a row.
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

  /// Takes all marks; see dirty_bits.hpp for what comes between this and read_taken().
  void take_all();
  void read_taken(BatchBuilder& into);

 private:
  struct alignas(64) Bucket {
    std::array<std::uint32_t, kBucketRows> tags;
    std::array<std::uint16_t, kBucketRows> last_seconds;
    std::array<std::uint8_t, kBucketRows> scores;
    std::uint32_t held_batch;
    std::uint8_t held;  ///< one bit a row: found or taken in `held_batch`
    std::uint8_t hand;  ///< whose score a newcomer lowers next
  };
  static_assert(sizeof(Bucket) == 64);

  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const noexcept { return hash & (buckets_.size() - 1); }
  std::uint32_t take(Bucket& bucket, std::uint32_t first_row, std::uint32_t tag, const Address& address,
                     CellId cell) noexcept;
  [[nodiscard]] bool can_be_given(const Bucket& bucket, std::size_t place, std::uint32_t index) noexcept;
  void hold(Bucket& bucket, std::size_t place) noexcept;

  HashKey key_;
  Array<Bucket> buckets_;
  Array<Row> rows_;
  Array<SampledVariance> variances_;  // by row; without sampling no memory is touched
  Array<DirtyWord> marks_;
  std::uint64_t taken_ = 0;
  std::uint32_t batch_ = 0;
  std::uint16_t second_ = 0;
  std::unique_ptr<std::atomic<bool>> draining_ = std::make_unique<std::atomic<bool>>(false);
  std::unique_ptr<std::atomic<bool>> sampled_ = std::make_unique<std::atomic<bool>>(false);  // some row has a variance

  struct SeenRow {
    std::array<DirectionLine, kHostDirections> lines;
    RareBytes rare;
  };
  // The reader's own.
  Array<SeenRow> seen_;
  Array<SampledVariance> seen_variances_;
  std::vector<DirtyWord> taken_marks_;
};

}  // namespace tidegate
