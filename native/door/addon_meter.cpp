#include <napi.h>

#include <limits>

#include "addon_fields.hpp"
#include "addon_handles.hpp"
#include "addon_jobs.hpp"
#include "addon_parts.hpp"

namespace tidegate::door {

namespace {

constexpr double kMaxExactBytes = 8.0 * (1U << 30);
constexpr double kMaxTop = 10'000;
constexpr double kMaxWatchId = 9007199254740992.0;

MeterHandle* open_meter(const Napi::CallbackInfo& info) {
  auto* handle = unwrap<MeterHandle>(info, 0);
  if (handle != nullptr && !handle->metering) {
    Napi::Error::New(info.Env(), "meter is closed").ThrowAsJavaScriptException();
    return nullptr;
  }
  return handle;
}

MetricLimits read_limits(Fields& fields, const char* field) {
  MetricLimits limits{};
  const std::vector<double> given = fields.doubles(field, kMetrics);
  for (std::size_t i = 0; i < kMetrics; ++i) {
    limits[i] = given[i];
    if (given[i] < 0) fields.wrong_range(field, "must not be below zero");
  }
  return limits;
}

Napi::Value create_meter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* engine = unwrap<EngineHandle>(info, 0);
  if (engine == nullptr) return env.Undefined();
  const EngineSettings& shared = engine->engine->settings();
  Fields options{env, info[1], "options"};
  MeterOptions meter;
  const double groups = static_cast<double>(engine->engine->space().hostgroups().size());
  const auto hostgroup = options.integer<std::uint32_t>("hostgroup", 0, groups - 1);
  meter.window_micros = options.integer<std::int64_t>("windowMicros", 1'000'000, 60'000'000);
  meter.tick_micros = shared.tick_micros;
  meter.exact_bytes = options.integer<std::size_t>("exactBytes", 0, kMaxExactBytes);
  meter.ipv6_hosts = options.integer<std::size_t>("ipv6Hosts", 1, 1 << 24);
  meter.networks = engine->engine->space().networks().size();
  meter.seed = shared.lane.seed;
  meter.confidence = options.number_or_null("confidence", kLeastConfidence, kMostConfidence);
  Fields thresholds{env, options.value("thresholds"), "options.thresholds"};
  if (options.raise()) return env.Undefined();
  meter.limits = {read_limits(thresholds, "incoming"), read_limits(thresholds, "outgoing"),
                  read_limits(thresholds, "total"), read_limits(thresholds, "network")};
  if (thresholds.raise()) return env.Undefined();
  auto handle = std::make_unique<MeterHandle>();
  handle->metering = std::make_shared<Metering>(meter);
  handle->steps = engine->engine->steps().enter(hostgroup, steps_for(meter.limits, meter.window_micros));
  handle->engine = engine->engine;
  handle->hostgroup = hostgroup;
  return wrap(env, std::move(handle));
}

void run_next(const std::shared_ptr<CallQueue>& queue) {
  queue->busy = !queue->waiting.empty();
  if (!queue->busy) return;
  const auto next = std::move(queue->waiting.front());
  queue->waiting.pop_front();
  next();
}

/// Runs on another thread, after the calls before it on the same meter.
Napi::Value in_turn(Napi::Env env, const std::shared_ptr<CallQueue>& queue, Job::Work work, Job::Finish finish) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  queue->waiting.push_back([env, deferred, queue, work = std::move(work), finish = std::move(finish)] {
    Job::start(env, deferred, work, finish, [queue] { run_next(queue); });
  });
  if (!queue->busy) run_next(queue);
  return deferred.Promise();
}

Napi::Value absorb(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  auto* given = unwrap<BatchHandle>(info, 1);
  if (given == nullptr) return env.Undefined();
  if (!given->batch) {
    Napi::Error::New(env, "batch has been absorbed already").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  if (given->batch->hostgroup != handle->hostgroup) {
    Napi::RangeError::New(env, "batch is of another hostgroup").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const std::shared_ptr<Batch> batch = std::move(given->batch);
  given->batch.reset();
  if (!handle->queue->busy && batch->hosts <= kInlineHosts) {
    handle->metering->absorb(*batch, given->lanes);
    return env.Undefined();
  }
  return in_turn(
      env, handle->queue, [metering = handle->metering, batch, lanes = given->lanes] { metering->absorb(*batch, lanes); },
      [](Napi::Env then) { return then.Undefined(); });
}

std::string subject_text(const MeterSubject& subject, const Engine& engine, std::uint32_t hostgroup) {
  if (subject.scope == Scope::host) return format_address(subject.host);
  const auto& prefixes = engine.settings().group_prefixes[hostgroup];
  if (subject.scope == Scope::hostgroup && prefixes.size() == 1) return format_prefix(prefixes.front());
  return engine.space().network_name(subject.network);
}

/// {at, deferred, subjects, exceeded, watched}: see binding.ts for what the numbers are.
Napi::Value judgement(Napi::Env env, const MeterJudgement& judged, const Engine& engine, std::uint32_t hostgroup) {
  constexpr std::size_t kExceededNumbers = 8 + kHostValues;
  constexpr std::size_t kWatchedNumbers = 2 + kHostValues;
  auto subjects = Napi::Array::New(env, judged.exceeded.size());
  auto exceeded = Napi::Float64Array::New(env, judged.exceeded.size() * kExceededNumbers);
  for (std::size_t i = 0; i < judged.exceeded.size(); ++i) {
    const ExceededSubject& of = judged.exceeded[i];
    subjects.Set(static_cast<std::uint32_t>(i), subject_text(of.subject, engine, hostgroup));
    const std::size_t at = i * kExceededNumbers;
    exceeded[at] = static_cast<double>(of.subject.scope);
    exceeded[at + 1] = of.direction;
    exceeded[at + 2] = of.metric;
    exceeded[at + 3] = of.rate;
    exceeded[at + 4] = of.threshold;
    exceeded[at + 5] = of.samples;
    exceeded[at + 6] = of.interval.low;
    exceeded[at + 7] = of.interval.high;
    for (std::size_t v = 0; v < kHostValues; ++v) exceeded[at + 8 + v] = of.rates[v];
  }
  auto watched = Napi::Float64Array::New(env, judged.watched.size() * kWatchedNumbers);
  for (std::size_t i = 0; i < judged.watched.size(); ++i) {
    const WatchedStanding& of = judged.watched[i];
    const std::size_t at = i * kWatchedNumbers;
    watched[at] = static_cast<double>(of.id);
    watched[at + 1] = of.over ? 1 : 0;
    for (std::size_t v = 0; v < kHostValues; ++v) watched[at + 2 + v] = of.rates[v];
  }
  auto out = Napi::Object::New(env);
  out.Set("at", static_cast<double>(judged.at));
  out.Set("deferred", static_cast<double>(judged.deferred));
  out.Set("subjects", subjects);
  out.Set("exceeded", exceeded);
  out.Set("watched", watched);
  return out;
}

Napi::Value judge(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const auto at = time_argument(info, 1);
  if (!at) return env.Undefined();
  if (!handle->queue->busy) {
    const auto subjects = handle->metering->ask([](Meter& meter) { return meter.judged_subjects(); });
    if (subjects <= kInlineSubjects) {
      return judgement(env, handle->metering->judge(*at), *handle->engine, handle->hostgroup);
    }
  }
  auto judged = std::make_shared<MeterJudgement>();
  return in_turn(
      env, handle->queue, [metering = handle->metering, judged, at = *at] { *judged = metering->judge(at); },
      [judged, engine = handle->engine, hostgroup = handle->hostgroup](Napi::Env then) {
        return judgement(then, *judged, *engine, hostgroup);
      });
}

/// What a subject's text means to this meter, or nothing where it is no address and no prefix.
std::optional<WatchedSubject> subject_of(const std::string& text, std::uint8_t direction, const MeterHandle& handle) {
  WatchedSubject subject;
  subject.direction = direction;
  if (text.find('/') == std::string::npos) {
    subject.host = parse_address(text);
    return subject.host ? std::optional{subject} : std::nullopt;
  }
  const auto prefix = parse_prefix(text);
  if (!prefix) return std::nullopt;
  const auto networks = handle.engine->space().networks();
  const auto found = std::ranges::find(networks, *prefix);
  if (found != networks.end()) subject.network = static_cast<std::uint32_t>(found - networks.begin());
  const auto& prefixes = handle.engine->settings().group_prefixes[handle.hostgroup];
  subject.group = prefixes.size() == 1 && prefixes.front() == *prefix;
  return subject;
}

/// (meter, subject, direction 0 or 1) → id.
Napi::Value watch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const auto text = text_argument(info, 1, "subject");
  if (!text) return env.Undefined();
  const auto direction = number_argument(info, 2, "direction", 0, kHostDirections - 1);
  if (!direction) return env.Undefined();
  auto subject = subject_of(*text, static_cast<std::uint8_t>(*direction), *handle);
  if (!subject) {
    Napi::RangeError::New(env, "subject is neither an address nor a prefix").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto id = handle->metering->ask([&](Meter& meter) {
    if (subject->network && meter.group_goes_by(*subject->network, subject->direction)) subject->group = true;
    return meter.watch(*subject);
  });
  if (!id) {
    Napi::RangeError::New(env, "subject is one more than the " + std::to_string(kMaxWatched) + " that can be watched")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return Napi::Number::New(env, static_cast<double>(*id));
}

Napi::Value unwatch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const auto id = number_argument(info, 1, "id", 1, kMaxWatchId);
  if (id) handle->metering->ask([&](Meter& meter) { meter.unwatch(static_cast<WatchId>(*id)); });
  return env.Undefined();
}

Napi::Value rate_array(Napi::Env env, const RateValues& rates) {
  auto out = Napi::Float64Array::New(env, kHostValues);
  for (std::size_t i = 0; i < kHostValues; ++i) out[i] = rates[i];
  return out;
}

Napi::Value meter_total(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const auto at = time_argument(info, 1);
  if (!at) return env.Undefined();
  return rate_array(env, handle->metering->ask([&](Meter& meter) { return meter.total(*at); }));
}

/// {names, rates}: rates of all, one after the other.
template <class Named>
Napi::Value named_rates(Napi::Env env, const std::vector<Named>& all, auto&& name_of, auto&& rates_of) {
  auto names = Napi::Array::New(env, all.size());
  auto rates = Napi::Float64Array::New(env, all.size() * kHostValues);
  for (std::size_t i = 0; i < all.size(); ++i) {
    names.Set(static_cast<std::uint32_t>(i), name_of(all[i]));
    const RateValues& of = rates_of(all[i]);
    for (std::size_t v = 0; v < kHostValues; ++v) rates[i * kHostValues + v] = of[v];
  }
  auto out = Napi::Object::New(env);
  out.Set("names", names);
  out.Set("rates", rates);
  return out;
}

Napi::Value meter_networks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const auto at = time_argument(info, 1);
  if (!at) return env.Undefined();
  const auto all = handle->metering->ask([&](Meter& meter) { return meter.networks(*at); });
  return named_rates(
      env, all, [&](const auto& one) { return handle->engine->space().network_name(one.first); },
      [](const auto& one) -> const RateValues& { return one.second; });
}

Napi::Value meter_rates(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const auto text = text_argument(info, 1, "host");
  if (!text) return env.Undefined();
  const auto at = time_argument(info, 2);
  if (!at) return env.Undefined();
  const auto host = parse_address(*text);
  if (!host) {
    Napi::RangeError::New(env, "host is no address").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto rates = handle->metering->ask([&](Meter& meter) { return meter.rates(*host, *at); });
  return rates ? rate_array(env, *rates) : env.Null();
}

/// (meter, place of the value in a host's list, count, at).
Napi::Value meter_top(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const auto value = number_argument(info, 1, "value", 0, kHostValues - 1);
  if (!value) return env.Undefined();
  const auto count = number_argument(info, 2, "count", 0, kMaxTop);
  if (!count) return env.Undefined();
  const auto at = time_argument(info, 3);
  if (!at) return env.Undefined();
  const auto top = handle->metering->ask([&](Meter& meter) {
    return meter.top(static_cast<std::size_t>(*value), static_cast<std::size_t>(*count), *at);
  });
  return named_rates(
      env, top, [](const TopHost& one) { return format_address(one.host); },
      [](const TopHost& one) -> const RateValues& { return one.rates; });
}

Napi::Value meter_stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* handle = open_meter(info);
  if (handle == nullptr) return env.Undefined();
  const MeterCounts counts = handle->metering->ask([](Meter& meter) { return meter.counts(); });
  auto out = Napi::Object::New(env);
  out.Set("hosts", static_cast<double>(counts.hosts));
  out.Set("exact", static_cast<double>(counts.exact));
  out.Set("exactBound", static_cast<double>(counts.exact_bound));
  out.Set("exactRefused", static_cast<double>(counts.exact_refused));
  out.Set("hostsRefused", static_cast<double>(counts.hosts_refused));
  out.Set("bytes", static_cast<double>(counts.bytes));
  return out;
}

/// Calls under way keep the meter until they are done; those after this one are refused.
Napi::Value close_meter(const Napi::CallbackInfo& info) {
  auto* handle = unwrap<MeterHandle>(info, 0);
  if (handle != nullptr) {
    handle->metering.reset();
    handle->steps.reset();
  }
  return info.Env().Undefined();
}

}  // namespace

void export_meters(Napi::Env env, Napi::Object& exports) {
  export_call<create_meter>(env, exports, "createMeter");
  export_call<absorb>(env, exports, "absorb");
  export_call<judge>(env, exports, "judge");
  export_call<watch>(env, exports, "watch");
  export_call<unwatch>(env, exports, "unwatch");
  export_call<meter_total>(env, exports, "meterTotal");
  export_call<meter_networks>(env, exports, "meterNetworks");
  export_call<meter_rates>(env, exports, "meterRates");
  export_call<meter_top>(env, exports, "meterTop");
  export_call<meter_stats>(env, exports, "meterStats");
  export_call<close_meter>(env, exports, "closeMeter");
}

}  // namespace tidegate::door
