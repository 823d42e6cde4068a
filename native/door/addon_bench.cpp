#include <napi.h>

#include <chrono>
#include <limits>
#include <tuple>

#include "../bench/flows.hpp"
#include "../bench/packets.hpp"
#include "../capture/capture_file.hpp"
#include "../capture/sender.hpp"
#include "../flow/protocol.hpp"
#include "../flow/udp_in_frame.hpp"
#include "addon_fields.hpp"
#include "addon_handles.hpp"
#include "addon_jobs.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

constexpr double kMaxLoops = 1e9;
constexpr double kMaxPacketsPerSecond = 1e9;
constexpr double kMaxBenchSeconds = 3600;
constexpr std::uint32_t kBenchTicks = 3;
constexpr std::int64_t kBenchStartMicros = 1'000'000'000;
constexpr std::size_t kMaxBenchBytes = std::size_t{1} << 30;

/// Frames of a capture file, all of the first readable frame's link type, as many as there is room for.
/// Nothing, and the reason in `failure`, where there are none.
std::optional<bench::FrameStore> read_frames(const std::string& path, std::string& failure) {
  auto file = CaptureFile::open(path);
  if (!file.ok()) {
    failure = file.failure().text;
    return std::nullopt;
  }
  std::optional<bench::FrameStore> frames;
  FileFrame next;
  while (file.value().next(next)) {
    const auto link = link_type_of(next.link);
    if (!link) continue;
    if (!frames) frames.emplace(std::min(kMaxBenchBytes, 4 * file.value().size() + 4096), *link);
    if (*link != frames->link()) continue;
    if (!frames->add(next.frame.bytes, next.frame.wire_length)) break;
  }
  if (frames && frames->size() > 0) return frames;
  failure = path + " holds no frame that can be read";
  return std::nullopt;
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// Absorbs and judges one tick of all hosts, twice: the rows of the first are new, the second is timed.
std::pair<double, double> meter_times(const std::vector<Batch>& batches, std::size_t networks) {
  MeterOptions options;
  options.limits.incoming.fill(std::numeric_limits<double>::quiet_NaN());
  options.limits.total = options.limits.network = options.limits.incoming;
  options.limits.incoming[0] = 20'000;
  options.limits.incoming[1] = 1'000;
  options.limits.outgoing = options.limits.incoming;
  options.networks = networks;
  std::pair<double, double> times{0, 0};
  for (Batch batch : batches) {
    Meter meter{options};
    for (int round = 0; round < 2; ++round) {
      batch.from_micros = batch.to_micros;
      batch.to_micros += options.tick_micros;
      auto start = std::chrono::steady_clock::now();
      meter.absorb(batch);
      if (round == 1) times.first += milliseconds_since(start);
      start = std::chrono::steady_clock::now();
      (void)meter.judge(batch.to_micros);
      if (round == 1) times.second += milliseconds_since(start);
    }
  }
  return times;
}

struct BenchRun {
  std::string failure;
  bench::PacketsResult packets;
  std::shared_ptr<const HostSpace> space;
  double absorb_ms = 0;
  double judge_ms = 0;
};

void run_bench(const bench::PacketsOptions& options, const std::optional<std::string>& pcap, BenchRun& run) {
  const auto frames = pcap ? read_frames(*pcap, run.failure) : std::optional{bench::mixed_frames(options)};
  if (!frames) return;
  run.space = bench::bench_space(options);
  run.packets = bench::run_packets(*frames, run.space, options);
  std::tie(run.absorb_ms, run.judge_ms) = meter_times(run.packets.drained, run.space->networks().size());
}

/// Ticks of all hosts, one behind the other, as batches to absorb.
Napi::Value bench_ticks(Napi::Env env, const std::vector<Batch>& drained, std::int64_t tick_micros) {
  auto ticks = Napi::Array::New(env);
  std::int64_t at = kBenchStartMicros;
  for (std::uint32_t tick = 0; tick < kBenchTicks; ++tick) {
    auto batches = Napi::Array::New(env);
    std::uint32_t i = 0;
    for (const Batch& batch : drained) {
      if (batch.hostgroup != 0) continue;
      auto handle = std::make_unique<BatchHandle>();
      handle->batch = std::make_shared<Batch>(batch);
      handle->batch->from_micros = at;
      handle->batch->to_micros = at + tick_micros;
      batches.Set(i++, wrap(env, std::move(handle)));
    }
    at += tick_micros;
    ticks.Set(tick, batches);
  }
  return ticks;
}

Napi::Value bench_result(Napi::Env env, const BenchRun& run) {
  if (!run.failure.empty()) {
    throw_coded(env, "CAPTURE_UNREADABLE", run.failure);
    return env.Undefined();
  }
  auto out = Napi::Object::New(env);
  out.Set("packets", static_cast<double>(run.packets.packets));
  out.Set("seconds", run.packets.seconds);
  out.Set("mpps", run.packets.mpps);
  out.Set("nsPerPacket", run.packets.ns_per_packet);
  out.Set("drainMs", run.packets.drain_ms);
  out.Set("absorbMs", run.absorb_ms);
  out.Set("judgeMs", run.judge_ms);
  EngineSettings settings;
  settings.space = run.space;
  settings.group_prefixes.resize(run.space->hostgroups().size());
  const std::int64_t tick_micros = settings.tick_micros;
  auto engine = std::make_unique<EngineHandle>();
  engine->engine = std::make_shared<Engine>(std::move(settings));
  out.Set("engine", wrap(env, std::move(engine)));
  out.Set("ticks", bench_ticks(env, run.packets.drained, tick_micros));
  out.Set("startedAt", static_cast<double>(kBenchStartMicros));
  out.Set("tickMicros", static_cast<double>(tick_micros));
  return out;
}

Napi::Value bench_packets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fields fields{env, info[0], "options"};
  bench::PacketsOptions options;
  options.hosts = fields.integer<std::uint32_t>("hosts", 256, 1 << 22);
  options.flows = fields.boolean("flows");
  options.seconds = fields.number("seconds", 0.001, kMaxBenchSeconds);
  if (!fields.value("seed").IsBigInt()) fields.wrong_type("seed", "must be a bigint");
  options.seed = fields.bigint_or_null("seed").value_or(0);
  const auto pcap = fields.text_or_null("pcap");
  if (fields.raise()) return env.Undefined();
  const auto deferred = Napi::Promise::Deferred::New(env);
  auto run = std::make_shared<BenchRun>();
  Job::start(
      env, deferred, [options, pcap, run] { run_bench(options, pcap, *run); },
      [run](Napi::Env then) { return bench_result(then, *run); });
  return deferred.Promise();
}

struct FlowsRun {
  std::string failure;
  bench::FlowsResult flows;
};

/// The UDP payloads of a capture that some flow protocol could have sent.
std::optional<bench::FrameStore> read_datagrams(const std::string& path, std::string& failure) {
  auto file = CaptureFile::open(path);
  if (!file.ok()) {
    failure = file.failure().text;
    return std::nullopt;
  }
  bench::FrameStore datagrams{std::min(kMaxBenchBytes, 4 * file.value().size() + 4096)};
  FileFrame next;
  while (file.value().next(next)) {
    const auto link = link_type_of(next.link);
    const auto udp = link ? udp_in_frame(*link, next.frame.bytes) : std::nullopt;
    if (!udp || !protocol_of(udp->payload)) continue;
    if (!datagrams.add(udp->payload, static_cast<std::uint32_t>(udp->payload.size()))) break;
  }
  if (datagrams.size() > 0) return datagrams;
  failure = path + " holds no datagram of sFlow, NetFlow or IPFIX";
  return std::nullopt;
}

Napi::Value bench_flows(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  constexpr std::array<std::string_view, 4> kNames{"sflow", "netflow5", "netflow9", "ipfix"};
  constexpr std::array kProtocols{FlowProtocol::sflow5, FlowProtocol::netflow5, FlowProtocol::netflow9,
                                  FlowProtocol::ipfix};
  Fields fields{env, info[0], "options"};
  bench::FlowsOptions options;
  options.protocol = kProtocols[fields.one_of("protocol", kNames)];
  options.hosts = fields.integer<std::uint32_t>("hosts", 256, 1 << 22);
  options.flows = fields.boolean("flows");
  options.seconds = fields.number("seconds", 0.001, kMaxBenchSeconds);
  if (!fields.value("seed").IsBigInt()) fields.wrong_type("seed", "must be a bigint");
  options.seed = fields.bigint_or_null("seed").value_or(0);
  const auto pcap = fields.text_or_null("pcap");
  if (fields.raise()) return env.Undefined();
  const auto deferred = Napi::Promise::Deferred::New(env);
  auto run = std::make_shared<FlowsRun>();
  Job::start(
      env, deferred,
      [options, pcap, run] {
        const auto datagrams = pcap ? read_datagrams(*pcap, run->failure) : std::optional{bench::flow_datagrams(options)};
        if (datagrams) run->flows = bench::run_flows(*datagrams, bench::bench_space({.hosts = options.hosts}), options);
      },
      [run](Napi::Env then) -> Napi::Value {
        if (!run->failure.empty()) {
          throw_coded(then, "CAPTURE_UNREADABLE", run->failure);
          return then.Undefined();
        }
        auto out = Napi::Object::New(then);
        out.Set("datagrams", static_cast<double>(run->flows.datagrams));
        out.Set("records", static_cast<double>(run->flows.records));
        out.Set("seconds", run->flows.seconds);
        out.Set("mrps", run->flows.mrps);
        out.Set("nsPerRecord", run->flows.ns_per_record);
        return out;
      });
  return deferred.Promise();
}

Napi::Value send_frames(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fields fields{env, info[0], "options"};
  SendOptions options;
  options.interface = fields.text("interface");
  options.path = fields.text("path");
  options.packets_per_second = fields.number_or_null("packetsPerSecond", 1e-3, kMaxPacketsPerSecond);
  options.loops = fields.integer<std::uint32_t>("loops", 1, kMaxLoops);
  if (fields.raise()) return env.Undefined();
  const auto deferred = Napi::Promise::Deferred::New(env);
  auto sent = std::make_shared<SendReport>();
  Job::start(
      env, deferred,
      [options, sent] {
        auto report = send_capture(options);
        if (!report.ok()) throw std::runtime_error{report.failure().text};  // Job makes it a rejection
        *sent = report.value();
      },
      [sent](Napi::Env then) -> Napi::Value {
        auto out = Napi::Object::New(then);
        out.Set("sent", static_cast<double>(sent->sent));
        out.Set("seconds", sent->seconds);
        out.Set("firstAt", static_cast<double>(sent->first_at_micros));
        return out;
      });
  return deferred.Promise();
}

}  // namespace

void export_bench(Napi::Env env, Napi::Object& exports) {
  export_call<bench_packets>(env, exports, "benchPackets");
  export_call<bench_flows>(env, exports, "benchFlows");
  export_call<send_frames>(env, exports, "sendFrames");
}

}  // namespace tidegate::door
