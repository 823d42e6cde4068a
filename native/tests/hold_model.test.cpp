/// flow/hold against what must hold for any records at all, kept in a plain map.
#include <cmath>
#include <deque>
#include <map>

#include "check.hpp"
#include "hold_clock.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

/// Of one flow: each rate that was ever said, and until when it can be in a window.
struct Model {
  struct Said {
    double per_second;
    std::int64_t at;
  };
  std::deque<Said> said;

  void say(double per_second, std::int64_t at) { said.push_back({per_second, at}); }
  /// The highest rate that was in force within the last window before `now`.
  [[nodiscard]] double highest(std::int64_t now, std::int64_t window) const {
    double most = 0;
    for (std::size_t i = 0; i < said.size(); ++i) {
      const bool replaced = i + 1 < said.size() && said[i + 1].at < now - window - 3 * kSecond;  // what is queued plays first
      if (!replaced) most = std::max(most, said[i].per_second);
    }
    return most;
  }
};

}  // namespace

TEST("whatever a flow reports, its window never reads higher than the highest rate it has reported lately") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    NOTE("seed " + std::to_string(seed));
    std::uint64_t random = seed;
    const std::int64_t window = seed % 3 == 0 ? 5 * kSecond : kSecond;
    HoldClock clock{{window, 100'000, 8, seed}, seed % 2 == 0};
    Model model;
    const auto active = static_cast<std::int64_t>(6 + next_random(random) % 60) * kSecond;
    std::int64_t from = clock.now();
    std::int64_t due = from;
    std::uint64_t broken = 0;
    for (int record = 0; record < 40; ++record) {
      const std::int64_t span = active + static_cast<std::int64_t>(next_random(random) % (2 * kSecond));
      const double per_second = std::pow(10.0, 2 + static_cast<double>(next_random(random) % 300) / 100);
      due = std::max(due, from + span + static_cast<std::int64_t>(next_random(random) % kSecond));
      while (clock.tick_end() <= due) {
        clock.tick();
        const double most = model.highest(clock.now(), window) * static_cast<double>(window) / 1e6;
        if (static_cast<double>(clock.packets_in_window) > most * 1.03 + 2) ++broken;
      }
      const auto packets = static_cast<std::uint64_t>(per_second * static_cast<double>(span) / 1e6);
      (void)clock.take(record_of_flow(1, packets, packets * 700), span_detail(from, from + span, FlowEnd::active), due);
      model.say(per_second, due);
      from += span;
    }
    CHECK(broken == 0U);
  }
}

TEST("packets and bytes emitted are those reported, less what is told as dropped, more what is told as borrowed") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    NOTE("seed " + std::to_string(seed));
    std::uint64_t random = seed;
    const std::size_t bound = seed % 4 == 0 ? 16 : 256;
    HoldClock clock{{kSecond, 100'000, bound, seed}, seed % 2 == 0};
    constexpr FlowEnd kEnds[] = {FlowEnd::unknown, FlowEnd::active, FlowEnd::finished, FlowEnd::idle};
    for (int tick = 0; tick < 3'000; ++tick) {
      for (std::uint64_t n = next_random(random) % 4; n > 0; --n) {
        const std::int64_t at = clock.now() + static_cast<std::int64_t>(next_random(random) % 100'000);
        const auto span = static_cast<std::int64_t>(next_random(random) % (next_random(random) % 2 == 0 ? 900'000 : 30 * kSecond));
        const std::uint64_t packets = 1 + next_random(random) % (next_random(random) % 3 == 0 ? 100'000 : 20);
        const std::uint64_t bytes = packets * (40 + next_random(random) % 1'400);
        (void)clock.take(record_of_flow(static_cast<std::uint32_t>(next_random(random) % 64), packets, bytes),
                         span_detail(at - span, at, kEnds[next_random(random) % 4]), at, {1, 20 * kSecond, 0});
        CHECK(clock.hold.held() <= bound);
      }
      clock.tick();
    }
    for (int tick = 0; tick < 80'000 && clock.hold.held() != 0; ++tick) clock.tick();
    const HoldCounts& counts = clock.hold.counts();
    CHECK(clock.hold.held() == 0U);
    CHECK(clock.emitted_packets + counts.dropped_packets == clock.reported_packets + counts.borrowed_packets);
    CHECK(clock.emitted_bytes + counts.dropped_bytes == clock.reported_bytes + counts.borrowed_bytes);
    CHECK(clock.empty_sightings == 0U);
  }
}
