/// SubjectIndex: which of many hosts and prefixes hold an address. Built anew when one comes or goes, then only read.
///
/// An address costs one bit test for every distinct prefix length among them; a hash look-up only on a hit.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../base/hash.hpp"
#include "../base/prefix.hpp"

namespace tidegate {

/// An Item says its prefix by `subject()`.
template <class Item>
class SubjectIndex {
 public:
  SubjectIndex(std::vector<std::shared_ptr<Item>> items, std::uint64_t seed)
      : items_{std::move(items)}, key_{make_hash_key(seed)} {
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Prefix& subject = items_[i]->subject();
      auto& lengths = lengths_[family_of(subject.address)];
      if (std::ranges::find(lengths, subject.length) == lengths.end()) lengths.push_back(subject.length);
      const std::uint64_t hash = hash_of(subject.address, subject.length);
      bits_.set(hash % kBits);
      by_hash_.emplace(hash, i);
    }
  }

  /// Calls `visit` with each item whose subject holds the address.
  template <class Visit>
  void match(const Address& address, Visit&& visit) const {
    for (const std::uint8_t length : lengths_[family_of(address)]) {  // at most 33, or 129
      const std::uint64_t hash = hash_of(mask(address, length), length);
      if (!bits_.test(hash % kBits)) continue;
      const auto [first, last] = by_hash_.equal_range(hash);
      for (auto at = first; at != last; ++at) {
        Item& item = *items_[at->second];
        if (item.subject().length == length && contains(item.subject(), address)) visit(item);
      }
    }
  }
  [[nodiscard]] const std::vector<std::shared_ptr<Item>>& items() const noexcept { return items_; }

 private:
  static constexpr std::size_t kBits = std::size_t{1} << 16;

  [[nodiscard]] static std::size_t family_of(const Address& address) noexcept {
    return address.family == Family::ipv4 ? 0 : 1;
  }
  [[nodiscard]] std::uint64_t hash_of(const Address& masked, std::uint8_t length) const noexcept {
    return hash_words(key_, masked.high ^ length, masked.low);
  }

  std::vector<std::shared_ptr<Item>> items_;
  HashKey key_;
  std::array<std::vector<std::uint8_t>, 2> lengths_;  // that occur, by family
  std::bitset<kBits> bits_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_hash_;
};

}  // namespace tidegate
