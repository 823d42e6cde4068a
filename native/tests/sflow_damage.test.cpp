/// flow/sflow, version 5: datagrams that are damaged, or say little, cost only what is damaged.
#include "../flow/sflow/sflow.hpp"
#include "../fuzz/sflow_reference.hpp"
#include "sflow_packets.hpp"

using namespace tidegate;
using namespace tidegate::check;

TEST("each kind of damage has its own name, and the samples around it count") {
  const auto four = ipv4_udp(kFour, kOtherFour, 500);
  struct Row {
    std::string_view errors;
    std::size_t sightings;
    std::vector<std::byte> bytes;
    bool readable = true;
  };
  const auto around = [&](auto damage) {
    SflowBuilder builder;
    builder.flow_sample(1).raw_header(11, 500, four);
    damage(builder);
    return builder.flow_sample(1).raw_header(11, 500, four).done();
  };
  auto cut = around([](SflowBuilder&) {});
  cut.resize(cut.size() - 4);
  SflowBuilder many;
  for (std::size_t i = 0; i <= sflow::kMaxSamplesPerDatagram; ++i) many.sample(2, FileWriter{false});
  FileWriter too_many{false};
  too_many.zeros(28).u32(sflow::kMaxRecordsPerSample + 1).zeros(8 * (sflow::kMaxRecordsPerSample + 1));
  const Row rows[] = {
      {"sflow_truncated", 0, std::vector<std::byte>(3), false},
      {"sflow_bad_version", 0, SflowBuilder{}.version(3).done(), false},
      {"sflow_bad_address_type", 0, SflowBuilder{}.agent_type(3).done(), false},
      {"sflow_truncated", 0, SflowBuilder{}.agent_type(2).done(), false},
      {"sflow_truncated", 1, SflowBuilder{}.stated_samples(3).flow_sample(1).raw_header(11, 500, four).done()},
      {"sflow_bad_sample_length", 1, cut},
      {"sflow_too_many_samples", 0, many.done()},
      {"sflow_too_many_records", 2, around([&](auto& b) { b.sample(1, too_many); })},
      {"sflow_bad_sample_length", 2, around([](auto& b) { b.sample(1, FileWriter{false}.zeros(28)); })},
      {"sflow_bad_record_length", 2, around([](auto& b) { b.sample(3, FileWriter{false}.zeros(40).u32(1).u32(1).u32(99)); })},
      {"sflow_bad_record_length", 2, around([](auto& b) { b.flow_sample(1).record(1, FileWriter{false}.u32(1).u32(60).u32(0).u32(5).u32(0)); })},
      {"sflow_bad_record_length", 2, around([](auto& b) { b.flow_sample(1).record(3, FileWriter{false}.zeros(28)); })},
      {"sflow_bad_frame_length", 2, around([&](auto& b) { b.flow_sample(1).raw_header(11, sflow::kMaxFrameLength + 1, four); })},
      {"sflow_unsupported_header", 2, around([&](auto& b) { b.flow_sample(1).raw_header(2, 500, four); })},
      {"sflow_no_packet", 2, around([](auto& b) { b.flow_sample(1).record(1001, FileWriter{false}.zeros(16)); })},
      {"sflow_no_packet", 2, around([](auto& b) { b.flow_sample(1).sampled_ethernet(64); })},
      {"sflow_bad_record_length", 2, around([](auto& b) { b.flow_sample(1).record(2, FileWriter{false}.zeros(16)); })},
      {"not_ip", 2, around([](auto& b) { b.flow_sample(1).raw_header(1, 64, ethernet(0x0806, std::vector<std::byte>(28))); })},
      {"", 2, around([](auto& b) { b.sample(0x1000 << 12 | 1, FileWriter{false}.zeros(3)); })},
  };
  RecordBatch batch;
  for (const auto& row : rows) {
    NOTE(std::string{row.errors});
    CHECK(sflow::decode(row.bytes, {}, batch) == row.readable);
    CHECK(errors_of(batch) == row.errors);
    CHECK(counted(batch) == row.sightings);
    CHECK(sflow::reference::difference(row.bytes) == "");
  }
}

TEST("a sample whose packet is not IP is a record with its packet and bytes that does not count") {
  const auto arp = ethernet(0x0806, std::vector<std::byte>(28));
  const auto bytes = SflowBuilder{}.flow_sample(10).raw_header(1, 64, arp).flow_sample(10).sampled_ethernet(1518).done();
  RecordBatch batch;
  REQUIRE(sflow::decode(bytes, {}, batch));
  CHECK(errors_of(batch) == "not_ip sflow_no_packet");
  REQUIRE(batch.details().size() == 2);
  CHECK(counted(batch) == 0);
  CHECK(batch.sightings()[0].packets == 1);
  CHECK(batch.sightings()[0].bytes == 64);
  CHECK(batch.sightings()[0].facts.source == Address{});
  CHECK(batch.sightings()[1].packets == 1);
  CHECK(batch.sightings()[1].bytes == 1518);
  CHECK(batch.details()[1].sampling == 10);
}

TEST("a datagram cut at any byte agrees with the reference and never counts more than the whole") {
  const auto bytes = SflowBuilder{}
                         .flow_sample(10).raw_header(1, 518, ethernet(0x0800, ipv4_udp(kFour, kOtherFour, 500)))
                         .expanded_flow_sample(10).sampled_ipv6(99, kSix, kOtherSix).done();
  RecordBatch batch;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = std::span{bytes}.first(size);
    CHECK(sflow::reference::difference(cut) == "");
    CHECK(sflow::decode(cut, {}, batch) == (size >= 28));
    CHECK(batch.errors().size() == 1);
    CHECK(counted(batch) <= 1);
  }
}

TEST("inputs that once broke the decoder agree with the reference") {
  const std::filesystem::path folder = "native/fuzz/found/sflow";
  if (!std::filesystem::is_directory(folder)) SKIP("none has been found yet");
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    NOTE(entry.path().string());
    CHECK(sflow::reference::difference(file_bytes(entry.path())) == "");
  }
}
