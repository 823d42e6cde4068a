#include "addon_flow_options.hpp"

#include <string_view>

namespace tidegate::door {

namespace {

constexpr double kMaxRate = 4294967295.0;
constexpr double kMaxNumber = 4294967295.0;
constexpr double kMaxOptionMicros = 7.0 * 86'400e6;
constexpr double kMaxWindowMicros = 3'600e6;
constexpr std::uint32_t kMaxOverrides = 65'536;
constexpr std::array<std::string_view, 2> kFilterActions{"drop", "keep"};
constexpr std::array<std::string_view, 2> kTransports{"udp", "tcp"};

/// The members of a list, at most `most`; nothing and an error kept where it is none, or too long.
std::optional<Napi::Array> list_of(Fields& fields, const char* field, std::uint32_t most) {
  const Napi::Value given = fields.value(field);
  if (!given.IsArray()) {
    fields.wrong_type(field, "must be a list");
    return std::nullopt;
  }
  const auto list = given.As<Napi::Array>();
  if (list.Length() > most) {
    fields.wrong_range(field, "is longer than " + std::to_string(most));
    return std::nullopt;
  }
  return list;
}

std::vector<Prefix> prefixes_of(Fields& fields, const char* field) {
  std::vector<Prefix> all;
  for (const std::string& text : fields.texts(field)) {
    const auto prefix = parse_prefix(text);
    if (prefix) {
      all.push_back(*prefix);
    } else {
      fields.wrong_range(field, "holds '" + text + "', which is no prefix");
    }
  }
  return all;
}

SamplingPolicy read_sampling(Napi::Env env, Fields& options) {
  std::vector<SamplingOverride> overrides;
  const auto fallback = options.number_or_null("samplingFallback", 1, kMaxRate);
  if (const auto list = list_of(options, "samplingOverrides", kMaxOverrides)) {
    for (std::uint32_t i = 0; i < list->Length() && !options.failed(); ++i) {
      const Napi::HandleScope scope{env};
      Fields one{env, list->Get(i), "samplingOverrides"};
      const std::string text = one.text("exporter");
      const auto prefix = parse_prefix(text);
      if (!prefix) one.wrong_range("exporter", "is '" + text + "', which is no prefix");
      const auto interface = one.number_or_null("interface", 0, kMaxNumber);
      const auto rate = one.integer<std::uint32_t>("rate", 1, kMaxRate);
      if (one.failed()) {
        options.adopt(one);
        return {};
      }
      overrides.push_back({*prefix, interface ? std::optional{static_cast<std::uint32_t>(*interface)} : std::nullopt, rate});
    }
  }
  return {overrides, fallback ? std::optional{static_cast<std::uint32_t>(*fallback)} : std::nullopt};
}

void read_ranges(Fields& condition, FilterCondition& out) {
  const auto list = list_of(condition, "ranges", kMaxFilterValues);
  if (!list) return;
  const auto number = [&](const Napi::Value& value) -> std::uint32_t {
    const double given = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (given >= 0 && given <= kMaxNumber) return static_cast<std::uint32_t>(given);
    condition.wrong_range("ranges", "must be pairs of numbers");
    return 0;
  };
  for (std::uint32_t i = 0; i < list->Length(); ++i) {
    const Napi::Value pair = list->Get(i);
    if (!pair.IsArray()) return condition.wrong_type("ranges", "must be pairs");
    const auto ends = pair.As<Napi::Array>();
    out.ranges.push_back({number(ends.Get(0U)), number(ends.Get(1U))});
  }
}

FlowFilter read_filter(Napi::Env env, Fields& options) {
  std::vector<FilterRule> rules;
  const auto list = list_of(options, "filter", kMaxFilterRules);
  for (std::uint32_t i = 0; list && i < list->Length() && !options.failed(); ++i) {
    const Napi::HandleScope scope{env};
    Fields given{env, list->Get(i), "filter"};
    FilterRule& rule = rules.emplace_back();
    rule.keep = given.one_of("action", kFilterActions) == 1;
    const auto conditions = list_of(given, "conditions", kMaxFilterConditions);
    for (std::uint32_t j = 0; conditions && j < conditions->Length() && !given.failed(); ++j) {
      Fields one{env, conditions->Get(j), "filter.conditions"};
      FilterCondition& condition = rule.conditions.emplace_back();
      condition.field = static_cast<FilterField>(one.one_of("field", kFilterFieldNames));
      condition.negated = one.boolean("negated");
      read_ranges(one, condition);
      condition.prefixes = prefixes_of(one, "prefixes");
      given.adopt(one);
    }
    options.adopt(given);
  }
  auto compiled = FlowFilter::compile(rules);
  if (compiled) return std::move(*compiled);
  options.wrong_range("filter", "has more conditions or values than can be held");
  return {};
}

}  // namespace

CollectorOptions read_flow_reading(Napi::Env env, Fields& options, const Engine& engine) {
  CollectorOptions out;
  FlowFamilies accepts;
  for (const std::string& text : options.texts("accepts")) {
    const auto* const found = std::ranges::find(kFlowFamilyNames, text);
    if (found == kFlowFamilyNames.end()) {
      options.wrong_range("accepts", "holds '" + text + "', which is no family");
    } else {
      accepts.add(static_cast<FlowFamily>(found - kFlowFamilyNames.begin()));
    }
  }
  out.accepts = accepts;
  out.wire.length_from_ip = options.boolean("lengthFromIp");
  out.max_exporters = options.integer<std::size_t>("maxExporters", 1, kMaxExporters);
  out.templates.max_templates = options.integer<std::size_t>("maxTemplates", 1, templated::kMostTemplates);
  out.templates.lifetime_micros = options.integer<std::int64_t>("templateLifetimeMicros", 1e6, kMaxOptionMicros);
  out.templates.waiting_bytes = options.integer<std::size_t>("waitingBytes", 0, templated::kMostWaitingBytes);
  out.templates.waiting_micros = options.integer<std::int64_t>("waitingMicros", 0, kMaxOptionMicros);
  out.sampling = read_sampling(env, options);
  out.filter = read_filter(env, options);
  HoldOptions hold;
  const bool spread = options.boolean("spread");
  hold.window_micros = options.integer<std::int64_t>("windowMicros", 1'000, kMaxWindowMicros);
  hold.max_held = options.integer<std::size_t>("maxHeld", 1, kMaxHeldFlows);
  hold.tick_micros = engine.settings().tick_micros;
  hold.seed = engine.settings().lane.seed;
  // sFlow samples have no span of their own.
  if (spread && (accepts.has(FlowFamily::netflow) || accepts.has(FlowFamily::ipfix))) out.hold = hold;
  out.seed = engine.settings().lane.seed;
  return out;
}

FlowSettings read_flow_listener(Napi::Env env, Fields& options, const Engine& engine) {
  FlowSettings out;
  out.collector = read_flow_reading(env, options, engine);
  out.collector.allow = AccessList{prefixes_of(options, "allow")};
  out.collector.refuse_unknown = options.boolean("refuseUnknown");
  out.socket.address = options.text("address");
  out.socket.port = options.integer<std::uint16_t>("port", 0, 65535);
  out.socket.receive_buffer_bytes = options.integer<std::size_t>("receiveBufferBytes", 4096, 1 << 30);
  out.workers = options.integer<std::size_t>("workers", 1, kMaxUdpWorkers);
  out.transport = static_cast<FlowTransport>(options.one_of("transport", kTransports));
  return out;
}

}  // namespace tidegate::door
