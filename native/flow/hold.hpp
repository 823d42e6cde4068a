/// Flow records laid over their own time, so that a 30-minute record is not a one-second flood.
///
/// With W the shortest window in force, and a record of B packets over a span of L:
/// - L ≤ W, or no span: all of it counts at once, which over the last W is the same as laying it out.
/// - L > W: B·W/L counts at once, for the window is then right on the tick of arrival. It leaves the window W
///   later, and at that instant the next W of it counts, and so on: anything earlier would read too high, anything
///   later too low. These strokes melt into even flow by kMeltShare of the rate at each, which leaves the window
///   that much too low at most.
/// - A flow that goes on (FlowEnd::active; or the exporter does not say, and the record was exported soon after its
///   end with a span near the active timeout, or, while that is not learned, of some seconds) is held at its rate
///   when its volume is used up, until its next record comes, at most until arrival + 1.1·L + kHoldSlackMicros + W.
///   What was held is borrowed: the next record is that much smaller.
/// - The next record adds its volume and sets the rate, a lower one when what is still queued has played. What the
///   rate has grown by counts at once (·W). Where more has been counted than was reported, play goes kRepayShare
///   slower until that is paid back.
/// - A flow that has ended plays the rest of its volume and is gone.
///
/// A held flow is seen in every tick in which a packet of it falls due: one flow a second while it lasts, as if its
/// packets were seen. A record whose flow is held already may count nothing now: then take() leaves zero packets,
/// and nothing is to be counted.
///
/// Where no place is left (refused), a record counts its B·W/L now; the rest at once as far as kHurried… lets it,
/// so that it cannot make an attack of either end; what is beyond is dropped and counted.
///
/// play() is to be called once for every drain of the lane, just before or just after it: `at_micros` is the end of
/// the tick that is being filled. One thread. Nothing but the constructor allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../base/hash.hpp"
#include "flow_hash.hpp"
#include "record.hpp"
#include "timeouts.hpp"

namespace tidegate {

struct HoldOptions {
  std::int64_t window_micros = 1'000'000;  ///< the shortest in force
  std::int64_t tick_micros = 100'000;
  std::size_t max_held = 65536;            ///< held to 1 … kMaxHeldFlows
  std::uint64_t seed = 0;
};

inline constexpr std::size_t kMaxHeldFlows = std::size_t{1} << 22;
inline constexpr double kMeltShare = 0.02;
inline constexpr double kRepayShare = 0.02;
/// Exporters look for flows to export every second or two, and fill a datagram before they send it.
inline constexpr std::int64_t kHoldSlackMicros = 3'000'000;
/// A record that was exported later after its end is of a flow that fell silent.
inline constexpr std::int64_t kCutLagMicros = 5'000'000;
/// A record that ends so far ahead of its exporter's clock is nonsense.
inline constexpr std::int64_t kFutureMicros = 60'000'000;
/// Of a longer span only the last two hours are played, at the rate of the whole; the rest is history, and dropped.
inline constexpr std::int64_t kLongestPlayMicros = std::int64_t{2} * 3600 * 1'000'000;
/// A longer span is nonsense. An exporter without an active timeout may well let a flow grow for a week.
inline constexpr std::int64_t kLongestSpanMicros = std::int64_t{8} * 86'400 * 1'000'000;
/// What records without a place may add at once, for one address within one window.
inline constexpr std::uint64_t kHurriedPackets = 2'000;
inline constexpr std::uint64_t kHurriedBytes = 2'000'000;

/// What hold needs to know of who sent a record.
struct HoldOrigin {
  std::uint64_t exporter = 0;            ///< Exporter::id
  std::int64_t active_timeout_micros = 0;  ///< as learned; zero: not yet
  std::int64_t clock_skew_micros = 0;
};

struct HoldCounts {
  std::uint64_t refused = 0;          ///< records that found no place
  std::uint64_t dropped_packets = 0;  ///< of records refused, displaced, or longer than two hours
  std::uint64_t dropped_bytes = 0;
  std::uint64_t borrowed_packets = 0; ///< held on for records that never came
  std::uint64_t borrowed_bytes = 0;
  std::uint64_t nonsense = 0;         ///< spans that were none
  std::uint64_t displaced = 0;        ///< small flows that gave their place to a larger
};

class FlowHold {
 public:
  explicit FlowHold(const HoldOptions& options);

  /// By what a record's flow is known here. Worth asking for ahead while flows are held: its place is brought in meanwhile.
  [[nodiscard]] std::uint64_t key_ahead(const PacketFacts& facts, const FlowDetail& detail, std::uint64_t exporter) const noexcept {
    const std::uint64_t key = key_of(facts, detail, exporter);
    __builtin_prefetch(&hints_[hint_at(key) / kHintBits]);
    return key;
  }
  /// Leaves in the sighting (sampling undone) what counts now; zero packets: nothing.
  void take(Sighting& sighting, const FlowDetail& detail, const HoldOrigin& origin, std::int64_t at_micros,
            std::uint64_t key) noexcept {
    if (!may_hold(key) && counts_at_once(detail, origin, at_micros)) [[likely]] return;
    spread(sighting, detail, origin, at_micros, key);
  }
  void take(Sighting& sighting, const FlowDetail& detail, const HoldOrigin& origin, std::int64_t at_micros) noexcept {
    if (used_ == 0 && counts_at_once(detail, origin, at_micros)) [[likely]] return;
    take(sighting, detail, origin, at_micros, key_of(sighting.facts, detail, origin.exporter));
  }

  /// Emits what falls due until `at_micros`, as sightings with at least one packet.
  template <typename Emit>
  void play(std::int64_t at_micros, Emit&& emit) noexcept {
    if (!begin_play(at_micros)) return;
    Sighting due;
    for (std::size_t i = 0; i < used_;) {
      const Step step = play_one(flows_[i]);
      if (step.packets != 0) {
        due.facts = faces_[i].facts;
        due.sampling = faces_[i].sampling;
        due.origin = faces_[i].origin;
        due.packets = step.packets;
        due.bytes = step.bytes;
        emit(due);
      }
      if (step.over) {
        remove(i);
      } else {
        ++i;
      }
    }
  }

  [[nodiscard]] std::size_t held() const noexcept { return used_; }
  [[nodiscard]] std::size_t bound() const noexcept { return bound_; }
  [[nodiscard]] const HoldCounts& counts() const noexcept { return counts_; }

 private:
  /// Packets and bytes, or a rate of both per microsecond.
  struct Amount {
    double packets = 0;
    double bytes = 0;

    constexpr void add(const Amount& more, double times = 1) noexcept {
      packets += more.packets * times;
      bytes += more.bytes * times;
    }
  };
  /// What counted at one instant, and counts again every window.
  struct Stroke {
    Amount amount;
    std::int64_t due_micros = 0;
    std::uint32_t due_play = 0;  ///< by number
    bool beats = false;
  };
  static constexpr std::size_t kStrokes = 2;
  static constexpr std::uint64_t kUpperHalf = ~std::uint64_t{0} << 32;
  static constexpr std::size_t kHintBits = 64;

  struct Flow {
    std::uint64_t key = 0;
    Amount rate;                         // in all: the strokes over a window, and even flow
    std::array<Stroke, kStrokes> strokes;
    Amount next_rate;                    // of the last record, while what was queued before it plays
    std::int64_t next_below = INT64_MIN; // in force once so few packets are left
    Amount carry;                        // due, and not yet a whole packet
    std::int64_t packets_left = 0;       // reported and not yet emitted; below zero: borrowed
    std::int64_t bytes_left = 0;
    std::int64_t played_micros = 0;
    std::int64_t expected_micros = 0;    // the next record, if the flow goes on
    std::int64_t hold_until_micros = 0;
    bool goes_on = false;
  };
  /// Read only when something is emitted.
  struct Face {
    PacketFacts facts;
    std::uint32_t sampling = 1;
    std::uint32_t origin = 0;
  };
  struct Step {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    bool over = false;
  };
  /// A record as hold sees it.
  struct Record {
    Amount rate;
    double span = 0;         // microseconds
    double at_once = 0;      // of the span: what of it lies in the last window
    std::int64_t packets = 0;
    std::int64_t bytes = 0;
    std::int64_t hold_until_micros = 0;
    std::int64_t at_micros = 0;
    bool goes_on = false;
  };
  struct Hurried {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::int64_t window = INT64_MIN;
  };

  /// Of a flow that is not held: short, sane and over. The most common record is told by this alone.
  [[nodiscard]] bool counts_at_once(const FlowDetail& detail, const HoldOrigin& origin, std::int64_t at_micros) const noexcept {
    const std::int64_t span = detail.last_micros - detail.first_micros;
    const std::int64_t goes_on_from =
        origin.active_timeout_micros == 0 ? kLeastActiveMicros : origin.active_timeout_micros - kHoldSlackMicros;
    return detail.first_micros != 0 && span >= 0 && span <= options_.window_micros && span < goes_on_from &&
           detail.end != FlowEnd::active && detail.last_micros <= at_micros + origin.clock_skew_micros + kFutureMicros;
  }
  [[nodiscard]] std::uint64_t key_of(const PacketFacts& facts, const FlowDetail& detail, std::uint64_t exporter) const noexcept {
    const std::uint64_t interface = detail.point != 0 ? std::uint64_t{detail.point} << 32 : detail.input;
    return hash_words(hash_key_, flow_hash(hash_key_, facts) ^ exporter, interface);
  }
  void spread(Sighting& sighting, const FlowDetail& detail, const HoldOrigin& origin, std::int64_t at_micros,
              std::uint64_t key) noexcept;
  [[nodiscard]] std::int64_t span_of(const FlowDetail& detail, const HoldOrigin& origin, std::int64_t at_micros) noexcept;
  [[nodiscard]] bool goes_on(const PacketFacts& facts, const FlowDetail& detail, const HoldOrigin& origin,
                             std::int64_t span_micros, std::int64_t at_micros) const noexcept;
  [[nodiscard]] Record record_of(const Sighting& sighting, std::int64_t timeout_micros, bool on, std::int64_t span_micros,
                                 std::int64_t at_micros) noexcept;
  void take_next(Flow& flow, Sighting& sighting, const Record& record) noexcept;
  void take_first(std::uint64_t key, Sighting& sighting, const Record& record) noexcept;
  void take_without_place(Sighting& sighting, const Record& record) noexcept;
  static void settle(Flow& flow) noexcept;
  void add_stroke(Flow& flow, const Amount& amount, std::int64_t at_micros) noexcept;

  [[nodiscard]] static std::uint64_t slot_value(std::uint64_t key, std::size_t i) noexcept {
    return (key & kUpperHalf) | (i + 1);
  }
  [[nodiscard]] static std::size_t flow_in(std::uint64_t slot) noexcept { return (slot & ~kUpperHalf) - 1; }
  /// The slot that holds the key, or the free one where it belongs. There is always a free one.
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const noexcept;
  [[nodiscard]] std::size_t hint_at(std::uint64_t key) const noexcept { return key & (hints_.size() * kHintBits - 1); }
  [[nodiscard]] bool may_hold(std::uint64_t key) const noexcept {
    const std::size_t at = hint_at(key);
    return (hints_[at / kHintBits] >> at % kHintBits & 1) != 0;
  }
  void hint(std::uint64_t key) noexcept {
    const std::size_t at = hint_at(key);
    hints_[at / kHintBits] |= std::uint64_t{1} << at % kHintBits;
  }
  void hint_anew() noexcept;
  [[nodiscard]] Flow* insert(std::uint64_t key, const Record& record) noexcept;
  [[nodiscard]] bool displace(const Record& record) noexcept;
  void free_slot(std::size_t slot) noexcept;
  void remove(std::size_t i) noexcept;
  [[nodiscard]] Hurried& hurried(const Address& address, std::int64_t at_micros) noexcept;

  [[nodiscard]] bool begin_play(std::int64_t at_micros) noexcept;
  [[nodiscard]] Step play_one(Flow& flow) noexcept;
  void beat(Flow& flow) noexcept;
  void drop(std::int64_t packets, std::int64_t bytes) noexcept;
  void write_off(const Flow& flow) noexcept;

  HoldOptions options_;
  double window_;                // microseconds
  std::uint32_t window_plays_;
  HashKey hash_key_;
  std::size_t bound_;
  std::vector<Flow> flows_;      // the first used_ are held; room for bound_ is reserved, and costs memory once it is used
  std::vector<Face> faces_;
  /// The upper half of the key over flow number + 1; zero: free. A power of two, at least twice the flows.
  std::vector<std::uint64_t> slots_;
  /// A bit by the key's lowest bits, set for every flow that is held and for some that were. Most records are of no flow
  /// that is held, and find out in a 32nd of the memory of the slots, which between two wakes of a thread leave the cache.
  std::vector<std::uint64_t> hints_;
  std::size_t stale_hints_ = 0;
  std::vector<Hurried> hurried_;
  std::size_t used_ = 0;
  std::size_t hand_ = 0;         // where the next search for a small flow begins
  std::uint32_t plays_ = 0;
  std::int64_t played_upto_ = INT64_MIN;
  HoldCounts counts_;
};

}  // namespace tidegate
