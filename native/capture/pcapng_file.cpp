#include "pcapng_file.hpp"

#include <algorithm>

namespace tidegate {

namespace {
// Block types, section 10.1 (11.1 in later drafts). That of a section header reads the same in both byte orders.
constexpr std::uint32_t kSectionHeader = 0x0A0D0D0A;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kObsoletePacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;

constexpr std::uint32_t kByteOrderMagic = 0x1A2B3C4D;
constexpr std::uint32_t kByteOrderMagicTurned = 0x4D3C2B1A;
constexpr std::uint16_t kMajorVersion = 1;

constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionTimeResolution = 9;
constexpr std::uint16_t kOptionTimeOffset = 14;

/// Type and length before the body, the length again behind it.
constexpr std::uint32_t kBlockFrameBytes = 12;

constexpr std::size_t padded(std::size_t length) noexcept { return (length + 3) & ~std::size_t{3}; }

constexpr std::uint64_t power_of_ten(unsigned exponent) noexcept {
  std::uint64_t value = 1;
  for (unsigned i = 0; i < exponent; ++i) value *= 10;
  return value;
}
}  // namespace

bool PcapngReader::next(FileFrame& out) {
  while (in_.left() > 0) {  // a block is at least kBlockFrameBytes, so this ends with the file
    switch (read_block(out)) {
      case Found::frame: return true;
      case Found::error: return false;
      case Found::nothing: break;
    }
  }
  return false;
}

// Block, section 3.1, in the byte order of its section.
//
//   0               8               16              24            31
//  +---------------+---------------+---------------+---------------+
//  |                           Block type                          |
//  +---------------+---------------+---------------+---------------+
//  |             Block length, these 12 bytes included             |
//  +---------------+---------------+---------------+---------------+
//  |                 Body, padded to whole words                   |
//  +---------------+---------------+---------------+---------------+
//  |                     Block length once more                    |
//  +---------------+---------------+---------------+---------------+
PcapngReader::Found PcapngReader::read_block(FileFrame& out) {
  OrderedCursor head{in_, order_};
  if (head.u32() == kSectionHeader) {
    Cursor magic{in_};
    magic.skip(8);
    switch (magic.u32()) {
      case kByteOrderMagic: order_ = ByteOrder::big; break;
      case kByteOrderMagicTurned: order_ = ByteOrder::little; break;
      default: return fail(!magic.ok() ? DecodeError::pcap_truncated : in_section_ ? DecodeError::pcap_bad_block : DecodeError::pcap_bad_magic);
    }
  } else if (!in_section_) {
    return fail(DecodeError::pcap_bad_magic);
  }

  OrderedCursor in{in_, order_};
  const std::uint32_t type = in.u32();
  const std::uint32_t length = in.u32();
  if (!in.ok()) return fail(DecodeError::pcap_truncated);
  if (length < kBlockFrameBytes || length % 4 != 0) return fail(DecodeError::pcap_bad_block);
  const OrderedCursor body = in.slice(length - kBlockFrameBytes);
  const std::uint32_t length_again = in.u32();
  if (!in.ok()) return fail(DecodeError::pcap_truncated);
  if (length_again != length) return fail(DecodeError::pcap_bad_block);
  in_.skip(length);
  return read_body(type, body, out);
}

PcapngReader::Found PcapngReader::read_body(std::uint32_t type, OrderedCursor body, FileFrame& out) {
  switch (type) {
    case kSectionHeader: {
      body.skip(sizeof kByteOrderMagic);
      const std::uint16_t major = body.u16();
      if (!body.ok() || major != kMajorVersion) return fail(DecodeError::pcap_bad_block);
      in_section_ = true;
      interfaces_.clear();
      return Found::nothing;
    }
    case kInterfaceDescription: return read_interface(body);
    case kEnhancedPacket: return read_enhanced(body, out);
    case kObsoletePacket: return read_obsolete(body, out);
    case kSimplePacket: return read_simple(body, out);
    default: return Found::nothing;
  }
}

// Interface Description Block, section 4.2: link type, reserved, snap length, options.
PcapngReader::Found PcapngReader::read_interface(OrderedCursor body) {
  if (interfaces_.size() >= kMaxCaptureInterfaces) return fail(DecodeError::pcap_too_many_interfaces);
  Interface interface;
  interface.link = body.u16();
  body.skip(sizeof(std::uint16_t));
  interface.snap_length = body.u32();
  if (!body.ok()) return fail(DecodeError::pcap_bad_block);
  // An option: code, length, value padded to whole words (section 3.5).
  for (std::size_t options = 0; body.left() > 0; ++options) {
    const std::uint16_t code = body.u16();
    const std::uint16_t length = body.u16();
    OrderedCursor value = body.slice(padded(length));
    if (!body.ok() || options >= kMaxOptionsPerBlock) return fail(DecodeError::pcap_bad_block);
    if (code == kOptionEnd) break;
    if (code == kOptionTimeResolution && length == 1) {
      interface.resolution = std::to_integer<std::uint8_t>(value.bytes(1).front());
    } else if (code == kOptionTimeOffset && length == 8) {
      interface.offset_seconds = static_cast<std::int64_t>(value.u64());
    }
  }
  interfaces_.push_back(interface);
  return Found::nothing;
}

// Enhanced Packet Block, section 4.3: interface, time (two words), captured length, wire length, bytes.
PcapngReader::Found PcapngReader::read_enhanced(OrderedCursor body, FileFrame& out) noexcept {
  const std::uint32_t interface = body.u32();
  return read_timed(body, interface, out);
}

// Packet Block, appendix A: as the Enhanced one, but interface and drops share a word.
PcapngReader::Found PcapngReader::read_obsolete(OrderedCursor body, FileFrame& out) noexcept {
  const std::uint16_t interface = body.u16();
  body.skip(sizeof(std::uint16_t));
  return read_timed(body, interface, out);
}

PcapngReader::Found PcapngReader::read_timed(OrderedCursor body, std::uint32_t interface, FileFrame& out) noexcept {
  const std::uint64_t upper = body.u32();
  const std::uint64_t ticks = upper << 32 | body.u32();
  const std::uint32_t captured = body.u32();
  const std::uint32_t wire_length = body.u32();
  if (!body.ok()) return fail(DecodeError::pcap_bad_block);
  if (interface >= interfaces_.size()) return fail(DecodeError::pcap_unknown_interface);
  if (captured > kMaxRecordBytes) return fail(DecodeError::pcap_bad_record_length);
  const auto bytes = body.bytes(captured);
  if (!body.ok()) return fail(DecodeError::pcap_bad_record_length);
  const Interface& described = interfaces_[interface];
  last_at_micros_ = to_micros(ticks, described);
  out = {{bytes, last_at_micros_, wire_length, 0}, described.link};
  return Found::frame;
}

// Simple Packet Block, section 4.4: wire length, then as many bytes as the first interface keeps.
PcapngReader::Found PcapngReader::read_simple(OrderedCursor body, FileFrame& out) noexcept {
  const std::uint32_t wire_length = body.u32();
  if (!body.ok()) return fail(DecodeError::pcap_bad_block);
  if (interfaces_.empty()) return fail(DecodeError::pcap_unknown_interface);
  const Interface& described = interfaces_.front();
  const std::uint32_t kept = described.snap_length == 0 ? wire_length : std::min(wire_length, described.snap_length);
  if (kept > kMaxRecordBytes) return fail(DecodeError::pcap_bad_record_length);
  const auto bytes = body.bytes(kept);
  if (!body.ok()) return fail(DecodeError::pcap_bad_record_length);
  out = {{bytes, last_at_micros_, wire_length, 0}, described.link};
  return Found::frame;
}

// Times wrap round where a file claims more than 64 bits of microseconds; unsigned, so that this is defined.
std::int64_t PcapngReader::to_micros(std::uint64_t ticks, const Interface& interface) noexcept {
  constexpr std::uint64_t kMicros = 1'000'000;
  constexpr unsigned kMicroExponent = 6;
  constexpr unsigned kMaxTenExponent = 19;  // 10^19 is the last to fit 64 bits
  constexpr unsigned kFractionBits = 40;    // enough for a microsecond, and a product still fits
  const unsigned exponent = interface.resolution & 0x7FU;
  std::uint64_t micros = 0;
  if ((interface.resolution & 0x80U) != 0) {
    const std::uint64_t seconds = exponent < 64 ? ticks >> exponent : 0;
    std::uint64_t fraction = exponent < 64 ? ticks - (seconds << exponent) : 0;
    if (exponent > kFractionBits) fraction >>= std::min(exponent - kFractionBits, 63U);
    micros = seconds * kMicros + (fraction * kMicros >> std::min(exponent, kFractionBits));
  } else if (exponent <= kMicroExponent) {
    micros = ticks * power_of_ten(kMicroExponent - exponent);
  } else if (exponent - kMicroExponent <= kMaxTenExponent) {
    micros = ticks / power_of_ten(exponent - kMicroExponent);
  }
  return static_cast<std::int64_t>(micros + static_cast<std::uint64_t>(interface.offset_seconds) * kMicros);
}

PcapngReader::Found PcapngReader::fail(DecodeError error) noexcept {
  error_ = error;
  in_ = Cursor{std::span<const std::byte>{}};
  return Found::error;
}

}  // namespace tidegate
