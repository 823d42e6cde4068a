/// The UDP payload inside a captured frame: how a replay finds telemetry datagrams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "../base/facts.hpp"
#include "../base/link.hpp"

namespace tidegate {

struct UdpInFrame {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::span<const std::byte> payload;
};

/// Reads Ethernet with up to four VLAN tags, bare IP and both Linux cooked headers; IPv4, and IPv6 without
/// extension headers. Nothing for what is not UDP, for fragments, and where the datagram was cut by the capture.
[[nodiscard]] std::optional<UdpInFrame> udp_in_frame(LinkType link, std::span<const std::byte> frame) noexcept;

}  // namespace tidegate
