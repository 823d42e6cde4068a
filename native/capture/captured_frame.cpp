#include "captured_frame.hpp"

#include <algorithm>
#include <array>

namespace tidegate {

namespace {
constexpr std::size_t kMacAddresses = 12;

std::size_t append(std::span<std::byte> out, std::size_t at, std::span<const std::byte> bytes) noexcept {
  const auto room = out.subspan(at);
  const auto taken = bytes.first(std::min(room.size(), bytes.size()));
  std::ranges::copy(taken, room.begin());
  return at + taken.size();
}
}  // namespace

std::size_t copy_as_on_wire(const CapturedFrame& frame, std::span<std::byte> out) noexcept {
  if (frame.vlan_tag == 0 || frame.bytes.size() < kMacAddresses) return append(out, 0, frame.bytes);
  const std::array<std::byte, 4> tag{
      static_cast<std::byte>(frame.vlan_tag >> 24), static_cast<std::byte>(frame.vlan_tag >> 16),
      static_cast<std::byte>(frame.vlan_tag >> 8), static_cast<std::byte>(frame.vlan_tag)};
  std::size_t at = append(out, 0, frame.bytes.first(kMacAddresses));
  at = append(out, at, tag);
  return append(out, at, frame.bytes.subspan(kMacAddresses));
}

}  // namespace tidegate
