#include "meter_networks.hpp"

#include <algorithm>

namespace tidegate {

namespace {

std::size_t network_values(const Timeline& time, const JudgedValues& judged, std::size_t networks) noexcept {
  const bool all = networks * TickRings::slot_bytes(kHostValues, time.cells()) <= kNetworkBucketBytes;
  return all ? kHostValues : judged.size();
}

}  // namespace

NetworkSums::NetworkSums(const Timeline& time, const JudgedValues& judged, std::size_t networks)
    : window_micros_{time.window_micros()},
      limit_{networks},
      all_values_{network_values(time, judged, networks) == kHostValues},
      judged_{judged},
      rings_{network_values(time, judged, networks), time.cells(), networks},
      total_{kHostValues, time.cells(), 1} {
  (void)total_.open(INT64_MIN / 2);
}

NetworkSums::Network* NetworkSums::find(std::uint32_t network) noexcept {
  const auto at = networks_.find(network);
  return at == networks_.end() ? nullptr : &at->second;
}

NetworkSums::Network* NetworkSums::make(std::uint32_t network) {
  if (Network* known = find(network)) return known;
  if (network >= limit_) return nullptr;
  const auto ring = rings_.open(INT64_MIN / 2);
  if (!ring) return nullptr;
  Network& made = networks_[network];
  made.ring = *ring;
  return &made;
}

void NetworkSums::absorb(const NetworkDelta& delta, const Spread& spread, const WindowShare& share) {
  Network* network = make(delta.network);
  if (network == nullptr) return;  // no such network: not one of this engine's batches
  network->row.roll(share.window);
  total_row_.roll(share.window);
  for (std::size_t value = 0; value < kHostValues; ++value) {
    if (delta.values[value] == 0) continue;
    network->row.add(value, delta.values[value], share);
    total_row_.add(value, delta.values[value], share);
    total_.add(0, spread, value, delta.values[value]);
    const int index = all_values_ ? static_cast<int>(value) : judged_.index_of(value);
    if (index >= 0) rings_.add(network->ring, spread, static_cast<std::size_t>(index), delta.values[value]);
  }
  for (std::size_t i = 0; i < kHostVariances; ++i) {
    const std::uint64_t added = delta.values[kHostValues + i];
    if (added == 0) continue;
    network->variances.roll(share.window);
    network->variances.add(i, added, share);
    total_variances_.roll(share.window);
    total_variances_.add(i, added, share);
  }
}

void NetworkSums::advance(const Moment& now) {
  total_.advance(0, now.edge.running);
  for (auto& [index, network] : networks_) rings_.advance(network.ring, now.edge.running);
}

double NetworkSums::sum(const Network& network, std::size_t value, const Moment& now) const noexcept {
  const int index = all_values_ ? static_cast<int>(value) : judged_.index_of(value);
  if (index < 0) return network.row.estimate(value, now.window, now.elapsed);
  return static_cast<double>(rings_.sum(network.ring, static_cast<std::size_t>(index), now.edge));
}

double NetworkSums::total_sum(std::size_t value, const Moment& now) const noexcept {
  return static_cast<double>(total_.sum(0, value, now.edge));
}

RateValues NetworkSums::rates(const Network& network, const Moment& now) const noexcept {
  RateValues rates{};
  for (std::size_t value = 0; value < kHostValues; ++value) {
    rates[value] = per_second(value, sum(network, value, now), window_micros_);
  }
  return rates;
}

RateValues NetworkSums::total_rates(const Moment& now) const noexcept {
  RateValues rates{};
  for (std::size_t value = 0; value < kHostValues; ++value) {
    rates[value] = per_second(value, total_sum(value, now), window_micros_);
  }
  return rates;
}

std::optional<std::uint32_t> NetworkSums::largest(std::size_t value, const Moment& now) const noexcept {
  std::optional<std::uint32_t> best;
  double most = -1;
  for (const auto& [index, network] : networks_) {
    const double here = sum(network, value, now);
    if (here <= most) continue;
    most = here;
    best = index;
  }
  return best;
}

std::size_t NetworkSums::bytes() const noexcept {
  return rings_.bytes() + total_.bytes() + networks_.size() * sizeof(std::pair<const std::uint32_t, Network>);
}

}  // namespace tidegate
