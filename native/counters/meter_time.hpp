/// Time as a meter sees it: a grid of tick cells for the exact sums, and windows for the cheap estimates.
///
/// All times are microseconds given by the caller. The grid begins with the first batch, so that drains
/// at regular ticks fall on its lines and their sums are exact. Pure arithmetic; no clock is read here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidegate {

/// How one span [from, to) falls onto cells: `upto[i]` is the share of the span that lies before the end of
/// cell `first + i`; the last is always 1. `dropped`: the share that is older than the oldest cell kept.
struct Spread {
  std::int64_t first = 0;
  double dropped = 0;
  std::vector<double> upto;

  [[nodiscard]] std::int64_t last() const noexcept {
    return first + static_cast<std::int64_t>(upto.size()) - 1;
  }
};

/// The last window before an instant, as cells: everything before cell `first` is out, and `fraction` of it too.
struct WindowEdge {
  std::int64_t running = 0;
  std::int64_t first = 0;
  double fraction = 0;
};

/// One instant as the cells and as the windows see it. `elapsed`: how far into the window, 0..1.
struct Moment {
  std::int64_t at = 0;
  WindowEdge edge;
  std::uint32_t window = 0;
  double elapsed = 0;
};

/// One instant as the windows of the cheap form see it.
struct CheapMoment {
  std::uint32_t window = 0;
  double elapsed = 0;
};

/// How a batch falls onto the windows of the cheap form.
struct WindowShare {
  std::uint32_t window = 0;  ///< of the batch's last instant; 0: before the grid, nothing of it counts
  float current = 0;         ///< share of the deltas in that window
  float previous = 0;        ///< share in the one before
};

class Timeline {
 public:
  Timeline(std::int64_t window_micros, std::int64_t tick_micros) noexcept
      : window_{window_micros}, tick_{tick_micros} {}

  [[nodiscard]] std::int64_t window_micros() const noexcept { return window_; }
  [[nodiscard]] std::int64_t tick_micros() const noexcept { return tick_; }
  [[nodiscard]] bool started() const noexcept { return started_; }

  /// Cells that the last window can touch: whole ones, and one more where it begins inside a cell.
  [[nodiscard]] std::size_t cells() const noexcept {
    return static_cast<std::size_t>((window_ + tick_ - 1) / tick_) + 1;
  }

  /// The grid has a line at `from`, and begins four windows before it, for sources that lag behind.
  void start(std::int64_t from) noexcept {
    origin_ = from - tick_ * ((4 * window_ + tick_ - 1) / tick_);
    started_ = true;
  }

  [[nodiscard]] std::int64_t cell_of(std::int64_t at) const noexcept { return floor_div(at - origin_, tick_); }
  [[nodiscard]] std::int64_t cell_start(std::int64_t cell) const noexcept { return origin_ + cell * tick_; }

  /// Windows are numbered from 1; 0 stands for "before the grid".
  [[nodiscard]] std::uint32_t window_of(std::int64_t at) const noexcept {
    const std::int64_t n = floor_div(at - origin_, window_) + 1;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(n, 0, UINT32_MAX));
  }
  [[nodiscard]] std::int64_t window_start(std::uint32_t window) const noexcept {
    return origin_ + (static_cast<std::int64_t>(window) - 1) * window_;
  }

  [[nodiscard]] WindowEdge edge(std::int64_t now) const noexcept {
    const std::int64_t begin = now - window_;
    const std::int64_t first = cell_of(begin);
    return {cell_of(now), first,
            static_cast<double>(begin - cell_start(first)) / static_cast<double>(tick_)};
  }

  [[nodiscard]] Moment moment(std::int64_t at) const noexcept {
    const std::uint32_t window = window_of(at);
    return {at, edge(at), window, elapsed(window, at)};
  }
  [[nodiscard]] double elapsed(std::uint32_t window, std::int64_t at) const noexcept {
    return std::clamp(static_cast<double>(at - window_start(window)) / static_cast<double>(window_), 0.0, 1.0);
  }

  [[nodiscard]] WindowShare window_share(std::int64_t from, std::int64_t to) const noexcept {
    const auto length = static_cast<double>(to - from);
    const std::uint32_t window = window_of(to - 1);
    if (window == 0) return {};
    const std::int64_t start = window_start(window);
    const auto inside = static_cast<double>(to - std::max(from, start));
    const auto before = static_cast<double>(
        std::max<std::int64_t>(0, std::min(start, to) - std::max(from, start - window_)));
    return {window, static_cast<float>(inside / length), static_cast<float>(before / length)};
  }

  /// Lays [from, to) onto cells; what ends more than `cells()` before `to` is dropped. `to` > `from`.
  void spread(std::int64_t from, std::int64_t to, Spread& out) const {
    const auto length = static_cast<double>(to - from);
    const std::int64_t last = cell_of(to - 1);
    const std::int64_t oldest = last - static_cast<std::int64_t>(cells()) + 1;
    out.first = std::max(cell_of(from), oldest);
    out.dropped = std::max(0.0, static_cast<double>(cell_start(out.first) - from) / length);
    out.upto.clear();
    for (std::int64_t cell = out.first; cell < last; ++cell) {  // at most cells() - 1 rounds
      out.upto.push_back(static_cast<double>(cell_start(cell + 1) - from) / length);
    }
    out.upto.push_back(1.0);
  }

 private:
  static constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
    return a / b - (a % b < 0 ? 1 : 0);
  }

  std::int64_t window_;
  std::int64_t tick_;
  std::int64_t origin_ = 0;
  bool started_ = false;
};

}  // namespace tidegate
