/// One batch through a lane's tables: see lane_tables.hpp.
#include <algorithm>

#include "../base/prefetch.hpp"
#include "lane_tables.hpp"

namespace tidegate {
namespace {

constexpr unsigned kTcpSynShift = 1;  // RFC 9293 section 3.1
constexpr auto kTcpClass = static_cast<std::uint8_t>(CounterClass::tcp);

void grow(std::atomic<std::uint64_t>& counter, std::uint64_t n) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

constexpr std::array kDirectionByOwners{Direction::other, Direction::outgoing, Direction::incoming, Direction::internal};

constexpr Direction direction_of(bool source_ours, bool destination_ours) noexcept {
  return kDirectionByOwners[(destination_ours ? 2U : 0U) + (source_ours ? 1U : 0U)];
}

/// May belong to a rare class, which is worth a prefetch.
bool is_rare(const PacketFacts& facts) noexcept {
  return (facts.tcp_flags >> kTcpSynShift & 1U) != 0 || facts.fragment;
}

Amount amount_of(const Sighting& sighting) noexcept {
  const PacketFacts& facts = sighting.facts;
  Amount amount;
  amount.packets = std::min(sighting.packets, kMaxSightingPackets);
  amount.bytes = sighting.bytes;
  amount.protocol_class = protocol_class(facts.destination.family, facts.protocol);
  amount.syn = (static_cast<unsigned>(amount.protocol_class == kTcpClass) & facts.tcp_flags >> kTcpSynShift & 1U) != 0;
  amount.fragment = facts.fragment;
  return amount;
}

/// A sighting that was clamped stands for no more than it counted.
std::uint32_t sampling_of(const Sighting& sighting) noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(sighting.sampling, kMaxSightingPackets));
}

}  // namespace

/// Apart from plan(): in a loop of its own the look-ups of many packets overlap, and their indexes are under way before
/// the rows are asked for.
void Lane::Tables::locate_all(std::span<const Sighting> batch, Plan& out) noexcept {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const PacketFacts& facts = batch[i].facts;
    if (facts.source.family == Family::ipv4 && facts.destination.family == Family::ipv4) [[likely]] {
      locate_ipv4(facts, out.packets[i], out.directions[i]);
    }
  }
}

inline void Lane::Tables::locate_ipv4(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept {
  const auto source = static_cast<std::uint32_t>(facts.source.low);
  const auto destination = static_cast<std::uint32_t>(facts.destination.low);
  const std::uint32_t source_page = space->page_of(source);
  const std::uint32_t destination_page = space->page_of(destination);
  const bool destination_ours = destination_page != kNoPage;
  direction = direction_of(source_page != kNoPage, destination_ours);
  if (!has_host(direction)) return;
  // Selected by a mask, not branched on: the two directions of a mirror come in random order.
  const std::uint32_t incoming = destination_ours ? ~std::uint32_t{0} : 0;
  const std::uint32_t page = source_page ^ ((source_page ^ destination_page) & incoming);
  const std::uint32_t host = (source ^ ((source ^ destination) & incoming)) & 255;
  out.place = HostRows::place(page, host);
  rows.prefetch_place(out.place);
}

void Lane::Tables::plan_all(std::span<const Sighting> batch, Plan& out) noexcept {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (flows) {
      plan<true>(batch[i].facts, out.packets[i], out.directions[i]);
    } else {
      plan<false>(batch[i].facts, out.packets[i], out.directions[i]);
    }
  }
}

template <bool kFlows>
inline void Lane::Tables::plan(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept {
  if (facts.source.family == Family::ipv4 && facts.destination.family == Family::ipv4) [[likely]] {
    out.cell = kNotOurs;
    if (!has_host(direction)) return;
    out.row = rows.row_of(*space, out.place);
    out.line = &rows.line(out.row, static_cast<std::size_t>(direction));
    prefetch_for_write(out.line);
    if (is_rare(facts)) [[unlikely]] prefetch_for_write(&rows.rare(out.row));
  } else {
    plan_ipv6(facts, out, direction);
  }
  if constexpr (kFlows) {
    if (!has_host(direction)) return;
    out.flow_hash = flows->hash(facts);
    flows->prefetch(out.flow_hash);
  }
}

inline void Lane::Tables::plan_ipv6(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept {
  const bool both = facts.source.family == facts.destination.family;  // a translated flow record may name one of each
  const CellId source_cell = both ? space->lookup_ipv6(facts.source.high, facts.source.low) : kNotOurs;
  const CellId destination_cell = both ? space->lookup_ipv6(facts.destination.high, facts.destination.low) : kNotOurs;
  direction = direction_of(source_cell != kNotOurs, destination_cell != kNotOurs);
  if (!has_host(direction)) return;
  const bool incoming = direction == Direction::incoming;
  out.cell = incoming ? destination_cell : source_cell;
  out.ipv6_hash = ipv6.hash(incoming ? facts.destination : facts.source);
  ipv6.prefetch(out.ipv6_hash);
}

void Lane::Tables::commit(std::span<const Sighting> batch, Plan& plan, std::span<const Sighting> next,
                          Plan& next_plan, std::int64_t second) noexcept {
  const std::uint32_t this_period = period.current();
  StepMasks masks = steps ? steps->masks() : StepMasks{};
  if (!tells_near) masks.near_micros = 0;
  ipv6.begin_batch(second);
  if (flows) {
    count_batch<true>(batch, plan, next, next_plan, second, this_period, masks);
  } else {
    count_batch<false>(batch, plan, next, next_plan, second, this_period, masks);
  }
  if (period.passed(this_period)) [[unlikely]] mark_all(batch, plan);
}

template <bool kFlows>
void Lane::Tables::count_batch(std::span<const Sighting> batch, Plan& plan, std::span<const Sighting> next,
                               Plan& next_plan, std::int64_t second, std::uint32_t this_period,
                               const StepMasks& masks) noexcept {
  std::array<std::uint64_t, kDirections> total_packets{};
  std::array<std::uint64_t, kDirections> total_bytes{};
  std::uint64_t marked = 0;
  std::uint64_t flow_overflow = 0;
  std::uint32_t sampling = 0;
  const std::uint64_t stamp = FlowSet::stamp_of(second);
  // Marks are set behind the batch: a locked instruction waits for all stores before it, whose lines may still be
  // under way, and the reader has had the marks' own lines since.
  std::array<std::uint8_t, kBatchPackets> to_mark;
  std::size_t to_mark_used = 0;

  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i < next.size()) {
      this->plan<kFlows>(next[i].facts, next_plan.packets[i], next_plan.directions[i]);
      if (next[i].sampling > 1) [[unlikely]] prefetch_variance(next_plan.packets[i], next_plan.directions[i]);
    }
    const Sighting& sighting = batch[i];
    PlannedPacket& packet = plan.packets[i];
    const auto direction = static_cast<std::size_t>(plan.directions[i]);
    total_packets[direction] += sighting.packets;
    total_bytes[direction] += sighting.bytes;
    sampling |= sighting.sampling;
    if (!has_host(plan.directions[i])) continue;

    const Amount amount = amount_of(sighting);
    bool new_flow = false;
    if constexpr (kFlows) {
      const FlowSet::Seen seen = flows->see(packet.flow_hash, stamp);
      new_flow = seen != FlowSet::Seen::again;
      flow_overflow += seen == FlowSet::Seen::full ? 1 : 0;
    }
    if (packet.cell != kNotOurs) {
      count_ipv6(sighting, packet, direction, new_flow, masks);
      continue;
    }
    DirectionLine& line = *packet.line;
    std::uint64_t crossed = crossed_steps(line, amount, masks.packets, masks.bytes);
    add_to(line, amount);
    if constexpr (kFlows) {
      if (new_flow) {
        crossed |= (line.flows ^ (line.flows + std::uint64_t{1})) & masks.flows;
        add_to(line.flows, 1);
      }
    }
    crossed |= sighting.sampling >> 1;  // what sampling leaves uncertain is handed over with the packets it belongs to
    if (crossed != 0) {
      if (line.marked_in != this_period) {
        line.marked_in = this_period;
        rows.prefetch_marks(packet.row);
        to_mark[to_mark_used++] = static_cast<std::uint8_t>(i);
      }
      if (masks.near_micros != 0) look_who_is_near(line, amount, new_flow, packet.row, direction, masks);
    }
    if (amount.rare()) [[unlikely]] {
      add_rare(line, rows.rare(packet.row), direction, amount);
      if (amount.packets == 0) rows.mark_rare(packet.row);
    }
    rows.touch(packet.row);
  }

  if (sampling > 1) [[unlikely]] count_variances(batch, plan);
  if (total_packets[0] + total_packets[1] > kMaxSightingPackets) [[unlikely]] count_clamped(batch, plan);
  for (const std::uint8_t i : std::span{to_mark}.first(to_mark_used)) {
    marked += rows.mark(plan.packets[i].row, static_cast<std::size_t>(plan.directions[i])) ? 1 : 0;
  }
  for (std::size_t i = 0; i < kDirections; ++i) {
    if (total_packets[i] == 0) continue;
    grow(counters.total_packets[i], total_packets[i]);
    grow(counters.total_bytes[i], total_bytes[i]);
  }
  if (marked != 0) grow(counters.marked, marked);
  if (flow_overflow != 0) grow(counters.flow_overflow, flow_overflow);
}

/// After `amount` has been added to the line.
void Lane::Tables::look_who_is_near(const DirectionLine& line, const Amount& amount, bool new_flow, std::uint64_t row,
                                    std::size_t direction, const StepMasks& masks) noexcept {
  const StepMasks strides = masks.strides();
  const auto look = [&](std::uint64_t now, std::uint64_t added, std::uint64_t stride, NearWatch::Count count) {
    if (((now ^ (now - added)) & stride) == 0) return;
    if (near.crossed(row, direction, count, counting_at, masks.near_micros)) grow(counters.near, 1);
  };
  look(line.packets[0], amount.packets, strides.packets, NearWatch::Count::packets);
  look(line.bytes[0], amount.bytes, strides.bytes, NearWatch::Count::bytes);
  look(line.flows, new_flow ? 1 : 0, strides.flows, NearWatch::Count::flows);
}

void Lane::Tables::count_clamped(std::span<const Sighting> batch, const Plan& plan) noexcept {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (has_host(plan.directions[i]) && batch[i].packets > kMaxSightingPackets) grow(counters.clamped, 1);
  }
}

void Lane::Tables::prefetch_variance(const PlannedPacket& packet, Direction direction) const noexcept {
  if (has_host(direction) && packet.cell == kNotOurs) prefetch_for_write(&rows.variance(packet.row));
}

/// Of a batch in which some are sampled, those of IPv4: what the common packet's way is not to be slowed down by.
void Lane::Tables::count_variances(std::span<const Sighting> batch, const Plan& plan) noexcept {
  const auto each = [&](auto&& take) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const PlannedPacket& packet = plan.packets[i];
      if (batch[i].sampling > 1 && has_host(plan.directions[i]) && packet.cell == kNotOurs) take(i, packet);
    }
  };
  each([&](std::size_t i, const PlannedPacket& packet) {
    const Uncertain added = uncertain(amount_of(batch[i]), sampling_of(batch[i]));
    add_to(rows.variance(packet.row), static_cast<std::size_t>(plan.directions[i]), added);
    rows.mark_variance(packet.row);
  });
}

void Lane::Tables::count_ipv6(const Sighting& sighting, PlannedPacket& packet, std::size_t direction, bool new_flow,
                              const StepMasks& masks) noexcept {
  const Amount amount = amount_of(sighting);
  ipv6_sums.add(packet.cell, direction, amount);
  if (new_flow) ipv6_sums.add_flow(packet.cell, direction);
  const bool sampled = sighting.sampling > 1;
  const Uncertain added = sampled ? uncertain(amount, sampling_of(sighting)) : Uncertain{};
  if (sampled) ipv6_sums.add_variance(packet.cell, direction, added);
  ipv6_sums.mark(packet.cell);
  const bool incoming = direction == static_cast<std::size_t>(Direction::incoming);
  packet.row = ipv6.find_or_take(packet.ipv6_hash, incoming ? sighting.facts.destination : sighting.facts.source,
                                 packet.cell);
  if (packet.row == Ipv6Table::kNoRow) {
    grow(counters.host_overflow, 1);
    return;
  }
  counters.ipv6_hosts.store(ipv6.taken(), std::memory_order_relaxed);
  Ipv6Table::Row& row = ipv6.row(packet.row);
  add_to(row.lines[direction], amount);
  if (new_flow) add_to(row.lines[direction].flows, 1);
  if (amount.rare()) add_rare(row.lines[direction], row.rare, direction, amount);
  if (masks.near_micros != 0) {
    constexpr std::uint64_t kBehindIpv4 = std::uint64_t{1} << 32;
    look_who_is_near(row.lines[direction], amount, new_flow, kBehindIpv4 + packet.row, direction, masks);
  }
  if (sampled) add_to(ipv6.variance(packet.row), direction, added);
  if (ipv6.mark(packet.row)) grow(counters.marked, 1);
}

void Lane::Tables::mark_all(std::span<const Sighting> batch, const Plan& plan) noexcept {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const PlannedPacket& packet = plan.packets[i];
    if (!has_host(plan.directions[i])) continue;
    if (packet.cell == kNotOurs) {
      const bool fresh = rows.mark(packet.row, static_cast<std::size_t>(plan.directions[i]));
      if (fresh) grow(counters.marked, 1);
      if (batch[i].packets == 0 && amount_of(batch[i]).rare()) rows.mark_rare(packet.row);
      if (batch[i].sampling > 1) rows.mark_variance(packet.row);
      continue;
    }
    ipv6_sums.mark(packet.cell);
    if (packet.row != Ipv6Table::kNoRow) ipv6.mark(packet.row);
  }
}

}  // namespace tidegate
