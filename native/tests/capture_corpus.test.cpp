/// Real captures, read by capture/ and decoded by wire/, against what tshark says of them.
#include <algorithm>

#include "../base/address.hpp"
#include "../base/link.hpp"
#include "../capture/capture_file.hpp"
#include "../wire/frame.hpp"
#include "captures.hpp"
#include "check.hpp"

using namespace tidegate;
using namespace tidegate::check;

namespace {

CaptureFile open_capture(const std::filesystem::path& path) {
  auto opened = CaptureFile::open(path);
  if (!opened.ok()) NOTE(opened.failure().text);
  REQUIRE(opened.ok());
  return std::move(opened.value());
}

/// Frames where tshark and wire/ differ, and rightly so.
struct Exception {
  std::string_view file;
  std::string_view frame;
  std::string_view why;
};
constexpr Exception kExceptions[] = {
    {"NullLoopback.pcap", "3", "a link header of 0f000800, in which tshark guesses an EtherType"},
    {"ipv4-options.pcap", "6", "tshark shows the end of the source route as destination, the header says the next hop"},
    {"ipv4-options.pcap", "7", "as frame 6"},
    {"ip4_bad_fragment.pcap", "1", "the IP header behind the label is not whole"},
    {"LINKTYPE_IPV4_invalid.pcap", "1", "an IPv6 packet in a capture of IPv4"},
    {"ipv6_39_byte_header.pcap", "1", "the IPv6 header lacks a byte"},
    {"ipv6_invalid_length.pcap", "1", "the IPv6 header is not whole"},
};

bool is_exception(const std::filesystem::path& path, const std::string& frame) {
  return std::ranges::any_of(kExceptions, [&](const Exception& known) {
    return path.filename() == known.file && frame == known.frame;
  });
}

/// The value of the outermost layer.
std::string first_of(const std::map<std::string, std::string>& line, const std::string& column) {
  const auto found = line.find(column);
  return found == line.end() ? "" : split(found->second, ',').front();
}

}  // namespace

TEST("every frame of every capture has the length that tshark gives it") {
  std::size_t compared = 0;
  for (const auto& path : capture_files()) {
    const auto lines = tshark_lines(path);
    if (!lines) continue;
    CaptureFile file = open_capture(path);
    FileFrame frame;
    for (const auto& line : *lines) {
      NOTE(path.string() + " frame " + line.at("frame.number"));
      REQUIRE(file.next(frame));
      CHECK(std::to_string(frame.frame.wire_length) == line.at("frame.len"));
      CHECK(std::to_string(frame.frame.bytes.size()) == line.at("frame.cap_len"));
      ++compared;
    }
    CHECK(!file.next(frame));
  }
  CHECK(compared > 1000);
}

TEST("every capture has as many packets and bytes as its folder's expected.json says") {
  std::size_t compared = 0;
  for (const auto& [path, expected] : expected_captures()) {
    if (expected.packets == 0) continue;
    NOTE(path.string());
    CaptureFile file = open_capture(path);
    FileFrame frame;
    ExpectedCapture counted;
    while (file.next(frame)) {
      ++counted.packets;
      counted.wire_bytes += frame.frame.wire_length;
    }
    CHECK(counted.packets == expected.packets);
    CHECK(counted.wire_bytes == expected.wire_bytes);
    ++compared;
  }
  CHECK(compared > 150);
}

TEST("the outermost addresses and protocol of a decoded frame are those that tshark shows") {
  std::size_t compared = 0;
  for (const auto& path : capture_files()) {
    const auto lines = tshark_lines(path);
    if (!lines) continue;
    CaptureFile file = open_capture(path);
    FileFrame frame;
    for (const auto& line : *lines) {
      REQUIRE(file.next(frame));
      const auto link = link_type_of(frame.link);
      if (!link) continue;
      PacketFacts facts;
      const auto error = decode_frame(*link, frame.frame.bytes, frame.frame.wire_length, {}, facts);
      NOTE(path.string() + " frame " + line.at("frame.number") + " " + std::string{error_name(error)} + " " + line.at("frame.protocols"));
      const std::string ipv4 = first_of(line, "ip.src");
      const std::string ipv6 = first_of(line, "ipv6.src");
      if ((ipv4.empty() && ipv6.empty()) || is_exception(path, line.at("frame.number"))) continue;
      CHECK(error == DecodeError::none);
      if (error != DecodeError::none) continue;
      const bool four = facts.source.family == Family::ipv4;
      CHECK(format_address(facts.source) == (four ? ipv4 : ipv6));
      CHECK(format_address(facts.destination) == first_of(line, four ? "ip.dst" : "ipv6.dst"));
      if (four) CHECK(std::to_string(facts.protocol) == first_of(line, "ip.proto"));
      ++compared;
    }
  }
  CHECK(compared > 1000);
}
