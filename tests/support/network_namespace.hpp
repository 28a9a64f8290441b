// SPDX-License-Identifier: MIT
// Runs a function in a process of its own, with a network namespace of its own whose loopback is up: as root, or
// unprivileged where user namespaces are allowed.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#if defined(TIMED_CONNECT_COVERAGE)
extern "C" void __gcov_dump();  // NOLINT(bugprone-reserved-identifier): the name is libgcov's
#endif

namespace support {

/// Ends a forked child without what its parent has at exit; what it has reached counts all the same.
[[noreturn]] inline void end_child(int status) {
#if defined(TIMED_CONNECT_COVERAGE)
  __gcov_dump();
#endif
  ::_exit(status);
}

inline bool enter_network_namespace() {
  auto const user = ::getuid();
  if (::unshare(CLONE_NEWNET) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  }
  int const any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  bool const is_up = ::ioctl(any, SIOCSIFFLAGS, &loopback) == 0;
  ::close(any);
  return is_up;
}

struct namespace_report {
  bool entered;
  std::string text;  // what the function returned
};

/// The function returns text, empty if all was well. What it does to its process is gone afterwards.
template <class Function>
namespace_report in_a_network_namespace(Function&& function) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  constexpr int not_entered = 77;  // 1 is what a sanitizer ends a process with
  auto const child = ::fork();
  if (child == 0) {
    int status = not_entered;
    if (enter_network_namespace()) {
      auto const text = function();
      status = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 2;
    }
    end_child(status);
  }
  ::close(ends[1]);
  std::string text;
  char bytes[4096];
  for (ssize_t count; (count = ::read(ends[0], bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(count));
  ::close(ends[0]);
  int status = -1;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_entered) return {false, {}};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    text += " [the process ended with status " + std::to_string(status) + ']';
  return {true, text};
}

}  // namespace support
