#include <algorithm>

#include "meter.hpp"

namespace tidegate {

CheapMoment Meter::shown_at(const MeterRow& row, const Moment& now) const noexcept {
  if (turn_windows_ == 0) return {now.window, now.elapsed};
  const double at = static_cast<double>(now.window) + now.elapsed;
  const double known = static_cast<double>(row.window) + static_cast<double>(row.seen_upto);
  const double shown = std::max(0.0, std::clamp(known, at - turn_windows_, at));
  const auto window = static_cast<std::uint32_t>(shown);
  return {window, shown - static_cast<double>(window)};
}

RateValues Meter::host_rates(const MeterRow& row, const Moment& now) const noexcept {
  const CheapMoment shown = shown_at(row, now);
  RateValues rates{};
  for (std::size_t value = 0; value < kHostValues; ++value) {
    const int index = judged_.index_of(value);
    const double sum = index >= 0 && row.slot != kNoSlot
                           ? static_cast<double>(exact_.sum(row, static_cast<std::size_t>(index), now.edge))
                           : row.estimate(value, shown.window, shown.elapsed);
    rates[value] = per_second(value, sum, time_.window_micros());
  }
  return rates;
}

RateValues Meter::total(std::int64_t at) {
  const Moment now = moment(at);
  return networks_.total_rates(now);
}

std::optional<RateValues> Meter::rates(const Address& host, std::int64_t at) {
  const Moment now = moment(at);
  const auto ref = rows_.find(host);
  if (!ref) return std::nullopt;
  const MeterRow& row = rows_.row(*ref);
  if (row.slot != kNoSlot) exact_.advance(row, now.edge.running);
  return host_rates(row, now);
}

std::vector<std::pair<std::uint32_t, RateValues>> Meter::networks(std::int64_t at) {
  const Moment now = moment(at);
  std::vector<std::pair<std::uint32_t, RateValues>> all;
  for (const auto& [index, network] : networks_.networks()) all.emplace_back(index, networks_.rates(network, now));
  return all;
}

std::vector<TopHost> Meter::top(std::size_t value, std::size_t count, std::int64_t at) {
  const Moment now = moment(at);
  struct Placed {
    float amount;
    RowRef row;
  };
  const auto more = [](const Placed& a, const Placed& b) { return a.amount > b.amount; };
  std::vector<Placed> best;  // a heap, the least on top
  if (count == 0) return {};
  for (std::size_t page = 0; page < rows_.pages(); ++page) {
    if (rows_.page_window(page) + (turn_windows_ > 0 ? 2 : 1) < now.window) continue;
    for (std::size_t within = 0; within < kRowsPerPage; ++within) {
      const auto ref = static_cast<RowRef>(page * kRowsPerPage + within);
      const CheapMoment shown = shown_at(rows_.row(ref), now);
      const auto amount = static_cast<float>(rows_.row(ref).estimate(value, shown.window, shown.elapsed));
      if (amount <= 0 || (best.size() == count && amount <= best.front().amount)) continue;
      if (best.size() == count) {
        std::ranges::pop_heap(best, more);
        best.pop_back();
      }
      best.push_back({amount, ref});
      std::ranges::push_heap(best, more);
    }
  }
  std::vector<TopHost> top;
  for (const Placed& placed : best) {
    const MeterRow& row = rows_.row(placed.row);
    if (row.slot != kNoSlot) exact_.advance(row, now.edge.running);
    top.push_back({rows_.address(placed.row), host_rates(row, now)});
  }
  std::ranges::sort(top, [value](const TopHost& a, const TopHost& b) { return a.rates[value] > b.rates[value]; });
  return top;
}

MeterCounts Meter::counts() const noexcept {
  return {rows_.hosts(),     exact_.in_use(), exact_.bound(),
          exact_refused_,    rows_.refused(), rows_.bytes() + exact_.bytes() + networks_.bytes()};
}

}  // namespace tidegate
