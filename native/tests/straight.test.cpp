/// flow/templated: straight records read by shuffles are those read by loads, whatever the layout.
#include "../flow/templated/straight.hpp"

#include <algorithm>
#include <vector>

#include "../base/hash.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;
using namespace tidegate::templated;

namespace {

constexpr std::uint16_t kUnknownElement = 60'000;
constexpr std::size_t kRecords = 7;

std::size_t at_random(std::uint64_t& random, std::size_t below) { return static_cast<std::size_t>(next_random(random) % below); }

/// A template of the usual kind: ends, amounts and times, some of the rest, stretches of what nobody knows, in any order.
TemplateRecord some_template(std::uint64_t& random) {
  std::vector<FieldSpec> fields;
  const auto add = [&](int element, std::initializer_list<int> lengths) {
    fields.push_back({0, static_cast<std::uint16_t>(element), static_cast<std::uint16_t>(*(lengths.begin() + at_random(random, lengths.size())))});
  };
  const bool six = at_random(random, 4) == 0;
  add(six ? 27 : 8, {six ? 16 : 4});
  add(six ? 28 : 12, {six ? 16 : 4});
  for (const int element : {1, 2}) add(element, {1, 2, 3, 4, 5, 8});
  const std::size_t clock = at_random(random, 4);
  if (clock < 3) {
    constexpr std::array<std::array<int, 2>, 3> kClocks{{{22, 21}, {150, 151}, {152, 153}}};
    for (const int element : kClocks[clock]) add(element, {1, 4, 8});
  }
  for (const int element : {7, 11, 4, 6, 10, 14, 16, 17}) {
    if (at_random(random, 8) != 0) add(element, {1, 2, 3, 4});
  }
  for (const int element : {61, 136, 89, 192}) {
    if (at_random(random, 2) == 0) add(element, {1, 1, 1, 4});
  }
  if (at_random(random, 4) == 0) add(48, {1, 4, 8});
  for (std::size_t i = at_random(random, 6); i > 0; --i) add(kUnknownElement, {1, 2, 4, 9, 40});
  for (std::size_t i = fields.size(); i > 1; --i) {
    if (at_random(random, 3) != 0) std::swap(fields[i - 1], fields[at_random(random, i)]);
  }
  TemplateRecord record;
  record.id = 300;
  record.field_count = static_cast<std::uint16_t>(fields.size());
  std::ranges::copy(fields, record.storage.begin());
  return record;
}

bool same(const Sighting& a, const Sighting& b) {
  const PacketFacts& f = a.facts;
  const PacketFacts& g = b.facts;
  return f.source == g.source && f.destination == g.destination && f.wire_length == g.wire_length &&
         f.ip_length == g.ip_length && f.source_port == g.source_port && f.destination_port == g.destination_port &&
         f.protocol == g.protocol && f.tcp_flags == g.tcp_flags && f.ttl == g.ttl && f.fragment == g.fragment &&
         f.first_fragment == g.first_fragment && a.packets == b.packets && a.bytes == b.bytes && a.sampling == b.sampling;
}

bool same(const FlowDetail& a, const FlowDetail& b) {
  return a.first_micros == b.first_micros && a.last_micros == b.last_micros && a.input == b.input && a.output == b.output &&
         a.source_as == b.source_as && a.destination_as == b.destination_as && a.point == b.point &&
         a.sampling == b.sampling && a.sampler == b.sampler && a.side == b.side && a.end == b.end && a.counts == b.counts &&
         a.dropped == b.dropped && a.short_header == b.short_header && a.link == b.link &&
         a.frame_length == b.frame_length && a.bytes.empty() && b.bytes.empty();
}

/// What is left in a batch by records before must not show.
void spoil(RecordBatch& batch) {
  for (Sighting& sighting : batch.free_sightings().first(kRecords)) {
    sighting.facts = {{7, 7, Family::ipv6}, {7, 7, Family::ipv6}, 7, 7, 7, 7, 7, 7, 7, true, true};
    sighting.packets = sighting.bytes = sighting.sampling = 7;
  }
  for (FlowDetail& detail : batch.free_details().first(kRecords)) {
    detail = {7, 7, 7, 7, 7, 7, 7, 7, 7, FlowSide::egress, FlowEnd::idle, false, true, true, LinkType::ppp, 7, {}};
  }
}

}  // namespace

TEST("straight records read by shuffles are those read by loads, in any layout") {
  if (!has_shuffles()) SKIP("this machine has no shuffles");
  std::uint64_t random = 5;
  RecordBatch loaded;
  RecordBatch shuffled;
  std::size_t usable = 0;
  std::size_t six = 0;
  for (int round = 0; round < 4000; ++round) {
    NOTE("round " + std::to_string(round));
    const TemplateRecord record = some_template(random);
    Plan plan;
    REQUIRE(compile(record, plan) == DecodeError::none);
    if (!plan.straight.usable || !plan.straight.shuffles.usable) continue;
    ++usable;
    six += plan.straight.six ? 1 : 0;
    // Not a byte more than may be read, so that who reads one is found out.
    std::vector<std::byte> bytes(kFront + kRecords * plan.record_bytes);
    for (std::byte& byte : bytes) {
      const std::uint64_t bits = next_random(random);
      byte = static_cast<std::byte>(bits % 4 == 0 ? bits >> 32 : bits >> 32 & 7);  // small ones mean more
    }
    const MessageTime time{1'700'000'000'000'000, static_cast<std::uint32_t>(next_random(random)), true};
    for (RecordBatch* batch : {&loaded, &shuffled}) {
      batch->clear();
      spoil(*batch);
    }
    read_by_loads(plan, bytes, kFront, kRecords, time, loaded);
    read_by_shuffles(plan, bytes, kFront, kRecords, time, shuffled);
    REQUIRE(loaded.details().size() == kRecords);
    REQUIRE(shuffled.details().size() == kRecords);
    for (std::size_t i = 0; i < kRecords; ++i) {
      CHECK(same(loaded.sightings()[i], shuffled.sightings()[i]));
      CHECK(same(loaded.details()[i], shuffled.details()[i]));
    }
  }
  CHECK(usable > 500U);
  CHECK(six > 100U);
}
