// SPDX-License-Identifier: MIT
// What the tests ask of a POSIX system. os_windows.hpp has the same names in the same order.
#pragma once

#include <timed_connect/socket.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <system_error>

namespace support {

/// Of the last call that failed.
inline int last_error() { return errno; }

/// What a call answers to a handle that is none.
inline constexpr int no_such_handle = EBADF;

/// What send() and recv() take as a length.
using byte_count = std::size_t;

/// For send(): no signal where the peer is gone.
#if defined(MSG_NOSIGNAL)
inline constexpr int no_signal = MSG_NOSIGNAL;
#else
inline constexpr int no_signal = 0;
#endif

/// How long a connect on loopback may take to be seen as complete once it was answered.
inline constexpr std::chrono::milliseconds connect_grace{20};

/// Not inherited: from birth where the system can, as other threads may start programs meanwhile.
inline tconn::native_handle open_socket(int family, int type = SOCK_STREAM) {
#if defined(SOCK_CLOEXEC)
  return ::socket(family, type | SOCK_CLOEXEC, 0);
#else
  int const opened = ::socket(family, type, 0);
  ::fcntl(opened, F_SETFD, FD_CLOEXEC);
  return opened;
#endif
}

inline bool has_unix_sockets() { return true; }

inline void close_handle(tconn::native_handle handle) { ::close(handle); }

/// Whether a program that is started has it too.
inline bool is_inherited(tconn::native_handle handle) { return (::fcntl(handle, F_GETFD) & FD_CLOEXEC) == 0; }

/// Whether this is how a handle came, or was given back.
inline bool is_nonblocking(tconn::native_handle handle) { return (::fcntl(handle, F_GETFL) & O_NONBLOCK) != 0; }

/// "number -> what it is" of each handle that this process has open.
inline std::set<std::string> open_handles() {
  namespace fs = std::filesystem;
  std::set<std::string> found;
  std::error_code ignored;
  for (fs::directory_iterator each("/dev/fd", ignored), end; each != end; each.increment(ignored)) {
    auto const number = each->path().filename().string();
    auto const target = fs::read_symlink(each->path(), ignored).string();
    bool const is_the_folder_itself = target.starts_with("/proc/") && target.ends_with("/fd");
    if (!is_the_folder_itself) found.insert(number + " -> " + target);
  }
  return found;
}

/// How many threads this process has; 0 where there is no /proc to tell it.
inline std::ptrdiff_t thread_count() {
  std::error_code ignored;
  return std::distance(std::filesystem::directory_iterator("/proc/self/task", ignored),
                       std::filesystem::directory_iterator());
}

/// While one lives, this process can open no descriptor.
class no_more_descriptors {
 public:
  static constexpr bool is_possible = true;
  no_more_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit const none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  no_more_descriptors(no_more_descriptors const&) = delete;
  no_more_descriptors& operator=(no_more_descriptors const&) = delete;
  ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// The name of the loopback interface in the text of a link-local address.
inline std::string loopback_interface() {
  for (auto const* name : {"lo", "lo0"}) {
    if (::if_nametoindex(name) != 0) return name;
  }
  return "1";
}

}  // namespace support
