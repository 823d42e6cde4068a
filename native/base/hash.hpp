/// A fast 64-bit hash, keyed so that who sends packets cannot choose where they fall.
///
/// Folded multiplication: the 128-bit product of two words, its halves xored. Not a cryptographic
/// hash; the key keeps bucket positions unknown to senders, and that is all it is for.
#pragma once

#include <cstdint>

namespace tidegate {

struct HashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t third = 0;
};

__extension__ using Product = unsigned __int128;

constexpr std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) noexcept {
  const Product product = static_cast<Product>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// One step of a well-mixed sequence (splitmix64): for keys and for reproducible test values.
constexpr std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

/// The same seed gives the same key, so that a replay can be repeated exactly.
constexpr HashKey make_hash_key(std::uint64_t seed) noexcept {
  HashKey key;
  key.first = next_random(seed) | 1;
  key.second = next_random(seed) | 1;
  key.third = next_random(seed) | 1;
  return key;
}

constexpr std::uint64_t hash_words(const HashKey& key, std::uint64_t a, std::uint64_t b) noexcept {
  return fold_multiply(fold_multiply(a ^ key.first, b ^ key.second), key.third);
}

}  // namespace tidegate
