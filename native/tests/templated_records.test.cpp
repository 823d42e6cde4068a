/// flow/templated: what data records tell, and how their clocks are read.
#include "check.hpp"
#include "templated_run.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {
using Run = TemplatedRun;
}

TEST("what a record tells of amounts, directions and events is counted once") {
  constexpr std::uint32_t kReverse = templated::kReverseEnterprise;
  const BuiltFields ends{{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}};
  struct Row {
    const char* claim;
    BuiltFields fields;
    FileWriter values;
    std::vector<std::string> records;
  };
  const std::string there = "198.51.100.1:1 203.0.113.5:2 6 ";
  const std::string back = "203.0.113.5:2 198.51.100.1:1 6 ";
  const auto words = [](std::initializer_list<std::uint32_t> values) {
    FileWriter out{false};
    for (const auto value : values) out.u32(value);
    return out;
  };
  const Row rows[] = {
      {"deltas before totals and what left", {{23, 4}, {85, 4}, {1, 4}, {24, 4}, {86, 4}, {2, 4}}, words({1, 2, 3, 4, 5, 6}), {there + "6 3"}},
      {"totals where no deltas are", {{85, 4}, {86, 4}}, words({900, 3}), {there + "3 900"}},
      {"out counters where nothing else is", {{23, 4}, {24, 4}}, words({900, 3}), {there + "3 900"}},
      {"packets are estimated where they are not said", {{1, 4}}, words({1601}), {there + "3 1601"}},
      {"RFC 5103 both directions", {{1, 4}, {2, 4}, {1, 4, kReverse}, {2, 4, kReverse}}, words({100, 1, 300, 2}), {there + "1 100", back + "2 300"}},
      {"RFC 5103 with nothing coming back", {{1, 4}, {2, 4}, {1, 4, kReverse}, {2, 4, kReverse}}, words({100, 1, 0, 0}), {there + "1 100"}},
      {"RFC 5103 with nothing going there", {{1, 4}, {2, 4}, {1, 4, kReverse}, {2, 4, kReverse}}, words({0, 0, 300, 2}), {back + "2 300"}},
      {"a firewall's update tells both directions", {{233, 4}, {231, 4}, {232, 4}, {298, 4}, {299, 4}}, words({5, 100, 300, 1, 2}), {there + "1 100", back + "2 300"}},
      {"as many as there can be", {{1, 8}, {10, 4}}, words({0xFFFF'FFFF, 0xFFFF'FFFF, 1}), {there + "23058430092136940 18446744073709551615"}},
      {"and estimates packets", {{233, 4}, {231, 4}, {232, 4}}, words({2, 100, 1700}), {there + "1 100", back + "3 1700"}},
      {"never beside totals", {{85, 4}, {231, 4}, {232, 4}}, words({400, 100, 300}), {there + "1 100", back + "1 300"}},
      {"232 without 231 is something else", {{1, 4}, {2, 4}, {232, 4}}, words({100, 1, 300}), {there + "1 100"}},
      {"a session created moves nothing", {{233, 4}, {1, 4}, {2, 4}}, words({1, 100, 1}), {there + "1 100 event"}},
      {"denied neither", {{40005, 4}, {231, 4}, {232, 4}}, words({3, 0, 0}), {there + "0 0 event"}},
      {"a NAT session created neither", {{230, 4}}, words({4}), {there + "0 0 event"}},
      {"one that ends tells its bytes", {{230, 4}, {1, 4}, {2, 4}}, words({5, 100, 1}), {there + "1 100"}},
      {"translated ends make no second record", {{1, 4}, {2, 4}, {225, 4}, {226, 4}}, words({100, 1, 7, 8}), {there + "1 100"}},
      {"a record without counters is an event", {{10, 4}}, words({3}), {there + "0 0 event"}},
  };
  for (const Row& row : rows) {
    NOTE(row.claim);
    const bool v9 = row.fields.front().element == 40005;
    BuiltFields fields = ends;
    fields.insert(fields.end(), row.fields.begin(), row.fields.end());
    FileWriter data{false};
    data.u32(kFour).u32(kOther).u16(1).u16(2).bytes(std::vector{std::byte{6}}).bytes(row.values.done());
    Run run;
    auto& batch = run((v9 ? netflow9() : ipfix()).templates(256, fields).data(256, data));
    CHECK(errors_of(batch) == "");
    REQUIRE(batch.sightings().size() == row.records.size());
    for (std::size_t i = 0; i < row.records.size(); ++i) CHECK(shown_record(batch, i) == row.records[i]);
    CHECK(run.against_reference() == "");
  }
}

TEST("ICMP has no ports, ports imply a protocol, IPv6 and both families are read, none is an event") {
  struct Row {
    BuiltFields fields;
    FileWriter values;
    std::string record;
  };
  const auto out = [] { return FileWriter{false}; };
  const Row rows[] = {
      {{{8, 4}, {12, 4}, {4, 2}, {7, 2}, {11, 2}, {1, 4}, {2, 4}}, out().u32(1).u32(2).u16(1).u16(0).u16(2048).u32(84).u32(1), "0.0.0.1:0 0.0.0.2:0 1 1 84"},
      {{{8, 4}, {12, 4}, {180, 2}, {181, 2}, {1, 4}, {2, 4}}, out().u32(1).u32(2).u16(5).u16(53).u32(84).u32(1), "0.0.0.1:5 0.0.0.2:53 17 1 84"},
      {{{8, 4}, {12, 4}, {4, 2}, {180, 2}, {181, 2}, {182, 2}, {183, 2}, {1, 4}, {2, 4}}, out().u32(1).u32(2).u16(6).u16(0).u16(0).u16(5).u16(80).u32(84).u32(1), "0.0.0.1:5 0.0.0.2:80 6 1 84"},
      {{{27, 16}, {28, 16}, {4, 2}, {7, 2}, {11, 2}, {1, 8}, {2, 8}}, out().u64(1).u64(2).u64(3).u64(4).u16(17).u16(5).u16(53).u64(84).u64(1), "::1:0:0:0:2:5 ::3:0:0:0:4:53 17 1 84"},
      {{{8, 4}, {12, 4}, {27, 16}, {28, 16}, {1, 4}, {2, 4}}, out().zeros(8).u64(1).u64(2).u64(3).u64(4).u32(84).u32(1), "::1:0:0:0:2:0 ::3:0:0:0:4:0 0 1 84"},
      {{{27, 16}, {28, 16}, {8, 4}, {12, 4}, {1, 4}, {2, 4}}, out().zeros(32).u32(1).u32(2).u32(84).u32(1), "0.0.0.1:0 0.0.0.2:0 0 1 84"},
      {{{56, 6}, {80, 6}, {1, 4}, {2, 4}}, out().zeros(12).u32(84).u32(1), "0.0.0.0:0 0.0.0.0:0 0 1 84 event"},
  };
  for (const Row& row : rows) {
    NOTE(row.record);
    Run run;
    auto& batch = run(ipfix().templates(256, row.fields).data(256, row.values));
    REQUIRE(batch.sightings().size() == 1);
    CHECK(shown_record(batch, 0) == row.record);
    CHECK(run.against_reference() == "");
  }
}

TEST("every clock that a record can be told by gives the same times") {
  constexpr std::uint64_t kFirstMs = 1'699'999'990'000;
  constexpr std::uint64_t kLastMs = 1'699'999'995'000;
  constexpr std::uint64_t kNtp = 2'208'988'800;
  struct Row {
    const char* claim;
    bool v9;
    BuiltFields fields;
    FileWriter values;
  };
  const auto out = [] { return FileWriter{false}; };
  const auto ntp = [](std::uint64_t ms) { return (ms / 1000 + kNtp) << 32; };
  const Row rows[] = {
      {"milliseconds", false, {{152, 8}, {153, 8}}, out().u64(kFirstMs).u64(kLastMs)},
      {"seconds", false, {{150, 4}, {151, 4}}, out().u32(kFirstMs / 1000).u32(kLastMs / 1000)},
      {"NTP, named microseconds", false, {{154, 8}, {155, 8}}, out().u64(ntp(kFirstMs)).u64(ntp(kLastMs))},
      {"NTP, named nanoseconds", false, {{156, 8}, {157, 8}}, out().u64(ntp(kFirstMs)).u64(ntp(kLastMs))},
      {"before the export", false, {{158, 4}, {159, 4}}, out().u32(10'000'000).u32(5'000'000)},
      {"uptime in the header", true, {{22, 4}, {21, 4}}, out().u32(990'000).u32(995'000)},
      {"uptime and the start in the record", false, {{22, 4}, {21, 4}, {160, 8}}, out().u32(990'000).u32(995'000).u64(1'699'999'000'000)},
      {"an end and a duration", false, {{153, 8}, {161, 4}}, out().u64(kLastMs).u32(5000)},
      {"a start and a duration in microseconds", false, {{152, 8}, {162, 4}}, out().u64(kFirstMs).u32(5'000'000)},
      {"a start and an observation", false, {{152, 8}, {323, 8}}, out().u64(kFirstMs).u64(kLastMs)},
  };
  for (const Row& row : rows) {
    NOTE(row.claim);
    BuiltFields fields = row.fields;
    for (const BuiltField& field : kPlain) fields.push_back(field);
    FileWriter data = row.values;
    data.bytes(plain_record().done());
    Run run;
    auto& batch = run((row.v9 ? netflow9() : ipfix()).templates(256, fields).data(256, data));
    REQUIRE(batch.details().size() == 1);
    CHECK(batch.details()[0].first_micros == std::int64_t{kFirstMs} * 1000);
    CHECK(batch.details()[0].last_micros == std::int64_t{kLastMs} * 1000);
    CHECK(run.against_reference() == "");
  }
  // Without the device's start uptimes still tell how long; a wrapped uptime counts on; damage tells nothing.
  BuiltFields uptime{{22, 4}, {21, 4}};
  for (const BuiltField& field : kPlain) uptime.push_back(field);
  Run unknown;
  auto& batch = unknown(ipfix().templates(256, uptime).data(256, out().u32(1000).u32(6000).bytes(plain_record().done())));
  CHECK(batch.details()[0].first_micros == kNow - 5'000'000);
  CHECK(batch.details()[0].last_micros == kNow);
  Run wrapped;
  wrapped(netflow9().clock(1'700'000'000, 1000).templates(256, uptime).data(256, out().u32(0xFFFF'FFFF - 999).u32(500).bytes(plain_record().done())));
  CHECK(wrapped.batch.details()[0].first_micros == kNow - 2'000'000);
  CHECK(wrapped.batch.details()[0].last_micros == kNow - 500'000);
  BuiltFields millis{{152, 8}, {153, 8}};
  for (const BuiltField& field : kPlain) millis.push_back(field);
  Run damaged;
  damaged(ipfix().templates(256, millis).data(256, out().u64(0).u64(~0ULL).bytes(plain_record(kFour, 0xFFFF'FFFF).done())));
  CHECK(damaged.batch.details()[0].first_micros == 0);
  CHECK(damaged.batch.details()[0].last_micros == 0);
  CHECK(damaged.against_reference() == "");
  CHECK(unknown.against_reference() + wrapped.against_reference() == "");
}

TEST("direction, end, drop, sampler, fragments, interfaces and AS are as stated") {
  Run run;
  BuiltFields fields = kPlain;
  for (const BuiltField& field : BuiltFields{{61, 1}, {136, 1}, {89, 1}, {48, 1}, {192, 1}, {10, 2}, {14, 4}, {16, 2}, {17, 4}}) fields.push_back(field);
  FileWriter data = plain_record();
  data.u16(0x0102).u16(0x8105).bytes(std::vector{std::byte{64}}).u16(7).u32(8).u16(64500).u32(4'200'000'000);
  auto& straight = run(ipfix().templates(256, fields).data(256, data));
  REQUIRE(straight.details().size() == 1);
  const FlowDetail& detail = straight.details()[0];
  CHECK(detail.side == FlowSide::egress);
  CHECK(detail.end == FlowEnd::active);
  CHECK(detail.dropped);
  CHECK(detail.sampler == 5);
  CHECK(straight.sightings()[0].facts.ttl == 64);
  CHECK(detail.input == 7);
  CHECK(detail.output == 8);
  CHECK(detail.source_as == 64'500);
  CHECK(detail.destination_as == 4'200'000'000);
  fields = kPlain;
  for (const BuiltField& field : BuiltFields{{88, 2}, {197, 1}, {34, 4}}) fields.push_back(field);
  data = plain_record();
  data.u16(0).bytes(std::vector{std::byte{0x20}}).u32(512);
  auto& walked = run(ipfix().templates(257, fields).data(257, data));
  REQUIRE(walked.details().size() == 1);
  CHECK(walked.sightings()[0].facts.fragment);
  CHECK(walked.sightings()[0].facts.first_fragment);
  CHECK(walked.details()[0].sampling == 512);
  CHECK(run.against_reference() == "");
}

