#include "region.hpp"

#include <sys/mman.h>

namespace tidegate {

std::optional<Region> Region::map(std::size_t bytes, Pages pages) noexcept {
  if (bytes == 0) return Region{};
  void* start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return std::nullopt;
  // Refused on kernels without huge pages: then small ones serve, slower.
  static_cast<void>(::madvise(start, bytes, pages == Pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
  return Region{start, bytes};
}

Region::~Region() {
  if (start_ != nullptr) ::munmap(start_, bytes_);
}

}  // namespace tidegate
