/// prefetch_for_write(): asks for a cache line as its owner.
///
/// Compilers for plain x86-64 make `__builtin_prefetch(p, 1)` a prefetch for reading. A line that another core has read
/// since then comes in shared, and the store pays for taking it over. PREFETCHW does nothing on the oldest processors.
#pragma once

namespace tidegate {

inline void prefetch_for_write(const void* at) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

}  // namespace tidegate
