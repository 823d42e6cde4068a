#include "lane.hpp"

#include <algorithm>
#include <bit>

#include "lane_tables.hpp"

namespace tidegate {
namespace {

// For counters that only the lane's thread writes.
void grow(std::atomic<std::uint64_t>& counter, std::uint64_t n) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

bool fits(std::uint64_t count, unsigned most_bits) noexcept {
  return std::has_single_bit(count) && count >= kBucketRows && count <= std::uint64_t{1} << most_bits;
}

}  // namespace

std::unique_ptr<Lane> Lane::make(std::shared_ptr<const HostSpace> space, const LaneOptions& options) {
  if (!fits(options.ipv6_hosts, 24) || !fits(options.flow_slots, 28)) return nullptr;
  std::uint64_t seed = options.seed;
  const HashKey host_key = make_hash_key(next_random(seed));
  const HashKey flow_key = make_hash_key(next_random(seed));
  auto rows = HostRows::make(*space);
  auto ipv6 = Ipv6Table::make(options.ipv6_hosts, host_key);
  auto sums = CellSums::make(space->cells());
  if (!rows || !ipv6 || !sums) return nullptr;
  auto tables = std::make_unique<Tables>();
  tables->space = std::move(space);
  tables->rows = std::move(*rows);
  tables->ipv6 = std::move(*ipv6);
  tables->ipv6_sums = std::move(*sums);
  if (options.count_flows) {
    tables->flows = FlowSet::make(options.flow_slots, flow_key);
    if (!tables->flows) return nullptr;
  }
  if (tables->space->pages() > kPagesAtOnce) tables->steps = options.steps;
  tables->tells_near = options.tells_near;
  return std::unique_ptr<Lane>{new Lane{std::move(tables)}};
}

Lane::Lane(std::unique_ptr<Tables> tables) noexcept : tables_{std::move(tables)} {}
Lane::~Lane() = default;

void Lane::count(std::span<const Sighting> sightings, std::int64_t at_micros,
                 std::span<const FrameView> frames) noexcept {
  constexpr std::int64_t kMicrosPerSecond = 1'000'000;
  if (sightings.empty()) return;
  const std::int64_t second = at_micros / kMicrosPerSecond;
  tables_->counting_at = at_micros;
  const auto batch_at = [&](std::size_t begin) {
    const std::size_t from = std::min(begin, sightings.size());
    return sightings.subspan(from, std::min(kBatchPackets, sightings.size() - from));
  };
  const auto plan_of = [&](std::size_t begin) -> Plan& { return tables_->plans[begin / kBatchPackets % kPlans]; };
  tables_->locate_all(batch_at(0), plan_of(0));
  tables_->locate_all(batch_at(kBatchPackets), plan_of(kBatchPackets));
  tables_->plan_all(batch_at(0), plan_of(0));
  for (std::size_t begin = 0; begin < sightings.size(); begin += kBatchPackets) {
    const std::size_t next = begin + kBatchPackets;
    const std::size_t after_next = next + kBatchPackets;
    const auto batch = batch_at(begin);
    Plan& plan = plan_of(begin);
    tables_->locate_all(batch_at(after_next), plan_of(after_next));
    tables_->commit(batch, plan, batch_at(next), plan_of(next), second);
    if (tables_->observer == nullptr) continue;
    const auto shown = frames.empty() ? frames : frames.subspan(begin, batch.size());
    tables_->observer->observe({batch, std::span{plan.directions}.first(batch.size()), shown});
  }
}

void Lane::count_raw(std::uint64_t packets, std::uint64_t bytes) noexcept {
  grow(tables_->counters.packets, packets);
  grow(tables_->counters.bytes, bytes);
}

void Lane::count_error(DecodeError error) noexcept {
  if (error == DecodeError::none) return;
  grow(tables_->counters.unparsed, 1);
  grow(tables_->counters.errors[static_cast<std::size_t>(error)], 1);
}

void Lane::set_observer(PacketObserver* observer) noexcept { tables_->observer = observer; }

const HostSpace& Lane::space() const noexcept { return *tables_->space; }

void Lane::drain(BatchBuilder& into) {
  Tables& tables = *tables_;
  // Read before the period begins, so that who counts in the next one has these steps or later ones.
  const std::int64_t turn_micros = tables.steps ? tables.steps->turn_micros() : 0;
  into.expect(dirty_estimate());
  tables.marked_before.store(tables.counters.marked.load(std::memory_order_relaxed), std::memory_order_relaxed);
  tables.rows.take_all();
  tables.ipv6.take_all();
  tables.ipv6_sums.take_all();
  tables.period.begin_next();
  tables.rows.read_taken(into);
  if (tables.steps) tables.drain_turn(into, turn_micros);
  tables.ipv6.read_taken(into);
  tables.ipv6_sums.read_taken(into);
}

/// By the time that has passed since the last turn, the next blocks of rows; once steps are no longer in force, all of them, for
/// what still waits there.
void Lane::Tables::drain_turn(BatchBuilder& into, std::int64_t turn_micros) {
  const std::int64_t at = into.to_micros();
  const std::int64_t passed = turned_at == 0 ? 0 : std::max<std::int64_t>(0, at - turned_at);
  const std::int64_t reaches_back = std::max(turn_micros, last_turn_micros);
  const double share = turn_micros > 0 ? std::min(1.0, static_cast<double>(passed) / static_cast<double>(turn_micros))
                                       : last_turn_micros > 0 ? 1.0 : 0.0;
  turned_at = at;
  last_turn_micros = turn_micros;
  if (reaches_back == 0) return;
  into.turn_began(at - reaches_back);
  rows.read_turn(into, share);
  last_turn.store(rows.last_turn(), std::memory_order_relaxed);
}

bool Lane::in_turn() const noexcept { return tables_->steps && tables_->steps->turn_micros() > 0; }

std::uint64_t Lane::times_near() const noexcept { return tables_->counters.near.load(std::memory_order_relaxed); }

std::uint32_t Lane::dirty_estimate() const noexcept {
  const std::uint64_t marked = tables_->counters.marked.load(std::memory_order_relaxed);
  return static_cast<std::uint32_t>(marked - tables_->marked_before.load(std::memory_order_relaxed)) +
         tables_->last_turn.load(std::memory_order_relaxed);
}

LaneStats Lane::stats() const noexcept {
  const LaneCounters& counters = tables_->counters;
  const auto now = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  LaneStats stats;
  stats.packets = now(counters.packets);
  stats.bytes = now(counters.bytes);
  stats.unparsed = now(counters.unparsed);
  for (std::size_t i = 0; i < kDecodeErrors; ++i) stats.errors[i] = now(counters.errors[i]);
  for (std::size_t i = 0; i < kDirections; ++i) {
    stats.totals[i] = {now(counters.total_packets[i]), now(counters.total_bytes[i])};
  }
  stats.hosts = tables_->rows.given_out() + now(counters.ipv6_hosts);
  stats.host_overflow = now(counters.host_overflow);
  stats.flow_overflow = now(counters.flow_overflow);
  stats.clamped = now(counters.clamped);
  return stats;
}

}  // namespace tidegate
