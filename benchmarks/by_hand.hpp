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
  auto const result = peers::outcome_of(::connect(handle, to.data(), to.size()) == 0 ? 0 : errno);
  ::close(handle);
  return result;
}

using clock = std::chrono::steady_clock;

inline bool is_ready_by(clock::time_point until, int handle) {
  pollfd entry{handle, POLLOUT, 0};
  auto const left = until - clock::now();
  auto const time = to_timespec(left < left.zero() ? left.zero() : left);
  return ::ppoll(&entry, 1, &time, nullptr) == 1;
}

inline int take_error(int handle) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

inline void make_blocking(int handle) {
  int off = 0;
  ::ioctl(handle, FIONBIO, &off);
}

/// Waits for an attempt in flight, and makes its socket a blocking one.
inline outcome finish(int handle, clock::time_point until) {
  if (!is_ready_by(until, handle)) return outcome::timed_out;
  int const error = take_error(handle);
  if (error == 0) make_blocking(handle);
  return peers::outcome_of(error);
}

/// Non-blocking connect(), one ppoll() and SO_ERROR where it is in flight, and back to blocking.
inline outcome poll_loop(tconn::endpoint const& to, std::chrono::microseconds limit) {
  auto const until = clock::now() + limit;
  int const handle = open(to, SOCK_NONBLOCK);
  int const error = ::connect(handle, to.data(), to.size()) == 0 ? 0 : errno;
  if (error == 0) make_blocking(handle);
  auto const result = error == EINPROGRESS ? finish(handle, until) : peers::outcome_of(error);
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
