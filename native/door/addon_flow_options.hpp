/// FlowReadingOptions and FlowListenerOptions of contract.ts → what the data plane opens flow telemetry with.
#pragma once

#include "../engine/flow_source.hpp"
#include "addon_fields.hpp"

namespace tidegate::door {

/// What is wrong is kept in `options`, to be raised by the caller.
[[nodiscard]] CollectorOptions read_flow_reading(Napi::Env env, Fields& options, const Engine& engine);
[[nodiscard]] FlowSettings read_flow_listener(Napi::Env env, Fields& options, const Engine& engine);

}  // namespace tidegate::door
