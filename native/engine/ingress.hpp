/// Ingress: how much comes to a host or prefix, by lane and by who told of it.
///
/// - Counted are sightings towards the subject from outside our networks, sampling undone, as their lane counts them.
/// - A lane counts without a lock into cells of its own; the reader sums up whenever it likes.
/// - At most kMaxIngresses at once, kMaxIngressLanes lanes and, a lane, kMaxIngressOrigins origins; what is beyond
///   is counted in refused(), not counted, or counted together.
/// - How much came just before is estimated from the lane's recent ring: an announcement may work before a first reading.
/// - While nothing is watched, one test a batch.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "../counters/observer.hpp"
#include "recent_ring.hpp"
#include "subject_index.hpp"

namespace tidegate {

inline constexpr std::size_t kMaxIngresses = 1024;
inline constexpr std::size_t kMaxIngressLanes = 256;
inline constexpr std::size_t kMaxIngressOrigins = 64;

/// Since the ingress was opened. `origin`: of whom a flow record is (`Sighting::origin`); zero: none, a packet. Nothing: of all
/// origins that found no cell of their own.
struct IngressCount {
  std::optional<std::uint32_t> origin;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  double pps_before = 0;  ///< at its highest in the two seconds before; estimated
};

/// What one lane has seen of one ingress. One writer.
class IngressCells {
 public:
  /// What came before; first of all.
  void begin_with(const std::vector<RecentRing::Arrival>& arrivals, std::int64_t at_micros);
  void count(const Sighting& sighting) noexcept;
  /// From any thread.
  void read(std::vector<IngressCount>& into) const;

 private:
  struct Cell {
    std::uint32_t origin = 0;  // written before used_ says that there is one
    std::atomic<std::uint64_t> packets{0};
    std::atomic<std::uint64_t> bytes{0};
    double pps_before = 0;  // as origin
  };
  [[nodiscard]] Cell& cell_of(std::uint32_t origin) noexcept;

  std::array<Cell, kMaxIngressOrigins + 1> cells_;  // the last: of all others
  std::atomic<std::size_t> used_{0};
  std::size_t last_ = 0;  // records come in trains of one origin
};

class Ingress {
 public:
  explicit Ingress(const Prefix& subject) : subject_{subject} {}

  [[nodiscard]] const Prefix& subject() const noexcept { return subject_; }
  /// Null for a lane that is not counted.
  [[nodiscard]] IngressCells* of_lane(std::size_t lane) const noexcept {
    return lane < kMaxIngressLanes ? lanes_[lane].load(std::memory_order_acquire) : nullptr;
  }

 private:
  friend class Ingresses;

  void begin_lane(std::size_t lane, const RecentRing& recent, std::int64_t at_micros) {
    owned_.push_back(std::make_unique<IngressCells>());
    owned_.back()->begin_with(recent.arrivals(subject_, at_micros), at_micros);
    lanes_[lane].store(owned_.back().get(), std::memory_order_release);
  }

  const Prefix subject_;
  std::array<std::atomic<IngressCells*>, kMaxIngressLanes> lanes_{};
  std::vector<std::unique_ptr<IngressCells>> owned_;  // of the owner's thread; lanes that are gone among them
};

class LaneIngress;

/// open() and close() from one thread, the engine's owner; LaneIngresses from theirs.
class Ingresses {
 public:
  explicit Ingresses(std::uint64_t seed) : seed_{seed} {}

  /// For a new lane, with its recent packets; must be dropped after the lane's last count.
  [[nodiscard]] std::shared_ptr<LaneIngress> for_lane(std::shared_ptr<const RecentRing> recent);
  /// `at_micros`: now. Null beyond kMaxIngresses.
  [[nodiscard]] std::shared_ptr<Ingress> open(const Prefix& subject, std::int64_t at_micros);
  void close(const std::shared_ptr<Ingress>& ingress);

  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

 private:
  friend class LaneIngress;
  using Index = SubjectIndex<Ingress>;
  void publish();

  const std::uint64_t seed_;
  std::atomic<std::uint64_t> version_{0};  // of index_: what a lane compares
  std::atomic<std::uint64_t> refused_{0};
  std::mutex mutex_;
  std::vector<std::shared_ptr<Ingress>> open_;     // under mutex_
  std::vector<std::weak_ptr<LaneIngress>> lanes_;  // under mutex_; by lane number
  std::shared_ptr<const Index> index_;             // under mutex_; null while nothing is watched
};

class LaneIngress {
 public:
  LaneIngress(Ingresses& all, std::size_t number, std::shared_ptr<const RecentRing> recent)
      : all_{all}, number_{number}, recent_{std::move(recent)} {}

  /// By which an ingress tells lanes apart, while this one lives.
  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] const RecentRing& recent() const noexcept { return *recent_; }
  /// From the lane's thread.
  void observe(const ObservedBatch& batch) noexcept {
    if (all_.version_.load(std::memory_order_acquire) != version_) [[unlikely]] refresh();
    if (index_) [[unlikely]] count(batch);
  }

 private:
  void refresh() noexcept;
  void count(const ObservedBatch& batch) const noexcept;

  Ingresses& all_;
  const std::size_t number_;
  const std::shared_ptr<const RecentRing> recent_;
  std::uint64_t version_ = 0;
  std::shared_ptr<const Ingresses::Index> index_;
};

}  // namespace tidegate
