#include <napi.h>

#include <random>

#include "addon_fields.hpp"
#include "addon_handles.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

constexpr double kMaxSampleBytes = 65535;

std::uint64_t drawn_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::vector<Prefix> read_prefixes(Fields& fields, const char* field) {
  std::vector<Prefix> prefixes;
  for (const std::string& text : fields.texts(field)) {
    const auto prefix = parse_prefix(text);
    if (!prefix) {
      fields.wrong_range(field, "holds '" + text + "', which is no prefix");
      break;
    }
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

bool read_hostgroups(Napi::Env env, Fields& options, std::vector<HostgroupPrefixes>& groups) {
  const Napi::Value given = options.value("hostgroups");
  if (!given.IsArray()) {
    options.wrong_type("hostgroups", "must be an array");
    return !options.raise();
  }
  const auto list = given.As<Napi::Array>();
  if (list.Length() > kMaxPrefixes) options.wrong_range("hostgroups", "are too many");
  for (std::uint32_t i = 0; i < list.Length() && !options.failed(); ++i) {
    const Napi::HandleScope scope{env};
    Fields group{env, list[i], "options.hostgroups[" + std::to_string(i) + "]"};
    groups.push_back({group.text("name"), read_prefixes(group, "networks")});
    if (group.raise()) return false;
  }
  return !options.raise();
}

Napi::Value create_engine(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fields options{env, info[0], "options"};
  EngineSettings settings;
  const std::vector<Prefix> networks = read_prefixes(options, "networks");
  settings.tick_micros = options.integer<std::int64_t>("tickMicros", 1'000, 10'000'000);
  settings.lane.ipv6_hosts = options.integer<std::uint32_t>("ipv6Hosts", 8, 1 << 24);
  settings.lane.count_flows = options.boolean("countFlows");
  settings.lane.flow_slots = options.integer<std::uint32_t>("flowSlots", 8, 1 << 28);
  settings.lane.seed = options.bigint_or_null("seed").value_or(0);
  if (options.value("seed").IsNull()) settings.lane.seed = drawn_seed();
  settings.sample_bytes = options.integer<std::size_t>("sampleBytes", 0, kMaxSampleBytes);
  if (!std::has_single_bit(settings.lane.ipv6_hosts)) options.wrong_range("ipv6Hosts", "must be a power of two");
  if (!std::has_single_bit(settings.lane.flow_slots)) options.wrong_range("flowSlots", "must be a power of two");
  std::vector<HostgroupPrefixes> groups;
  if (!read_hostgroups(env, options, groups)) return env.Undefined();
  auto compiled = HostSpace::compile(networks, groups);
  if (!compiled.space) {
    Napi::RangeError::New(env, "options.networks: " + compiled.refused).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  settings.space = std::move(compiled.space);
  for (const HostgroupPrefixes& group : groups) settings.group_prefixes.push_back(group.prefixes);
  auto handle = std::make_unique<EngineHandle>();
  handle->engine = std::make_shared<Engine>(std::move(settings));
  return wrap(env, std::move(handle));
}

}  // namespace

void export_engine(Napi::Env env, Napi::Object& exports) { export_call<create_engine>(env, exports, "createEngine"); }

}  // namespace tidegate::door
