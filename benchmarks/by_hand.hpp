// SPDX-License-Identifier: MIT
// The system calls written by hand, which the library and its peers are measured against.
#pragma once

#include "peers/peer.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>

namespace by_hand {

using peers::outcome;

inline int open(tconn::endpoint const& to, int flags = 0) {
  return ::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
}

inline timespec to_timespec(std::chrono::nanoseconds time) {
  constexpr std::chrono::nanoseconds second = std::chrono::seconds(1);
  return {time / second, (time % second).count()};
}

/// A blocking connect(), which knows no limit.
inline outcome raw(tconn::endpoint const& to, std::chrono::microseconds) {
  int const handle = open(to);
  bool const is_connected = ::connect(handle, to.data(), to.size()) == 0;
  ::close(handle);
  return is_connected ? outcome::connected : outcome::failed;
}

/// Waits for an attempt in flight, and makes its socket a blocking one.
inline outcome finish(int handle, std::chrono::microseconds limit) {
  pollfd entry{handle, POLLOUT, 0};
  auto const time = to_timespec(limit);
  if (::ppoll(&entry, 1, &time, nullptr) != 1) return outcome::timed_out;
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return outcome::failed;
  int non_blocking = 0;
  return ::ioctl(handle, FIONBIO, &non_blocking) == 0 ? outcome::connected : outcome::failed;
}

/// Non-blocking connect(), one ppoll(), SO_ERROR, and back to blocking.
inline outcome poll_loop(tconn::endpoint const& to, std::chrono::microseconds limit) {
  int const handle = open(to, SOCK_NONBLOCK);
  bool const is_started = ::connect(handle, to.data(), to.size()) == 0 || errno == EINPROGRESS;
  auto const result = is_started ? finish(handle, limit) : outcome::failed;
  ::close(handle);
  return result;
}

inline void read_state(int handle) {
  tcp_info state{};
  socklen_t length = sizeof state;
  ::getsockopt(handle, IPPROTO_TCP, TCP_INFO, &state, &length);
}

/// The system calls by which the library gives up what is in flight, and knows what it was.
inline void give_up(int handle) {
  read_state(handle);
  ::shutdown(handle, SHUT_RD);
  read_state(handle);
  sockaddr_in target{};
  socklen_t length = sizeof target;
  ::getsockopt(handle, SOL_SOCKET, SO_PEERNAME, &target, &length);
}

}  // namespace by_hand
