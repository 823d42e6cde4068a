#include "sflow_reference_parts.hpp"

#include <algorithm>
#include <tuple>

namespace tidegate::sflow::reference {

namespace {

std::optional<LinkType> link_of(std::uint32_t protocol) {
  const std::map<std::uint32_t, LinkType> known{{1, LinkType::ethernet}, {7, LinkType::ppp}, {14, LinkType::ppp},
                                                {11, LinkType::raw_ipv4}, {12, LinkType::raw_ipv6}};
  const auto found = known.find(protocol);
  return found == known.end() ? std::nullopt : std::optional{found->second};
}

std::vector<DecodeError> cut_errors() {
  return {DecodeError::link_truncated, DecodeError::mpls_truncated, DecodeError::ipv4_truncated, DecodeError::ipv6_truncated};
}

/// Reads the packet again as if more of it had been sampled, whatever it was.
bool more_would_tell(LinkType link, std::vector<std::byte> bytes, std::uint32_t length, const PacketFacts& facts) {
  if (bytes.size() >= length || bytes.size() > 256) return false;
  bytes.resize(std::min<std::size_t>(bytes.size() + 64, length), std::byte{0xff});
  PacketFacts more;
  if (decode_frame(link, bytes, length, {}, more) != DecodeError::none) return true;
  return std::tie(more.protocol, more.source_port, more.destination_port, more.tcp_flags) !=
         std::tie(facts.protocol, facts.source_port, facts.destination_port, facts.tcp_flags);
}

}  // namespace

void sampled_frame(std::uint32_t protocol, std::uint32_t length, const std::vector<std::byte>& bytes, Sampled& out) {
  if (length > kMaxFrameLength) return out.errors.push_back(DecodeError::sflow_bad_frame_length);
  out.lengths[3] = length;
  const auto link = link_of(protocol);
  if (!link) return out.errors.push_back(DecodeError::sflow_unsupported_header);
  PacketFacts facts;
  const auto error = decode_frame(*link, bytes, length, {}, facts);
  if (error != DecodeError::none) {
    out.short_header = std::ranges::count(cut_errors(), error) != 0 && bytes.size() < length;
    return out.errors.push_back(error);
  }
  out.short_header = more_would_tell(*link, bytes, length, facts);
  out.facts = facts;
  out.link = link;
  out.header = bytes;
}

bool raw_header(Region body, Sampled& out) {
  if (!body.has_words(4) || body.word(3) > body.size() - 16) return false;
  if (!out.lengths.contains(3)) sampled_frame(body.word(0), body.word(1), body.from(16, body.word(3)).copy(), out);
  return true;
}

bool sampled_ethernet(Region body, Sampled& out) {
  if (!body.has_words(5)) return false;
  if (body.word(0) > kMaxFrameLength) {
    out.errors.push_back(DecodeError::sflow_bad_frame_length);
  } else {
    out.lengths.emplace(2, body.word(0));
  }
  return true;
}

bool sampled_ip(Region body, bool six, Sampled& out) {
  if (!body.has_words(six ? 14 : 8)) return false;
  if (body.word(0) > kMaxFrameLength) return out.errors.push_back(DecodeError::sflow_bad_frame_length), true;
  PacketFacts facts;
  facts.wire_length = facts.ip_length = body.word(0);
  facts.protocol = static_cast<std::uint8_t>(body.word(1));
  if (six) {
    facts.source = {body.long_word(2), body.long_word(4), Family::ipv6};
    facts.destination = {body.long_word(6), body.long_word(8), Family::ipv6};
  } else {
    facts.source = {0, body.word(2), Family::ipv4};
    facts.destination = {0, body.word(3), Family::ipv4};
  }
  const std::size_t ports = six ? 10 : 4;
  const std::vector<int> with_ports{6, 17, 33, 132, 136};
  if (std::ranges::count(with_ports, facts.protocol) != 0) {
    facts.source_port = static_cast<std::uint16_t>(body.word(ports));
    facts.destination_port = static_cast<std::uint16_t>(body.word(ports + 1));
  }
  if (facts.protocol == 6) facts.tcp_flags = static_cast<std::uint8_t>(body.word(ports + 2));
  out.facts = facts;
  out.lengths.emplace(1, body.word(0));
  return true;
}

std::optional<std::size_t> gateway(Region body, unsigned version, Sampled& out) {
  std::size_t at = 0;
  bool whole = true;
  const auto next = [&]() -> std::uint32_t {
    whole = whole && body.has_words(at + 1);
    return whole ? body.word(at++) : 0;
  };
  /// Skips as many words and gives the last of them.
  const auto list = [&](std::size_t count) -> std::uint32_t {
    if (!whole || !body.has_words(at) || count > (body.size() - at * 4) / 4) whole = false;
    if (!whole || count == 0) return 0;
    at += count;
    return body.word(at - 1);
  };
  if (version == 5) {
    const std::uint32_t type = next();
    if (type > 2) return std::nullopt;
    list(type == 0 ? 0 : type == 1 ? 1 : 4);
  }
  next();
  const std::uint32_t source = next();
  next();
  std::uint32_t destination = 0;
  if (version == 2) {
    destination = list(next());
  } else {
    const std::uint32_t segments = next();
    if (segments > kMaxAsSegments) return std::nullopt;
    for (std::uint32_t i = 0; i < segments && whole; ++i) {
      next();
      const std::uint32_t last = list(next());
      destination = last == 0 ? destination : last;
    }
    list(next());
    next();
  }
  if (!whole) return std::nullopt;
  out.source_as = source;
  out.destination_as = destination;
  return at;
}

}  // namespace tidegate::sflow::reference
