/// FlowSet: counted once a second, by all five parts of the flow.
#include "../counters/flow_set.hpp"

#include "../base/address.hpp"
#include "check.hpp"

using namespace tidegate;
using Seen = FlowSet::Seen;

namespace {

PacketFacts flow(std::uint32_t source, std::uint16_t port) {
  PacketFacts facts;
  facts.source = ipv4_address(source);
  facts.destination = *parse_address("192.0.2.1");
  facts.source_port = port;
  facts.destination_port = 80;
  facts.protocol = 6;
  return facts;
}

FlowSet flow_set(std::size_t slots) { return std::move(*FlowSet::make(slots, make_hash_key(9))); }

}  // namespace

TEST("a flow is fresh once a second, whatever else comes between") {
  FlowSet set = flow_set(1U << 16);
  for (const std::int64_t second : {100, 101, 5000}) {
    std::size_t fresh = 0;
    for (int times = 0; times < 3; ++times) {
      for (std::uint32_t i = 0; i < 5000; ++i) {
        fresh += set.see(set.hash(flow(i, 7)), FlowSet::stamp_of(second)) == Seen::fresh ? 1 : 0;
      }
    }
    CHECK(fresh == 5000U);
  }
}

TEST("each of the five parts tells flows apart, in either family") {
  const FlowSet set = flow_set(1024);
  for (const bool ipv6 : {false, true}) {
    PacketFacts base = flow(1, 2);
    if (ipv6) {
      base.source = ipv6_address(1, 2);
      base.destination = ipv6_address(3, 4);
    }
    PacketFacts other_source = base;
    other_source.source.low ^= 1;
    PacketFacts other_destination = base;
    other_destination.destination.low ^= 1;
    PacketFacts other_source_port = base;
    other_source_port.source_port ^= 1;
    PacketFacts other_destination_port = base;
    other_destination_port.destination_port ^= 1;
    PacketFacts other_protocol = base;
    other_protocol.protocol = 17;
    PacketFacts swapped = base;
    std::swap(swapped.source, swapped.destination);
    for (const PacketFacts& other :
         {other_source, other_destination, other_source_port, other_destination_port, other_protocol, swapped}) {
      CHECK(set.hash(other) != set.hash(base));
    }
    PacketFacts same = base;
    same.wire_length = 1500;
    same.ttl = 3;
    same.tcp_flags = 2;
    CHECK(set.hash(same) == set.hash(base));
  }
}

TEST("a full set says so, keeps what it has, and is empty again in the next second") {
  FlowSet set = flow_set(64);
  std::size_t fresh = 0;
  std::size_t full = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const Seen seen = set.see(set.hash(flow(i, 1)), FlowSet::stamp_of(1));
    fresh += seen == Seen::fresh ? 1 : 0;
    full += seen == Seen::full ? 1 : 0;
  }
  CHECK(fresh == 64U);
  CHECK(full == 936U);
  CHECK(set.see(set.hash(flow(0, 1)), FlowSet::stamp_of(1)) == Seen::again);
  CHECK(set.see(set.hash(flow(0, 1)), FlowSet::stamp_of(2)) == Seen::fresh);
}
