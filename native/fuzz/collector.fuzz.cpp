/// flow/collector: any sequence of datagrams from a few senders. What counts never exceeds what was exported and sampled,
/// totals are the sums of what each datagram gave, and what the exporters were booked is no more than that.
#include "../flow/collector.hpp"

#include <cstdlib>

#include "../base/cursor.hpp"

using namespace tidegate;

namespace {

constexpr std::size_t kMaxDatagrams = 64;

void require(bool holds) {
  if (!holds) std::abort();
}

CollectorOptions small(std::uint8_t kind) {
  CollectorOptions options;
  options.max_exporters = 4;
  options.templates = {.max_templates = 16,
                       .max_templates_per_exporter = 8,
                       .max_exporters = 4,
                       .lifetime_micros = 10'000'000,
                       .waiting_bytes = 4096,
                       .waiting_micros = 5'000'000};
  if ((kind & 1) != 0) options.hold = HoldOptions{.max_held = 8};
  if ((kind & 2) != 0) options.sampling = SamplingPolicy{{}, 100};
  return options;
}

}  // namespace

/// One byte of options; then for each datagram: sender, time that passes (tenths of a second), length, bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Cursor in{std::as_bytes(std::span{data, size})};
  const std::uint8_t kind = in.u8();
  Collector collector{small(kind)};
  std::int64_t now = 1'700'000'000'000'000;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < kMaxDatagrams && in.left() > 4; ++i) {
    const Address sender{0, 0x0A00'0000U + in.u8() % 6U, Family::ipv4};
    now += in.u8() * std::int64_t{100'000};
    const std::size_t length = in.u16();
    const Collected collected = collector.take(in.bytes(std::min(length, in.left())), sender, now);
    require(collected.sightings.size() == collected.details.size());
    for (const Sighting& sighting : collected.sightings) require(sighting.packets != 0 && sighting.sampling != 0);
    packets += collected.packets;
    bytes += collected.bytes;
    Collector::add_outside(collected.exporter, collected.sightings.size());
    collector.play(now, [](const Sighting& due) { require(due.packets != 0); });
    collector.expire(now);
  }
  const CollectorTotals& totals = collector.totals();
  require(totals.packets == packets && totals.bytes == bytes);
  std::vector<ExporterStats> exporters;
  collector.snapshot(exporters);
  require(exporters.size() <= 4);
  std::uint64_t booked = 0;
  for (const ExporterStats& exporter : exporters) booked += exporter.counts.datagrams;
  require(booked <= totals.datagrams);
  for (const auto& stored : collector.take_templates(32)) {
    Collector again{small(kind)};
    (void)again.restore(stored, now);
  }
  return 0;
}
