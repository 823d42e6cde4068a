/// The bytes of a file, mapped; of a pipe or device, read whole.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mapping.hpp"
#include "opened.hpp"

namespace tidegate {

/// What is read at most of something that cannot be mapped.
inline constexpr std::size_t kMaxBufferedBytes = std::size_t{1} << 30;

/// A regular file is mapped, so it must not be shortened while it is read.
class FileBytes {
 public:
  /// Fails with the errno of open(2), fstat(2), mmap(2) or read(2); EFBIG past kMaxBufferedBytes of a pipe.
  [[nodiscard]] static Opened<FileBytes> open(const std::string& path);

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return mapping_.is_mapped() ? std::span<const std::byte>{mapping_.bytes()} : std::span<const std::byte>{buffer_};
  }

 private:
  Mapping mapping_;
  std::vector<std::byte> buffer_;
};

}  // namespace tidegate
