/// Watches: the subjects whose standing every judgement reports. Bounded by kMaxWatched.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>

#include "../base/facts.hpp"
#include "meter_report.hpp"

namespace tidegate {

inline constexpr std::size_t kMaxWatched = 65536;

/// A host; or a prefix, that is judged as a network, as the group as a whole, or both.
/// A prefix that is neither is nobody's: always quiet.
struct WatchedSubject {
  std::uint8_t direction = 0;
  std::optional<Address> host;
  std::optional<std::uint32_t> network;
  bool group = false;
};

class Watches {
 public:
  /// Nothing when full. Ids grow and are never given twice.
  [[nodiscard]] std::optional<WatchId> add(const WatchedSubject& subject) {
    if (by_id_.size() >= kMaxWatched) return std::nullopt;
    if (subject.host) ++hosts_[key(*subject.host, subject.direction)];
    if (subject.network) ++networks_[{*subject.network, subject.direction}];
    if (subject.group) ++groups_[subject.direction];
    by_id_.emplace(next_, subject);
    return next_++;
  }

  void remove(WatchId id) {
    const auto at = by_id_.find(id);
    if (at == by_id_.end()) return;
    const WatchedSubject& subject = at->second;
    if (subject.host) drop(hosts_, key(*subject.host, subject.direction));
    if (subject.network) drop(networks_, {*subject.network, subject.direction});
    if (subject.group) --groups_[subject.direction];
    by_id_.erase(at);
  }

  [[nodiscard]] bool host(const Address& host, std::uint8_t direction) const {
    return !hosts_.empty() && hosts_.contains(key(host, direction));
  }
  [[nodiscard]] bool network(std::uint32_t network, std::uint8_t direction) const {
    return !networks_.empty() && networks_.contains({network, direction});
  }
  [[nodiscard]] bool group(std::uint8_t direction) const noexcept { return groups_[direction] > 0; }

  /// For a walk in parts: the first watch with an id above `after`, or the end.
  [[nodiscard]] auto above(WatchId after) const { return by_id_.upper_bound(after); }
  [[nodiscard]] auto end() const noexcept { return by_id_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }

 private:
  using HostKey = std::tuple<std::uint64_t, std::uint64_t, Family, std::uint8_t>;
  using NetworkKey = std::pair<std::uint32_t, std::uint8_t>;

  static HostKey key(const Address& host, std::uint8_t direction) noexcept {
    return {host.high, host.low, host.family, direction};
  }
  template <class Map>
  static void drop(Map& map, const typename Map::key_type& of) {
    const auto at = map.find(of);
    if (--at->second == 0) map.erase(at);
  }

  std::map<WatchId, WatchedSubject> by_id_;
  std::map<HostKey, std::uint32_t> hosts_;  // watches of it
  std::map<NetworkKey, std::uint32_t> networks_;
  std::array<std::uint32_t, 2> groups_{};
  WatchId next_ = 1;
};

}  // namespace tidegate
