#include "sampled_section.hpp"

#include <algorithm>

#include "data_records.hpp"

namespace tidegate::templated {

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

/// wire/ reads ports as far as they are there, and no packet of interest has both zero.
bool cut_short(const PacketFacts& facts) noexcept {
  const bool has_transport = facts.protocol == kTcp || facts.protocol == kUdp;
  const bool later_fragment = facts.fragment && !facts.first_fragment;
  return has_transport && !later_fragment && facts.source_port == 0 && facts.destination_port == 0;
}

}  // namespace

DecodeError read_section(const Values& values, WireOptions options, bool addressed, PacketFacts& facts,
                         FlowDetail& detail) noexcept {
  const bool from_link = values.has(Slot::link_section);
  auto bytes = values.section(from_link ? Slot::link_section : Slot::ip_section);
  // A field of fixed length is padded behind the octets that were exported.
  if (values.has(Slot::section_size)) bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), values[Slot::section_size]));
  if (bytes.empty()) return DecodeError::none;

  const std::uint64_t ip_length = values[Slot::ip_total_length];
  std::uint64_t length = from_link && ip_length != 0 ? ip_length + wire::kEthernetBytes : ip_length;
  if (from_link && values[Slot::frame_size] != 0) length = values[Slot::frame_size];
  if (std::max<std::uint64_t>(length, bytes.size()) > kMaxFrameLength) return DecodeError::record_bad_section;
  const bool stated = length != 0;
  length = std::max<std::uint64_t>(length, bytes.size());

  const LinkType link = from_link ? LinkType::ethernet : LinkType::raw_ip;
  PacketFacts read;
  const DecodeError error = decode_frame(link, bytes, static_cast<std::uint32_t>(length), options, read);
  if (error != DecodeError::none) return error;
  if (!stated) {  // as long as its IP header says
    const std::uint32_t before = from_link ? static_cast<std::uint32_t>(wire::kEthernetBytes) : 0;
    length = std::max<std::uint64_t>(length, read.ip_length + before);
    if (!options.length_from_ip) read.wire_length = static_cast<std::uint32_t>(length);
  }
  if (!addressed) facts = read;
  detail.bytes = bytes;
  detail.link = link;
  detail.frame_length = static_cast<std::uint32_t>(length);
  detail.short_header = cut_short(read);
  return DecodeError::none;
}

}  // namespace tidegate::templated
