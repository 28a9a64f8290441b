// SPDX-License-Identifier: MIT
// What every part of a POSIX platform speaks of, and how it waits: for sockets, for time, and for an event that is raised
// once. One function, one call, errno as a plain int (0 = fine).
#pragma once

#include <timed_connect/detail/platform_posix_error.hpp>
#include <timed_connect/detail/pthread_cancel.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tconn {
inline namespace v1 {

/// The operating system's own name for a socket.
using native_handle = int;

/// No handle at all.
inline constexpr native_handle no_handle = -1;

/// One of the handles that are waited for: which, for what, and what has come (`revents`). See poll(2).
using poll_entry = ::pollfd;

namespace detail {

inline timespec to_timespec(std::chrono::nanoseconds span) {
  auto const whole = std::chrono::duration_cast<std::chrono::seconds>(span);
  timespec time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(whole.count());
  time.tv_nsec = static_cast<decltype(time.tv_nsec)>((span - whole).count());
  return time;
}

/// What poll() takes: whole milliseconds, rounded up so that the wait is never short, and as many as fit. -1, for ever, for
/// a negative limit.
constexpr int poll_limit_ms(std::chrono::nanoseconds limit) {
  constexpr std::int64_t most = 0x7fffffff;
  auto const up = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  if (limit.count() < 0) return -1;
  return static_cast<int>(up < most ? up : most);
}

/// poll() whose limit has the resolution that the system offers: ppoll's nanoseconds, else milliseconds. A negative limit
/// waits for ever.
template <class Entry>
int poll_entries(Entry* entries, nfds_t count, std::chrono::nanoseconds limit) {
  if constexpr (requires(timespec * time) { ppoll(entries, count, time, nullptr); }) {
    auto const time = to_timespec(limit);
    return ppoll(entries, count, limit.count() < 0 ? nullptr : &time, nullptr);
  } else {
    return poll(entries, count, poll_limit_ms(limit));
  }
}

/// A pipe that no other program inherits, from birth where the system can.
template <class Handle>
int open_pipe(Handle* ends) {
  if constexpr (requires { pipe2(ends, O_CLOEXEC); }) {
    return pipe2(ends, O_CLOEXEC);
  } else {
    if (pipe(ends) != 0) return -1;
    for (int const end : {ends[0], ends[1]}) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    return 0;
  }
}

struct posix_waiting {
  // ppoll takes a time_t of seconds; a year at a time is enough for any of them, as every caller looks at its clock
  // again.
  static constexpr std::chrono::nanoseconds longest_wait = std::chrono::hours{24 * 365};
  static constexpr native_handle select_limit = FD_SETSIZE;

  static int answer(int returned) { return returned < 0 ? errno : 0; }

  /// To wait until a connect is over, whichever way.
  static constexpr poll_entry writable(native_handle handle) { return {handle, POLLOUT, 0}; }
  /// To wait until there is something to read.
  static constexpr poll_entry readable(native_handle handle) { return {handle, POLLIN, 0}; }

  /// Waits until one of the handles has what it is waited for, has failed or is none (0), the limit has passed
  /// (timed_out), or something else happened (the error). Without handles it only waits.
  static int poll(poll_entry* entries, std::size_t count, std::chrono::nanoseconds limit) {
    int const ready = poll_entries(entries, static_cast<nfds_t>(count), limit);
    if (ready < 0) return errno;
    return ready == 0 ? native_error::timed_out : 0;
  }

  /// The same by pselect(), which answers EBADF for what is no handle. They must be below select_limit.
  static int select(poll_entry* entries, std::size_t count, std::chrono::nanoseconds limit) {
    fd_set to_read;
    fd_set to_write;
    fd_set failed;
    FD_ZERO(&to_read);
    FD_ZERO(&to_write);
    FD_ZERO(&failed);
    native_handle highest = no_handle;
    for (poll_entry* entry = entries; entry != entries + count; ++entry) {
      FD_SET(entry->fd, (entry->events & POLLIN) != 0 ? &to_read : &to_write);
      FD_SET(entry->fd, &failed);
      if (entry->fd > highest) highest = entry->fd;
    }
    auto const time = to_timespec(limit);
    int const ready =
        ::pselect(highest + 1, &to_read, &to_write, &failed, limit.count() < 0 ? nullptr : &time, nullptr);
    if (ready < 0) return errno;
    for (poll_entry* entry = entries; entry != entries + count; ++entry) {
      bool const is_ready =
          FD_ISSET(entry->fd, &to_read) || FD_ISSET(entry->fd, &to_write) || FD_ISSET(entry->fd, &failed);
      entry->revents = is_ready ? entry->events : short{0};
    }
    return ready == 0 ? native_error::timed_out : 0;
  }

  /// A queue of what becomes ready, for more sockets than poll() should be given at each wait. POSIX has none.
  static int open_queue(native_handle&) { return native_error::not_supported; }
  static int watch(native_handle /*queue*/, native_handle, std::uint32_t /*token*/) {
    return native_error::not_supported;
  }
  static int take_ready(native_handle /*queue*/, std::uint32_t* /*tokens*/, std::size_t& count) {
    count = 0;
    return native_error::not_supported;
  }

  /// What can be raised once, from anywhere, and is readable from then on: one handle to watch, one to raise, which may
  /// be the same.
  static int open_event(native_handle& watched, native_handle& raised) {
    native_handle ends[2];
    if (int const error = answer(open_pipe(ends))) return error;
    watched = ends[0];
    raised = ends[1];
    return 0;
  }
  static void raise_event(native_handle raised) {
    pthread_cancel_disabled const held;
    int const before = errno;  // for callers that are signal handlers
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const written = ::write(raised, &one, sizeof one);
    errno = before;
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
