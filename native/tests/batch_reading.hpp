/// Reads batches back into maps, by the layout of counters/batch.hpp.
#pragma once

#include <bit>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../base/address.hpp"
#include "../counters/batch.hpp"
#include "../counters/row.hpp"

namespace tidegate {

struct BatchReading {
  std::map<std::string, HostDelta> hosts;                                 ///< by 'group address'
  std::map<std::pair<std::uint32_t, std::uint32_t>, HostDelta> networks;  ///< by group and network
  std::size_t host_entries = 0;

  void add(const std::vector<Batch>& batches) {
    for (const Batch& batch : batches) {
      const std::size_t before = host_entries;
      for (const auto* words : {&batch.host_words, &batch.turn_words}) {
        for (std::size_t at = 0; at < words->size();) at = add_host(batch, *words, at);
      }
      if (host_entries - before != batch.hosts) hosts["not as many hosts as the batch says"] = {};
      for (const NetworkDelta& network : batch.networks) {
        sum(networks[{batch.hostgroup, network.network}], network.values);
      }
    }
  }

 private:
  std::size_t add_host(const Batch& batch, const std::vector<std::uint64_t>& words, std::size_t at) {
    ++host_entries;
    const std::uint64_t header = words.at(at++);
    Address address = ipv4_address(static_cast<std::uint32_t>(header));
    if ((header & kHostIpv6) != 0) {
      address = ipv6_address(words.at(at), words.at(at + 1));
      at += 2;
    }
    HostDelta delta{};
    for (std::uint64_t mask = (header & ~kHostIpv6) >> kHostMaskShift; mask != 0; mask &= mask - 1) {
      delta[static_cast<std::size_t>(std::countr_zero(mask))] = words.at(at++);
    }
    sum(hosts[std::to_string(batch.hostgroup) + " " + format_address(address)], delta);
    return at;
  }

  static void sum(HostDelta& to, const HostDelta& delta) {
    for (std::size_t i = 0; i < kDeltaValues; ++i) to[i] += delta[i];
  }
};

}  // namespace tidegate
