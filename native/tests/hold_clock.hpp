/// What a meter would see of a FlowHold: records and plays by a clock of the test's own, summed over the last window.
#pragma once

#include <cstdint>
#include <vector>

#include "../base/address.hpp"
#include "../flow/hold.hpp"
#include "meter_feed.hpp"

namespace tidegate::check {

/// One flow of the test: its number is in its source address.
inline Sighting record_of_flow(std::uint32_t flow, std::uint64_t packets, std::uint64_t bytes) {
  Sighting sighting;
  sighting.facts.source = ipv4_address(0x0A00'0000 + flow);
  sighting.facts.destination = ipv4_address(0xC000'0201);
  sighting.facts.source_port = 40'000;
  sighting.facts.destination_port = 443;
  sighting.facts.protocol = 17;
  sighting.packets = packets;
  sighting.bytes = bytes;
  return sighting;
}

inline FlowDetail span_detail(std::int64_t first, std::int64_t last, FlowEnd end) {
  FlowDetail detail;
  detail.first_micros = first;
  detail.last_micros = last;
  detail.end = end;
  detail.input = 7;
  return detail;
}

class HoldClock {
 public:
  /// `plays_first`: play comes just after the drain, for the tick ahead; else just before the drain.
  HoldClock(const HoldOptions& options, bool plays_first, std::int64_t start = 1'000 * kSecond)
      : hold{options}, options_{options}, plays_first_{plays_first}, now_{start} {
    cells_.push_back({});
    if (plays_first_) play(now_ + options_.tick_micros);
  }

  [[nodiscard]] std::int64_t now() const { return now_; }
  /// When the tick under way ends.
  [[nodiscard]] std::int64_t tick_end() const { return now_ + options_.tick_micros; }

  /// Gives the part that counts now.
  Sighting take(Sighting sighting, const FlowDetail& detail, std::int64_t at, const HoldOrigin& origin = {1, 0, 0}) {
    reported_packets += sighting.packets;
    reported_bytes += sighting.bytes;
    hold.take(sighting, detail, origin, at);
    if (sighting.packets != 0) count(sighting);
    return sighting;
  }

  /// Ends the tick: the sums are then those of the window that ends with it.
  void tick() {
    if (!plays_first_) play(tick_end());
    now_ += options_.tick_micros;
    const std::size_t window = static_cast<std::size_t>(options_.window_micros / options_.tick_micros);
    packets_in_window = bytes_in_window = 0;
    for (std::size_t i = cells_.size() > window ? cells_.size() - window : 0; i < cells_.size(); ++i) {
      packets_in_window += cells_[i].packets;
      bytes_in_window += cells_[i].bytes;
    }
    packets_in_tick = cells_.back().packets;
    bytes_in_tick = cells_.back().bytes;
    cells_.push_back({});
    if (cells_.size() > 4 * window + 64) cells_.erase(cells_.begin(), cells_.end() - static_cast<std::ptrdiff_t>(window + 1));
    if (plays_first_) play(tick_end());
  }

  FlowHold hold;
  std::uint64_t packets_in_window = 0;
  std::uint64_t bytes_in_window = 0;
  std::uint64_t packets_in_tick = 0;
  std::uint64_t bytes_in_tick = 0;
  std::uint64_t emitted_packets = 0;
  std::uint64_t emitted_bytes = 0;
  std::uint64_t reported_packets = 0;
  std::uint64_t reported_bytes = 0;
  std::uint64_t empty_sightings = 0;

 private:
  struct Cell {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };

  void count(const Sighting& sighting) {
    cells_.back().packets += sighting.packets;
    cells_.back().bytes += sighting.bytes;
    emitted_packets += sighting.packets;
    emitted_bytes += sighting.bytes;
    if (sighting.packets == 0) ++empty_sightings;
  }
  void play(std::int64_t upto) {
    hold.play(upto, [&](const Sighting& due) { count(due); });
  }

  HoldOptions options_;
  bool plays_first_;
  std::int64_t now_;
  std::vector<Cell> cells_;
};

}  // namespace tidegate::check
