/// The sFlow decoder against its plain reference.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "sflow_reference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto difference = tidegate::sflow::reference::difference(std::as_bytes(std::span{data, size}));
  if (difference.empty()) return 0;
  std::fprintf(stderr, "sflow: %s\n", difference.c_str());
  std::abort();
}
