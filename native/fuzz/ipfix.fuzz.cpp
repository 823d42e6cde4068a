/// IPFIX datagrams of one exporter in turn, against the plain reference.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "templated_reference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tidegate::templated::reference;
  const auto difference_found = difference(datagrams_of(std::as_bytes(std::span{data, size}), 10));
  if (difference_found.empty()) return 0;
  std::fprintf(stderr, "ipfix: %s\n", difference_found.c_str());
  std::abort();
}
