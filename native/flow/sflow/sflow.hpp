/// sFlow version 5 datagrams → sightings (sflow.org, "sFlow Version 5", July 2004, section 5).
///
/// - A flow sample gives one sighting, its sampling undone: packets = rate, bytes = frame length · rate.
///   It is read from the raw packet header, or where that is missing or not readable from the sampled
///   IPv4 or IPv6 record.
/// - Counter samples and samples of discarded packets are counted and passed over, other kinds likewise.
/// - A sample that cannot be read costs itself and is one error; those before and behind it count.
/// - Sampling rate 0 counts as 1. Lengths are those on the wire as the exporter states them, mostly with the
///   4 bytes of Ethernet's frame check sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../../base/cursor.hpp"
#include "../../base/decoded.hpp"
#include "../../base/facts.hpp"
#include "../../base/link.hpp"
#include "../../wire/frame.hpp"

namespace tidegate::sflow {

inline constexpr std::size_t kMaxSamplesPerDatagram = 1024;
inline constexpr std::size_t kMaxRecordsPerSample = 256;
/// No link has longer frames, not even ones that an offloading interface has put together; a length past it is damage.
inline constexpr std::uint32_t kMaxFrameLength = 1U << 20;

struct Header {
  Address agent;
  std::uint32_t sub_agent = 0;
  std::uint32_t sequence = 0;   ///< of datagrams, for this agent and sub-agent
  std::uint32_t uptime_ms = 0;
  std::uint32_t samples = 0;    ///< as stated
};

/// What an exporter says of one sampled packet, apart from what the packet says of itself.
struct Sample {
  std::span<const std::byte> bytes;   ///< the start of the packet; empty where only a sampled IP record came
  LinkType link = LinkType::ethernet; ///< what `bytes` begins with
  std::uint32_t frame_length = 0;     ///< bytes on the wire
  std::uint32_t sampling_rate = 1;
  std::uint32_t source_id = 0;        ///< kind in the upper 8 bits, index below; of an expanded sample the index alone
  std::uint32_t drops = 0;            ///< samples this source has lost since it started
};

/// One datagram. The spans are good until the decoder is asked again, Sample::bytes as long as the datagram is.
struct Datagram {
  Header header;
  std::span<const Sighting> sightings;
  std::span<const Sample> samples;        ///< parallel to `sightings`
  std::span<const DecodeError> errors;    ///< one for each sample that gave no sighting though it should, and for the datagram
};

/// Since the decoder was made. `packets` and `bytes` as exported, sampling not undone, unreadable packets included.
struct Totals {
  std::uint64_t datagrams = 0;        ///< with a readable header
  std::uint64_t flow_samples = 0;
  std::uint64_t counter_samples = 0;
  std::uint64_t discard_samples = 0;
  std::uint64_t other_samples = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const Totals&, const Totals&) = default;
};

/// One thread's decoder. Allocates when made, and never again.
class Decoder {
 public:
  explicit Decoder(WireOptions options);

  /// Reads one UDP payload. Without a readable header only `errors` is filled.
  [[nodiscard]] const Datagram& decode(std::span<const std::byte> payload) noexcept;
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }

 private:
  void read_sample(Cursor& in) noexcept;
  void read_flow_sample(Cursor in, bool expanded) noexcept;

  WireOptions options_;
  Totals totals_;
  Datagram datagram_;
  std::vector<Sighting> sightings_;
  std::vector<Sample> samples_;
  std::vector<DecodeError> errors_;
  std::size_t sighting_count_ = 0;
  std::size_t error_count_ = 0;
};

[[nodiscard]] Decoded<Header> read_header(Cursor& in) noexcept;

}  // namespace tidegate::sflow
