#include "sampling.hpp"

#include <algorithm>

namespace tidegate {

SamplingPolicy::SamplingPolicy(std::span<const SamplingOverride> overrides, std::optional<std::uint32_t> fallback) {
  const auto held = [](std::uint32_t rate) { return std::clamp<std::uint32_t>(rate, 1, kMaxSamplingRate); };
  for (SamplingOverride override_ : overrides) {
    override_.rate = held(override_.rate);
    (override_.interface ? interfaces_ : exporters_).push_back(override_);
  }
  const auto before = [](const SamplingOverride& a, const SamplingOverride& b) {
    if (a.interface != b.interface) return a.interface < b.interface;
    return a.exporter.length > b.exporter.length;
  };
  std::ranges::stable_sort(exporters_, before);
  std::ranges::stable_sort(interfaces_, before);
  if (fallback) fallback_ = held(*fallback);
}

std::uint32_t SamplingPolicy::of_exporter(const Address& exporter) const noexcept {
  for (const SamplingOverride& said : exporters_) {
    if (contains(said.exporter, exporter)) return said.rate;
  }
  return 0;
}

std::uint32_t SamplingPolicy::of_interface(const Address& exporter, std::uint32_t interface) const noexcept {
  auto said = std::ranges::lower_bound(interfaces_, interface, {}, [](const auto& o) { return *o.interface; });
  for (; said != interfaces_.end() && *said->interface == interface; ++said) {
    if (contains(said->exporter, exporter)) return said->rate;
  }
  return 0;
}

bool SamplingPolicy::names_interfaces_of(const Address& exporter) const noexcept {
  return std::ranges::any_of(interfaces_, [&](const auto& said) { return contains(said.exporter, exporter); });
}

void ExporterSampling::attach(const SamplingPolicy& policy, const Address& exporter) noexcept {
  configured_ = policy.of_exporter(exporter);
  configured_interfaces_ = policy.names_interfaces_of(exporter);
  by_interface_ = configured_interfaces_;
  answered_ = false;
}

ExporterSampling::Place* ExporterSampling::find(Kind kind, std::uint64_t id) noexcept {
  const auto is_it = [&](const Place& place) { return place.id == id && place.kind == kind; };
  if (last_place_ < used_ && is_it(places_[last_place_])) return &places_[last_place_];
  for (std::size_t i = 0; i < used_; ++i) {
    if (!is_it(places_[i])) continue;
    last_place_ = i;
    return &places_[i];
  }
  return nullptr;
}

ExporterSampling::Place* ExporterSampling::find_or_add(Kind kind, std::uint64_t id) noexcept {
  if (Place* const known = find(kind, id)) return known;
  if (used_ == places_.size()) return nullptr;
  Place& place = places_[used_++];
  place.id = id;
  place.kind = kind;
  return &place;
}

std::uint32_t ExporterSampling::meant(std::uint32_t stated) noexcept {
  if (stated > kMaxSamplingRate) {
    ++counts_.excessive;
    return 0;
  }
  return std::max<std::uint32_t>(stated, 1);
}

void ExporterSampling::state(const SamplingStatement& statement) noexcept {
  answered_ = false;
  by_interface_ |= statement.scope == SamplingStatement::Scope::interface;
  if (statement.rate == 0) ++counts_.zeros;
  const std::uint32_t rate = meant(statement.rate);
  if (rate == 0) return;
  if (statement.scope == SamplingStatement::Scope::exporter) {
    exporter_.stated = rate;
    return;
  }
  const Kind kind = statement.scope == SamplingStatement::Scope::sampler ? Kind::sampler : Kind::interface;
  if (Place* const place = find_or_add(kind, statement.id)) {
    place->voice.stated = rate;
    return;
  }
  ++counts_.refused;
  unplaced_ = rate;
}

void ExporterSampling::state_header(std::uint32_t rate) noexcept {
  if (rate == 0) return;
  const std::uint32_t said = meant(rate);
  if (said == 0 || said == header_.stated) return;
  header_.stated = said;
  answered_ = false;
}

void ExporterSampling::put_in_force(Voice& voice, std::uint32_t rate) noexcept {
  if (voice.in_force != 0 && voice.in_force != rate) ++counts_.changes;
  voice.in_force = rate;
}

/// sFlow data sources and samplers have rates of their own: each is remembered apart while there is room.
ExporterSampling::Voice& ExporterSampling::record_voice(const FlowDetail& detail) noexcept {
  Place* place = nullptr;
  if (detail.point != 0) {
    place = find_or_add(Kind::point, detail.point);
  } else if (detail.sampler != 0) {
    place = find_or_add(Kind::sampler, detail.sampler);
  }
  return place != nullptr ? place->voice : record_;
}

SamplingRate ExporterSampling::resolve(const SamplingPolicy& policy, const Address& exporter,
                                       const FlowDetail& detail) noexcept {
  answered_ = false;
  std::uint32_t winner = 0;
  SamplingOrigin origin = SamplingOrigin::unknown;
  Voice* voice = nullptr;
  bool contradicted = false;
  // Each in its order: the first decides, a later one of another origin can but contradict it.
  const auto hear = [&](std::uint32_t rate, SamplingOrigin from, Voice* by) {
    if (rate == 0) return;
    if (winner == 0) {
      winner = rate;
      origin = from;
      voice = by;
    } else if (origin != from && rate != winner && rate > 1 && winner > 1) {
      contradicted = true;
    }
  };

  std::uint32_t configured = 0;
  if (configured_interfaces_) configured = policy.of_interface(exporter, detail.input);
  if (configured == 0) configured = configured_;
  if (configured != 0) return last_ = {configured, SamplingOrigin::configured};

  if (detail.sampling != 0) {
    const std::uint32_t said = meant(detail.sampling);
    if (said != 0) hear(said, SamplingOrigin::record, &record_voice(detail));
  }
  if (used_ != 0 && detail.sampler != 0) {
    if (Place* const place = find(Kind::sampler, detail.sampler)) {
      hear(place->voice.stated, SamplingOrigin::sampler, &place->voice);
    }
  }
  if (used_ != 0 && detail.input != 0) {
    if (Place* const place = find(Kind::interface, detail.input)) {
      hear(place->voice.stated, SamplingOrigin::options, &place->voice);
    }
  }
  hear(exporter_.stated, SamplingOrigin::options, &exporter_);
  hear(header_.stated, SamplingOrigin::header, &header_);
  hear(winner == 0 ? unplaced_ : 0, SamplingOrigin::options, nullptr);
  hear(winner == 0 ? policy.fallback() : 0, SamplingOrigin::fallback, nullptr);
  if (winner == 0) return last_ = {1, SamplingOrigin::unknown};
  if (contradicted) ++counts_.conflicts;
  if (voice != nullptr) put_in_force(*voice, winner);
  return last_ = {winner, origin};
}

}  // namespace tidegate
