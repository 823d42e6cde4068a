/// One batch through a lane's tables: see lane_tables.hpp.
#include <algorithm>

#include "lane_tables.hpp"

namespace tidegate {
namespace {

constexpr std::uint8_t kTcpSyn = 2;  // RFC 9293 section 3.1

void grow(std::atomic<std::uint64_t>& counter, std::uint64_t n) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

constexpr Direction direction_of(bool source_ours, bool destination_ours) noexcept {
  constexpr std::array kTable{Direction::other, Direction::outgoing, Direction::incoming, Direction::internal};
  return kTable[(destination_ours ? 2U : 0U) + (source_ours ? 1U : 0U)];
}

}  // namespace

void Lane::Tables::plan(std::span<const Sighting> batch, Plan& out) noexcept {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const PacketFacts& facts = batch[i].facts;
    PlannedPacket& packet = out.packets[i];
    if (facts.source.family == Family::ipv4 && facts.destination.family == Family::ipv4) [[likely]] {
      plan_ipv4(facts, packet, out.directions[i]);
    } else {
      plan_ipv6(facts, packet, out.directions[i]);
    }
    if (flows && packet.counted) {
      packet.flow_hash = flows->hash(facts);
      flows->prefetch(packet.flow_hash);
    }
  }
}

inline void Lane::Tables::plan_ipv4(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept {
  const auto source = static_cast<std::uint32_t>(facts.source.low);
  const auto destination = static_cast<std::uint32_t>(facts.destination.low);
  const std::uint32_t source_page = space->page_of(source);
  const std::uint32_t destination_page = space->page_of(destination);
  const bool destination_ours = destination_page != kNoPage;
  direction = direction_of(source_page != kNoPage, destination_ours);
  out.cell = kNotOurs;
  out.counted = direction <= Direction::outgoing;
  if (!out.counted) return;
  // Selected, not branched on: both directions of a mirror come in random order.
  const std::uint32_t page = destination_ours ? destination_page : source_page;
  const std::uint32_t host = (destination_ours ? destination : source) & 255;
  out.row = pages.place(page, host);
  __builtin_prefetch(&pages.line(out.row, static_cast<std::size_t>(direction)), 1);
}

inline void Lane::Tables::plan_ipv6(const PacketFacts& facts, PlannedPacket& out, Direction& direction) noexcept {
  const bool both = facts.source.family == facts.destination.family;  // a translated flow record may name one of each
  const CellId source_cell = both ? space->lookup_ipv6(facts.source.high, facts.source.low) : kNotOurs;
  const CellId destination_cell = both ? space->lookup_ipv6(facts.destination.high, facts.destination.low) : kNotOurs;
  direction = direction_of(source_cell != kNotOurs, destination_cell != kNotOurs);
  out.counted = direction <= Direction::outgoing;
  if (!out.counted) return;
  out.cell = direction == Direction::incoming ? destination_cell : source_cell;
  out.ipv6_hash = ipv6.hash(direction == Direction::incoming ? facts.destination : facts.source);
  ipv6.prefetch(out.ipv6_hash);
}

void Lane::Tables::commit(std::span<const Sighting> batch, const Plan& plan, std::int64_t second) noexcept {
  std::array<std::uint64_t, kDirections> total_packets{};
  std::array<std::uint64_t, kDirections> total_bytes{};
  std::array<std::uint32_t, kBatchPackets> ipv6_rows;  // of the IPv6 packets alone, by their place in the batch
  std::uint64_t host_overflow = 0;
  std::uint64_t flow_overflow = 0;
  std::uint64_t clamped = 0;
  const std::uint64_t stamp = FlowSet::stamp_of(second);
  ipv6.begin_batch(second);

  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Sighting& sighting = batch[i];
    const PlannedPacket& packet = plan.packets[i];
    const auto direction = static_cast<std::size_t>(plan.directions[i]);
    total_packets[direction] += sighting.packets;
    total_bytes[direction] += sighting.bytes;
    if (!packet.counted) continue;

    const PacketFacts& facts = sighting.facts;
    Amount amount;
    amount.packets = std::min(sighting.packets, kMaxSightingPackets);
    clamped += sighting.packets > kMaxSightingPackets ? 1 : 0;
    amount.bytes = sighting.bytes;
    amount.protocol_class = protocol_class(facts.destination.family, facts.protocol);
    amount.syn = amount.protocol_class == static_cast<std::uint8_t>(CounterClass::tcp) && (facts.tcp_flags & kTcpSyn) != 0;
    amount.fragment = facts.fragment;
    const FlowSet::Seen seen = flows ? flows->see(packet.flow_hash, stamp) : FlowSet::Seen::again;
    const bool new_flow = seen != FlowSet::Seen::again;
    flow_overflow += seen == FlowSet::Seen::full ? 1 : 0;

    if (packet.cell == kNotOurs) {
      DirectionLine& line = pages.line(packet.row, direction);
      add_to(line, amount);
      if (new_flow) add_to(line.flows, 1);
      if (amount.rare()) add_to(pages.rare(packet.row), direction, amount);
      continue;
    }
    ipv6_sums.add(packet.cell, direction, amount);
    if (new_flow) ipv6_sums.add_flow(packet.cell, direction);
    ipv6_rows[i] = ipv6.find_or_take(
        packet.ipv6_hash, plan.directions[i] == Direction::incoming ? facts.destination : facts.source, packet.cell);
    if (ipv6_rows[i] == Ipv6Table::kNoRow) {
      ++host_overflow;
      continue;
    }
    Ipv6Table::Row& row = ipv6.row(ipv6_rows[i]);
    add_to(row.lines[direction], amount);
    if (new_flow) add_to(row.lines[direction].flows, 1);
    if (amount.rare()) add_to(row.rare, direction, amount);
  }

  publish_rows();
  std::uint64_t marked = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const PlannedPacket& packet = plan.packets[i];
    if (!packet.counted) continue;
    if (packet.cell == kNotOurs) {
      marked += pages.mark(packet.row, static_cast<std::size_t>(plan.directions[i])) ? 1 : 0;
      const PacketFacts& facts = batch[i].facts;
      if (facts.fragment || (facts.tcp_flags & kTcpSyn) != 0) pages.mark_rare(packet.row);
    } else {
      ipv6_sums.mark(packet.cell);
      if (ipv6_rows[i] != Ipv6Table::kNoRow) marked += ipv6.mark(ipv6_rows[i]) ? 1 : 0;
    }
  }

  for (std::size_t i = 0; i < kDirections; ++i) {
    grow(counters.total_packets[i], total_packets[i]);
    grow(counters.total_bytes[i], total_bytes[i]);
  }
  grow(counters.host_overflow, host_overflow);
  grow(counters.flow_overflow, flow_overflow);
  grow(counters.clamped, clamped);
  grow(counters.marked, marked);
  counters.ipv6_hosts.store(ipv6.taken(), std::memory_order_relaxed);
}

}  // namespace tidegate
