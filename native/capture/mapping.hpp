/// Mapped memory that unmaps itself: a packet ring or a file.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <span>
#include <utility>

namespace tidegate {

class Mapping {
 public:
  Mapping() noexcept = default;
  Mapping(Mapping&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}
  Mapping& operator=(Mapping&& other) noexcept {
    if (this != &other) {
      unmap();
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { unmap(); }

  /// Not mapped (is_mapped() false, errno set) when mmap(2) refuses.
  [[nodiscard]] static Mapping of(int fd, std::size_t size, int protection, int flags) noexcept {
    Mapping mapping;
    void* const at = ::mmap(nullptr, size, protection, flags, fd, 0);
    if (at != MAP_FAILED) mapping.bytes_ = {static_cast<std::byte*>(at), size};
    return mapping;
  }

  [[nodiscard]] bool is_mapped() const noexcept { return !bytes_.empty(); }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  void unmap() noexcept {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
    bytes_ = {};
  }
  std::span<std::byte> bytes_;
};

}  // namespace tidegate
