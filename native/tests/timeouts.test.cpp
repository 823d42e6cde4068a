/// flow/timeouts: what is learned of an exporter's clock and of when it exports.
#include "../flow/timeouts.hpp"

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

}  // namespace

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
