/// A capture file of either kind, told by its first word.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "file_bytes.hpp"
#include "opened.hpp"
#include "pcap_file.hpp"
#include "pcapng_file.hpp"

namespace tidegate {

class CaptureFile {
 public:
  /// Fails with an errno, or with a DecodeError's name where the file is no capture.
  [[nodiscard]] static Opened<CaptureFile> open(const std::string& path);

  /// False at the end and at an error; error() tells which, and the frames before it are good.
  /// Frames view this file's memory and live as long as it does.
  [[nodiscard]] bool next(FileFrame& out) {
    return std::visit([&](auto& reader) { return reader.next(out); }, reader_);
  }
  [[nodiscard]] DecodeError error() const noexcept {
    return std::visit([](const auto& reader) { return reader.error(); }, reader_);
  }
  [[nodiscard]] std::size_t size() const noexcept { return file_.bytes().size(); }
  /// Bytes read so far; `size()` after an error, too.
  [[nodiscard]] std::size_t offset() const noexcept {
    return size() - std::visit([](const auto& reader) { return reader.left(); }, reader_);
  }

 private:
  CaptureFile(FileBytes file, std::variant<PcapReader, PcapngReader> reader) noexcept
      : file_{std::move(file)}, reader_{std::move(reader)} {}

  FileBytes file_;
  std::variant<PcapReader, PcapngReader> reader_;
};

}  // namespace tidegate
