#include <napi.h>

#include "../engine/capture_source.hpp"
#include "addon_fields.hpp"
#include "addon_flow_options.hpp"
#include "addon_handles.hpp"
#include "addon_jobs.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

/// Seconds a block of frames may wait.
constexpr double kMaxBlockTimeoutMs = 1000;
constexpr double kMaxSampling = 1 << 24;

SourceHandle* open_source(const Napi::CallbackInfo& info) {
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle != nullptr && !handle->source) {
    Napi::Error::New(info.Env(), "source is closed").ThrowAsJavaScriptException();
    return nullptr;
  }
  return handle;
}

Napi::Value handed_over(Napi::Env env, std::shared_ptr<Engine> engine, std::shared_ptr<Source> source,
                        std::shared_ptr<ReplaySource> replay) {
  auto handle = std::make_unique<SourceHandle>();
  handle->source = std::move(source);
  handle->replay = std::move(replay);
  handle->engine = std::move(engine);
  return wrap(env, std::move(handle));
}

Napi::Value open_capture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* engine = unwrap<EngineHandle>(info, 0);
  if (engine == nullptr) return env.Undefined();
  Fields options{env, info[1], "options"};
  CaptureSettings settings;
  settings.capture.interface = options.text("interface");
  settings.capture.workers = options.integer<std::uint32_t>("workers", 1, kMaxWorkers);
  settings.capture.fanout = static_cast<FanoutMode>(options.one_of("fanout", kFanoutModeNames));
  settings.capture.promiscuous = options.boolean("promiscuous");
  settings.capture.snap_length = options.integer<std::uint32_t>("snapLength", 64, kMaxSnapLength);
  settings.capture.ring_bytes = options.integer<std::size_t>("ringBytes", kMinRingBytes, kMaxRingBytes);
  settings.capture.block_timeout_ms = options.integer<std::uint32_t>("blockTimeoutMs", 1, kMaxBlockTimeoutMs);
  settings.sampling = options.integer<std::uint32_t>("sampling", 1, kMaxSampling);
  settings.wire.length_from_ip = options.boolean("lengthFromIp");
  if (options.raise()) return env.Undefined();
  auto opened = CaptureSource::open(engine->engine, settings);
  if (!opened.ok()) {
    throw_coded(env, "SOURCE_UNAVAILABLE", opened.failure().text);
    return env.Undefined();
  }
  return handed_over(env, engine->engine, std::move(opened.value()), nullptr);
}

Napi::Value open_replay(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* engine = unwrap<EngineHandle>(info, 0);
  if (engine == nullptr) return env.Undefined();
  Fields options{env, info[1], "options"};
  ReplaySettings settings;
  settings.path = options.text("path");
  settings.wire.length_from_ip = options.boolean("lengthFromIp");
  settings.sampling = options.integer<std::uint32_t>("sampling", 1, kMaxSampling);
  if (!options.value("flow").IsNull()) {
    Fields flow{env, options.value("flow"), "options.flow"};
    settings.flow = read_flow_reading(env, flow, *engine->engine);
    options.adopt(flow);
  }
  if (options.raise()) return env.Undefined();
  auto opened = ReplaySource::open(engine->engine, settings);
  if (!opened.ok()) {
    throw_coded(env, "CAPTURE_UNREADABLE", opened.failure().text);
    return env.Undefined();
  }
  return handed_over(env, engine->engine, opened.value(), opened.value());
}

Napi::Value replay_step(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_source(info);
  if (handle == nullptr) return env.Undefined();
  if (!handle->replay) {
    Napi::TypeError::New(env, "source must be a replay").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const ReplayPosition position = handle->replay->step();
  auto out = Napi::Object::New(env);
  out.Set("at", static_cast<double>(position.at));
  out.Set("done", position.done);
  out.Set("packets", static_cast<double>(position.packets));
  out.Set("offset", static_cast<double>(position.offset));
  out.Set("size", static_cast<double>(position.size));
  return out;
}

Napi::Value replay_flow_totals(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_source(info);
  if (handle == nullptr) return env.Undefined();
  if (!handle->replay) {
    Napi::TypeError::New(env, "source must be a replay").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Collector* const telemetry = handle->replay->telemetry();
  const CollectorTotals totals = telemetry == nullptr ? CollectorTotals{} : telemetry->totals();
  auto out = Napi::Object::New(env);
  const auto set = [&](const char* name, std::uint64_t value) { out.Set(name, static_cast<double>(value)); };
  set("datagrams", totals.datagrams);
  set("records", totals.records);
  set("samples", totals.samples);
  set("packets", totals.packets);
  set("bytes", totals.bytes);
  set("exporters", telemetry == nullptr ? 0 : telemetry->exporters());
  set("templates", telemetry == nullptr ? 0 : telemetry->templates().store.templates);
  set("decode_errors", totals.decode_errors);
  return out;
}

Napi::Value bound_port(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_source(info);
  if (handle == nullptr) return env.Undefined();
  if (const std::uint16_t port = handle->source->bound_port(); port != 0) return Napi::Number::New(env, port);
  Napi::TypeError::New(env, "source must be a listener").ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value drained(Napi::Env env, std::vector<Batch>& batches, std::size_t lanes) {
  auto list = Napi::Array::New(env, batches.size());
  std::uint32_t i = 0;
  for (Batch& batch : batches) {
    const Napi::HandleScope scope{env};
    auto entry = Napi::Object::New(env);
    entry.Set("hostgroup", batch.hostgroup);
    entry.Set("hosts", batch.hosts);
    auto handle = std::make_unique<BatchHandle>();
    handle->batch = std::make_shared<Batch>(std::move(batch));
    handle->lanes = lanes;
    entry.Set("batch", wrap(env, std::move(handle)));
    list.Set(i++, entry);
  }
  return list;
}

Napi::Value drain(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  const auto at = time_argument(info, 1);
  if (!at) return env.Undefined();
  if (!handle->source) return Napi::Array::New(env);
  const std::size_t lanes = handle->source->lanes();
  if (handle->source->dirty_estimate() <= kInlineHosts) {
    auto batches = handle->source->drain(*at);
    return drained(env, batches, lanes);
  }
  const auto deferred = Napi::Promise::Deferred::New(env);
  auto batches = std::make_shared<std::vector<Batch>>();
  Job::start(
      env, deferred, [source = handle->source, batches, at = *at] { *batches = source->drain(at); },
      [batches, lanes](Napi::Env then) { return drained(then, *batches, lanes); });
  return deferred.Promise();
}

Napi::Value calm(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  return Napi::Boolean::New(env, handle->source && handle->source->calm());
}

Napi::Value watch_near(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_source(info);
  if (handle == nullptr) return env.Undefined();
  if (!info[1].IsFunction()) {
    Napi::TypeError::New(env, "tell must be a function").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  constexpr std::size_t kMostWaiting = 1;  // one call says it all
  auto call = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "tidegate near", kMostWaiting, 1);
  call.Unref(env);  // a process that is done does not wait for attacks
  // Released with the source, when its threads have ended.
  const std::shared_ptr<Napi::ThreadSafeFunction> shared{new Napi::ThreadSafeFunction{call},
                                                         [](Napi::ThreadSafeFunction* last) {
                                                           const std::unique_ptr<Napi::ThreadSafeFunction> owned{last};
                                                           static_cast<void>(owned->Release());
                                                         }};
  handle->source->watch_near([shared] { static_cast<void>(shared->NonBlockingCall()); });
  return env.Undefined();
}

Napi::Value stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  const SourceCounts counts = handle->source ? handle->source->stats() : handle->last_counts;
  auto out = Napi::Object::New(env);
  const auto set = [&](const char* name, std::uint64_t value) { out.Set(name, static_cast<double>(value)); };
  set("packets", counts.lanes.packets);
  set("bytes", counts.lanes.bytes);
  set("dropped", counts.dropped);
  set("unparsed", counts.lanes.unparsed);
  auto errors = Napi::Object::New(env);
  for (std::size_t i = 1; i < kDecodeErrors; ++i) {
    if (counts.lanes.errors[i] == 0) continue;
    errors.Set(std::string{kDecodeErrorNames[i]}, static_cast<double>(counts.lanes.errors[i]));
  }
  out.Set("errors", errors);
  constexpr std::array kDirectionNames{"incoming", "outgoing", "internal", "other"};
  auto totals = Napi::Object::New(env);
  for (std::size_t i = 0; i < kDirections; ++i) {
    auto total = Napi::Object::New(env);
    total.Set("packets", static_cast<double>(counts.lanes.totals[i].packets));
    total.Set("bytes", static_cast<double>(counts.lanes.totals[i].bytes));
    totals.Set(kDirectionNames[i], total);
  }
  out.Set("totals", totals);
  set("hosts", counts.lanes.hosts);
  set("hostOverflow", counts.lanes.host_overflow);
  set("flowOverflow", counts.lanes.flow_overflow);
  return out;
}

Napi::Value fault(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  const auto text = handle->source ? handle->source->fault() : std::optional<std::string>{"closed"};
  return text ? Napi::Value{Napi::String::New(env, *text)} : env.Null();
}

/// Threads are told to stop at once; waiting for them, and freeing their tables, is left to another thread.
Napi::Value close_source(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr || !handle->source) return env.Undefined();
  handle->source->close();
  handle->last_counts = handle->source->stats();
  auto last = std::make_shared<std::shared_ptr<Source>>(std::move(handle->source));
  handle->source.reset();
  handle->replay.reset();
  Job::start(
      env, Napi::Promise::Deferred::New(env), [last] { last->reset(); },
      [](Napi::Env then) { return then.Undefined(); });
  return env.Undefined();
}

}  // namespace

void export_sources(Napi::Env env, Napi::Object& exports) {
  export_call<open_capture>(env, exports, "openCapture");
  export_call<open_replay>(env, exports, "openReplay");
  export_call<replay_step>(env, exports, "replayStep");
  export_call<replay_flow_totals>(env, exports, "replayFlowTotals");
  export_call<bound_port>(env, exports, "boundPort");
  export_call<drain>(env, exports, "drain");
  export_call<calm>(env, exports, "calm");
  export_call<watch_near>(env, exports, "watchNear");
  export_call<stats>(env, exports, "stats");
  export_call<fault>(env, exports, "fault");
  export_call<close_source>(env, exports, "closeSource");
}

}  // namespace tidegate::door
