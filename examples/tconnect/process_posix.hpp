// SPDX-License-Identifier: MIT
// process_windows.hpp has the same names in the same order.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>

namespace tconnect {

/// Without this the first socket could become the standard output of somebody who has closed his: the results would be
/// sent to the server. What stands in for it cannot be written to.
inline void occupy_closed_standard_streams() {
  for (int stream : {0, 1, 2}) {
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF) ::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
  }
}

/// As many as this user may have.
inline void raise_the_limit_of_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

inline bool is_terminal(std::FILE* stream) { return ::isatty(::fileno(stream)) != 0; }

/// A signal handler may call it.
[[noreturn]] inline void end_at_once(int status) { ::_exit(status); }

}  // namespace tconnect
