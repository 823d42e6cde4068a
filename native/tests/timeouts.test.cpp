/// flow/timeouts: what is learned of an exporter's clock and of when it exports.
#include "../flow/timeouts.hpp"

#include <algorithm>
#include <vector>

#include "../base/hash.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kSecond = 1'000'000;

struct Exporter5 {
  std::int64_t active;
  std::int64_t inactive;
  bool says_why;
};

/// A mix: flows that last for long, flows that end by themselves after some time, flows that fall silent.
void report(FlowTimeouts& timeouts, const Exporter5& exporter, int records, std::uint64_t& random) {
  for (int i = 0; i < records; ++i) {
    PacketFacts facts;
    facts.protocol = 6;
    FlowDetail detail;
    detail.last_micros = std::int64_t{1} << 50;
    const auto below = [&](std::int64_t bound) { return static_cast<std::int64_t>(next_random(random) % static_cast<std::uint64_t>(bound)); };
    std::int64_t lag = below(kSecond);
    std::int64_t span = below(exporter.active);
    switch (next_random(random) % 4) {
      case 0:  // goes on; the exporter looks once a second
        span = exporter.active + below(kSecond);
        if (exporter.says_why) detail.end = FlowEnd::active;
        break;
      case 1:
        facts.tcp_flags = 1;
        span = span * span / exporter.active;  // most flows are short
        if (exporter.says_why) detail.end = FlowEnd::finished;
        break;
      default:
        span = span * span / exporter.active;
        lag += exporter.inactive;
        if (exporter.says_why) detail.end = FlowEnd::idle;
    }
    detail.first_micros = detail.last_micros - span;
    timeouts.learn(facts, detail, detail.last_micros + lag);
  }
}

bool near(std::int64_t micros, std::int64_t wanted) { return micros >= wanted - kSecond / 10 && micros <= wanted + 3 * kSecond / 2; }

struct Told {
  std::int64_t at;
  FlowDetail detail;
};

/// Records of `flows` flows by an exporter that never says why one ended: it looks once a second for what is too old or
/// too long silent. A third of the flows are single packets, the others last, and pause, sometimes for long.
std::vector<Told> export_flows(const Exporter5& exporter, int flows, std::uint64_t random) {
  constexpr std::int64_t kStart = std::int64_t{1} << 50;
  std::vector<Told> told;
  const auto below = [&](std::int64_t bound) { return static_cast<std::int64_t>(next_random(random) % static_cast<std::uint64_t>(bound)); };
  for (int flow = 0; flow < flows; ++flow) {
    std::int64_t packet = kStart + below(600 * kSecond);
    int packets = flow % 3 == 0 ? 1 : static_cast<int>(20 + below(400));
    Told open{0, {}};
    bool is_open = false;
    const auto close_before = [&](std::int64_t upto) {  // what a sweep finds until then
      if (!is_open) return;
      const std::int64_t due = std::min(open.detail.first_micros + exporter.active, open.detail.last_micros + exporter.inactive);
      const std::int64_t sweep = (due / kSecond + 1) * kSecond;
      if (sweep > upto) return;
      open.at = sweep + below(kSecond / 2);
      told.push_back(open);
      is_open = false;
    };
    for (; packets > 0; --packets) {
      close_before(packet);
      if (!is_open) open.detail.first_micros = packet;
      is_open = true;
      open.detail.last_micros = packet;
      const std::int64_t pause = below(20);
      packet += pause == 0 ? below(30 * kSecond) : pause < 4 ? below(6 * kSecond) : below(kSecond);
    }
    close_before(INT64_MAX);
  }
  std::ranges::sort(told, {}, &Told::at);
  return told;
}

}  // namespace

TEST("an inactive timeout is not taken from flows that were cut while they paused") {
  PacketFacts facts;
  facts.protocol = 17;
  for (const std::int64_t active : {60, 300, 1'800}) {
    for (const std::int64_t inactive : {15, 60, 120}) {
      for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        FlowTimeouts timeouts;
        for (const Told& one : export_flows({active * kSecond, inactive * kSecond, false}, 600, seed)) {
          timeouts.learn(facts, one.detail, one.at);
        }
        NOTE("active " + std::to_string(timeouts.active_micros()) + " of " + std::to_string(active) + ", inactive " +
             std::to_string(timeouts.inactive_micros()) + " of " + std::to_string(inactive));
        if (inactive < active) {
          CHECK(near(timeouts.inactive_micros(), inactive * kSecond));
        } else {
          CHECK(timeouts.inactive_micros() == 0);  // every flow is cut by age first: it cannot be told
        }
      }
    }
  }
}

TEST("lags that are spread out tell no inactive timeout") {
  FlowTimeouts timeouts;
  PacketFacts facts;
  facts.protocol = 17;
  FlowDetail detail;
  detail.first_micros = detail.last_micros = std::int64_t{1} << 50;
  std::uint64_t random = 4;
  for (int i = 0; i < 2'000; ++i) {
    const auto milli = static_cast<std::int64_t>(next_random(random) % 30'000);
    const std::int64_t lag = i % 2 == 0 ? milli * kSecond / 1'000 : milli * milli * kSecond / 30'000'000;
    timeouts.learn(facts, detail, detail.last_micros + lag);
    CHECK(timeouts.inactive_micros() == 0);
  }
}

TEST("active and inactive timeouts are learned from a mix of records, whether they say why or not") {
  for (const bool says_why : {true, false}) {
    for (const std::int64_t active : {5, 15, 60, 300, 1'800}) {
      for (const std::int64_t inactive : {5, 15, 60}) {
        NOTE("active " + std::to_string(active) + " inactive " + std::to_string(inactive) + " says why " + std::to_string(says_why));
        FlowTimeouts timeouts;
        std::uint64_t random = static_cast<std::uint64_t>(active * 100 + inactive);
        report(timeouts, {active * kSecond, inactive * kSecond, says_why}, 400, random);
        NOTE("active " + std::to_string(timeouts.active_micros()) + " of " + std::to_string(active) + ", inactive " +
             std::to_string(timeouts.inactive_micros()) + " of " + std::to_string(inactive) + " says why " + std::to_string(says_why));
        CHECK(near(timeouts.active_micros(), active * kSecond));
        CHECK(near(timeouts.inactive_micros(), inactive * kSecond));
      }
    }
  }
}

TEST("where no flow lasts, no active timeout is guessed from how long they are") {
  PacketFacts facts;
  facts.protocol = 17;
  for (const std::int64_t longest : {1, 2, 3}) {
    FlowTimeouts timeouts;
    std::uint64_t random = static_cast<std::uint64_t>(longest);
    for (int i = 0; i < 2'000; ++i) {
      FlowDetail detail;
      detail.last_micros = std::int64_t{1} << 50;
      detail.first_micros = detail.last_micros - static_cast<std::int64_t>(next_random(random) % static_cast<std::uint64_t>(longest * kSecond + kSecond / 2));
      timeouts.learn(facts, detail, detail.last_micros + kSecond / 2);
    }
    NOTE(std::to_string(longest) + ": " + std::to_string(timeouts.active_micros()));
    CHECK(timeouts.active_micros() == 0);
  }
}

TEST("a timeout that is set anew is learned anew, shorter or longer") {
  for (const bool says_why : {true, false}) {
    FlowTimeouts timeouts;
    std::uint64_t random = 3;
    for (const std::int64_t active : {1'800, 60, 300}) {
      report(timeouts, {active * kSecond, 15 * kSecond, says_why}, 20'000, random);
      NOTE("active " + std::to_string(timeouts.active_micros()) + " of " + std::to_string(active));
      CHECK(near(timeouts.active_micros(), active * kSecond));
    }
  }
}

TEST("nothing is learned of flows that end by themselves, nor of spans that are none") {
  FlowTimeouts timeouts;
  PacketFacts facts;
  facts.protocol = 6;
  facts.tcp_flags = 4;
  FlowDetail detail;
  detail.last_micros = std::int64_t{1} << 50;
  std::uint64_t random = 8;
  for (int i = 0; i < 1'000; ++i) {
    detail.first_micros = detail.last_micros - static_cast<std::int64_t>(next_random(random) % (600 * kSecond));
    timeouts.learn(facts, detail, detail.last_micros + 20 * kSecond);
  }
  facts.tcp_flags = 0;
  for (int i = 0; i < 1'000; ++i) {
    detail.first_micros = i % 2 == 0 ? 0 : detail.last_micros + 5;
    timeouts.learn(facts, detail, detail.last_micros + 20 * kSecond);
  }
  CHECK(timeouts.active_micros() == 0);
  CHECK(timeouts.inactive_micros() == 0);
}

TEST("clock skew is the middle of the last few, so that one odd stamp does not move it") {
  ClockSkew skew;
  CHECK(!skew.micros().has_value());
  skew.learn(0, 5);  // does not say
  CHECK(!skew.micros().has_value());
  for (const std::int64_t off : {3'600'000'000L, -40L, 90'000'000'000L, 20L, 10L}) skew.learn(1'000'000 + off, 1'000'000);
  CHECK(*skew.micros() == 20);
  for (int i = 0; i < 3; ++i) skew.learn(1'000'000 + 7 * kSecond, 1'000'000);
  CHECK(*skew.micros() == 7 * kSecond);
}
