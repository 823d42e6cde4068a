/// Flow listeners, their exporters and templates.
#include <napi.h>

#include "../base/address.hpp"
#include "addon_fields.hpp"
#include "addon_flow_options.hpp"
#include "addon_handles.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

constexpr std::uint32_t kMaxTemplatesRestored = std::uint32_t{1} << 20;
constexpr std::array<std::string_view, 2> kTemplatedProtocols{"netflow9", "ipfix"};
constexpr std::array<std::string_view, kSamplingOrigins> kSamplingOriginNames{
    "unknown", "configured", "record", "sampler", "options", "header", "fallback"};
constexpr double kMicrosPerSecond = 1e6;

Napi::String text(Napi::Env env, std::string_view value) { return Napi::String::New(env, std::string{value}); }

Napi::Value open_flows(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* engine = unwrap<EngineHandle>(info, 0);
  if (engine == nullptr) return env.Undefined();
  Fields options{env, info[1], "options"};
  const FlowSettings settings = read_flow_listener(env, options, *engine->engine);
  if (options.raise()) return env.Undefined();
  auto opened = open_flow_source(engine->engine, settings);
  if (!opened.ok()) {
    throw_coded(env, "SOURCE_UNAVAILABLE", opened.failure().text);
    return env.Undefined();
  }
  auto handle = std::make_unique<SourceHandle>();
  handle->source = std::move(opened.value());
  handle->engine = engine->engine;
  return wrap(env, std::move(handle));
}

Napi::Object exporter_object(Napi::Env env, const ExporterStats& exporter) {
  auto out = Napi::Object::New(env);
  const auto set = [&](const char* name, std::uint64_t value) { out.Set(name, static_cast<double>(value)); };
  const auto seconds_or_null = [&](const char* name, std::int64_t micros) {
    out.Set(name, micros == 0 ? env.Null() : Napi::Number::New(env, static_cast<double>(micros) / kMicrosPerSecond));
  };
  const ExporterCounts& counts = exporter.counts;
  out.Set("protocol", text(env, kFlowProtocolNames[static_cast<std::size_t>(exporter.key.protocol)]));
  out.Set("address", format_address(exporter.key.address));
  out.Set("agent", format_address(exporter.key.agent));
  set("domain", exporter.key.domain);
  set("datagrams", counts.datagrams);
  set("records", counts.records);
  set("packets", counts.packets);
  set("bytes", counts.bytes);
  set("decodeErrors", counts.decode_errors);
  set("sequenceLost", exporter.sequence_lost);
  set("sequenceRestarts", exporter.sequence_restarts);
  set("deviceDrops", counts.device_drops);
  set("samplingRate", exporter.sampling.rate);
  out.Set("samplingOrigin", text(env, kSamplingOriginNames[static_cast<std::size_t>(exporter.sampling.origin)]));
  set("samplingChanges", exporter.sampling_counts.changes);
  set("samplingConflicts", exporter.sampling_counts.conflicts);
  set("samplingZero", exporter.sampling_counts.zeros);
  set("templates", counts.templates);
  set("templateChanges", counts.template_changes);
  set("templatesEvicted", counts.templates_evicted);
  set("setsWithoutTemplate", counts.sets_without_template);
  set("recordsRecovered", counts.records_recovered);
  set("setsExpired", counts.sets_expired);
  set("templateIntervalSeconds", counts.template_interval_seconds);
  const auto skew = exporter.clock_skew_micros;
  out.Set("clockSkewMicros", skew ? Napi::Value{Napi::Number::New(env, static_cast<double>(*skew))} : env.Null());
  seconds_or_null("activeTimeoutSeconds", exporter.active_timeout_micros);
  seconds_or_null("inactiveTimeoutSeconds", exporter.inactive_timeout_micros);
  set("recordsOutside", counts.records_outside);
  set("recordsSeenTwice", counts.records_seen_twice);
  set("duplicates", counts.duplicates);
  set("duplicatesLookedAt", counts.duplicates_looked_at);
  set("shortHeaders", counts.short_headers);
  set("recordsFiltered", counts.records_filtered);
  out.Set("firstSeen", static_cast<double>(exporter.first_seen_micros));
  out.Set("lastSeen", static_cast<double>(exporter.last_seen_micros));
  return out;
}

Napi::Value exporters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  auto list = Napi::Array::New(env);
  if (!handle->source) return list;
  std::uint32_t i = 0;
  for (const ExporterStats& exporter : handle->source->exporters()) {
    const Napi::HandleScope scope{env};
    list.Set(i++, exporter_object(env, exporter));
  }
  return list;
}

Napi::Array stray_list(Napi::Env env, const Strays& strays) {
  auto list = Napi::Array::New(env);
  std::uint32_t used = 0;
  for (std::size_t i = 0; i < strays.size(); ++i) {
    if (strays[i].datagrams == 0) continue;
    auto one = Napi::Object::New(env);
    one.Set("protocol", i < kFlowProtocols ? text(env, kFlowProtocolNames[i]) : text(env, "unknown"));
    one.Set("datagrams", static_cast<double>(strays[i].datagrams));
    one.Set("lastFrom", format_address(strays[i].last_from));
    list.Set(used++, one);
  }
  return list;
}

Napi::Value flow_listener(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  const auto report = handle->source ? handle->source->flow() : std::nullopt;
  if (!report) return env.Null();
  auto out = Napi::Object::New(env);
  const auto set = [&](const char* name, std::uint64_t value) { out.Set(name, static_cast<double>(value)); };
  set("datagrams", report->totals.datagrams);
  set("records", report->totals.records);
  set("dropped", report->dropped);
  set("receiveBufferAsked", report->receive_buffer_asked);
  set("receiveBuffer", report->receive_buffer);
  out.Set("strays", stray_list(env, report->totals.strays));
  set("refused", report->totals.refused);
  const auto& last = report->totals.last_refused;
  out.Set("lastRefused", last ? Napi::Value{text(env, format_address(*last))} : env.Null());
  set("exportersRefused", report->exporters_refused);
  set("held", report->held);
  set("heldBound", report->held_bound);
  set("heldRefused", report->held_refused);
  set("templates", report->templates);
  set("templatesBound", report->templates_bound);
  return out;
}

Napi::Value take_templates(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  auto list = Napi::Array::New(env);
  if (!handle->source) return list;
  std::uint32_t i = 0;
  for (const templated::StoredTemplate& stored : handle->source->take_templates()) {
    const Napi::HandleScope scope{env};
    auto one = Napi::Object::New(env);
    one.Set("protocol", text(env, kFlowProtocolNames[static_cast<std::size_t>(stored.protocol)]));
    one.Set("address", format_address(stored.address));
    one.Set("domain", static_cast<double>(stored.domain));
    one.Set("templateId", static_cast<double>(stored.id));
    one.Set("options", stored.options);
    auto body = Napi::Uint8Array::New(env, stored.body.size());
    for (std::size_t at = 0; at < stored.body.size(); ++at) body[at] = std::to_integer<std::uint8_t>(stored.body[at]);
    one.Set("body", body);
    one.Set("seenAt", static_cast<double>(stored.seen_micros));
    list.Set(i++, one);
  }
  return list;
}

templated::StoredTemplate read_template(Fields& fields) {
  templated::StoredTemplate out;
  const bool ipfix = fields.one_of("protocol", kTemplatedProtocols) == 1;
  out.protocol = ipfix ? FlowProtocol::ipfix : FlowProtocol::netflow9;
  const std::string from = fields.text("address");
  const auto address = parse_address(from);
  if (!address) fields.wrong_range("address", "is '" + from + "', which is no address");
  out.address = address.value_or(Address{});
  out.domain = fields.integer<std::uint32_t>("domain", 0, 4294967295.0);
  out.id = fields.integer<std::uint16_t>("templateId", 0, 65535);
  out.options = fields.boolean("options");
  out.seen_micros = fields.integer<std::int64_t>("seenAt", 0, 9007199254740991.0);
  const Napi::Value body = fields.value("body");
  if (!body.IsTypedArray() || body.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    fields.wrong_type("body", "must be a Uint8Array");
    return out;
  }
  const auto bytes = body.As<Napi::Uint8Array>();
  for (std::size_t i = 0; i < bytes.ElementLength(); ++i) out.body.push_back(std::byte{bytes[i]});
  return out;
}

Napi::Value restore_templates(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<SourceHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  if (!info[1].IsArray() || info[1].As<Napi::Array>().Length() > kMaxTemplatesRestored) {
    Napi::TypeError::New(env, "templates must be a list, and not endless").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  if (!handle->source) return Napi::Number::New(env, 0);
  const auto list = info[1].As<Napi::Array>();
  std::vector<templated::StoredTemplate> stored;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::HandleScope scope{env};
    Fields fields{env, list.Get(i), "templates"};
    stored.push_back(read_template(fields));
    if (fields.raise()) return env.Undefined();
  }
  return Napi::Number::New(env, static_cast<double>(handle->source->restore_templates(stored)));
}

}  // namespace

void export_flows(Napi::Env env, Napi::Object& exports) {
  export_call<open_flows>(env, exports, "openFlows");
  export_call<exporters>(env, exports, "exporters");
  export_call<flow_listener>(env, exports, "flowListener");
  export_call<take_templates>(env, exports, "takeTemplates");
  export_call<restore_templates>(env, exports, "restoreTemplates");
}

}  // namespace tidegate::door
