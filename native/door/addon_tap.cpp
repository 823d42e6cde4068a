#include <napi.h>

#include "addon_fields.hpp"
#include "addon_handles.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

constexpr std::array kDirectionNames{"incoming", "outgoing", "internal", "other"};

Napi::Value open_tap(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* engine = unwrap<EngineHandle>(info, 0);
  if (engine == nullptr) return env.Undefined();
  const auto subject = subject_argument(info, 1);
  if (!subject) return env.Undefined();
  const auto count = number_argument(info, 2, "count", 1, kMaxTapPackets);
  if (!count) return env.Undefined();
  auto handle = std::make_unique<TapHandle>();
  handle->engine = engine->engine;
  handle->tap = engine->engine->taps().open(*subject, static_cast<std::size_t>(*count));
  return wrap(env, std::move(handle));
}

Napi::Object packet(Napi::Env env, const Sample& sample) {
  auto out = Napi::Object::New(env);
  const PacketFacts& facts = sample.facts;
  out.Set("at", static_cast<double>(sample.at_micros));
  out.Set("direction", kDirectionNames[static_cast<std::size_t>(sample.direction)]);
  out.Set("source", format_address(facts.source));
  out.Set("destination", format_address(facts.destination));
  out.Set("protocol", facts.protocol);
  out.Set("sourcePort", facts.source_port);
  out.Set("destinationPort", facts.destination_port);
  out.Set("tcpFlags", facts.tcp_flags);
  out.Set("ttl", facts.ttl);
  out.Set("fragment", facts.fragment);
  out.Set("firstFragment", facts.first_fragment);
  out.Set("wireLength", facts.wire_length);
  out.Set("ipLength", facts.ip_length);
  out.Set("sampling", sample.sampling);
  if (!sample.has_bytes) {
    out.Set("bytes", env.Null());
    return out;
  }
  auto bytes = Napi::Uint8Array::New(env, sample.bytes.size());
  for (std::size_t i = 0; i < sample.bytes.size(); ++i) bytes[i] = std::to_integer<std::uint8_t>(sample.bytes[i]);
  out.Set("bytes", bytes);
  return out;
}

/// What `samples` has of an open tap, as a list; of one that is closed, an empty one.
template <typename Samples>
Napi::Value listed(const Napi::CallbackInfo& info, Samples samples) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<TapHandle>(info, 0);
  if (handle == nullptr) return env.Undefined();
  auto list = Napi::Array::New(env);
  if (!handle->tap) return list;
  std::uint32_t i = 0;
  for (const Sample& sample : samples(*handle->tap)) {
    const Napi::HandleScope scope{env};
    list.Set(i++, packet(env, sample));
  }
  return list;
}

Napi::Value read_tap(const Napi::CallbackInfo& info) {
  const auto most = number_argument(info, 1, "most", 1, kMaxTapPackets);
  if (!most) return info.Env().Undefined();
  return listed(info, [&](Tap& tap) { return tap.read(static_cast<std::size_t>(*most)); });
}

Napi::Value tap_gathered(const Napi::CallbackInfo& info) {
  auto* handle = unwrap<TapHandle>(info, 0);
  if (handle == nullptr) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), handle->tap ? static_cast<double>(handle->tap->gathered()) : 0);
}

/// No lane offers it anything more; what it has can still be read.
Napi::Value seal_tap(const Napi::CallbackInfo& info) {
  auto* handle = unwrap<TapHandle>(info, 0);
  if (handle != nullptr && handle->tap) handle->engine->taps().close(handle->tap);
  return info.Env().Undefined();
}

Napi::Value tap_before(const Napi::CallbackInfo& info) {
  return listed(info, [](const Tap& tap) -> const std::vector<Sample>& { return tap.before(); });
}

Napi::Value close_tap(const Napi::CallbackInfo& info) {
  auto* handle = unwrap<TapHandle>(info, 0);
  if (handle == nullptr || !handle->tap) return info.Env().Undefined();
  handle->engine->taps().close(handle->tap);
  handle->tap.reset();
  return info.Env().Undefined();
}

}  // namespace

void export_taps(Napi::Env env, Napi::Object& exports) {
  export_call<open_tap>(env, exports, "openTap");
  export_call<read_tap>(env, exports, "readTap");
  export_call<tap_gathered>(env, exports, "tapGathered");
  export_call<seal_tap>(env, exports, "sealTap");
  export_call<tap_before>(env, exports, "tapBefore");
  export_call<close_tap>(env, exports, "closeTap");
}

}  // namespace tidegate::door
