#include <algorithm>
#include <cmath>
#include <limits>

#include "meter.hpp"

namespace tidegate {

namespace {

/// The cheap form adds up in float32: a steady rate at its limit may come out this much above.
constexpr double kCheapError = 1e-5;

double biggest_share(const JudgedValue& judged, double sum) noexcept {
  if (judged.limit > 0) return sum / judged.limit;
  return sum > 0 ? std::numeric_limits<double>::infinity() : 0.0;
}

}  // namespace

MeterJudgement Meter::judge(std::int64_t at) {
  JudgePart part = judge_begin(at);
  while (judge_some(part, std::numeric_limits<std::size_t>::max())) {
  }
  return std::move(part.out);
}

Meter::JudgePart Meter::judge_begin(std::int64_t at) {
  JudgePart part;
  part.now = moment(at);
  part.out.at = part.now.at;
  judge_total(part);
  judge_networks(part);
  return part;
}

bool Meter::judge_some(JudgePart& part, std::size_t max_subjects) {
  std::size_t left = max_subjects;
  for (; part.slot < exact_.slots(); ++part.slot, --left) {
    if (left == 0) return true;
    judge_slot(static_cast<std::uint32_t>(part.slot), part);
  }
  for (; part.candidate < candidates_.size(); ++part.candidate, --left) {
    if (left == 0) return true;
    const RowRef ref = candidates_[part.candidate];
    if (judge_candidate(ref, part)) {
      candidates_[part.kept++] = ref;
    } else {
      rows_.row(ref).candidate = 0;
    }
  }
  candidates_.resize(part.kept);
  part.candidate = part.kept;
  for (auto next = watches_.above(part.watch); next != watches_.end(); ++next, --left) {
    if (left == 0) return true;
    judge_watched(next->second, next->first, part);
    part.watch = next->first;
  }
  return false;
}

double Meter::host_sum(const MeterRow& row, std::size_t index, const Moment& now) const noexcept {
  if (row.slot != kNoSlot) return static_cast<double>(exact_.sum(row, index, now.edge));
  return row.estimate(judged_[index].value, now.window, now.elapsed) * (1 - kCheapError);
}

const JudgedValue* Meter::host_over(const MeterRow& row, std::size_t direction, const Dispersion& dispersion,
                                    const Moment& now) const noexcept {
  for (std::size_t i = 0; i < judged_.size(); ++i) {
    const JudgedValue& judged = judged_[i];
    if (judged.direction != direction) continue;
    if (confidence_.above(host_sum(row, i, now), dispersion.of(judged.value), judged.limit)) return &judged;
  }
  return nullptr;
}

const JudgedValue* Meter::network_over(const NetworkSums::Network& network, std::size_t direction,
                                       const Dispersion& dispersion, const Moment& now) const noexcept {
  for (const JudgedValue& judged : network_judged_) {
    if (judged.direction != direction) continue;
    const double sum = networks_.sum(network, judged.value, now);
    if (confidence_.above(sum, dispersion.of(judged.value), judged.limit)) return &judged;
  }
  return nullptr;
}

const JudgedValue* Meter::total_over(std::size_t direction, const Dispersion& dispersion,
                                     const Moment& now) const noexcept {
  for (const JudgedValue& judged : total_judged_) {
    if (judged.direction != direction) continue;
    const double sum = networks_.total_sum(judged.value, now);
    if (confidence_.above(sum, dispersion.of(judged.value), judged.limit)) return &judged;
  }
  return nullptr;
}

bool Meter::report(const JudgedValue& judged, double sum, const Dispersion& dispersion, const MeterSubject& subject,
                   const RateValues& rates, JudgePart& part) {
  if (part.out.exceeded.size() >= kMaxExceededPerJudge) {
    ++part.out.deferred;
    return false;
  }
  const auto unit = [&](double of) { return in_unit(judged, of, time_.window_micros()); };
  double samples = 0;
  Interval interval{unit(sum), unit(sum)};
  if (dispersion.packets > 0) {
    const double packets = rates[packets_of(judged.value)] * static_cast<double>(time_.window_micros()) / 1e6;
    samples = std::max(1.0, std::round(dispersion.observed(packets)));
    const Interval sums = confidence_.interval(sum, dispersion.of(judged.value));
    interval = {unit(sums.low), unit(sums.high)};
    if (judged.value % kDirectionValues == kFlowsAt) interval.high = std::numeric_limits<double>::infinity();
  }
  part.out.exceeded.push_back({subject, judged.direction, judged.metric, unit(sum), judged.threshold, samples, interval,
                               rates});
  return true;
}

void Meter::judge_slot(std::uint32_t slot, JudgePart& part) {
  const auto ref = exact_.row_in(slot);
  if (!ref) return;
  MeterRow& row = rows_.row(*ref);
  exact_.advance(row, part.now.edge.running);
  std::array<Dispersion, kHostDirections> dispersions;
  for (std::size_t i = 0; i < kHostDirections; ++i) dispersions[i] = host_dispersion(*ref, i, part.now);
  double strongest = 0;
  std::array<const JudgedValue*, kHostDirections> over{};
  std::array<double, kHostDirections> sums{};
  for (std::size_t i = 0; i < judged_.size(); ++i) {
    const JudgedValue& judged = judged_[i];
    const auto sum = static_cast<double>(exact_.sum(row, i, part.now.edge));
    strongest = std::max(strongest, biggest_share(judged, sum));
    if (over[judged.direction] == nullptr &&
        confidence_.above(sum, dispersions[judged.direction].of(judged.value), judged.limit)) {
      over[judged.direction] = &judged;
      sums[judged.direction] = sum;
    }
  }
  for (std::uint8_t direction = 0; direction < kHostDirections; ++direction) {
    if (over[direction] == nullptr) {
      row.set_reported(direction, false);
      continue;
    }
    if (row.is_reported(direction)) continue;
    const Address host = rows_.address(*ref);
    if (watches_.host(host, direction)) continue;
    if (report(*over[direction], sums[direction], dispersions[direction], {Scope::host, host, 0}, host_rates(row, part.now), part)) {
      row.set_reported(direction, true);
    }
  }
  exact_.settle(rows_, slot, static_cast<float>(strongest), part.now.at, time_.window_micros());
}

bool Meter::judge_candidate(RowRef ref, JudgePart& part) {
  MeterRow& row = rows_.row(ref);
  if (row.slot != kNoSlot) return false;  // has found buckets since
  bool again = false;
  for (std::uint8_t direction = 0; direction < kHostDirections; ++direction) {
    const Dispersion dispersion = host_dispersion(ref, direction, part.now);
    const JudgedValue* over = host_over(row, direction, dispersion, part.now);
    if (over == nullptr) {
      row.set_reported(direction, false);
      continue;
    }
    again = true;  // so that its going under is seen even if it falls silent
    if (row.is_reported(direction)) continue;
    const Address host = rows_.address(ref);
    if (watches_.host(host, direction)) continue;
    const double sum = row.estimate(over->value, part.now.window, part.now.elapsed);
    if (report(*over, sum, dispersion, {Scope::host, host, 0}, host_rates(row, part.now), part)) {
      row.set_reported(direction, true);
    }
  }
  return again;
}

void Meter::judge_networks(JudgePart& part) {
  if (network_judged_.size() == 0) return;
  for (auto& [index, network] : networks_.networks()) {
    for (std::uint8_t direction = 0; direction < kHostDirections; ++direction) {
      const Dispersion dispersion = networks_.dispersion(network, direction, part.now);
      const JudgedValue* over = network_over(network, direction, dispersion, part.now);
      if (over == nullptr) {
        network.reported[direction] = false;
        continue;
      }
      if (network.reported[direction] || watches_.network(index, direction)) continue;
      network.reported[direction] = report(*over, networks_.sum(network, over->value, part.now), dispersion,
                                           {Scope::network, {}, index}, networks_.rates(network, part.now), part);
    }
  }
}

void Meter::judge_total(JudgePart& part) {
  for (std::uint8_t direction = 0; direction < kHostDirections; ++direction) {
    const Dispersion dispersion = networks_.total_dispersion(direction, part.now);
    const JudgedValue* over = total_over(direction, dispersion, part.now);
    if (over == nullptr) {
      group_reported_[direction] = false;
      if (!watches_.group(direction)) group_network_[direction].reset();
      continue;
    }
    if (group_reported_[direction] || watches_.group(direction)) continue;
    const auto largest = networks_.largest(over->value, part.now);
    if (!largest) continue;  // a sum without a network: there is none
    group_reported_[direction] = report(*over, networks_.total_sum(over->value, part.now), dispersion,
                                        {Scope::hostgroup, {}, *largest}, networks_.total_rates(part.now), part);
    if (group_reported_[direction]) group_network_[direction] = largest;
  }
}

void Meter::judge_watched(const WatchedSubject& subject, WatchId id, JudgePart& part) {
  WatchedStanding standing{id, false, {}};
  if (subject.host) {
    if (const auto ref = rows_.find(*subject.host)) {
      const MeterRow& row = rows_.row(*ref);
      standing.over = host_over(row, subject.direction, {}, part.now) != nullptr;
      standing.rates = host_rates(row, part.now);
    }
  }
  if (subject.network) {
    if (const auto* network = networks_.find(*subject.network)) {
      standing.over = network_over(*network, subject.direction, {}, part.now) != nullptr;
      standing.rates = networks_.rates(*network, part.now);
    }
  }
  if (subject.group) {
    standing.over = standing.over || total_over(subject.direction, {}, part.now) != nullptr;
    standing.rates = networks_.total_rates(part.now);
  }
  part.out.watched.push_back(standing);
}

}  // namespace tidegate
