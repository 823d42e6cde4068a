/// Which protocol a datagram of flow telemetry speaks, by its first bytes alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "../base/cursor.hpp"
#include "record.hpp"

namespace tidegate {

/// Header lengths in bytes: Cisco "NetFlow Export Datagram Formats" (v1, v5, v7), RFC 3954 section 5.1 (v9),
/// RFC 7011 section 3.1 (IPFIX), sFlow versions 2, 4 and 5 with the shortest agent address.
inline constexpr std::size_t kNetflow1HeaderBytes = 16;
inline constexpr std::size_t kNetflow5HeaderBytes = 24;
inline constexpr std::size_t kNetflow7HeaderBytes = 24;
inline constexpr std::size_t kNetflow9HeaderBytes = 20;
inline constexpr std::size_t kIpfixHeaderBytes = 16;
inline constexpr std::size_t kSflowHeaderBytes = 24;
inline constexpr std::size_t kSflow5HeaderBytes = 28;

/// sFlow begins with a word of version and one of address type, the others with 16 bits of version. Nothing for a
/// payload that is none of them: too short for the header, or with a second field that the protocol does not allow.
/// What is said to be one may still be damaged behind its header.
[[nodiscard]] constexpr std::optional<FlowProtocol> protocol_of(std::span<const std::byte> payload) noexcept {
  constexpr std::size_t kShortest = kIpfixHeaderBytes;
  if (payload.size() < kShortest) return std::nullopt;
  const Fields<kShortest> start{payload.first<kShortest>()};
  const std::uint16_t version = start.u16<0>();
  const std::uint16_t second = start.u16<2>();
  const bool has_records = second != 0;  // count, v1, v5, v7
  const auto if_whole = [&](FlowProtocol protocol, std::size_t header, bool plausible) {
    return plausible && payload.size() >= header ? std::optional{protocol} : std::nullopt;
  };
  switch (version) {
    case 0: {
      const bool known_address = start.u32<4>() == 1 || start.u32<4>() == 2;
      if (second == 5) return if_whole(FlowProtocol::sflow5, kSflow5HeaderBytes, known_address);
      if (second == 4) return if_whole(FlowProtocol::sflow4, kSflowHeaderBytes, known_address);
      if (second == 2) return if_whole(FlowProtocol::sflow2, kSflowHeaderBytes, known_address);
      return std::nullopt;
    }
    case 1: return if_whole(FlowProtocol::netflow1, kNetflow1HeaderBytes, has_records);
    case 5: return if_whole(FlowProtocol::netflow5, kNetflow5HeaderBytes, has_records);
    case 7: return if_whole(FlowProtocol::netflow7, kNetflow7HeaderBytes, has_records);
    case 9: {
      // A header alone, or a first set that is a template (0), an options template (1) or data (256 and up).
      bool plausible = payload.size() < kNetflow9HeaderBytes + 4;
      if (!plausible) {
        const std::uint16_t set = Fields<4>{payload.subspan(kNetflow9HeaderBytes).first<4>()}.u16<0>();
        plausible = set < 2 || set >= 256;
      }
      return if_whole(FlowProtocol::netflow9, kNetflow9HeaderBytes, plausible);
    }
    case 10: return if_whole(FlowProtocol::ipfix, kIpfixHeaderBytes, second >= kIpfixHeaderBytes && second <= payload.size());
    default: return std::nullopt;
  }
}

}  // namespace tidegate
