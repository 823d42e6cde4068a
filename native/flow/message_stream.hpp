/// IPFIX messages out of a byte stream (RFC 7011 section 10.4): each says its own length.
///
/// What is not the start of a message breaks the stream for good: there is no way back into step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../base/cursor.hpp"
#include "ipfix/ipfix.hpp"

namespace tidegate {

class MessageStream {
 public:
  /// Hands each whole message to `take(std::span<const std::byte>)`. False: the stream is broken.
  template <typename Take>
  [[nodiscard]] bool feed(std::span<const std::byte> bytes, Take&& take) {
    while (!bytes.empty()) {
      if (begun_.empty()) {
        // Messages that lie whole in what has come are read where they are.
        const std::size_t length = length_of(bytes);
        if (length == kBroken) return false;
        if (length != kUnknown && length <= bytes.size()) {
          take(bytes.first(length));
          bytes = bytes.subspan(length);
          continue;
        }
      }
      const std::size_t wanted = begun_.size() < kLengthKnown ? kLengthKnown : length_of(begun_);
      const std::size_t more = std::min(wanted - begun_.size(), bytes.size());
      begun_.insert(begun_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(more));
      bytes = bytes.subspan(more);
      const std::size_t length = length_of(begun_);
      if (length == kBroken) return false;
      if (length != begun_.size()) continue;
      take(std::span<const std::byte>{begun_});
      begun_.clear();
    }
    return true;
  }
  /// A message has begun and is not whole yet.
  [[nodiscard]] bool waits() const noexcept { return !begun_.empty(); }

 private:
  static constexpr std::size_t kLengthKnown = 4;  // bytes of version and length
  static constexpr std::size_t kUnknown = SIZE_MAX;
  static constexpr std::size_t kBroken = 0;

  [[nodiscard]] static std::size_t length_of(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < kLengthKnown) return kUnknown;
    Cursor in{bytes};
    const std::uint16_t version = in.u16();
    const std::uint16_t length = in.u16();
    return version == ipfix::kVersion && length >= ipfix::kMessageHeaderBytes ? length : kBroken;
  }

  std::vector<std::byte> begun_;  // at most one message, 65,535 bytes
};

}  // namespace tidegate
