/// The addon: contract.ts as seen from C++, less comfortable. binding.ts says what crosses, contract.ts what comes of it.
#include <napi.h>

#include <array>
#include <string_view>

#include "../base/classes.hpp"
#include "../base/errors.hpp"
#include "addon_handles.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

constexpr std::string_view kVersion = "0.1.0";

template <class Names>
Napi::Array name_list(Napi::Env env, const Names& names) {
  auto list = Napi::Array::New(env);
  std::uint32_t i = 0;
  for (const auto& name : names) list.Set(i++, std::string{name});
  return list;
}

Napi::Value version(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), std::string{kVersion}); }

Napi::Value layout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::array<std::string_view, kMetrics> metrics;
  for (std::size_t i = 0; i < kMetrics; ++i) metrics[i] = kMetricTable[i].name;
  auto out = Napi::Object::New(env);
  out.Set("classes", name_list(env, kCounterClassNames));
  out.Set("metrics", name_list(env, metrics));
  out.Set("errors", name_list(env, std::span{kDecodeErrorNames}.subspan(1)));  // 'none' is no error
  return out;
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new LiveHandles);  // Node deletes it with the environment
  export_call<version>(env, exports, "version");
  export_call<layout>(env, exports, "layout");
  export_engine(env, exports);
  export_sources(env, exports);
  export_flows(env, exports);
  export_meters(env, exports);
  export_taps(env, exports);
  export_ingresses(env, exports);
  export_witness(env, exports);
  export_bench(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(tidegate, start)

}  // namespace tidegate::door
