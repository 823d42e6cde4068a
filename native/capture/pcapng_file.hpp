/// pcapng files: several sections, in either byte order (draft-ietf-opsawg-pcapng).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../base/errors.hpp"
#include "ordered_cursor.hpp"
#include "pcap_file.hpp"

namespace tidegate {

/// Interfaces of one section.
inline constexpr std::size_t kMaxCaptureInterfaces = 4096;
inline constexpr std::size_t kMaxOptionsPerBlock = 256;

/// Reads frames front to back from memory. Allocates only for interface descriptions.
///
/// Enhanced, Simple and the obsolete Packet Blocks give frames; other blocks are passed over. A Simple
/// Packet Block carries no time: its frame gets that of the frame before.
/// Errors: pcap_bad_magic (not such a file), pcap_truncated (ends inside a block), pcap_bad_block,
/// pcap_bad_record_length, pcap_too_many_interfaces, pcap_unknown_interface.
/// An error ends the reading; the frames before it are good.
class PcapngReader {
 public:
  explicit PcapngReader(std::span<const std::byte> file) noexcept : in_{file} {}

  /// False at the end and at an error; error() tells which. Frames view the file's bytes.
  [[nodiscard]] bool next(FileFrame& out);
  [[nodiscard]] DecodeError error() const noexcept { return error_; }
  [[nodiscard]] std::size_t left() const noexcept { return in_.left(); }

 private:
  struct Interface {
    LinkNumber link = kLinkEthernet;
    std::uint32_t snap_length = 0;       ///< bytes; zero: no limit
    std::uint8_t resolution = 6;         ///< if_tsresol, section 4.2: 10^-n s, or 2^-n s with the top bit set
    std::int64_t offset_seconds = 0;     ///< if_tsoffset
  };
  enum class Found : std::uint8_t { frame, nothing, error };

  Found read_block(FileFrame& out);
  Found read_body(std::uint32_t type, OrderedCursor body, FileFrame& out);
  Found read_interface(OrderedCursor body);
  Found read_enhanced(OrderedCursor body, FileFrame& out) noexcept;
  Found read_obsolete(OrderedCursor body, FileFrame& out) noexcept;
  Found read_simple(OrderedCursor body, FileFrame& out) noexcept;
  Found read_timed(OrderedCursor body, std::uint32_t interface, FileFrame& out) noexcept;
  Found fail(DecodeError error) noexcept;
  static std::int64_t to_micros(std::uint64_t ticks, const Interface& interface) noexcept;

  Cursor in_;
  ByteOrder order_ = ByteOrder::big;
  bool in_section_ = false;
  std::vector<Interface> interfaces_;
  std::int64_t last_at_micros_ = 0;
  DecodeError error_ = DecodeError::none;
};

}  // namespace tidegate
