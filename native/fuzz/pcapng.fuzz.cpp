/// The pcapng reader by what must hold of any input: frames lie inside the file, one behind the other; a cut
/// file gives the first frames of the whole one; a whole file twice over gives every frame twice.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "../capture/pcapng_file.hpp"

namespace {

struct ReadFrame {
  std::size_t begin;
  std::size_t length;
  std::uint32_t wire_length;
  tidegate::LinkNumber link;

  friend bool operator==(const ReadFrame&, const ReadFrame&) = default;
};

struct Read {
  std::vector<ReadFrame> frames;
  tidegate::DecodeError error = tidegate::DecodeError::none;
};

void expect(bool holds) {
  if (!holds) std::abort();
}

Read read_all(std::span<const std::byte> bytes) {
  Read read;
  tidegate::PcapngReader reader{bytes};
  tidegate::FileFrame frame;
  std::size_t end_of_last = 0;
  while (reader.next(frame)) {
    const auto& captured = frame.frame.bytes;
    const auto begin = captured.empty() ? end_of_last : static_cast<std::size_t>(captured.data() - bytes.data());
    expect(begin >= end_of_last && begin <= bytes.size() && captured.size() <= bytes.size() - begin);
    end_of_last = begin + captured.size();
    read.frames.push_back({begin, captured.size(), frame.frame.wire_length, frame.link});
  }
  read.error = reader.error();
  expect(!reader.next(frame));
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  const Read whole = read_all(bytes);

  const Read cut = read_all(bytes.first(size / 2));
  expect(cut.frames.size() <= whole.frames.size());
  for (std::size_t i = 0; i < cut.frames.size(); ++i) expect(cut.frames[i] == whole.frames[i]);

  if (whole.error == tidegate::DecodeError::none && size > 0) {
    std::vector<std::byte> twice{bytes.begin(), bytes.end()};
    twice.insert(twice.end(), bytes.begin(), bytes.end());
    const Read both = read_all(twice);
    expect(both.error == tidegate::DecodeError::none);
    expect(both.frames.size() == 2 * whole.frames.size());
  }
  return 0;
}
