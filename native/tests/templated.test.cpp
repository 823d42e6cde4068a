/// flow/templated: sets, templates and options of NetFlow v9 and IPFIX, built for each rule.
#include <filesystem>
#include <fstream>

#include "check.hpp"
#include "templated_run.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {
using Run = TemplatedRun;
}

TEST("a template and its data are read in one datagram, in either order, and with padding behind") {
  for (const bool v9 : {true, false}) {
    for (const bool data_first : {true, false}) {
      Run run;
      auto datagram = v9 ? netflow9() : ipfix();
      FileWriter records = plain_record();
      records.bytes(plain_record(kFour + 1, 40, 1).done()).zeros(2);
      if (data_first) datagram.data(256, records);
      datagram.templates(256, kPlain);
      if (!data_first) datagram.data(256, records);
      auto& batch = run(datagram);
      CHECK(errors_of(batch) == "");
      REQUIRE(batch.sightings().size() == 2);
      CHECK(shown_record(batch, 0) == "198.51.100.1:443 203.0.113.5:5000 6 3 1500");
      CHECK(shown_record(batch, 1) == "198.51.100.2:443 203.0.113.5:5000 6 1 40");
      CHECK(batch.sightings()[0].facts.tcp_flags == 18);
      CHECK(batch.extras.records_recovered == (data_first ? 2U : 0U));
      CHECK(batch.header.units_known == (v9 || !data_first));
      CHECK(batch.header.units == (v9 ? 1U : data_first ? 0U : 2U));
      CHECK(run.against_reference() == "");
    }
  }
}

TEST("damaged sets and templates cost themselves and are named") {
  struct Row {
    std::string_view error;
    std::size_t records;
    TemplatedBuilder datagram;
  };
  const auto good = [](TemplatedBuilder builder) { return builder.templates(256, kPlain).data(256, plain_record()); };
  const auto raw = [](std::initializer_list<std::uint16_t> words) {
    FileWriter out{false};
    for (const auto word : words) out.u16(word);
    return out;
  };
  BuiltFields many(templated::kMaxFieldsPerTemplate + 1, BuiltField{8, 4});
  BuiltFields branching;
  for (std::size_t i = 0; i <= templated::kMaxSteps; ++i) {
    branching.push_back({82, templated::kVariableLength});
    branching.push_back({82, 1});
  }
  const Row rows[] = {
      {"templated_bad_set", 1, good(netflow9()).raw(raw({256, 3}))},
      {"templated_bad_set", 1, good(netflow9()).raw(raw({256, 100}))},
      {"templated_bad_set", 1, good(ipfix()).raw(raw({256, 100, 1}))},
      {"templated_bad_set", 2, good(netflow9()).set(17, {}).data(256, plain_record())},
      {"templated_bad_set", 2, good(ipfix()).set(0, {}).data(256, plain_record())},
      {"", 1, good(netflow9()).raw(raw({0, 0, 0, 0}))},
      {"", 1, good(netflow9()).raw(raw({7}))},
      {"template_malformed", 1, good(netflow9()).set(0, raw({255, 1, 8, 4}).done())},
      {"template_malformed", 1, good(netflow9()).set(0, raw({300, 2, 8, 4}).done())},
      {"template_malformed", 1, good(netflow9()).set(0, raw({300, 0}).done())},
      {"template_malformed", 1, good(netflow9()).templates(300, {{8, 0}, {12, 0}})},
      {"template_malformed", 1, good(ipfix()).set(2, raw({300, 1, 0x8001, 4}).done())},
      {"template_malformed", 1, good(ipfix()).set(3, raw({300, 1, 2, 8, 4}).done())},
      {"template_malformed", 1, good(ipfix()).templates(300, {{8, 4}, {12, 65534}})},
      {"", 1, good(netflow9()).set(0, raw({0, 0}).done())},
      {"template_too_many_fields", 1, good(netflow9()).templates(300, many)},
      {"template_too_many_fields", 1, good(ipfix()).templates(300, branching)},
      {"record_truncated", 1, good(ipfix()).templates(300, {{8, 4}, {82, templated::kVariableLength}})
                                  .data(300, FileWriter{false}.u32(kFour).u16(0xFF01).u16(9))},
      {"ipfix_truncated", 1, good(ipfix()).stated_length(500)},
      {"ipfix_bad_length", 0, good(ipfix()).stated_length(15)},
      {"", 0, good(ipfix()).stated_length(16)},
  };
  for (const Row& row : rows) {
    NOTE(std::string{row.error});
    Run run;
    auto& batch = run(row.datagram);
    CHECK(errors_of(batch) == row.error);
    CHECK(batch.sightings().size() == row.records);
    if (row.error != "template_too_many_fields") CHECK(run.against_reference() == "");
  }
  for (const std::size_t length : {1U, 3U, 15U, 19U}) {
    templated::Decoder decoder{{}, 1, {}};
    RecordBatch batch;
    auto bytes = netflow9().done();
    bytes.resize(length);
    decoder.decode(bytes, kSender, kNow, batch);
    CHECK(batch.errors().size() == 1);
    CHECK(batch.sightings().empty());
  }
}

TEST("a template that changes holds from that moment on; sent again unchanged it costs nothing") {
  Run run;
  run(netflow9().templates(256, kPlain).data(256, plain_record()));
  const BuiltFields other{{12, 4}, {8, 4}, {2, 4}, {1, 4}};
  auto& batch = run(netflow9().templates(256, other).data(256, FileWriter{false}.u32(1).u32(2).u32(3).u32(4)));
  REQUIRE(batch.sightings().size() == 1);
  CHECK(shown_record(batch, 0) == "0.0.0.2:0 0.0.0.1:0 0 3 4");
  run(netflow9().templates(256, other), kNow + 30'000'000);
  const auto known = run.decoder.exporter(kSender, FlowProtocol::netflow9, 7);
  REQUIRE(known.has_value());
  CHECK(known->templates == 1);
  CHECK(known->changes == 1);
  CHECK(known->longest_gap_micros == 30'000'000);
  CHECK(run.against_reference() == "");
}

TEST("templates belong to address, protocol and domain, not to a port") {
  Run run;
  run(netflow9(7).templates(256, kPlain));
  CHECK(run(netflow9(8).data(256, plain_record())).extras.sets_without_template == 1);
  CHECK(run(ipfix(7).data(256, plain_record())).extras.sets_without_template == 1);
  CHECK(run(netflow9(7).data(256, plain_record())).sightings().size() == 1);
  RecordBatch batch;
  run.decoder.decode(netflow9(7).data(256, plain_record()).done(), {0, 1, Family::ipv4}, kNow, batch);
  CHECK(batch.extras.sets_without_template == 1);
}

TEST("IPFIX templates are withdrawn one by one and all of a kind") {
  Run run;
  run(ipfix().templates(256, kPlain).templates(257, kPlain).options(258, 1, {{302, 4}, {34, 4}}));
  CHECK(run(ipfix().withdraw(256).data(256, plain_record())).extras.sets_without_template == 1);
  CHECK(run(ipfix().data(257, plain_record())).sightings().size() == 1);
  auto& batch = run(ipfix().withdraw(2).data(257, plain_record()).data(258, FileWriter{false}.u32(1).u32(9)));
  CHECK(batch.extras.withdrawals == 1);
  CHECK(batch.extras.sets_without_template == 1);
  CHECK(batch.extras.option_records == 1);
  CHECK(run(ipfix().withdraw(3, true).data(258, FileWriter{false}.u32(1).u32(9))).extras.sets_without_template == 1);
  CHECK(run.decoder.exporter(kSender, FlowProtocol::ipfix, 7)->templates == 0);
  CHECK(run.against_reference() == "");
}

TEST("options tell sampling by exporter, by sampler and by interface, in every form that vendors use") {
  using Scope = SamplingStatement::Scope;
  struct Row {
    const char* claim;
    bool v9;
    std::uint16_t scopes;
    BuiltFields fields;
    FileWriter values;
    Scope scope;
    std::uint64_t id;
    std::uint32_t rate;
  };
  const auto out = [] { return FileWriter{false}; };
  const Row rows[] = {
      {"v9 system", true, 1, {{1, 4}, {34, 4}, {35, 1}}, out().u32(9).u32(1000).bytes(std::vector{std::byte{2}}), Scope::exporter, 0, 1000},
      {"v9 scope without bytes (Juniper SRX)", true, 1, {{1, 0}, {34, 4}, {35, 2}}, out().u32(100).u16(1), Scope::exporter, 0, 100},
      {"v9 interface", true, 1, {{2, 2}, {34, 4}}, out().u16(7).u32(64), Scope::interface, 7, 64},
      {"v9 sampler", true, 1, {{1, 4}, {48, 1}, {49, 1}, {50, 4}}, out().u32(9).u16(0x0302).u32(2000), Scope::sampler, 3, 2000},
      {"IPFIX selector, packets and space", false, 1, {{302, 4}, {304, 2}, {305, 4}, {306, 4}}, out().u32(4).u16(1).u32(1).u32(999), Scope::sampler, 4, 1000},
      {"IPFIX selector, size of population", false, 1, {{302, 8}, {305, 4}, {304, 2}, {309, 4}, {310, 4}}, out().u64(4).u32(1).u16(3).u32(1).u32(256), Scope::sampler, 4, 256},
      {"IPFIX probability", false, 1, {{149, 4}, {311, 8}}, out().u32(7).u64(0x3F50624DD2F1A9FC), Scope::exporter, 0, 1000},
      {"IPFIX interface", false, 1, {{10, 4}, {34, 4}}, out().u32(12).u32(10), Scope::interface, 12, 10},
      {"packet interval alone is the rate", false, 1, {{149, 4}, {305, 4}}, out().u32(7).u32(500), Scope::exporter, 0, 500},
      {"zero is said as zero", false, 1, {{149, 4}, {34, 4}}, out().u32(7).u32(0), Scope::exporter, 0, 0},
  };
  for (const Row& row : rows) {
    NOTE(row.claim);
    Run run;
    auto& batch = run((row.v9 ? netflow9() : ipfix()).options(256, row.scopes, row.fields).data(256, row.values));
    CHECK(errors_of(batch) == "");
    CHECK(batch.extras.option_records == 1);
    REQUIRE(batch.statements().size() == 1);
    CHECK(batch.statements()[0].scope == row.scope);
    CHECK(batch.statements()[0].id == row.id);
    CHECK(batch.statements()[0].rate == row.rate);
    if (!row.v9) CHECK(batch.header.units == 1);
    CHECK(run.against_reference() == "");
  }
  Run names;
  auto& batch = names(netflow9().options(256, 1, {{2, 4}, {82, 8}}).data(256, FileWriter{false}.u32(3).u64(0)));
  CHECK(batch.extras.option_records == 1);
  CHECK(batch.statements().empty());
}

TEST("a section of a packet makes a record one sampled packet, from the link and from the IP header on") {
  FileWriter ip{false};
  ip.u16(0x4500).u16(200).u32(0).u16(0x4011).u16(0).u32(kFour).u32(kOther).u16(53).u16(4444).u16(180).u16(0);
  FileWriter frame{false};
  frame.zeros(12).u16(0x0800).bytes(ip.done());
  const auto of = [](std::size_t length) { return static_cast<std::uint16_t>(length); };
  struct Row {
    const char* claim;
    BuiltFields fields;
    FileWriter values;
    std::uint64_t bytes;
    std::uint32_t sampling;
    bool short_header;
  };
  const Row rows[] = {
      {"NetFlow-Lite, padded behind", {{104, of(frame.size() + 6)}, {103, 2}, {312, 2}, {305, 4}, {306, 4}},
       FileWriter{frame}.zeros(6).u16(frame.size()).u16(218).u32(1).u32(99), 218, 100, false},
      {"IE 315, as long as IP says", {{315, of(frame.size())}}, frame, 214, 0, false},
      {"IE 313 with a total length", {{313, of(ip.size())}, {224, 2}, {34, 4}}, FileWriter{ip}.u16(200).u32(5), 200, 5, false},
      {"cut in front of the ports", {{313, 20}, {224, 2}}, FileWriter{false}.bytes(std::span{ip.done()}.first(20)).u16(200), 200, 0, true},
  };
  for (const Row& row : rows) {
    NOTE(row.claim);
    Run run;
    auto& batch = run(ipfix().templates(256, row.fields).data(256, row.values));
    CHECK(errors_of(batch) == "");
    REQUIRE(batch.sightings().size() == 1);
    const FlowDetail& detail = batch.details()[0];
    CHECK(batch.sightings()[0].facts.source == ipv4_address(kFour));
    CHECK(batch.sightings()[0].packets == 1);
    CHECK(batch.sightings()[0].bytes == row.bytes);
    CHECK(detail.frame_length == row.bytes);
    CHECK(detail.sampling == row.sampling);
    CHECK(detail.short_header == row.short_header);
    CHECK(!detail.bytes.empty());
    CHECK(detail.counts);
    CHECK(run.against_reference() == "");
  }
  Run broken;
  CHECK(errors_of(broken(ipfix().templates(256, {{313, 4}}).data(256, FileWriter{false}.u32(0x9500'0000)))) != "");
  CHECK(broken.batch.sightings().empty());
}

TEST("variable lengths, long ones and structured data are passed over by what they state") {
  Run run;
  const BuiltFields fields{{8, 4}, {291, templated::kVariableLength}, {12, 4}, {82, templated::kVariableLength},
                           {292, templated::kVariableLength}, {1, templated::kVariableLength}, {2, 4}, {5, 1}};
  FileWriter data{false};
  for (int i = 0; i < 2; ++i) {
    data.u32(kFour).bytes(std::vector{std::byte{3}}).zeros(3).u32(kOther).bytes(std::vector{std::byte{255}}).u16(300).zeros(300);
    data.bytes(std::vector{std::byte{0}}).bytes(std::vector{std::byte{2}}).u16(900).u32(4).zeros(1);
  }
  auto& batch = run(ipfix().templates(256, fields).data(256, data));
  CHECK(errors_of(batch) == "");
  REQUIRE(batch.sightings().size() == 2);
  CHECK(shown_record(batch, 1) == "198.51.100.1:0 203.0.113.5:0 0 4 900");
  CHECK(batch.header.units == 2);
  CHECK(run.against_reference() == "");
}

TEST("fuzzing's seeds, and inputs that once broke the decoder, give what the plain reference gives") {
  std::size_t inputs = 0;
  for (const auto& [name, version] : {std::pair{"netflow9", 9U}, {"ipfix", 10U}}) {
    for (const std::string folder : {"native/fuzz/found/", "native/fuzz/seeds/"}) {
      if (!std::filesystem::is_directory(folder + name)) continue;
      for (const auto& entry : std::filesystem::directory_iterator{folder + name}) {
        NOTE(entry.path().string());
        std::ifstream in{entry.path(), std::ios::binary};
        std::vector<std::byte> bytes;
        for (char c; in.get(c);) bytes.push_back(static_cast<std::byte>(c));
        CHECK(templated::reference::difference(templated::reference::datagrams_of(bytes, version)) == "");
        ++inputs;
      }
    }
  }
  CHECK(inputs >= 12);
}
