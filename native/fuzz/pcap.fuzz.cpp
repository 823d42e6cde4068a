/// The pcap reader against a plain second one, which reads by index.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "../capture/pcap_file.hpp"

namespace {

struct PlainFrame {
  std::size_t begin = 0;
  std::uint64_t length = 0;
  std::uint64_t wire_length = 0;
  std::int64_t at_micros = 0;
};

struct Plain {
  std::vector<PlainFrame> frames;
  std::uint64_t link = 0;
  tidegate::DecodeError error = tidegate::DecodeError::none;
};

std::uint64_t word(const std::uint8_t* data, std::size_t at, bool little) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value * 256 + data[at + (little ? 3 - i : i)];
  return value;
}

Plain read_plainly(const std::uint8_t* data, std::size_t size) {
  using tidegate::DecodeError;
  Plain plain;
  if (size < 4) return plain.error = DecodeError::pcap_bad_magic, plain;
  const bool little = word(data, 0, true) == 0xA1B2C3D4 || word(data, 0, true) == 0xA1B23C4D;
  const std::uint64_t magic = word(data, 0, little);
  if (magic != 0xA1B2C3D4 && magic != 0xA1B23C4D) return plain.error = DecodeError::pcap_bad_magic, plain;
  if (size < 24) return plain.error = DecodeError::pcap_truncated, plain;
  plain.link = word(data, 20, little) % 65536;
  for (std::size_t at = 24; at < size;) {
    if (size - at < 16) return plain.error = DecodeError::pcap_truncated, plain;
    const std::uint64_t fraction = word(data, at + 4, little) / (magic == 0xA1B23C4D ? 1000 : 1);
    const std::uint64_t length = word(data, at + 8, little);
    if (length > tidegate::kMaxRecordBytes) return plain.error = DecodeError::pcap_bad_record_length, plain;
    if (size - at - 16 < length) return plain.error = DecodeError::pcap_truncated, plain;
    const std::uint64_t micros = word(data, at, little) * 1'000'000 + fraction;
    plain.frames.push_back({at + 16, length, word(data, at + 12, little), static_cast<std::int64_t>(micros)});
    at += 16 + length;
  }
  return plain;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  const Plain plain = read_plainly(data, size);
  const auto opened = tidegate::PcapReader::open(bytes);
  if (!opened.ok()) {
    expect(opened.error() == plain.error && plain.frames.empty());
    return 0;
  }
  tidegate::PcapReader reader = opened.value();
  tidegate::FileFrame frame;
  for (const auto& wanted : plain.frames) {
    expect(reader.next(frame));
    expect(frame.frame.bytes.size() == wanted.length);
    expect(wanted.length == 0 || frame.frame.bytes.data() == bytes.subspan(wanted.begin).data());
    expect(frame.frame.wire_length == wanted.wire_length);
    expect(frame.frame.at_micros == wanted.at_micros);
    expect(frame.link == plain.link);
  }
  expect(!reader.next(frame));
  expect(reader.error() == plain.error);
  expect(!reader.next(frame));
  return 0;
}
