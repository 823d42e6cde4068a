/// Capture files written byte by byte, in either byte order, for the tests of their readers and of sending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tidegate::check {

/// Appends numbers in the order it was made with.
class FileWriter {
 public:
  explicit FileWriter(bool little_endian) : little_endian_{little_endian} {}

  FileWriter& u16(std::uint64_t value) { return number(value, 2); }
  FileWriter& u32(std::uint64_t value) { return number(value, 4); }
  FileWriter& u64(std::uint64_t value) { return number(value, 8); }
  FileWriter& bytes(std::span<const std::byte> added) {
    bytes_.insert(bytes_.end(), added.begin(), added.end());
    return *this;
  }
  FileWriter& zeros(std::size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::vector<std::byte>& done() const { return bytes_; }
  [[nodiscard]] bool little_endian() const { return little_endian_; }

 private:
  FileWriter& number(std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) {
      const unsigned shift = 8 * (little_endian_ ? i : width - 1 - i);
      bytes_.push_back(static_cast<std::byte>(value >> shift));
    }
    return *this;
  }
  bool little_endian_;
  std::vector<std::byte> bytes_;
};

struct WrittenFrame {
  std::vector<std::byte> bytes;
  std::uint32_t seconds = 0;
  std::uint32_t fraction = 0;
  std::uint32_t wire_length = 0;  ///< zero: as many as there are bytes
};

inline std::vector<std::byte> pcap_of(std::span<const WrittenFrame> frames, bool little_endian = true,
                                      bool nanos = false, std::uint32_t link = 1) {
  FileWriter file{little_endian};
  file.u32(nanos ? 0xA1B23C4D : 0xA1B2C3D4).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(link);
  for (const auto& frame : frames) {
    const auto length = static_cast<std::uint32_t>(frame.bytes.size());
    file.u32(frame.seconds).u32(frame.fraction).u32(length);
    file.u32(frame.wire_length == 0 ? length : frame.wire_length).bytes(frame.bytes);
  }
  return file.done();
}

/// One pcapng block around `body`.
inline void add_block(FileWriter& file, std::uint32_t type, const FileWriter& body) {
  const std::size_t padding = (4 - body.size() % 4) % 4;
  const std::size_t length = body.size() + padding + 12;
  file.u32(type).u32(length).bytes(body.done()).zeros(padding).u32(length);
}

/// A file that is gone when the test is.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::span<const std::byte> content) {
    const char* const folder = std::getenv("TMPDIR");
    path_ = std::string{folder == nullptr ? "/tmp" : folder} + "/tidegate-test-XXXXXX";
    const int fd = ::mkstemp(path_.data());
    if (fd >= 0) ::close(fd);
    std::ofstream out{path_, std::ios::binary};
    for (const std::byte b : content) out.put(static_cast<char>(b));
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tidegate::check
