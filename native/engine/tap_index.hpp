/// TapIndex: which taps a packet belongs to. Built anew when a tap opens or closes, then only read.
///
/// A packet costs one bit test for every distinct prefix length that is tapped; a hash look-up only on a hit.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../base/hash.hpp"
#include "../base/prefix.hpp"
#include "tap.hpp"

namespace tidegate {

class TapIndex {
 public:
  TapIndex(std::vector<std::shared_ptr<Tap>> taps, std::uint64_t seed) : taps_{std::move(taps)}, key_{make_hash_key(seed)} {
    for (std::size_t i = 0; i < taps_.size(); ++i) {
      const Prefix& subject = taps_[i]->subject();
      auto& lengths = lengths_[family_of(subject.address)];
      if (std::ranges::find(lengths, subject.length) == lengths.end()) lengths.push_back(subject.length);
      const std::uint64_t hash = hash_of(subject.address, subject.length);
      bits_.set(hash % kBits);
      by_hash_.emplace(hash, i);
    }
  }

  /// Calls `visit` with each tap whose subject holds the address.
  template <class Visit>
  void match(const Address& address, Visit&& visit) const {
    for (const std::uint8_t length : lengths_[family_of(address)]) {  // at most 33, or 129
      const std::uint64_t hash = hash_of(mask(address, length), length);
      if (!bits_.test(hash % kBits)) continue;
      const auto [first, last] = by_hash_.equal_range(hash);
      for (auto at = first; at != last; ++at) {
        Tap& tap = *taps_[at->second];
        if (tap.subject().length == length && contains(tap.subject(), address)) visit(tap);
      }
    }
  }
  [[nodiscard]] bool any_wants_more() const noexcept {
    return std::ranges::any_of(taps_, [](const auto& tap) { return tap->wants_more(); });
  }

 private:
  static constexpr std::size_t kBits = std::size_t{1} << 16;

  [[nodiscard]] static std::size_t family_of(const Address& address) noexcept {
    return address.family == Family::ipv4 ? 0 : 1;
  }
  [[nodiscard]] std::uint64_t hash_of(const Address& masked, std::uint8_t length) const noexcept {
    return hash_words(key_, masked.high ^ length, masked.low);
  }

  std::vector<std::shared_ptr<Tap>> taps_;
  HashKey key_;
  std::array<std::vector<std::uint8_t>, 2> lengths_;  // that are tapped, by family
  std::bitset<kBits> bits_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_hash_;
};

}  // namespace tidegate
