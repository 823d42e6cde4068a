#include "taps.hpp"

#include <algorithm>

namespace tidegate {

std::shared_ptr<LaneTap> Taps::for_lane() {
  auto lane = std::make_shared<LaneTap>(*this);
  const std::lock_guard lock{mutex_};
  std::erase_if(lanes_, [](const auto& old) { return old.expired(); });
  lanes_.push_back(lane);
  return lane;
}

std::shared_ptr<Tap> Taps::open(const Prefix& subject, std::size_t count) {
  auto tap = std::make_shared<Tap>(subject, count, sample_bytes_);
  std::vector<Sample> recent;
  std::vector<Sample> before;
  const std::lock_guard lock{mutex_};
  for (const auto& weak : lanes_) {
    const auto lane = weak.lock();
    if (!lane) continue;
    auto found = lane->recent().matching(subject, count / 2);
    std::ranges::move(found, std::back_inserter(recent));
    auto remembered = lane->memory().recall(subject, kMostBefore);
    std::ranges::move(remembered, std::back_inserter(before));
  }
  std::ranges::stable_sort(recent, {}, &Sample::at_micros);
  std::vector<Sample> kept;
  for (const std::size_t i : heaviest(recent.size(), count / 2, [&](std::size_t at) { return recent[at].sampling; })) {
    kept.push_back(std::move(recent[i]));
  }
  tap->begin_with(kept);
  std::ranges::stable_sort(before, {}, &Sample::at_micros);
  if (before.size() > kMostBefore) before.erase(before.begin(), before.end() - kMostBefore);
  tap->remember(std::move(before));
  if (taps_.size() >= kMaxTaps) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return tap;
  }
  taps_.push_back(tap);
  publish();
  return tap;
}

void Taps::close(const std::shared_ptr<Tap>& tap) {
  const std::lock_guard lock{mutex_};
  if (std::erase(taps_, tap) > 0) publish();
}

std::size_t Taps::active() const {
  const std::lock_guard lock{mutex_};
  return taps_.size();
}

void Taps::publish() {
  index_ = taps_.empty() ? nullptr : std::make_shared<const TapIndex>(taps_, seed_);
  version_.fetch_add(1, std::memory_order_release);
}

void LaneTap::observe(const ObservedBatch& batch) noexcept {
  recent_.observe(batch, at_micros_, memory_);
  if (ingress_ != nullptr) ingress_->observe(batch);
  if (taps_.version_.load(std::memory_order_acquire) != version_) [[unlikely]] refresh();
  if (index_) [[unlikely]] offer(batch);
}

/// Takes over the new index, or later if the owner is at it just now.
void LaneTap::refresh() noexcept {
  const std::unique_lock lock{taps_.mutex_, std::try_to_lock};
  if (!lock.owns_lock()) return;
  version_ = taps_.version_.load(std::memory_order_relaxed);
  index_ = taps_.index_;
}

void LaneTap::offer(const ObservedBatch& batch) {
  if (!index_->any_wants_more()) {
    index_.reset();  // all are full; the next tap to open brings a new index
    return;
  }
  for (std::size_t i = 0; i < batch.sightings.size(); ++i) {
    const auto give = [&](Tap& tap) {
      if (tap.wants_more()) tap.offer(batch, i, at_micros_);
    };
    const PacketFacts& facts = batch.sightings[i].facts;
    index_->match(facts.destination, give);
    // A packet within one prefix is taken once.
    index_->match(facts.source, [&](Tap& tap) {
      if (!contains(tap.subject(), facts.destination)) give(tap);
    });
  }
}

}  // namespace tidegate
