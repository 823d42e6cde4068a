/// The parts of the addon, each exporting its functions.
#pragma once

#include <napi.h>

#include "../counters/meter_limits.hpp"

namespace tidegate::door {

void export_engine(Napi::Env env, Napi::Object& exports);
void export_sources(Napi::Env env, Napi::Object& exports);
void export_flows(Napi::Env env, Napi::Object& exports);
void export_meters(Napi::Env env, Napi::Object& exports);
void export_taps(Napi::Env env, Napi::Object& exports);
void export_ingresses(Napi::Env env, Napi::Object& exports);
void export_witness(Napi::Env env, Napi::Object& exports);
void export_bench(Napi::Env env, Napi::Object& exports);

/// A call from JavaScript must not see a C++ exception: running out of memory becomes an Error.
template <Napi::Value (*call)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return call(info);
  } catch (const std::exception& error) {
    Napi::Error::New(info.Env(), error.what()).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
}

template <Napi::Value (*call)(const Napi::CallbackInfo&)>
void export_call(Napi::Env env, Napi::Object& exports, const char* name) {
  exports.Set(name, Napi::Function::New(env, guarded<call>, name));
}

}  // namespace tidegate::door
