/// counters/meter: who is reported, how subjects stand, what is bounded.
#include <string>

#include "check.hpp"
#include "meter_feed.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

constexpr std::int64_t kEpoch = 1'795'480'780'000'000;

/// Feeds the same values every tick and judges; returns the judgement of the last.
class Driver {
 public:
  explicit Driver(const MeterOptions& options) : meter{options} {}
  MeterJudgement tick(const std::vector<std::pair<Address, Values>>& hosts,
                      const std::vector<std::pair<std::uint32_t, Values>>& networks = {}) {
    BatchOf batch{at, at + kTick};
    for (const auto& [host, values] : hosts) batch.host(host, values);
    for (const auto& [network, values] : networks) batch.network(network, values);
    at += kTick;
    meter.absorb(batch);
    return meter.judge(at);
  }
  MeterJudgement silence(int ticks) {
    MeterJudgement last;
    for (int i = 0; i < ticks; ++i) last = meter.judge(at += kTick);
    return last;
  }

  Meter meter;
  std::int64_t at = kEpoch;
};

Address host_number(std::uint32_t i) { return ipv4_address(0x0a000000U + i); }

}  // namespace

TEST("the cause is the first metric over in the order of the table, with its rate and threshold") {
  MeterOptions options = quiet_options();
  options.limits.incoming[0] = 1000;  // pps
  options.limits.incoming[1] = 8;     // mbps
  options.limits.incoming[4] = 100;   // udp_pps
  Driver driver{options};
  // 5000 packets/s, 10 Mbit/s and 5000 UDP packets/s are all over; then only the last two.
  const auto all = driver.tick({{host_number(1), {{kPps, 1500}, {kPps + 2, 1500}, {kBytes, 1'250'000}}}});
  REQUIRE(all.exceeded.size() == 1U);
  CHECK(kMetricTable[all.exceeded[0].metric].name == "pps");
  CHECK(all.exceeded[0].rate == 1500.0);
  CHECK(all.exceeded[0].threshold == 1000.0);
  CHECK(all.exceeded[0].rates[kBytes] == 10'000'000.0);
  const auto bits = driver.tick({{host_number(2), {{kPps, 900}, {kPps + 2, 900}, {kBytes, 1'250'000}}}});
  REQUIRE(bits.exceeded.size() == 1U);
  CHECK(kMetricTable[bits.exceeded[0].metric].name == "mbps");
  CHECK(bits.exceeded[0].rate == 10.0);
}

TEST("a rate equal to the threshold is not over it") {
  Driver driver{judging_pps(1000)};
  CHECK(driver.tick({{host_number(1), {{kPps, 1000}}}}).exceeded.empty());
  CHECK(driver.tick({{host_number(1), {{kPps, 1}}}}).exceeded.size() == 1U);
}

TEST("a threshold of zero fires on the first packet, and only in its direction") {
  Driver driver{judging_pps(0)};
  CHECK(driver.tick({{host_number(1), {{kOut + kPps, 5}}}}).exceeded.empty());
  CHECK(driver.tick({{host_number(1), {{kPps, 1}}}}).exceeded.size() == 1U);
}

TEST("an exceeded host is reported once until it has been under its threshold") {
  Driver driver{judging_pps(1000)};
  const std::vector<std::pair<Address, Values>> attack{{host_number(1), {{kPps, 500}}}};
  std::size_t reports = 0;
  for (int i = 0; i < 30; ++i) reports += driver.tick(attack).exceeded.size();
  CHECK(reports == 1U);
  driver.silence(30);
  for (int i = 0; i < 30; ++i) reports += driver.tick(attack).exceeded.size();
  CHECK(reports == 2U);
}

TEST("a watched host is not reported; its standing decays to zero when traffic stops; unwatched and over, it is reported again") {
  Driver driver{judging_pps(1000)};
  const std::vector<std::pair<Address, Values>> attack{{host_number(1), {{kPps, 500}}}};
  const auto id = driver.meter.watch({0, host_number(1), std::nullopt, false});
  REQUIRE(id.has_value());
  MeterJudgement judgement;
  for (int i = 0; i < 20; ++i) {
    judgement = driver.tick(attack);
    CHECK(judgement.exceeded.empty());
    REQUIRE(judgement.watched.size() == 1U);
  }
  CHECK(judgement.watched[0].over);
  CHECK(judgement.watched[0].rates[kPps] == 5000.0);
  judgement = driver.silence(8);
  CHECK(judgement.watched[0].rates[kPps] == 1000.0);
  CHECK(!judgement.watched[0].over);
  judgement = driver.silence(2);
  CHECK(judgement.watched[0].rates[kPps] == 0.0);
  for (int i = 0; i < 10; ++i) driver.tick(attack);
  driver.meter.unwatch(*id);
  judgement = driver.tick(attack);
  CHECK(judgement.exceeded.size() == 1U);
  CHECK(judgement.watched.empty());
}

TEST("more than the bound of exceeded hosts are deferred, counted, and reported later") {
  Driver driver{judging_pps(100)};
  std::vector<std::pair<Address, Values>> hosts;
  for (std::uint32_t i = 0; i < 600; ++i) hosts.emplace_back(host_number(i), Values{{kPps, 1000}});
  auto judgement = driver.tick(hosts);
  CHECK(judgement.exceeded.size() == kMaxExceededPerJudge);
  CHECK(judgement.deferred == 600 - kMaxExceededPerJudge);
  std::size_t reports = judgement.exceeded.size();
  for (int i = 0; i < 5; ++i) reports += driver.tick(hosts).exceeded.size();
  CHECK(reports == 600U);
}

TEST("IPv6 hosts are judged alike, and their rows are bounded") {
  MeterOptions options = judging_pps(1000);
  options.ipv6_hosts = 256;
  Driver driver{options};
  const Address victim = ipv6_address(0x20010db800000000, 7);
  const auto judgement = driver.tick({{victim, {{kPps, 1500}}}});
  REQUIRE(judgement.exceeded.size() == 1U);
  CHECK(judgement.exceeded[0].subject.host == victim);
  std::vector<std::pair<Address, Values>> scan;
  for (std::uint64_t i = 0; i < 20'000; ++i) scan.emplace_back(ipv6_address(0x20010db800000001 + i, i), Values{{kPps, 1}});
  driver.tick(scan);
  CHECK(driver.meter.counts().hosts <= 256U);
  CHECK(driver.meter.counts().hosts_refused >= 20'000U - 256U);
  CHECK(driver.meter.rates(victim, driver.at).has_value());
  // Idle rows give way, so that the table serves whoever comes after the scan.
  driver.silence(40);
  const std::uint64_t refused = driver.meter.counts().hosts_refused;
  scan.resize(60);
  driver.tick(scan);
  CHECK(driver.meter.counts().hosts_refused == refused);
}

TEST("without room for exact buckets the cheap form judges, and refusals are counted") {
  MeterOptions options = judging_pps(1000);
  options.exact_bytes = 0;
  Driver driver{options};
  const std::vector<std::pair<Address, Values>> attack{{host_number(1), {{kPps, 300}}}};
  std::size_t reports = 0;
  for (int i = 0; i < 30; ++i) reports += driver.tick(attack).exceeded.size();
  CHECK(reports == 1U);
  CHECK(driver.meter.counts().exact_refused == 30U);
  driver.silence(30);
  for (int i = 0; i < 30; ++i) reports += driver.tick(attack).exceeded.size();
  CHECK(reports == 2U);
  Driver steady_driver{options};
  reports = 0;
  for (int i = 0; i < 100; ++i) reports += steady_driver.tick({{host_number(1), {{kPps, 100}}}}).exceeded.size();
  CHECK(reports == 0U);
}

TEST("buckets are given back after a window of calm, and a stronger host takes those of a weaker") {
  MeterOptions options = judging_pps(1000);
  options.exact_bytes = 2 * TickRings::slot_bytes(1, 11);
  Driver driver{options};
  CHECK(driver.meter.counts().exact_bound == 2U);
  driver.tick({{host_number(1), {{kPps, 60}}}, {host_number(2), {{kPps, 60}}}});
  CHECK(driver.meter.counts().exact == 2U);
  const auto judgement = driver.tick({{host_number(3), {{kPps, 5000}}}});
  CHECK(judgement.exceeded.size() == 1U);
  CHECK(driver.meter.counts().exact == 2U);
  CHECK(driver.meter.counts().exact_refused == 0U);
  driver.silence(25);
  CHECK(driver.meter.counts().exact == 0U);
}

TEST("buckets are kept while traffic is uneven: a burst before them is neither moved nearer nor farther") {
  const auto at = [](Driver& driver, std::uint64_t packets) {
    return driver.tick({{host_number(1), {{kPps, packets}}}}).exceeded.size();
  };
  Driver early{judging_pps(1000)};
  CHECK(at(early, 300) == 0U);
  early.silence(9);
  CHECK(at(early, 240) == 0U);  // out of the window by the time of the next
  early.silence(10);
  CHECK(at(early, 890) == 0U);
  Driver late{judging_pps(1000)};
  CHECK(at(late, 300) == 0U);
  late.silence(18);
  CHECK(at(late, 240) == 0U);  // in the window still
  late.silence(7);
  CHECK(at(late, 860) == 1U);
}

TEST("an attack spread thinly over a network is seen by the network's limit, in both directions") {
  MeterOptions options = judging_pps(1000);
  options.limits.network[0] = 5000;
  Driver driver{options};
  std::vector<std::pair<Address, Values>> hosts;
  for (std::uint32_t i = 0; i < 200; ++i) hosts.emplace_back(host_number(i), Values{{kPps, 3}});
  MeterJudgement judgement;
  std::size_t reports = 0;
  for (int i = 0; i < 20; ++i) {
    judgement = driver.tick(hosts, {{2, {{kPps, 600}, {kOut + kPps, 100}}}});
    reports += judgement.exceeded.size();
    if (judgement.exceeded.empty()) continue;
    CHECK(judgement.exceeded[0].subject.scope == Scope::network);
    CHECK(judgement.exceeded[0].subject.network == 2U);
    CHECK(judgement.exceeded[0].direction == 0);
  }
  CHECK(reports == 1U);
  reports = 0;
  for (int i = 0; i < 20; ++i) reports += driver.tick({}, {{2, {{kPps, 600}, {kOut + kPps, 700}}}}).exceeded.size();
  CHECK(reports == 1U);
}

TEST("the group's total goes by the network with the largest share, and is watched under that name") {
  MeterOptions options = quiet_options();
  options.limits.total[0] = 5000;
  Driver driver{options};
  MeterJudgement judgement;
  for (int i = 0; i < 10 && judgement.exceeded.empty(); ++i) {
    judgement = driver.tick({}, {{0, {{kPps, 300}}}, {3, {{kPps, 500}}}});
  }
  REQUIRE(judgement.exceeded.size() == 1U);
  CHECK(judgement.exceeded[0].subject.scope == Scope::hostgroup);
  CHECK(judgement.exceeded[0].subject.network == 3U);
  CHECK(driver.meter.group_goes_by(3, 0));
  CHECK(!driver.meter.group_goes_by(0, 0));
  const auto id = driver.meter.watch({0, std::nullopt, 3, true});
  REQUIRE(id.has_value());
  for (int i = 0; i < 20; ++i) judgement = driver.tick({}, {{0, {{kPps, 900}}}, {3, {{kPps, 100}}}});
  CHECK(judgement.exceeded.empty());
  REQUIRE(judgement.watched.size() == 1U);
  CHECK(judgement.watched[0].over);
  CHECK(judgement.watched[0].rates[kPps] == 10'000.0);
  judgement = driver.silence(12);
  CHECK(!judgement.watched[0].over);
  CHECK(judgement.watched[0].rates[kPps] == 0.0);
}

TEST("top gives the hosts with most of a value, most first") {
  Driver driver{quiet_options()};
  std::vector<std::pair<Address, Values>> hosts;
  for (std::uint32_t i = 1; i <= 5000; ++i) hosts.emplace_back(host_number(i), Values{{kPps, i}, {kBytes, 6000 - i}});
  driver.tick(hosts);
  const auto by_packets = driver.meter.top(kPps, 3, driver.at);
  REQUIRE(by_packets.size() == 3U);
  CHECK(by_packets[0].host == host_number(5000));
  CHECK(by_packets[2].host == host_number(4998));
  CHECK(by_packets[0].rates[kPps] == 5000.0);
  CHECK(driver.meter.top(kBytes, 1, driver.at)[0].host == host_number(1));
  CHECK(driver.meter.top(kOut + kPps, 10, driver.at).empty());
  CHECK(driver.meter.top(kPps, 10, driver.at + 3 * kSecond).empty());
}

TEST("rates of every value are given, also of those that nothing judges; an unknown host has none") {
  Driver driver{quiet_options()};
  Values values;
  for (std::size_t i = 0; i < kHostValues; ++i) values[i] = 10 + i;
  driver.tick({{host_number(9), values}}, {{1, values}});
  const auto rates = driver.meter.rates(host_number(9), driver.at);
  REQUIRE(rates.has_value());
  const auto networks = driver.meter.networks(driver.at);
  REQUIRE(networks.size() == 1U);
  CHECK(networks[0].first == 1U);
  for (std::size_t i = 0; i < kHostValues; ++i) {
    const bool bytes = i % kDirectionValues >= kBytesAt && i % kDirectionValues < kFlowsAt;
    const double expected = static_cast<double>(10 + i) * (bytes ? 8 : 1);
    CHECK((*rates)[i] == expected);
    CHECK(networks[0].second[i] == expected);
    CHECK(driver.meter.total(driver.at)[i] == expected);
  }
  CHECK(!driver.meter.rates(host_number(10), driver.at).has_value());
}

TEST("a batch cut short is taken as far as it goes") {
  Driver driver{quiet_options()};
  const BatchOf whole = BatchOf{kEpoch, kEpoch + kTick}.host(host_number(1), {{kPps, 5}, {kBytes, 7}});
  Batch cut = whole;
  cut.host_words.pop_back();
  driver.meter.absorb(cut);
  CHECK(!driver.meter.rates(host_number(1), kEpoch + kTick).has_value());
}

TEST("the table of watched subjects is bounded") {
  Driver driver{quiet_options()};
  std::optional<WatchId> last;
  for (std::uint32_t i = 0; i < kMaxWatched; ++i) last = driver.meter.watch({0, host_number(i), std::nullopt, false});
  CHECK(last.has_value());
  CHECK(!driver.meter.watch({0, host_number(kMaxWatched), std::nullopt, false}).has_value());
  driver.meter.unwatch(*last);
  CHECK(driver.meter.watch({0, host_number(kMaxWatched), std::nullopt, false}).has_value());
}
