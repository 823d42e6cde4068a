/// flow/sflow, versions 2 and 4, of which no public captures exist: built from RFC 3176, against the plain reference.
#include "../flow/sflow/sflow.hpp"
#include "../fuzz/sflow_reference.hpp"
#include "sflow4_builder.hpp"
#include "sflow_packets.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

/// Bytes of a counters sample behind its kind, from the structures of RFC 3176 section 4: words, then long words.
constexpr std::size_t of(std::size_t words, std::size_t long_words) { return words * 4 + long_words * 8; }
constexpr std::size_t kInterface = of(16, 3);

Sflow4Builder whole(std::uint32_t version) {
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  Sflow4Builder builder{version};
  builder.flow_sample(100).raw_header(1, 518, ethernet(0x0800, four)).extended_switch().extended_router();
  builder.counters_sample(2, kInterface + of(13, 0));
  builder.flow_sample(200, 4).sampled_ipv4(900, kFour, kOtherFour).extended_gateway(64'500, {64'498, 64'499});
  builder.flow_sample(300, 9).sampled_ipv6(1000, kSix, kOtherSix).extended_user("alice", "bob").extended_url("/index");
  builder.flow_sample(400, 3, 3, 1U << 31 | 5).raw_header(12, 340, ipv6_udp(kSix, kOtherSix, 300));
  return builder;
}

}  // namespace

TEST("flow samples of versions 2 and 4 are read through all their extended data") {
  for (const std::uint32_t version : {2U, 4U}) {
    NOTE("version " + std::to_string(version));
    const auto bytes = whole(version).done();
    RecordBatch batch;
    REQUIRE(sflow::decode(bytes, {}, batch));
    CHECK(errors_of(batch) == "");
    CHECK(sflow::reference::difference(bytes) == "");
    CHECK(batch.header.protocol == (version == 2 ? FlowProtocol::sflow2 : FlowProtocol::sflow4));
    CHECK(batch.header.agent == ipv4_address(0xC000'0201));
    CHECK(batch.header.domain == 0);
    CHECK(batch.header.sequence == 99);
    CHECK(batch.header.uptime_ms == 123'456);
    CHECK(batch.extras.counter_samples == 1);
    CHECK(batch.extras.device_drops == 5);
    struct Row {
      std::uint32_t sampling, length, output;
      FlowSide side;
      std::uint32_t source_as, destination_as;
      std::uint16_t source_port;
      bool is_six;
    };
    const Row rows[] = {{100, 518, 4, FlowSide::ingress, 0, 0, 53, false},
                        {200, 900, 4, FlowSide::egress, 64'500, 64'499, 443, false},
                        {300, 1000, 4, FlowSide::unknown, 0, 0, 53, true},
                        {400, 340, 0, FlowSide::ingress, 0, 0, 53, true}};
    REQUIRE(batch.details().size() == std::size(rows));
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      NOTE("version " + std::to_string(version) + " sample " + std::to_string(i));
      const Sighting& sighting = batch.sightings()[i];
      const FlowDetail& detail = batch.details()[i];
      CHECK(detail.counts);
      CHECK(sighting.packets == 1);
      CHECK(sighting.bytes == rows[i].length);
      CHECK(sighting.facts.source == (rows[i].is_six ? kSix : Address{0, kFour, Family::ipv4}));
      CHECK(sighting.facts.destination == (rows[i].is_six ? kOtherSix : Address{0, kOtherFour, Family::ipv4}));
      CHECK(sighting.facts.source_port == rows[i].source_port);
      CHECK(detail.sampling == rows[i].sampling);
      CHECK(detail.input == 3);
      CHECK(detail.output == rows[i].output);
      CHECK(detail.side == rows[i].side);
      CHECK(detail.source_as == rows[i].source_as);
      CHECK(detail.destination_as == rows[i].destination_as);
    }
  }
}

TEST("counters of each kind have their length, so that the flow sample behind them is found") {
  struct Row {
    std::uint32_t kind;
    std::size_t bytes;
  };
  const Row rows[] = {{1, kInterface},             {2, kInterface + of(13, 0)}, {3, kInterface + of(18, 0)}, {4, kInterface},
                      {5, kInterface + of(8, 6)}, {6, kInterface},             {7, of(5, 1)}};
  RecordBatch batch;
  for (const Row& row : rows) {
    NOTE("counters of kind " + std::to_string(row.kind));
    const auto bytes = Sflow4Builder{4}.counters_sample(row.kind, row.bytes).flow_sample(10).sampled_ipv4(900, 1, 2).done();
    REQUIRE(sflow::decode(bytes, {}, batch));
    CHECK(errors_of(batch) == "");
    CHECK(batch.extras.counter_samples == 1);
    CHECK(counted(batch) == 1);
    CHECK(sflow::reference::difference(bytes) == "");
  }
}

TEST("an IPv6 agent is read, and the header without it is not") {
  RecordBatch batch;
  const auto bytes = Sflow4Builder{4}.agent(kSix).flow_sample(10).sampled_ipv4(900, 1, 2).done();
  REQUIRE(sflow::decode(bytes, {}, batch));
  CHECK(batch.header.agent == kSix);
  CHECK(counted(batch) == 1);
  CHECK(!sflow::decode(std::span{bytes}.first(35), {}, batch));
  CHECK(errors_of(batch) == "sflow_truncated");
}

TEST("what cannot be sized ends the datagram with one error, and what came before counts") {
  const auto before = [] { return Sflow4Builder{4}.flow_sample(1).sampled_ipv4(900, 1, 2); };
  const auto behind = [](Sflow4Builder& builder) { return builder.flow_sample(1).sampled_ipv4(900, 1, 2).done(); };
  const auto with = [&](auto damage) {
    auto builder = before();
    damage(builder);
    return behind(builder);
  };
  struct Row {
    std::string_view claim;
    std::string_view errors;
    std::size_t counted, records;
    std::vector<std::byte> bytes;
  };
  const Row rows[] = {
      {"a sample of kind 3", "sflow_unknown_kind", 1, 1, with([](auto& b) { b.sample(FileWriter{false}.u32(3).zeros(8)); })},
      {"counters of kind 8", "sflow_unknown_kind", 1, 1, with([](auto& b) { b.counters_sample(8, 88); })},
      {"a packet of kind 4", "sflow_unknown_kind", 1, 2, with([](auto& b) { b.sample(FileWriter{false}.u32(1).zeros(28).u32(4)); })},
      {"extended data of kind 6", "sflow_unknown_kind", 2, 2,
       with([](auto& b) { b.flow_sample(1).sampled_ipv4(9, 1, 2).extended(6, FileWriter{false}); })},
      {"a router of address type 3", "sflow_bad_address_type", 2, 2,
       with([](auto& b) { b.flow_sample(1).sampled_ipv4(9, 1, 2).extended(2, FileWriter{false}.u32(3).zeros(12)); })},
      {"a path past the datagram", "sflow_bad_gateway", 2, 2,
       with([](auto& b) { b.flow_sample(1).sampled_ipv4(9, 1, 2).extended(3, FileWriter{false}.zeros(12).u32(1).u32(2).u32(0xFFFF'FFFF)); })},
      {"a user name past the datagram", "sflow_truncated", 2, 2,
       with([](auto& b) { b.flow_sample(1).sampled_ipv4(9, 1, 2).extended(4, FileWriter{false}.u32(5'000)); })},
      {"257 extended data", "sflow_too_many_records", 2, 2,
       with([](auto& b) { b.sample(FileWriter{false}.u32(1).zeros(28).u32(2).zeros(32).u32(257).zeros(257 * 20)); })},
      {"a header past the datagram", "sflow_truncated", 1, 2,
       with([](auto& b) { b.sample(FileWriter{false}.u32(1).zeros(28).u32(1).u32(1).u32(64).u32(9'000)); })},
      {"a header that is not IP", "not_ip", 2, 3,
       with([](auto& b) { b.flow_sample(1).raw_header(1, 64, ethernet(0x0806, std::vector<std::byte>(28))); })},
      {"more samples stated than there are", "sflow_truncated", 2, 2, [&] {
         auto builder = before().stated_samples(3);
         return behind(builder);
       }()},
  };
  RecordBatch batch;
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    CHECK(sflow::decode(row.bytes, {}, batch));
    CHECK(errors_of(batch) == row.errors);
    CHECK(counted(batch) == row.counted);
    CHECK(batch.details().size() == row.records);
    CHECK(sflow::reference::difference(row.bytes) == "");
  }
}

TEST("a datagram of version 2 or 4 cut at any byte agrees with the reference and never counts more than the whole") {
  RecordBatch batch;
  for (const std::uint32_t version : {2U, 4U}) {
    const auto bytes = whole(version).done();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      NOTE("version " + std::to_string(version) + " cut to " + std::to_string(size));
      const auto cut = std::span{bytes}.first(size);
      CHECK(sflow::reference::difference(cut) == "");
      CHECK(sflow::decode(cut, {}, batch) == (size >= 24));
      CHECK(batch.errors().size() == 1);
      CHECK(counted(batch) <= 4);
    }
  }
}
