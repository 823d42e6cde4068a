/// Classic pcap files, in both byte orders, with times in micro- or nanoseconds
/// (draft-ietf-opsawg-pcap sections 4 and 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../base/decoded.hpp"
#include "captured_frame.hpp"
#include "ordered_cursor.hpp"

namespace tidegate {

/// A frame of a capture file, with the link type its file or interface states.
struct FileFrame {
  CapturedFrame frame;
  LinkNumber link = kLinkEthernet;
};

/// No capture tool writes longer ones; a length past it is damage, not a frame.
inline constexpr std::uint32_t kMaxRecordBytes = 262'144;

/// Reads frames front to back from memory. Never allocates, locks or throws.
///
/// Errors: pcap_bad_magic (not such a file), pcap_truncated (ends inside a record), pcap_bad_record_length.
/// An error ends the reading; the frames before it are good.
class PcapReader {
 public:
  PcapReader() noexcept = default;
  /// Reads the file header.
  [[nodiscard]] static Decoded<PcapReader> open(std::span<const std::byte> file) noexcept;

  /// False at the end and at an error; error() tells which. Frames view the file's bytes.
  [[nodiscard]] bool next(FileFrame& out) noexcept;
  [[nodiscard]] DecodeError error() const noexcept { return error_; }
  /// Bytes of the file that are not read yet.
  [[nodiscard]] std::size_t left() const noexcept { return in_.left(); }


 private:
  bool fail(DecodeError error) noexcept;

  OrderedCursor in_{std::span<const std::byte>{}, ByteOrder::big};
  LinkNumber link_ = kLinkEthernet;
  std::uint32_t fractions_per_micro_ = 1;  ///< 1000 where the fraction of a second is in nanoseconds
  DecodeError error_ = DecodeError::none;
};

}  // namespace tidegate
