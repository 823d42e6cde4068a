#include "batch_builder.hpp"

#include <algorithm>
#include <utility>

namespace tidegate {
namespace {

constexpr std::size_t kMostHostWords = 3 + kDeltaValues;  // header, address of IPv6, values
constexpr std::size_t kLeastRoom = 4096;                 // words
constexpr std::size_t kCommonHostWords = 7;              // header, and total and one class in packets and bytes, and a few more
constexpr std::size_t kRoomStep = 65536;                 // words; cleared while they are about to be in the cache

}  // namespace

BatchBuilder::BatchBuilder(const HostSpace& space, std::int64_t from_micros, std::int64_t to_micros)
    : space_{space},
      from_micros_{from_micros},
      to_micros_{to_micros},
      turn_from_micros_{from_micros},
      groups_(space.hostgroups().size()),
      by_cell_(space.cells()),
      touched_(space.cells()) {}

void BatchBuilder::make_room(std::vector<std::uint64_t>& words) const {
  if (words.empty()) words.reserve(std::max(kLeastRoom, expected_hosts_ * kCommonHostWords));
  // Doubling only once what was reserved is used up.
  const std::size_t wanted = words.size() + std::clamp(words.size(), kLeastRoom, kRoomStep);
  if (wanted > words.capacity()) words.reserve(std::max(wanted, words.capacity() * 2));
  words.resize(wanted);
}

void BatchBuilder::add_host(CellId cell, const Address& address, const HostDelta& delta, unsigned parts,
                            HandedOver how) {
  Gathering& group = groups_[space_.cell(cell).hostgroup];
  std::vector<std::uint64_t>& words = how == HandedOver::at_once ? group.batch.host_words : group.batch.turn_words;
  std::size_t& used = group.used[static_cast<std::size_t>(how)];
  if (words.size() < used + kMostHostWords) make_room(words);
  const std::span<std::uint64_t, kMostHostWords> room{words.data() + used, kMostHostWords};

  std::size_t at = 1;
  std::uint64_t header = address.low;
  if (address.family == Family::ipv6) {
    header = kHostIpv6;
    room[at++] = address.high;
    room[at++] = address.low;
  }
  std::uint64_t mask = 0;
  const auto put = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const bool present = delta[i] != 0;
      room[at] = delta[i];  // overwritten by the next value unless present
      at += present ? 1 : 0;
      mask |= std::uint64_t{present} << i;
    }
  };
  for (std::size_t direction = 0; direction < kHostDirections; ++direction) {
    if ((parts >> direction & 1U) != 0) put(direction * kDirectionValues, (direction + 1) * kDirectionValues);
  }
  if ((parts & kVariancesToo) != 0) put(kHostValues, kDeltaValues);
  if (mask == 0) return;
  room[0] = header | mask << kHostMaskShift;
  used += at;
  ++group.batch.hosts;
}

void BatchBuilder::add_network(CellId cell, const HostDelta& delta) {
  HostDelta& sum = network_sum(cell);
  for (std::size_t i = 0; i < kDeltaValues; ++i) sum[i] += delta[i];
}

std::vector<Batch> BatchBuilder::take() {
  for (CellId cell = 1; cell < by_cell_.size(); ++cell) {
    if (touched_[cell] == 0) continue;
    touched_[cell] = 0;
    const HostDelta sum = std::exchange(by_cell_[cell], HostDelta{});
    if (std::all_of(sum.begin(), sum.end(), [](std::uint64_t value) { return value == 0; })) continue;
    groups_[space_.cell(cell).hostgroup].batch.networks.push_back({space_.cell(cell).network, sum});
  }
  std::vector<Batch> out;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    Gathering group = std::exchange(groups_[i], Gathering{});
    if (group.batch.hosts == 0 && group.batch.networks.empty()) continue;
    group.batch.host_words.resize(group.used[static_cast<std::size_t>(HandedOver::at_once)]);
    group.batch.turn_words.resize(group.used[static_cast<std::size_t>(HandedOver::in_turn)]);
    group.batch.turn_from_micros = turn_from_micros_;
    group.batch.hostgroup = static_cast<std::uint32_t>(i);
    group.batch.from_micros = from_micros_;
    group.batch.to_micros = to_micros_;
    out.push_back(std::move(group.batch));
  }
  return out;
}

}  // namespace tidegate
