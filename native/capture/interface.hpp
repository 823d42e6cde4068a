/// A network interface as capture and sending see it: its index, kind and whether it is up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "captured_frame.hpp"
#include "opened.hpp"
#include "socket.hpp"

namespace tidegate {

enum class LinkState : std::uint8_t { up, down, gone };

struct Interface {
  std::string name;
  int index = 0;
  LinkNumber link = kLinkEthernet;
};

/// Looks up `name` in the network namespace that `socket` was made in.
/// Fails with ENODEV where there is none, and for a link that is neither Ethernet-like nor bare IP.
[[nodiscard]] Opened<Interface> find_interface(const Socket& socket, std::string_view name);

/// 'gone' also when another interface bears the name by now.
[[nodiscard]] LinkState link_state(const Socket& socket, const Interface& wanted) noexcept;

}  // namespace tidegate
