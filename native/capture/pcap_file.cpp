#include "pcap_file.hpp"

namespace tidegate {

namespace {
constexpr std::uint32_t kMagicMicros = 0xA1B2C3D4;
constexpr std::uint32_t kMagicNanos = 0xA1B23C4D;
/// The upper half of the link type field says whether frames end in a checksum (section 4).
constexpr std::uint32_t kLinkMask = 0xFFFF;
}  // namespace

// File header, in the byte order that the magic shows.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |          Magic: A1B2C3D4 microseconds, A1B23C4D nanoseconds   |
//  +---------------+---------------+---------------+---------------+
//  |        Major version          |         Minor version         |
//  +---------------+---------------+---------------+---------------+
//  |                     Reserved, two words                       |
//  +---------------+---------------+---------------+---------------+
//  |                          Snap length                          |
//  +---------------+---------------+---------------+---------------+
//  |        FCS information        |           Link type           |
//  +---------------+---------------+---------------+---------------+
Decoded<PcapReader> PcapReader::open(std::span<const std::byte> file) noexcept {
  PcapReader reader;
  for (const ByteOrder order : {ByteOrder::big, ByteOrder::little}) {
    OrderedCursor in{file, order};
    const std::uint32_t magic = in.u32();
    if (magic != kMagicMicros && magic != kMagicNanos) continue;
    in.skip(2 * sizeof(std::uint16_t) + 3 * sizeof(std::uint32_t));
    reader.link_ = in.u32() & kLinkMask;
    if (!in.ok()) return DecodeError::pcap_truncated;
    reader.fractions_per_micro_ = magic == kMagicNanos ? 1000 : 1;
    reader.in_ = in;
    return reader;
  }
  return DecodeError::pcap_bad_magic;
}

// Record: seconds, fraction, captured length, wire length (a word each), then the captured bytes.
bool PcapReader::next(FileFrame& out) noexcept {
  if (in_.left() == 0) return false;
  const std::uint32_t seconds = in_.u32();
  const std::uint32_t fraction = in_.u32();
  const std::uint32_t captured = in_.u32();
  const std::uint32_t wire_length = in_.u32();
  if (!in_.ok()) return fail(DecodeError::pcap_truncated);
  if (captured > kMaxRecordBytes) return fail(DecodeError::pcap_bad_record_length);
  out.frame.bytes = in_.bytes(captured);
  if (!in_.ok()) return fail(DecodeError::pcap_truncated);
  out.frame.at_micros = std::int64_t{seconds} * 1'000'000 + fraction / fractions_per_micro_;
  out.frame.wire_length = wire_length;
  out.frame.vlan_tag = 0;
  out.link = link_;
  return true;
}

bool PcapReader::fail(DecodeError error) noexcept {
  error_ = error;
  in_ = OrderedCursor{std::span<const std::byte>{}, ByteOrder::big};
  return false;
}

}  // namespace tidegate
