/// flow/templated: what waits, what is kept, what is given up, and that memory stays flat while it happens.
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include "../flow/templated/decoder.hpp"
#include "check.hpp"
#include "templated_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kStart = 1'700'000'000 * kSecond;
const BuiltFields kPlain{{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {6, 1}, {1, 4}, {2, 4}};

Address exporter(std::uint32_t number) { return {0, 0x0A00'0000 + number, Family::ipv4}; }

FileWriter records(std::size_t count) {
  FileWriter out{false};
  for (std::size_t i = 0; i < count; ++i) out.u32(i).u32(2).u16(443).u16(5000).u16(6 << 8 | 18).u32(1500).u32(3);
  return out;
}

struct Run {
  explicit Run(const templated::Limits& limits) : decoder{limits, 1, {}} {}
  templated::Decoder decoder;
  RecordBatch batch;
  std::vector<std::byte> last;

  RecordBatch& operator()(const TemplatedBuilder& datagram, const Address& sender, std::int64_t at) {
    last = datagram.done();
    batch.clear();
    decoder.decode(last, sender, at, batch);
    return batch;
  }
};

std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST("sets that waited are counted by the clock of their own message, in the order they came") {
  BuiltFields fields{{22, 4}, {21, 4}};
  fields.insert(fields.end(), kPlain.begin(), kPlain.end());
  Run run{{}};
  for (std::uint32_t i = 0; i < 3; ++i) {
    FileWriter data{false};
    data.u32(90'000).u32(95'000).bytes(records(1).done());
    auto& batch = run(netflow9(7, i).clock(1'700'000'000 + i, 100'000).data(256, data), exporter(1), kStart);
    CHECK(batch.extras.sets_without_template == 1);
    CHECK(batch.sightings().empty());
  }
  CHECK(run.decoder.totals().waiting_sets == 3);
  auto& batch = run(netflow9().templates(256, fields), exporter(1), kStart + kSecond);
  CHECK(batch.extras.records_recovered == 3);
  REQUIRE(batch.details().size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(batch.details()[i].first_micros == kStart + (std::int64_t{i} - 10) * kSecond);
  CHECK(run.decoder.totals().waiting_sets == 0);
  CHECK(run.decoder.totals().waiting_bytes == 0);
}

TEST("sets that wait in vain expire, and the exporter's next datagram tells") {
  Run run{{.waiting_micros = 10 * kSecond}};
  run(netflow9().data(256, records(1)), exporter(1), kStart);
  run(netflow9().data(256, records(1)), exporter(2), kStart + 5 * kSecond);
  run.decoder.expire(kStart + 11 * kSecond);
  CHECK(run.decoder.totals().waiting_sets == 1);
  CHECK(run(netflow9().templates(300, kPlain), exporter(2), kStart + 11 * kSecond).extras.sets_expired == 0);
  auto& batch = run(netflow9().templates(256, kPlain), exporter(1), kStart + 11 * kSecond);
  CHECK(batch.extras.sets_expired == 1);
  CHECK(batch.extras.records_recovered == 0);
  CHECK(run.decoder.exporter(exporter(1), FlowProtocol::netflow9, 7)->sets_expired == 1);
  CHECK(run(netflow9().templates(256, kPlain), exporter(2), kStart + 12 * kSecond).extras.records_recovered == 1);
}

TEST("the newest sets push out the oldest, each is either recovered or lost, and bytes stay within their bound") {
  constexpr std::size_t kBytes = 20'000;
  Run run{{.waiting_bytes = kBytes}};
  constexpr std::uint32_t kSets = 1000;
  for (std::uint32_t i = 0; i < kSets; ++i) {
    run(netflow9().data(256, records(1 + i % 17)), exporter(1 + i % 5), kStart + i);
    CHECK(run.decoder.totals().waiting_bytes <= kBytes);
  }
  const std::uint64_t waiting = run.decoder.totals().waiting_sets;
  CHECK(waiting > 50);
  std::uint64_t lost = 0;
  std::uint64_t recovered = 0;
  for (std::uint32_t i = 0; i < 5; ++i) {
    run(netflow9().templates(256, kPlain), exporter(1 + i), kStart + kSets);
    recovered += run.batch.extras.records_recovered;
    lost += run.decoder.exporter(exporter(1 + i), FlowProtocol::netflow9, 7)->sets_expired;
  }
  CHECK(lost + waiting == kSets);
  CHECK(recovered > waiting);
  CHECK(run.decoder.totals().waiting_sets == 0);
}

TEST("one exporter that fills the waiting room leaves room for others, and what it has too much of is counted as its own") {
  constexpr std::size_t kBytes = 64 << 10;
  Run run{{.waiting_bytes = kBytes}};
  constexpr std::uint32_t kFlood = 2'000;
  for (std::uint32_t i = 0; i < kFlood; ++i) run(netflow9(1, i).data(256, records(10)), exporter(1), kStart + i);
  const std::uint64_t flooding = run.decoder.totals().waiting_sets;
  CHECK(run.decoder.totals().waiting_bytes <= kBytes / 2);
  CHECK(run.decoder.totals().waiting_bytes > kBytes / 3);
  CHECK(run.decoder.exporter(exporter(1), FlowProtocol::netflow9, 1)->sets_expired == kFlood - flooding);
  // Ten others come while it goes on, and each gets all it has sent once its template is there.
  for (std::uint32_t i = 0; i < 10; ++i) {
    for (int each = 0; each < 4; ++each) {
      run(netflow9(1).data(256, records(10)), exporter(2 + i), kStart + kFlood);
      for (int n = 0; n < 20; ++n) run(netflow9(1).data(256, records(10)), exporter(1), kStart + kFlood);
    }
  }
  for (std::uint32_t i = 0; i < 10; ++i) {
    CHECK(run(netflow9(1).templates(256, kPlain), exporter(2 + i), kStart + kFlood).extras.records_recovered == 40);
    CHECK(run.decoder.exporter(exporter(2 + i), FlowProtocol::netflow9, 1)->sets_expired == 0);
  }
}

TEST("sets of a few bytes take room as well, and an exporter that takes over a row has its own share") {
  Run run{{.max_exporters = 1, .waiting_bytes = 16 << 10}};
  for (std::uint32_t i = 0; i < 500; ++i) run(netflow9(1, i).data(256, FileWriter{false}.u32(1)), exporter(1), kStart);
  CHECK(run.decoder.totals().waiting_sets == 64);  // half of 128 entries
  run(netflow9(1).data(256, FileWriter{false}.u32(1)), exporter(2), kStart + 61 * kSecond);
  CHECK(run.decoder.totals().waiting_sets == 65);
  run.decoder.expire(kStart + 130 * kSecond);
  CHECK(run.decoder.totals().waiting_sets == 1);
  for (std::uint32_t i = 0; i < 500; ++i) run(netflow9(1, i).data(256, FileWriter{false}.u32(1)), exporter(2), kStart + 131 * kSecond);
  CHECK(run.decoder.totals().waiting_sets == 64);
}

TEST("more than one batch of waiting records is recovered over the next datagrams, none twice") {
  Run run{{}};
  constexpr std::size_t kEach = 40;
  constexpr std::size_t kSets = 150;
  for (std::size_t i = 0; i < kSets; ++i) run(netflow9().data(256, records(kEach)), exporter(1), kStart);
  std::size_t seen = run(netflow9().templates(256, kPlain), exporter(1), kStart).sightings().size();
  CHECK(seen <= templated::kMostRecovered);
  for (int i = 0; i < 10 && run.decoder.totals().waiting_sets != 0; ++i) {
    seen += run(netflow9().data(256, records(1)), exporter(1), kStart).sightings().size() - 1;
    CHECK(run.batch.errors().empty());
  }
  CHECK(seen == kEach * kSets);
}

TEST("a template not sent again within its lifetime is forgotten") {
  Run run{{.lifetime_micros = 60 * kSecond}};
  run(netflow9().templates(256, kPlain), exporter(1), kStart);
  CHECK(run(netflow9().data(256, records(1)), exporter(1), kStart + 60 * kSecond).sightings().size() == 1);
  CHECK(run(netflow9().data(256, records(1)), exporter(1), kStart + 61 * kSecond).sightings().empty());
  CHECK(run.decoder.totals().store.templates == 1);
  for (int i = 0; i < 3; ++i) run.decoder.expire(kStart + 61 * kSecond);
  CHECK(run.decoder.totals().store.templates == 0);
}

TEST("templates go to the journal once, again when they change or long after, and come back from it") {
  Run run{{.lifetime_micros = 600 * kSecond}};
  run(netflow9().templates(256, kPlain).options(257, 1, {{1, 4}, {34, 4}}), exporter(1), kStart);
  run(ipfix(9).templates(300, {{8, 4}, {12, 4}, {82, templated::kVariableLength}, {1, 4, templated::kReverseEnterprise}}), exporter(2), kStart);
  auto first = run.decoder.take_changed(2);
  CHECK(first.size() == 2);
  const auto rest = run.decoder.take_changed(100);
  CHECK(rest.size() == 1);
  CHECK(run.decoder.take_changed(100).empty());
  run(netflow9().templates(256, kPlain), exporter(1), kStart + 30 * kSecond);
  CHECK(run.decoder.take_changed(100).empty());
  run(netflow9().templates(256, kPlain), exporter(1), kStart + 200 * kSecond);
  CHECK(run.decoder.take_changed(100).size() == 1);
  run(netflow9().templates(256, {{8, 4}, {12, 4}}), exporter(1), kStart + 201 * kSecond);
  CHECK(run.decoder.take_changed(100).size() == 1);

  first.insert(first.end(), rest.begin(), rest.end());
  Run again{{.lifetime_micros = 600 * kSecond}};
  for (const auto& stored : first) CHECK(again.decoder.restore(stored, kStart + 300 * kSecond));
  CHECK(again.decoder.take_changed(100).empty());
  CHECK(again(netflow9().data(256, records(2)), exporter(1), kStart + 300 * kSecond).sightings().size() == 2);
  CHECK(again(netflow9().data(257, FileWriter{false}.u32(1).u32(5)), exporter(1), kStart + 300 * kSecond).statements().size() == 1);
  CHECK(again(ipfix(9).data(300, FileWriter{false}.u32(1).u32(2).zeros(1).u32(3)), exporter(2), kStart + 300 * kSecond).sightings().size() == 1);
  CHECK(!again.decoder.restore(first[0], kStart + 300 * kSecond));

  Run late{{.lifetime_micros = 600 * kSecond}};
  CHECK(!late.decoder.restore(first[0], kStart + 601 * kSecond));
  auto damaged = first[0];
  damaged.body.pop_back();
  CHECK(!late.decoder.restore(damaged, kStart));
}

TEST("a template that is withdrawn is withdrawn from the journal too, if it ever came there") {
  Run run{{}};
  const auto ids = [&](std::size_t most) {
    std::vector<std::pair<std::uint16_t, bool>> out;  // and whether it is there
    for (const auto& one : run.decoder.take_changed(most)) {
      CHECK(one.address == exporter(1));
      CHECK(one.domain == 9);
      CHECK(one.protocol == FlowProtocol::ipfix);
      out.emplace_back(one.id, !one.body.empty());
    }
    return out;
  };
  using Ids = std::vector<std::pair<std::uint16_t, bool>>;
  run(ipfix(9).templates(300, kPlain), exporter(1), kStart);
  CHECK(ids(100) == Ids{{300, true}});
  run(ipfix(9).templates(301, kPlain), exporter(1), kStart + kSecond);
  run(ipfix(9).withdraw(300).withdraw(301).withdraw(302), exporter(1), kStart + 2 * kSecond);
  CHECK(ids(100) == Ids{{300, false}});  // the other two never came to the journal
  CHECK(ids(100).empty());
  // Withdrawn and sent anew before the journal was told: the order is kept, also where it is told bit by bit.
  run(ipfix(9).templates(300, kPlain).templates(303, kPlain), exporter(1), kStart + 3 * kSecond);
  CHECK(ids(100).size() == 2);
  run(ipfix(9).withdraw(300).withdraw(303).templates(300, kPlain), exporter(1), kStart + 4 * kSecond);
  const Ids first = ids(1);
  REQUIRE(first.size() == 1);
  CHECK(!first[0].second);
  const Ids second = ids(1);
  REQUIRE(second.size() == 1);
  CHECK(!second[0].second);
  CHECK(ids(1) == Ids{{300, true}});
  CHECK(ids(1).empty());
  run(ipfix(9).withdraw(2), exporter(1), kStart + 5 * kSecond);
  CHECK(ids(100) == Ids{{300, false}});
}

TEST("1,000 exporters with 50 templates each go on while floods of ids and of addresses pass, in flat memory") {
  Run run{{.max_templates = 60'000, .max_templates_per_exporter = 200, .max_exporters = 5'000, .waiting_bytes = 1 << 20}};
  constexpr std::uint32_t kExporters = 1000;
  constexpr std::uint16_t kTemplates = 50;
  const auto data = records(1);
  const auto teach = [&](std::int64_t at) {
    for (std::uint32_t i = 0; i < kExporters; ++i) {
      auto datagram = netflow9();
      for (std::uint16_t id = 0; id < kTemplates; ++id) datagram.templates(static_cast<std::uint16_t>(256 + id), kPlain);
      CHECK(run(datagram, exporter(i), at).errors().empty());
    }
  };
  const auto all_read = [&](std::int64_t at) {
    std::uint64_t seen = 0;
    for (std::uint32_t i = 0; i < kExporters; ++i) {
      auto datagram = netflow9();
      for (std::uint16_t id = 0; id < kTemplates; ++id) datagram.data(static_cast<std::uint16_t>(256 + id), data);
      seen += run(datagram, exporter(i), at).sightings().size();
    }
    return seen;
  };
  teach(kStart);
  CHECK(all_read(kStart) == std::uint64_t{kExporters} * kTemplates);
  CHECK(run.decoder.totals().store.templates == std::uint64_t{kExporters} * kTemplates);
  CHECK(run.decoder.totals().store.evicted == 0);

  // Rewritten in place, so that the test's own memory does not move.
  auto builder = netflow9();
  for (int i = 0; i < 50; ++i) builder.templates(256, kPlain);
  auto flood = builder.done();
  const auto put = [&](std::size_t offset, std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) flood[offset + i] = static_cast<std::byte>(value >> 8 * (width - 1 - i));
  };
  constexpr std::size_t kDomainAt = 16;
  constexpr std::size_t kFirstIdAt = 24;
  const std::size_t each = (flood.size() - 20) / 50;
  const auto orphan = netflow9().data(300, data).done();

  std::uint64_t state = 9;
  std::size_t grown_from = 0;
  std::int64_t at = kStart;
  for (int round = 0; round < 2; ++round) {
    // A million template ids, in datagrams of 50, of spoofed addresses; and of one real exporter's address.
    for (std::uint32_t i = 0; i < 10'000; ++i) {
      put(kDomainAt, next_random(state), 4);
      for (std::size_t j = 0; j < 50; ++j) put(kFirstIdAt + j * each, 256 + next_random(state) % 65'000, 2);
      run.batch.clear();
      run.decoder.decode(flood, exporter(1'000'000 + static_cast<std::uint32_t>(next_random(state) % 1'000'000)), at += 100, run.batch);
    }
    auto datagram = netflow9();
    for (std::uint16_t id = 1000; id < 2000; ++id) datagram.templates(id, kPlain);
    run(datagram, exporter(3), at);
    // 200,000 addresses that send data nobody can read, in front of templates and behind.
    for (std::uint32_t i = 0; i < 100'000; ++i) {
      run.batch.clear();
      run.decoder.decode(orphan, exporter(2'000'000 + i + 100'000 * static_cast<std::uint32_t>(round)), at += 10, run.batch);
    }
    run.decoder.expire(at);
    if (round == 0) grown_from = resident_bytes();
  }
  const auto totals = run.decoder.totals();
  CHECK(totals.store.templates <= 60'000);
  CHECK(totals.store.evicted > 900'000);
  CHECK(totals.store.exporters <= 5'000);
  CHECK(totals.store.exporters_evicted > 150'000);
  CHECK(totals.waiting_bytes <= std::size_t{1} << 20);
  CHECK(resident_bytes() - std::min(grown_from, resident_bytes()) < std::size_t{4} << 20);
  CHECK(all_read(at) == std::uint64_t{kExporters} * kTemplates);
  CHECK(run.decoder.exporter(exporter(3), FlowProtocol::netflow9, 7)->templates <= 200);
  CHECK(run.decoder.exporter(exporter(3), FlowProtocol::netflow9, 7)->evicted >= 850);
  CHECK(run.decoder.exporter(exporter(4), FlowProtocol::netflow9, 7)->evicted == 0);
}

TEST("an exporter that has used one of its templates keeps all of them while a flood of ids passes") {
  Run run{{.max_templates = 100, .max_exporters = 1'000}};
  for (std::uint16_t id = 256; id < 276; ++id) run(netflow9(1).templates(id, kPlain), exporter(1), kStart);
  CHECK(run(netflow9(1).data(256, records(1)), exporter(1), kStart).sightings().size() == 1);
  for (std::uint32_t i = 0; i < 500; ++i) {
    run(netflow9(1).templates(256, kPlain).templates(257, kPlain), exporter(2 + i), kStart + 120 * kSecond);
  }
  CHECK(run.decoder.totals().store.templates == 100);
  for (std::uint16_t id = 256; id < 276; ++id) {
    CHECK(run(netflow9(1).data(id, records(1)), exporter(1), kStart + 121 * kSecond).sightings().size() == 1);
  }
  CHECK(run.decoder.exporter(exporter(1), FlowProtocol::netflow9, 1)->evicted == 0);
}

TEST("where all templates are in use a new one is refused, until one has been idle") {
  Run run{{.max_templates = 2}};
  for (std::uint32_t i = 1; i <= 2; ++i) run(netflow9().templates(256, kPlain).data(256, records(1)), exporter(i), kStart);
  auto& refused = run(netflow9().templates(256, kPlain), exporter(3), kStart + 10 * kSecond);
  REQUIRE(refused.errors().size() == 1);
  CHECK(refused.errors()[0] == DecodeError::template_refused);
  CHECK(run.decoder.totals().store.refused == 1);
  run(netflow9().data(256, records(1)), exporter(2), kStart + 50 * kSecond);
  CHECK(run(netflow9().templates(256, kPlain), exporter(3), kStart + 70 * kSecond).errors().empty());
  CHECK(run(netflow9().data(256, records(1)), exporter(1), kStart + 70 * kSecond).sightings().empty());
  CHECK(run(netflow9().data(256, records(1)), exporter(2), kStart + 70 * kSecond).sightings().size() == 1);
}

TEST("what does not fit into a batch is one error, and the sequence counts it all the same") {
  BuiltFields tiny{{8, 4}, {12, 4}, {1, 1}, {2, 1}};
  Run run{{}};
  run(ipfix().templates(256, tiny), exporter(1), kStart);
  constexpr std::size_t kRecords = 6'000;
  auto& batch = run(ipfix().data(256, FileWriter{false}.zeros(kRecords * 10)), exporter(1), kStart);
  CHECK(batch.sightings().size() == kMaxRecordsPerDatagram);
  REQUIRE(batch.errors().size() == 1);
  CHECK(batch.errors()[0] == DecodeError::record_too_many);
  CHECK(batch.header.units == kRecords);
}
