#include "interface.hpp"

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

namespace tidegate {

namespace {
constexpr unsigned short kArphrdRawIp = 519;  // ARPHRD_RAWIP of linux/if_arp.h, absent from the C library's list

/// False where the name cannot be an interface's (netdevice(7): at most IFNAMSIZ - 1 bytes).
bool name_request(ifreq& request, std::string_view name) noexcept {
  request = {};
  if (name.empty() || name.size() >= IFNAMSIZ) return false;
  std::ranges::copy(name, request.ifr_name);
  return true;
}
}  // namespace

Opened<Interface> find_interface(const Socket& socket, std::string_view name) {
  const std::string described = "interface " + std::string{name};
  ifreq request;
  if (!name_request(request, name)) return system_failure(described, ENODEV);
  if (::ioctl(socket.fd(), SIOCGIFINDEX, &request) != 0) return system_failure(described, errno);
  const int index = request.ifr_ifindex;
  if (::ioctl(socket.fd(), SIOCGIFHWADDR, &request) != 0) return system_failure(described, errno);
  switch (request.ifr_hwaddr.sa_family) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return Interface{std::string{name}, index, kLinkEthernet};
    case ARPHRD_NONE:
    case ARPHRD_PPP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case kArphrdRawIp:
      return Interface{std::string{name}, index, kLinkRawIp};
    default:
      return system_failure(described + " has hardware type " +
                                std::to_string(request.ifr_hwaddr.sa_family) + ", neither Ethernet nor bare IP,",
                            EPFNOSUPPORT);
  }
}

LinkState link_state(const Socket& socket, const Interface& wanted) noexcept {
  ifreq request;
  if (!name_request(request, wanted.name)) return LinkState::gone;
  if (::ioctl(socket.fd(), SIOCGIFINDEX, &request) != 0) return LinkState::gone;
  if (request.ifr_ifindex != wanted.index) return LinkState::gone;
  if (::ioctl(socket.fd(), SIOCGIFFLAGS, &request) != 0) return LinkState::gone;
  const auto flags = static_cast<unsigned>(static_cast<unsigned short>(request.ifr_flags));
  return (flags & IFF_UP) != 0 ? LinkState::up : LinkState::down;
}

}  // namespace tidegate
