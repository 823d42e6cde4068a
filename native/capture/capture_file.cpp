#include "capture_file.hpp"

namespace tidegate {

namespace {
/// A pcapng file begins with a section header, whose type reads the same in both byte orders.
constexpr std::uint32_t kSectionHeader = 0x0A0D0D0A;
}  // namespace

Opened<CaptureFile> CaptureFile::open(const std::string& path) {
  auto file = FileBytes::open(path);
  if (!file.ok()) return file.failure();
  const auto bytes = file.value().bytes();
  if (Cursor{bytes}.u32() == kSectionHeader) {
    return CaptureFile{std::move(file.value()), PcapngReader{bytes}};
  }
  const auto reader = PcapReader::open(bytes);
  if (!reader.ok()) {
    return OpenFailure{0, std::string{error_name(reader.error())} + ": " + path + " is not a pcap or pcapng file"};
  }
  return CaptureFile{std::move(file.value()), reader.value()};
}

}  // namespace tidegate
