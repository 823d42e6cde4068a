/// decode_frame against the reference decoder: the same error, or the same facts.
#include <cstdint>
#include <cstdlib>

#include "frame_reference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!tidegate::reference::decoders_agree(std::as_bytes(std::span{data, size}))) std::abort();
  return 0;
}
