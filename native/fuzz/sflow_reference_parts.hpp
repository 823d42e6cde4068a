/// The parts of sampled packets for the plain reference: words by index, everything copied.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "../flow/sflow/sflow.hpp"

namespace tidegate::sflow::reference {

/// The bytes from `begin` up to `end`, words counted from the front.
struct Region {
  const std::vector<unsigned>* all;
  std::size_t begin;
  std::size_t end;

  [[nodiscard]] std::size_t size() const { return end - begin; }
  [[nodiscard]] bool has_words(std::size_t count) const { return size() >= count * 4; }
  [[nodiscard]] std::uint32_t word(std::size_t index) const {
    const auto& b = *all;
    const std::size_t at = begin + index * 4;
    return b.at(at) << 24 | b.at(at + 1) << 16 | b.at(at + 2) << 8 | b.at(at + 3);
  }
  [[nodiscard]] std::uint64_t long_word(std::size_t index) const {
    return std::uint64_t{word(index)} << 32 | word(index + 1);
  }
  [[nodiscard]] Region from(std::size_t offset, std::size_t length) const { return {all, begin + offset, begin + offset + length}; }
  [[nodiscard]] std::vector<std::byte> copy() const {
    std::vector<std::byte> bytes;
    for (std::size_t i = begin; i < end; ++i) bytes.push_back(static_cast<std::byte>(all->at(i)));
    return bytes;
  }
};

/// What the parts of one sample have said. Lengths by what they are of: 1 IP packet, 2 Ethernet frame, 3 sampled frame.
struct Sampled {
  std::optional<PacketFacts> facts;
  std::map<int, std::uint32_t> lengths;
  std::optional<LinkType> link;
  std::vector<std::byte> header;
  bool short_header = false;
  std::uint32_t source_as = 0;
  std::uint32_t destination_as = 0;
  std::vector<DecodeError> errors;
};

/// One sampled frame of a header protocol.
void sampled_frame(std::uint32_t protocol, std::uint32_t length, const std::vector<std::byte>& bytes, Sampled& out);
/// The bodies of version 5's records; false where they are not whole.
bool raw_header(Region body, Sampled& out);
bool sampled_ethernet(Region body, Sampled& out);
bool sampled_ip(Region body, bool six, Sampled& out);
/// How many words a gateway record takes, its AS numbers put into `out`; nothing where it is damaged.
std::optional<std::size_t> gateway(Region body, unsigned version, Sampled& out);

}  // namespace tidegate::sflow::reference
