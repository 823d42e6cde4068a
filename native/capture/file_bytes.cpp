#include "file_bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "socket.hpp"

namespace tidegate {

namespace {
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

/// Zero, or the errno that stopped the reading.
int read_whole(int fd, std::vector<std::byte>& into) {
  for (;;) {
    const std::size_t had = into.size();
    if (had >= kMaxBufferedBytes) return EFBIG;
    into.resize(had + kReadBytes);
    const ssize_t got = ::read(fd, into.data() + had, kReadBytes);
    into.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) return 0;
    if (got < 0 && errno != EINTR) return errno;
  }
}
}  // namespace

Opened<FileBytes> FileBytes::open(const std::string& path) {
  const Socket file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return system_failure(path, errno);
  struct stat about {};
  if (::fstat(file.fd(), &about) != 0) return system_failure(path, errno);

  FileBytes whole;
  if (S_ISREG(about.st_mode)) {
    if (about.st_size == 0) return whole;
    whole.mapping_ = Mapping::of(file.fd(), static_cast<std::size_t>(about.st_size), PROT_READ, MAP_PRIVATE);
    if (!whole.mapping_.is_mapped()) return system_failure("mapping " + path, errno);
    static_cast<void>(::madvise(whole.mapping_.bytes().data(), whole.mapping_.bytes().size(), MADV_SEQUENTIAL));
    return whole;
  }
  if (const int error = read_whole(file.fd(), whole.buffer_); error != 0) return system_failure(path, error);
  return whole;
}

}  // namespace tidegate
