#include "ingress.hpp"

#include <algorithm>
#include <unordered_map>

namespace tidegate {

namespace {

constexpr std::size_t kQuarters = 4;
constexpr std::int64_t kQuarterMicros = kRecentSpanMicros / static_cast<std::int64_t>(kQuarters);

// For counters that only the lane's thread writes.
void grow(std::atomic<std::uint64_t>& counter, std::uint64_t n) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

IngressCells::Cell& IngressCells::cell_of(std::uint32_t origin) noexcept {
  const std::size_t used = used_.load(std::memory_order_relaxed);
  if (last_ >= used || cells_[last_].origin != origin) {
    last_ = 0;
    while (last_ < used && cells_[last_].origin != origin) ++last_;
    if (last_ == used && used < kMaxIngressOrigins) {
      cells_[used].origin = origin;
      used_.store(used + 1, std::memory_order_release);
    }
  }
  return cells_[std::min(last_, kMaxIngressOrigins)];
}

void IngressCells::begin_with(const std::vector<RecentRing::Arrival>& arrivals, std::int64_t at_micros) {
  // The highest of the last quarters, by origin: what has just begun fills one of them.
  std::unordered_map<std::uint32_t, std::array<double, kQuarters>> packets;
  for (const RecentRing::Arrival& arrival : arrivals) {
    const std::int64_t quarter = (at_micros - arrival.at_micros) / kQuarterMicros;
    packets[arrival.origin][static_cast<std::size_t>(quarter)] += static_cast<double>(arrival.packets);
  }
  for (const auto& [origin, in] : packets) {
    double& before = cell_of(origin).pps_before;
    before = std::max(before, *std::ranges::max_element(in) * (1e6 / static_cast<double>(kQuarterMicros)));
  }
}

void IngressCells::count(const Sighting& sighting) noexcept {
  Cell& cell = cell_of(sighting.origin);
  grow(cell.packets, sighting.packets);
  grow(cell.bytes, sighting.bytes);
}

void IngressCells::read(std::vector<IngressCount>& into) const {
  const auto take = [&](const Cell& cell, std::optional<std::uint32_t> origin) {
    into.push_back({origin, cell.packets.load(std::memory_order_relaxed), cell.bytes.load(std::memory_order_relaxed),
                    cell.pps_before});
  };
  const std::size_t used = used_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < used; ++i) take(cells_[i], cells_[i].origin);
  if (used == kMaxIngressOrigins) take(cells_[kMaxIngressOrigins], std::nullopt);
}

std::shared_ptr<LaneIngress> Ingresses::for_lane(std::shared_ptr<const RecentRing> recent) {
  const std::lock_guard lock{mutex_};
  const auto free = std::ranges::find_if(lanes_, [](const auto& lane) { return lane.expired(); });
  const auto number = static_cast<std::size_t>(free - lanes_.begin());
  auto lane = std::make_shared<LaneIngress>(*this, number, std::move(recent));
  if (free == lanes_.end()) {
    lanes_.push_back(lane);
  } else {
    *free = lane;
  }
  if (number < kMaxIngressLanes) {
    for (const auto& ingress : open_) ingress->begin_lane(number, lane->recent(), 0);
  }
  return lane;
}

std::shared_ptr<Ingress> Ingresses::open(const Prefix& subject, std::int64_t at_micros) {
  const std::lock_guard lock{mutex_};
  if (open_.size() >= kMaxIngresses) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  auto ingress = std::make_shared<Ingress>(subject);
  for (std::size_t number = 0; number < std::min(lanes_.size(), kMaxIngressLanes); ++number) {
    if (const auto lane = lanes_[number].lock()) ingress->begin_lane(number, lane->recent(), at_micros);
  }
  open_.push_back(ingress);
  publish();
  return ingress;
}

void Ingresses::close(const std::shared_ptr<Ingress>& ingress) {
  const std::lock_guard lock{mutex_};
  if (std::erase(open_, ingress) > 0) publish();
}

void Ingresses::publish() {
  index_ = open_.empty() ? nullptr : std::make_shared<const Index>(open_, seed_);
  version_.fetch_add(1, std::memory_order_release);
}

/// Takes over the new index, or later if the owner is at it just now.
void LaneIngress::refresh() noexcept {
  const std::unique_lock lock{all_.mutex_, std::try_to_lock};
  if (!lock.owns_lock()) return;
  version_ = all_.version_.load(std::memory_order_relaxed);
  index_ = all_.index_;
}

void LaneIngress::count(const ObservedBatch& batch) const noexcept {
  for (std::size_t i = 0; i < batch.sightings.size(); ++i) {
    if (batch.directions[i] != Direction::incoming) continue;
    const Sighting& sighting = batch.sightings[i];
    index_->match(sighting.facts.destination, [&](const Ingress& ingress) {
      if (IngressCells* const cells = ingress.of_lane(number_)) cells->count(sighting);
    });
  }
}

}  // namespace tidegate
