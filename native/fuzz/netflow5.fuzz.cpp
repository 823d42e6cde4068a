/// The decoder of NetFlow versions 1, 5 and 7 against its plain reference.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "netflow5_reference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto difference = tidegate::netflow5::reference::difference(std::as_bytes(std::span{data, size}));
  if (difference.empty()) return 0;
  std::fprintf(stderr, "netflow5: %s\n", difference.c_str());
  std::abort();
}
