/// capture/'s readers of pcap and pcapng: byte orders, times, damage.
#include "../capture/capture_file.hpp"

#include <sys/stat.h>

#include <thread>

#include "check.hpp"
#include "pcap_builder.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span{text});
  return {view.begin(), view.end()};
}

struct Read {
  std::vector<std::string> payloads{};
  std::vector<std::int64_t> times{};
  std::vector<std::uint32_t> wire_lengths{};
  std::vector<LinkNumber> links{};
  DecodeError error = DecodeError::none;
};

template <class Reader>
Read read_all(Reader reader) {
  Read read;
  FileFrame frame;
  while (reader.next(frame)) {
    std::string text;
    for (const auto b : frame.frame.bytes) text += static_cast<char>(b);
    read.payloads.push_back(text);
    read.times.push_back(frame.frame.at_micros);
    read.wire_lengths.push_back(frame.frame.wire_length);
    read.links.push_back(frame.link);
  }
  read.error = reader.error();
  return read;
}

Read read_pcap(std::span<const std::byte> file) {
  const auto reader = PcapReader::open(file);
  return reader.ok() ? read_all(reader.value()) : Read{.error = reader.error()};
}
Read read_pcapng(std::span<const std::byte> file) { return read_all(PcapngReader{file}); }

const std::vector<WrittenFrame> kTwo{{bytes_of("one"), 1'700'000'000, 999'999, 1500}, {bytes_of("second"), 0xFFFF'FFFF, 7}};

FileWriter section(bool little) {
  FileWriter file{little};
  add_block(file, 0x0A0D0D0A, FileWriter{little}.u32(0x1A2B3C4D).u16(1).u16(0).u64(~std::uint64_t{0}));
  return file;
}

/// `options` behind link type and snap length.
void add_interface(FileWriter& file, std::uint16_t link, std::uint32_t snap, const FileWriter& options) {
  FileWriter body{file.little_endian()};
  body.u16(link).u16(0).u32(snap).bytes(options.done());
  add_block(file, 1, body);
}

void add_packet(FileWriter& file, std::uint32_t interface, std::uint64_t ticks, std::string_view payload, std::uint32_t wire) {
  FileWriter body{file.little_endian()};
  body.u32(interface).u32(ticks >> 32).u32(ticks & 0xFFFF'FFFF).u32(payload.size()).u32(wire).bytes(bytes_of(payload));
  add_block(file, 6, body);
}

FileWriter resolution(bool little, std::uint8_t value) {
  const std::array option{std::byte{value}, std::byte{0}, std::byte{0}, std::byte{0}};
  return FileWriter{little}.u16(9).u16(1).bytes(option).u32(0);
}

}  // namespace

TEST("a pcap file reads the same in both byte orders, in micro- and in nanoseconds") {
  for (const bool little : {true, false}) {
    for (const bool nanos : {true, false}) {
      const auto read = read_pcap(pcap_of(kTwo, little, nanos, 113));
      CHECK(read.error == DecodeError::none);
      REQUIRE(read.payloads.size() == 2);
      CHECK(read.payloads[0] == "one");
      CHECK(read.payloads[1] == "second");
      CHECK(read.times[0] == (nanos ? 1'700'000'000'000'999 : 1'700'000'000'999'999));
      CHECK(read.times[1] == (nanos ? 4'294'967'295'000'000 : 4'294'967'295'000'007));
      CHECK(read.wire_lengths[0] == 1500);
      CHECK(read.wire_lengths[1] == 6);
      CHECK(read.links[0] == 113);
    }
  }
}

TEST("a pcap file cut anywhere gives its whole records and says that it was cut") {
  const auto whole = pcap_of(kTwo);
  constexpr std::size_t kHeader = 24;
  constexpr std::size_t kFirst = kHeader + 16 + 3;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = read_pcap(std::span{whole}.first(size));
    const bool clean = size == kHeader || size == kFirst;
    NOTE("cut to " + std::to_string(size));
    CHECK(read.error == (size < 4 ? DecodeError::pcap_bad_magic : clean ? DecodeError::none : DecodeError::pcap_truncated));
    CHECK(read.payloads.size() == (size >= kFirst ? 1U : 0U));
  }
}

TEST("a pcap record longer than any frame ends the reading under its own name") {
  FileWriter file{true};
  file.bytes(pcap_of(kTwo)).u32(0).u32(0).u32(kMaxRecordBytes + 1).u32(0).zeros(kMaxRecordBytes + 1);
  const auto read = read_pcap(file.done());
  CHECK(read.error == DecodeError::pcap_bad_record_length);
  CHECK(read.payloads.size() == 2);
}

TEST("a pcapng file reads the same in both byte orders, with every kind of packet block") {
  for (const bool little : {true, false}) {
    auto file = section(little);
    add_interface(file, 1, 4, FileWriter{little});
    add_interface(file, 101, 0, FileWriter{little});
    add_packet(file, 0, 1'700'000'000'123'456, "full", 60);
    add_block(file, 2, FileWriter{little}.u16(1).u16(3).u32(0).u32(77).u32(3).u32(9).bytes(bytes_of("old")));
    add_block(file, 3, FileWriter{little}.u32(6).bytes(bytes_of("simp")));
    add_block(file, 0x0000'0BAD, FileWriter{little}.bytes(bytes_of("a block of some vendor")));
    const auto read = read_pcapng(file.done());
    CHECK(read.error == DecodeError::none);
    REQUIRE(read.payloads.size() == 3);
    CHECK(read.payloads[0] == "full");
    CHECK(read.payloads[1] == "old");
    CHECK(read.payloads[2] == "simp");  // cut by the first interface's snap length
    CHECK(read.times[0] == 1'700'000'000'123'456);
    CHECK(read.times[1] == 77);
    CHECK(read.times[2] == 77);
    CHECK(read.wire_lengths[0] == 60);
    CHECK(read.wire_lengths[1] == 9);
    CHECK(read.wire_lengths[2] == 6);
    CHECK(read.links[1] == 101);
  }
}

TEST("sections of either byte order follow one another, each with its own interfaces") {
  auto file = section(true);
  add_interface(file, 1, 0, FileWriter{true});
  add_packet(file, 0, 1, "a", 1);
  auto second = section(false);
  add_interface(second, 113, 0, FileWriter{false});
  add_packet(second, 0, 2, "b", 1);
  add_packet(second, 1, 2, "c", 1);
  file.bytes(second.done());
  const auto read = read_pcapng(file.done());
  CHECK(read.error == DecodeError::pcap_unknown_interface);
  REQUIRE(read.payloads.size() == 2);
  CHECK(read.links[0] == 1);
  CHECK(read.links[1] == 113);
}

TEST("times of every resolution become microseconds") {
  struct Row {
    std::uint8_t resolution;
    std::uint64_t ticks;
    std::int64_t micros;
  };
  constexpr Row rows[] = {
      {6, 1'700'000'000'123'456, 1'700'000'000'123'456},
      {9, 1'700'000'000'123'456'789, 1'700'000'000'123'456},
      {3, 1'700'000'000'123, 1'700'000'000'123'000},
      {0, 1'700'000'000, 1'700'000'000'000'000},
      {0x80, 1'700'000'000, 1'700'000'000'000'000},
      {0x80 | 10, 1'700'000'000ULL << 10 | 512, 1'700'000'000'500'000},
      {0x80 | 32, 1'700'000'000ULL << 32 | 0x4000'0000, 1'700'000'000'250'000},
      {0x80 | 63, 1ULL << 62, 500'000},
      {0x80 | 127, ~0ULL, 0},
      {127, ~0ULL, 0},
      {25, 10'000'000'000'000'000'000ULL, 1},
  };
  for (const auto& row : rows) {
    NOTE("resolution " + std::to_string(row.resolution));
    auto file = section(true);
    add_interface(file, 1, 0, resolution(true, row.resolution));
    add_packet(file, 0, row.ticks, "x", 1);
    const auto read = read_pcapng(file.done());
    REQUIRE(read.times.size() == 1);
    CHECK(read.times[0] == row.micros);
  }
  auto file = section(true);
  add_interface(file, 1, 0, FileWriter{true}.u16(14).u16(8).u64(1'700'000'000).u32(0));
  add_packet(file, 0, 5, "x", 1);
  REQUIRE(read_pcapng(file.done()).times.size() == 1);
  CHECK(read_pcapng(file.done()).times[0] == 1'700'000'000'000'005);
}

TEST("damage in a pcapng file ends the reading under its own name and keeps what came before") {
  const auto good = [] {
    auto file = section(true);
    add_interface(file, 1, 0, FileWriter{true});
    add_packet(file, 0, 1, "good", 4);
    return file;
  };
  struct Row {
    std::string_view claim;
    FileWriter tail;
    DecodeError error;
  };
  const FileWriter empty{true};
  FileWriter many = empty;
  for (std::size_t i = 0; i < kMaxCaptureInterfaces; ++i) add_interface(many, 1, 0, empty);
  FileWriter option_past_block = empty;
  add_interface(option_past_block, 1, 0, FileWriter{true}.u16(9).u16(200));
  FileWriter endless_options{true};
  for (std::size_t i = 0; i <= kMaxOptionsPerBlock; ++i) endless_options.u16(1).u16(0);
  FileWriter too_many_options = empty;
  add_interface(too_many_options, 1, 0, endless_options);
  FileWriter caught_in_block = empty;
  add_block(caught_in_block, 6, FileWriter{true}.u32(0).u32(0).u32(0).u32(100).u32(100).bytes(bytes_of("short")));
  FileWriter new_version = empty;
  add_block(new_version, 0x0A0D0D0A, FileWriter{true}.u32(0x1A2B3C4D).u16(2).u16(0).u64(0));
  const Row rows[] = {
      {"block length below 12", FileWriter{true}.u32(6).u32(8).u32(8), DecodeError::pcap_bad_block},
      {"block length not of words", FileWriter{true}.u32(6).u32(13).zeros(20), DecodeError::pcap_bad_block},
      {"lengths that differ", FileWriter{true}.u32(9).u32(12).u32(16), DecodeError::pcap_bad_block},
      {"block past the end", FileWriter{true}.u32(9).u32(4096).u32(0), DecodeError::pcap_truncated},
      {"a lone word", FileWriter{true}.u32(9), DecodeError::pcap_truncated},
      {"more interfaces than the bound", many, DecodeError::pcap_too_many_interfaces},
      {"an option past its block", option_past_block, DecodeError::pcap_bad_block},
      {"more options than the bound", too_many_options, DecodeError::pcap_bad_block},
      {"a packet past its block", caught_in_block, DecodeError::pcap_bad_record_length},
      {"a section of another version", new_version, DecodeError::pcap_bad_block},
      {"a section of no byte order", FileWriter{true}.u32(0x0A0D0D0A).u32(28).u32(0x01020304).zeros(20), DecodeError::pcap_bad_block},
  };
  for (const auto& row : rows) {
    NOTE(std::string{row.claim});
    const auto read = read_pcapng(good().bytes(row.tail.done()).done());
    CHECK(read.error == row.error);
    CHECK(read.payloads.size() == 1);
  }
  CHECK(read_pcapng(FileWriter{true}.u32(6).u32(12).u32(12).done()).error == DecodeError::pcap_bad_magic);
}

TEST("a file is told by its first word, and what is no capture says so") {
  auto ng = section(false);
  add_interface(ng, 1, 0, FileWriter{false});
  add_packet(ng, 0, 1, "ng", 2);
  const TemporaryFile next_generation{ng.done()};
  const TemporaryFile classic{pcap_of(kTwo)};
  const TemporaryFile neither{bytes_of("not a capture at all")};
  const TemporaryFile nothing{std::vector<std::byte>{}};
  const auto frames = [](const std::string& path) {
    auto file = CaptureFile::open(path);
    REQUIRE(file.ok());
    FileFrame frame;
    std::size_t count = 0;
    while (file.value().next(frame)) ++count;
    CHECK(file.value().offset() == file.value().size());
    return count;
  };
  CHECK(frames(next_generation.path()) == 1);
  CHECK(frames(classic.path()) == 2);
  for (const auto* path : {&neither.path(), &nothing.path()}) {
    const auto opened = CaptureFile::open(*path);
    REQUIRE(!opened.ok());
    CHECK(opened.failure().text == "pcap_bad_magic: " + *path + " is not a pcap or pcapng file");
  }
  CHECK(CaptureFile::open("/nonexistent").failure().text.starts_with("ENOENT: /nonexistent"));
}

TEST("a capture comes through a pipe as it does from a file") {
  const TemporaryFile place{std::vector<std::byte>{}};
  const std::string pipe = place.path() + ".pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto content = pcap_of(std::vector<WrittenFrame>(30'000, kTwo[0]));
  std::thread writer{[&] {
    std::ofstream out{pipe, std::ios::binary};
    for (const auto b : content) out.put(static_cast<char>(b));
  }};
  auto file = CaptureFile::open(pipe);
  writer.join();
  ::unlink(pipe.c_str());
  REQUIRE(file.ok());
  FileFrame frame;
  std::size_t count = 0;
  while (file.value().next(frame)) ++count;
  CHECK(count == 30'000);
}
