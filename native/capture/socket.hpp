/// A file descriptor that closes itself, and an option setter that takes the value's own size.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace tidegate {

class Socket {
 public:
  Socket() noexcept = default;
  explicit Socket(int fd) noexcept : fd_{fd} {}
  Socket(Socket&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

  /// False with errno set, as setsockopt(2).
  template <class T>
  [[nodiscard]] bool set(int level, int option, const T& value) const noexcept {
    return ::setsockopt(fd_, level, option, &value, sizeof value) == 0;
  }

 private:
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd_ = -1;
};

}  // namespace tidegate
