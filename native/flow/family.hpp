/// What a listener takes: families of protocols, as domain/flow.ts names them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "record.hpp"

namespace tidegate {

/// In the order of domain/flow.ts `flowFamilies`.
enum class FlowFamily : std::uint8_t { sflow, netflow, ipfix };
inline constexpr std::array<std::string_view, 3> kFlowFamilyNames{"sflow", "netflow", "ipfix"};

/// NetFlow is versions 1, 5, 7 and 9.
[[nodiscard]] constexpr FlowFamily family_of(FlowProtocol protocol) noexcept {
  if (protocol <= FlowProtocol::sflow5) return FlowFamily::sflow;
  return protocol == FlowProtocol::ipfix ? FlowFamily::ipfix : FlowFamily::netflow;
}

class FlowFamilies {
 public:
  constexpr void add(FlowFamily family) noexcept { bits_ |= bit(family); }
  [[nodiscard]] constexpr bool has(FlowFamily family) const noexcept { return (bits_ & bit(family)) != 0; }
  [[nodiscard]] static constexpr FlowFamilies all() noexcept {
    FlowFamilies every;
    for (const FlowFamily family : {FlowFamily::sflow, FlowFamily::netflow, FlowFamily::ipfix}) every.add(family);
    return every;
  }

 private:
  [[nodiscard]] static constexpr unsigned bit(FlowFamily family) noexcept { return 1U << static_cast<unsigned>(family); }
  unsigned bits_ = 0;
};

}  // namespace tidegate
