/// A pair of virtual interfaces in a network namespace of its own: what is sent out of `near` arrives at `far`.
///
/// The namespace belongs to one thread, so the kernel removes it, and the pair with it, when the thread
/// ends, however it ends.
#pragma once

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

#include "check.hpp"

namespace tidegate::check {

inline constexpr const char* kNear = "near0";
inline constexpr const char* kFar = "far0";

/// Runs a command in this thread's namespace; false when it fails.
inline bool shell(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

inline void make_pair() {
  if (::geteuid() != 0) SKIP("needs root to make a network namespace");
  if (::unshare(CLONE_NEWNET) != 0) SKIP("this system gives no network namespace");
  // Without it the kernel itself sends neighbour discovery on the pair.
  REQUIRE(shell("echo 1 | tee /proc/sys/net/ipv6/conf/all/disable_ipv6 /proc/sys/net/ipv6/conf/default/disable_ipv6"));
  if (!shell("ip link add near0 mtu 9000 type veth peer name far0 mtu 9000")) SKIP("no ip command, or no veth");
  REQUIRE(shell("ip link set near0 up && ip link set far0 up"));
}

/// Runs `body` in a new namespace with the pair in it, both ends up.
template <class Body>
void with_veth_pair(Body body) {
  std::exception_ptr failure;
  std::thread inside{[&] {
    try {
      make_pair();
      body();
    } catch (...) {
      failure = std::current_exception();
    }
  }};
  inside.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tidegate::check
