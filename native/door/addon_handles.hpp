/// What JavaScript holds: opaque handles to engines, sources, meters, taps, ingresses and batches.
///
/// A handle is an External whose address is in the environment's list of live ones, so that no other object can be
/// passed for it. What it owns is freed when it is closed, or when JavaScript forgets it.
#pragma once

#include <napi.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "../engine/engine.hpp"
#include "../engine/metering.hpp"
#include "../engine/replay_source.hpp"
#include "../engine/source.hpp"

namespace tidegate::door {

struct EngineHandle {
  static constexpr const char* kName = "engine";
  std::shared_ptr<Engine> engine;
};

struct SourceHandle {
  static constexpr const char* kName = "source";
  std::shared_ptr<Source> source;  ///< null once closed
  std::shared_ptr<ReplaySource> replay;
  SourceCounts last_counts;        ///< as of closing
  std::shared_ptr<Engine> engine;
};

/// Calls that wait for the one before; on the main thread only.
struct CallQueue {
  std::deque<std::function<void()>> waiting;
  bool busy = false;
};

struct MeterHandle {
  static constexpr const char* kName = "meter";
  std::shared_ptr<Metering> metering;  ///< null once closed
  GroupSteps::Entry steps;             ///< null once closed
  std::shared_ptr<Engine> engine;
  std::uint32_t hostgroup = 0;
  std::shared_ptr<CallQueue> queue = std::make_shared<CallQueue>();
};

struct TapHandle {
  static constexpr const char* kName = "tap";
  std::shared_ptr<Tap> tap;  ///< null once closed
  std::shared_ptr<Engine> engine;
};

struct IngressHandle {
  static constexpr const char* kName = "ingress";
  std::shared_ptr<Ingress> ingress;  ///< null once closed
  std::shared_ptr<Engine> engine;
};

struct BatchHandle {
  static constexpr const char* kName = "batch";
  std::shared_ptr<Batch> batch;  ///< null once absorbed
  std::size_t lanes = 1;
};

/// Live handles of one environment, by address: the kind of each.
struct LiveHandles {
  std::unordered_map<const void*, const char*> kinds;
};

template <class Handle>
Napi::Value wrap(Napi::Env env, std::unique_ptr<Handle> handle) {
  auto* live = env.GetInstanceData<LiveHandles>();
  live->kinds.emplace(handle.get(), Handle::kName);
  // Owned by the External from here on; its finalizer is the only place that deletes.
  return Napi::External<Handle>::New(env, handle.release(), [](Napi::BasicEnv basic, Handle* mine) {
    const std::unique_ptr<Handle> owned{mine};
    if (auto* known = basic.GetInstanceData<LiveHandles>()) known->kinds.erase(mine);
  });
}

/// The handle in an argument, or null and a thrown TypeError that names it.
template <class Handle>
Handle* unwrap(const Napi::CallbackInfo& info, std::size_t i) {
  if (info[i].IsExternal()) {
    const Napi::External<Handle> external = info[i].As<Napi::External<Handle>>();
    auto* live = info.Env().GetInstanceData<LiveHandles>();
    const auto found = live->kinds.find(external.Data());
    if (found != live->kinds.end() && found->second == Handle::kName) return external.Data();
  }
  Napi::TypeError::New(info.Env(), std::string{Handle::kName} + " must be a handle of that kind")
      .ThrowAsJavaScriptException();
  return nullptr;
}

}  // namespace tidegate::door
