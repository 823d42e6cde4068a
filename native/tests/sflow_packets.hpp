/// Packets that sFlow tests sample, and what they ask of a batch.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "../base/address.hpp"
#include "../flow/record.hpp"
#include "check.hpp"
#include "sflow_builder.hpp"

namespace tidegate::check {

inline std::vector<std::byte> file_bytes(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in.good());
  std::vector<std::byte> bytes;
  for (char c; in.get(c);) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

/// IPv4 (RFC 791) with a UDP header behind it; `total` is what the IP header says.
inline std::vector<std::byte> ipv4_udp(std::uint32_t source, std::uint32_t destination, std::uint16_t total) {
  FileWriter out{false};
  out.u16(0x4500).u16(total).u32(0).u16(0x4011).u16(0).u32(source).u32(destination);
  return out.u16(53).u16(4444).u16(total - 20).u16(0).done();
}
inline std::vector<std::byte> ethernet(std::uint16_t type, std::span<const std::byte> payload) {
  return FileWriter{false}.zeros(12).u16(type).bytes(payload).done();
}
inline std::vector<std::byte> ipv6_udp(const Address& source, const Address& destination, std::uint16_t payload) {
  FileWriter out{false};
  out.u32(0x6000'0000).u16(payload).u16(0x1140);
  out.u64(source.high).u64(source.low).u64(destination.high).u64(destination.low);
  return out.u16(53).u16(4444).u16(payload).u16(0).done();
}

inline const Address kSix{0x2001'0db8'0000'0000, 1, Family::ipv6};
inline const Address kOtherSix{0x2001'0db8'0000'0000, 2, Family::ipv6};
inline constexpr std::uint32_t kFour = 0xC633'6401;
inline constexpr std::uint32_t kOtherFour = 0xCB00'7105;

inline std::string errors_of(const RecordBatch& batch) {
  std::string text;
  for (const auto error : batch.errors()) text += (text.empty() ? "" : " ") + std::string{error_name(error)};
  return text;
}

/// Records that count.
inline std::size_t counted(RecordBatch& batch) {
  std::size_t count = 0;
  for (const FlowDetail& detail : batch.details()) count += detail.counts ? 1 : 0;
  return count;
}

}  // namespace tidegate::check
