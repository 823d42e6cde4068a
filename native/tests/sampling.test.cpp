/// flow/sampling: who says an exporter's rate, in which order, and what is counted of contradictions.
#include "../flow/sampling.hpp"

#include <vector>

#include "../base/address.hpp"
#include "../base/hash.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;
using Scope = SamplingStatement::Scope;

namespace {

const Address kExporter = ipv4_address(0x0A00'0001);

FlowDetail detail_of(std::uint32_t in_record, std::uint64_t sampler, std::uint32_t input) {
  FlowDetail detail;
  detail.sampling = in_record;
  detail.sampler = sampler;
  detail.input = input;
  return detail;
}

Prefix prefix(std::string_view text) { return *parse_prefix(text); }

}  // namespace

TEST("the first who says anything decides, from the operator down to the fallback") {
  // One after the other falls silent.
  for (int silent = 0; silent <= 8; ++silent) {
    NOTE("silent " + std::to_string(silent));
    std::vector<SamplingOverride> overrides;
    if (silent < 1) overrides.push_back({prefix("10.0.0.0/8"), 5, 11});
    if (silent < 2) overrides.push_back({prefix("10.0.0.1/32"), std::nullopt, 12});
    const SamplingPolicy policy{overrides, silent < 8 ? std::optional<std::uint32_t>{18} : std::nullopt};
    ExporterSampling sampling;
    sampling.attach(policy, kExporter);
    if (silent < 4) sampling.state({Scope::sampler, 3, 14});
    if (silent < 5) sampling.state({Scope::interface, 5, 15});
    if (silent < 6) sampling.state({Scope::exporter, 0, 16});
    if (silent < 7) sampling.state_header(17);
    const SamplingRate rate = sampling.resolve(policy, kExporter, detail_of(silent < 3 ? 13 : 0, 3, 5));
    constexpr SamplingOrigin kOrigins[] = {SamplingOrigin::configured, SamplingOrigin::configured, SamplingOrigin::record,
                                           SamplingOrigin::sampler,    SamplingOrigin::options,    SamplingOrigin::options,
                                           SamplingOrigin::header,     SamplingOrigin::fallback,   SamplingOrigin::unknown};
    CHECK(rate.rate == (silent == 8 ? 1U : 11U + static_cast<unsigned>(silent)));
    CHECK(rate.origin == kOrigins[silent]);
    CHECK(sampling.last().rate == rate.rate);
  }
}

TEST("the longest prefix of the operator's wins, and an interface's word is not another's") {
  const SamplingOverride overrides[] = {{prefix("10.0.0.0/8"), std::nullopt, 100},
                                        {prefix("10.0.0.0/24"), std::nullopt, 200},
                                        {prefix("10.0.0.0/24"), 7, 300},
                                        {prefix("10.0.0.1/32"), 7, 400},
                                        {prefix("2001:db8::/32"), std::nullopt, 500}};
  const SamplingPolicy policy{overrides, std::nullopt};
  struct Row {
    std::string_view exporter;
    std::uint32_t interface, rate;
  };
  const Row rows[] = {{"10.0.0.1", 7, 400}, {"10.0.0.2", 7, 300}, {"10.0.0.2", 8, 200},
                      {"10.1.0.1", 7, 100}, {"11.0.0.1", 7, 1},   {"2001:db8::1", 7, 500}};
  for (const Row& row : rows) {
    NOTE(std::string{row.exporter});
    const Address exporter = *parse_address(row.exporter);
    ExporterSampling sampling;
    sampling.attach(policy, exporter);
    CHECK(sampling.resolve(policy, exporter, detail_of(0, 0, row.interface)).rate == row.rate);
  }
}

TEST("a stated zero counts as one, a nonsensical rate as nothing, and both are counted") {
  const SamplingPolicy policy;
  ExporterSampling sampling;
  sampling.state({Scope::exporter, 0, 0});
  SamplingRate rate = sampling.resolve(policy, kExporter, {});
  CHECK(rate.rate == 1U);
  CHECK(rate.origin == SamplingOrigin::options);
  sampling.state({Scope::exporter, 0, 64});
  sampling.state({Scope::exporter, 0, kMaxSamplingRate + 1});
  rate = sampling.resolve(policy, kExporter, detail_of(0xFFFF'FFFF, 0, 0));
  CHECK(rate.rate == 64U);
  CHECK(sampling.counts().zeros == 1U);
  CHECK(sampling.counts().excessive == 2U);
}

TEST("a change is one of the same voice: interfaces with rates of their own are none") {
  const SamplingPolicy policy;
  ExporterSampling sampling;
  for (int round = 0; round < 10; ++round) {
    for (const std::uint32_t point : {1U, 2U, 3U}) {
      FlowDetail detail = detail_of(point * 100, 0, point);
      detail.point = point;
      CHECK(sampling.resolve(policy, kExporter, detail).rate == point * 100);
    }
  }
  CHECK(sampling.counts().changes == 0U);
  FlowDetail detail = detail_of(999, 0, 2);
  detail.point = 2;
  (void)sampling.resolve(policy, kExporter, detail);
  CHECK(sampling.counts().changes == 1U);

  ExporterSampling options;
  for (const std::uint32_t rate : {100U, 100U, 200U, 200U, 100U}) {
    options.state({Scope::exporter, 0, rate});
    (void)options.resolve(policy, kExporter, {});
  }
  CHECK(options.counts().changes == 2U);
}

TEST("two origins that say different rates above one conflict; one that says 'all' conflicts with nobody") {
  struct Row {
    std::string_view claim;
    std::uint32_t header, exporter, sampler, record;
    std::uint64_t conflicts;
  };
  const Row rows[] = {{"header against options", 10, 100, 0, 0, 1}, {"options against record", 0, 100, 0, 200, 1},
                      {"sampler against options", 0, 100, 50, 0, 1}, {"all agree", 100, 100, 100, 100, 0},
                      {"not sampled, says the header", 1, 100, 0, 0, 0}, {"one voice", 0, 0, 50, 0, 0}};
  for (const Row& row : rows) {
    NOTE(std::string{row.claim});
    const SamplingPolicy policy;
    ExporterSampling sampling;
    sampling.state_header(row.header);
    if (row.exporter != 0) sampling.state({Scope::exporter, 0, row.exporter});
    if (row.sampler != 0) sampling.state({Scope::sampler, 9, row.sampler});
    (void)sampling.resolve(policy, kExporter, detail_of(row.record, 9, 0));
    CHECK(sampling.counts().conflicts == row.conflicts);
  }
}

TEST("asked quickly, the answers and all that is counted are the same") {
  const SamplingOverride of_interface[] = {{prefix("10.0.0.1/32"), 3, 40}};
  for (const bool configured : {false, true}) {
    NOTE(configured ? "with a configured interface" : "without");
    const SamplingPolicy policy{configured ? std::span{of_interface} : std::span<const SamplingOverride>{}, 8};
    ExporterSampling slow;
    ExporterSampling quick;
    slow.attach(policy, kExporter);
    quick.attach(policy, kExporter);
    std::uint64_t random = 1;
    std::uint64_t different = 0;
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t dice = next_random(random);
      const auto small = [&](unsigned shift, std::uint64_t below) { return static_cast<std::uint32_t>((dice >> shift) % below); };
      const std::uint32_t stated = small(4, 3) == 0 ? kMaxSamplingRate + 1 : small(8, 4);
      for (ExporterSampling* const one : {&slow, &quick}) {
        if (i % 50 == 0) one->state({static_cast<Scope>(small(0, 3)), small(16, 4), stated});
        if (i % 70 == 0) one->state_header(stated);
      }
      FlowDetail detail = detail_of(small(20, 8) == 0 ? stated : 0, small(24, 6) == 0 ? 2 : 0, i < 1'000 ? 0 : small(32, 8) / 6 * 3);
      if (small(36, 9) == 0) detail.point = small(40, 3);
      const SamplingRate wanted = slow.resolve(policy, kExporter, detail);
      different += quick.rate_of(policy, kExporter, detail) != wanted.rate || quick.last().origin != wanted.origin ? 1 : 0;
    }
    CHECK(different == 0U);
    CHECK(quick.counts().changes == slow.counts().changes);
    CHECK(quick.counts().conflicts == slow.counts().conflicts);
    CHECK(quick.counts().excessive == slow.counts().excessive);
    CHECK(slow.counts().conflicts > 0U);
  }
}

TEST("an exporter has room for so many samplers, and one more goes by the last that found none") {
  const SamplingPolicy policy;
  ExporterSampling sampling;
  for (std::uint32_t i = 1; i <= 100; ++i) sampling.state({Scope::sampler, i, i + 1'000});
  for (std::uint32_t i = 1; i <= 64; ++i) CHECK(sampling.resolve(policy, kExporter, detail_of(0, i, 0)).rate == i + 1'000);
  CHECK(sampling.counts().refused == 36U);
  CHECK(sampling.resolve(policy, kExporter, detail_of(0, 90, 0)).rate == 1'100U);
  sampling.state({Scope::exporter, 0, 7});
  CHECK(sampling.resolve(policy, kExporter, detail_of(0, 90, 0)).rate == 7U);
}
