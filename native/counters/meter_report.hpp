/// What a meter answers: judgements, standings, top hosts and counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "../base/facts.hpp"
#include "meter_sampling.hpp"

namespace tidegate {

/// In the order of domain/attack.ts `Cause.scope`.
enum class Scope : std::uint8_t { host, network, hostgroup };
inline constexpr std::array<std::string_view, 3> kScopeNames{"host", "network", "hostgroup"};

/// A host; or a network by its index; or the group as a whole, `network` then being the one with the largest share.
struct MeterSubject {
  Scope scope = Scope::host;
  Address host;
  std::uint32_t network = 0;
};

struct ExceededSubject {
  MeterSubject subject;
  std::uint8_t direction = 0;
  std::uint8_t metric = 0;
  double rate = 0;       ///< in the metric's unit
  double threshold = 0;  ///< in the metric's unit
  /// Packets observed that `rate` rests on, and between what the true rate lies. Zero samples: nothing was sampled,
  /// `rate` is exact. Of sampled flows no interval is known: `low` is `rate`, `high` infinite.
  double samples = 0;
  Interval interval;     ///< in the metric's unit
  RateValues rates{};
};

using WatchId = std::uint64_t;

struct WatchedStanding {
  WatchId id = 0;
  bool over = false;
  RateValues rates{};
};

struct MeterJudgement {
  std::int64_t at = 0;  ///< microseconds since the Unix epoch: as asked, or the end of the newest batch if that is later
  std::vector<ExceededSubject> exceeded;
  std::vector<WatchedStanding> watched;
  std::uint64_t deferred = 0;
};

struct TopHost {
  Address host;
  RateValues rates{};
};

struct MeterCounts {
  std::size_t hosts = 0;
  std::size_t exact = 0;
  std::size_t exact_bound = 0;
  std::uint64_t exact_refused = 0;
  std::uint64_t hosts_refused = 0;
  std::size_t bytes = 0;
};

}  // namespace tidegate
