#include <napi.h>

#include <algorithm>

#include "../base/address.hpp"
#include "addon_fields.hpp"
#include "addon_handles.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

/// Null: too many are open.
Napi::Value open_ingress(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* engine = unwrap<EngineHandle>(info, 0);
  if (engine == nullptr) return env.Undefined();
  const auto subject = subject_argument(info, 1);
  if (!subject) return env.Undefined();
  const auto at = time_argument(info, 2);
  if (!at) return env.Undefined();
  auto handle = std::make_unique<IngressHandle>();
  handle->engine = engine->engine;
  handle->ingress = engine->engine->ingresses().open(*subject, *at);
  if (!handle->ingress) return env.Null();
  return wrap(env, std::move(handle));
}

/// Who is behind an origin: the exporter's agent address; null: nobody, they are packets; empty: not to be told.
Napi::Value exporter_of(Napi::Env env, std::optional<std::uint32_t> origin, const std::vector<ExporterStats>& exporters) {
  if (origin == 0) return env.Null();
  if (origin) {
    for (const ExporterStats& exporter : exporters) {
      if (exporter.origin == *origin) return Napi::String::New(env, format_address(exporter.key.agent));
    }
  }
  return Napi::String::New(env, "");
}

Napi::Value read_ingress(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<IngressHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  auto* source = unwrap<SourceHandle>(info, 1);
  if (source == nullptr) return env.Undefined();
  auto list = Napi::Array::New(env);
  if (!handle->ingress || !source->source) return list;
  const auto seen = source->source->seen_of(*handle->ingress);
  const bool told = std::ranges::any_of(seen, [](const IngressCount& one) { return one.origin != 0; });
  const auto exporters = told ? source->source->exporters() : std::vector<ExporterStats>{};
  std::uint32_t i = 0;
  for (const IngressCount& one : seen) {
    const Napi::HandleScope scope{env};
    auto out = Napi::Object::New(env);
    out.Set("exporter", exporter_of(env, one.origin, exporters));
    out.Set("packets", static_cast<double>(one.packets));
    out.Set("bytes", static_cast<double>(one.bytes));
    out.Set("ppsBefore", one.pps_before);
    list.Set(i++, out);
  }
  return list;
}

Napi::Value close_ingress(const Napi::CallbackInfo& info) {
  auto* handle = unwrap<IngressHandle>(info, 0);
  if (handle == nullptr || !handle->ingress) return info.Env().Undefined();
  handle->engine->ingresses().close(handle->ingress);
  handle->ingress.reset();
  return info.Env().Undefined();
}

}  // namespace

void export_ingresses(Napi::Env env, Napi::Object& exports) {
  export_call<open_ingress>(env, exports, "openIngress");
  export_call<read_ingress>(env, exports, "readIngress");
  export_call<close_ingress>(env, exports, "closeIngress");
}

}  // namespace tidegate::door
