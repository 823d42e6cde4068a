/// The exporters' part of the store.
#include "store.hpp"

namespace tidegate::templated {

namespace {
constexpr std::int64_t kTouchMicros = 1'000'000;
}  // namespace

std::uint64_t Store::hash_of(const ScopeKey& key) const noexcept {
  const std::uint64_t rest = std::uint64_t{key.domain} << 16 | static_cast<std::uint64_t>(key.protocol) << 8 |
                             static_cast<std::uint64_t>(key.address.family);
  return hash_words(hash_key_, hash_words(hash_key_, key.address.high, key.address.low), rest);
}

const Scope* Store::find_scope(const ScopeKey& key) const noexcept {
  if (scopes_.size() == 0) return nullptr;
  const std::uint32_t row = scope_index_.find(hash_of(key), [&](std::uint32_t at) { return scopes_[at].key == key; });
  return row == kNoRow ? nullptr : &scopes_[row];
}

std::uint32_t Store::scope_of(const ScopeKey& key, std::int64_t at_micros) noexcept {
  if (last_scope_ != kNoRow && scopes_[last_scope_].alive && scopes_[last_scope_].key == key &&
      at_micros - scopes_[last_scope_].used_micros < kTouchMicros) {
    return last_scope_;
  }
  if (scopes_.size() == 0) return kNoRow;
  const std::uint64_t hash = hash_of(key);
  std::uint32_t row = scope_index_.find(hash, [&](std::uint32_t at) { return scopes_[at].key == key; });
  if (row != kNoRow) {
    Scope& known = scopes_[row];
    if (at_micros - known.used_micros >= kTouchMicros) {
      remove<&Scope::links>(scopes_, everywhere(known), row);
      known.used_micros = at_micros;
      append<&Scope::links>(scopes_, everywhere(known), row);
    }
    return last_scope_ = row;
  }
  if (totals_.exporters == scopes_.size()) {
    std::uint32_t victim = unused_scopes_.first;
    if (victim == kNoRow) {
      victim = useful_scopes_.first;
      if (at_micros - scopes_[victim].used_micros < kProtectedMicros) {
        ++totals_.exporters_refused;
        return kNoRow;
      }
    }
    ++totals_.exporters_evicted;
    forget_scope(victim);
  }
  row = free_scope_;
  if (row == kNoRow) {
    row = static_cast<std::uint32_t>(untouched_scope_++);
  } else {
    free_scope_ = scopes_[row].links.after;
  }
  const std::uint32_t generation = scopes_[row].generation + 1;
  Scope& made = scopes_[row];
  made = Scope{};
  made.key = key;
  made.hash = hash;
  made.generation = generation;
  made.alive = true;
  made.used_micros = at_micros;
  scope_index_.insert(hash, row);
  append<&Scope::links>(scopes_, unused_scopes_, row);
  ++totals_.exporters;
  return last_scope_ = row;
}

void Store::forget_scope(std::uint32_t row) noexcept {
  Scope& gone = scopes_[row];
  while (gone.unused.first != kNoRow) evict(gone.unused.first);
  while (gone.proven.first != kNoRow) evict(gone.proven.first);
  remove<&Scope::links>(scopes_, everywhere(gone), row);
  scope_index_.erase(gone.hash, row);
  gone.alive = false;
  gone.links.after = free_scope_;
  free_scope_ = row;
  --totals_.exporters;
}

}  // namespace tidegate::templated
