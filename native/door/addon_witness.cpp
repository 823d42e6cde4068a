/// The wire witness for JavaScript: listens on a thread of the pool.
#include <napi.h>
#include <net/if.h>

#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../base/address.hpp"
#include "../capture/wire_witness.hpp"
#include "addon_fields.hpp"
#include "addon_jobs.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

std::vector<std::uint16_t> ports_of(Fields& options) {
  std::vector<std::uint16_t> ports;
  const Napi::Value value = options.value("ports");
  if (!value.IsArray()) {
    options.wrong_type("ports", "must be a list of numbers");
    return ports;
  }
  const auto list = value.As<Napi::Array>();
  if (list.Length() == 0 || list.Length() > kMaxWitnessPorts) {
    options.wrong_range("ports", "must be 1 to " + std::to_string(kMaxWitnessPorts));
    return ports;
  }
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value entry = list.Get(i);
    const double port = entry.IsNumber() ? entry.As<Napi::Number>().DoubleValue() : -1;
    if (!(port >= 1 && port <= 65'535 && port == std::floor(port))) {
      options.wrong_range("ports", "must be whole numbers, 1 to 65535");
      return ports;
    }
    ports.push_back(static_cast<std::uint16_t>(port));
  }
  return ports;
}

/// The interface may have gone since; then its index stands for it.
std::string interface_name(int index) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(static_cast<unsigned>(index), name.data()) == nullptr) return std::to_string(index);
  return name.data();
}

Napi::Value report_value(Napi::Env env, const WitnessReport& report) {
  auto sights = Napi::Array::New(env, report.sights.size());
  std::uint32_t i = 0;
  for (const WireSight& sight : report.sights) {
    const Napi::HandleScope scope{env};
    auto entry = Napi::Object::New(env);
    entry.Set("source", format_address(sight.source));
    entry.Set("destination", format_address(sight.destination));
    entry.Set("port", sight.port);
    entry.Set("interface", interface_name(sight.interface));
    entry.Set("datagrams", static_cast<double>(sight.datagrams));
    sights.Set(i++, entry);
  }
  auto out = Napi::Object::New(env);
  out.Set("sights", sights);
  out.Set("overflow", static_cast<double>(report.overflow));
  out.Set("missed", static_cast<double>(report.missed));
  out.Set("seconds", report.seconds);
  return out;
}

Napi::Value witness_wire(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fields options{env, info[0], "options"};
  const auto ports = ports_of(options);
  const std::chrono::milliseconds time{
      options.integer<std::int64_t>("milliseconds", 1, static_cast<double>(kMaxWitnessTime.count()))};
  if (options.raise()) return env.Undefined();
  const auto deferred = Napi::Promise::Deferred::New(env);
  auto report = std::make_shared<WitnessReport>();
  Job::start(
      env, deferred,
      [ports, time, report] {
        auto opened = WireWitness::open(ports);
        if (!opened.ok()) throw std::runtime_error{opened.failure().text};  // Job makes it a rejection
        *report = opened.value().listen(time);
      },
      [report](Napi::Env then) { return report_value(then, *report); });
  return deferred.Promise();
}

}  // namespace

void export_witness(Napi::Env env, Napi::Object& exports) { export_call<witness_wire>(env, exports, "witnessWire"); }

}  // namespace tidegate::door
