// SPDX-License-Identifier: MIT
// What every part of the Windows platform speaks of, and how it waits: for sockets, for time, and for an event that is
// raised once. One function, one call, WSAGetLastError() as a plain int (0 = fine).
#pragma once

#include <timed_connect/detail/platform_windows_error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tconn {
inline namespace v1 {

/// The operating system's own name for a socket.
using native_handle = SOCKET;

/// No handle at all.
inline constexpr native_handle no_handle = ~native_handle{0};  // INVALID_SOCKET, which is a cast

/// One of the handles that are waited for: which, for what, and what has come (`revents`). See WSAPoll().
using poll_entry = WSAPOLLFD;

namespace detail {

struct windows_waiting {
  static constexpr std::chrono::nanoseconds longest_wait = std::chrono::hours{24};          // Sleep(): 32 bits of ms
  static constexpr std::chrono::nanoseconds longest_poll = std::chrono::milliseconds{100};  // see poll()
  static constexpr native_handle select_limit = no_handle;  // FD_SETSIZE counts sockets here, of whatever number

  static int answer(int returned) { return returned == SOCKET_ERROR ? ::WSAGetLastError() : 0; }

  /// Winsock wants this before any other call. WSACleanup() is left out on purpose: it would have to come after the
  /// last socket, which nobody here knows, and the end of the process does the same.
  static int start_up() {
    static int const error = [] {
      WSADATA unused;
      return ::WSAStartup(0x0202, &unused);
    }();
    return error;
  }

  /// To wait until a connect is over, whichever way.
  static constexpr poll_entry writable(native_handle handle) { return {handle, POLLWRNORM, 0}; }
  /// To wait until there is something to read.
  static constexpr poll_entry readable(native_handle handle) { return {handle, POLLRDNORM, 0}; }

  /// Waits until one of the handles has what it is waited for, has failed or is none (0), the limit has passed
  /// (timed_out), or something else happened (the error). Without handles it only waits.
  /// Before Windows 10 2004 WSAPoll() never reports that a connect has failed. So no call of it waits for longer than
  /// longest_poll, select() is asked when it has seen nothing, and where there was more to wait for the answer is
  /// `interrupted`: the caller looks at its clock and comes back.
  static int poll(poll_entry* entries, std::size_t count, std::chrono::nanoseconds limit) {
    if (count == 0) return sleep(limit);
    bool const cut = limit.count() < 0 || limit > longest_poll;
    auto const milliseconds = rounded_up<std::chrono::milliseconds>(cut ? longest_poll : limit);
    // POLLERR and POLLHUP come unasked; asking for them is WSAEINVAL.
    int const ready = ::WSAPoll(entries, static_cast<ULONG>(count), static_cast<int>(milliseconds));
    if (ready == SOCKET_ERROR) return ::WSAGetLastError();
    if (ready > 0) return 0;
    int const second_opinion = select(entries, count, std::chrono::nanoseconds{0});
    return cut && second_opinion == native_error::timed_out ? native_error::interrupted : second_opinion;
  }

  /// The same by select(), for any handles. A connect that has failed shows in its third set alone. More handles than a
  /// set holds (FD_SETSIZE, 64) are looked at in groups, and not waited for together: the answer is `interrupted` after
  /// a millisecond.
  static int select(poll_entry* entries, std::size_t count, std::chrono::nanoseconds limit) {
    if (count == 0) return sleep(limit);
    bool const is_one_group = count <= FD_SETSIZE;
    bool is_any_ready = false;
    for (std::size_t first = 0; first < count; first += FD_SETSIZE) {
      auto const left = count - first;
      auto const answer = select_group(entries + first, left < FD_SETSIZE ? left : FD_SETSIZE,
                                       is_one_group ? limit : std::chrono::nanoseconds{0});
      if (answer != 0 && answer != native_error::timed_out) return answer;
      is_any_ready = is_any_ready || answer == 0;
    }
    if (is_any_ready) return 0;
    if (is_one_group || limit.count() == 0) return native_error::timed_out;
    ::Sleep(1);
    return native_error::interrupted;
  }

  static int select_group(poll_entry* entries, std::size_t count, std::chrono::nanoseconds limit) {
    fd_set to_read{};
    fd_set to_write{};
    fd_set failed{};
    for (poll_entry* entry = entries; entry != entries + count; ++entry) {
      auto& wanted = (entry->events & POLLRDNORM) != 0 ? to_read : to_write;
      wanted.fd_array[wanted.fd_count++] = entry->fd;
      failed.fd_array[failed.fd_count++] = entry->fd;
    }
    auto const microseconds = rounded_up<std::chrono::microseconds>(limit);
    timeval time{};
    time.tv_sec = static_cast<long>(microseconds / 1'000'000);
    time.tv_usec = static_cast<long>(microseconds % 1'000'000);
    int const ready = ::select(0, &to_read, &to_write, &failed, limit.count() < 0 ? nullptr : &time);
    if (ready == SOCKET_ERROR) return ::WSAGetLastError();
    for (poll_entry* entry = entries; entry != entries + count; ++entry) {
      bool const is_ready = holds(to_read, entry->fd) || holds(to_write, entry->fd) || holds(failed, entry->fd);
      entry->revents = is_ready ? entry->events : short{0};
    }
    return ready == 0 ? native_error::timed_out : 0;
  }

  static bool holds(fd_set const& set, native_handle handle) {
    for (u_int i = 0; i < set.fd_count; ++i) {
      if (set.fd_array[i] == handle) return true;
    }
    return false;
  }

  /// A queue of what becomes ready, for more sockets than poll() should be given at each wait. Winsock has none.
  static int open_queue(native_handle&) { return native_error::not_supported; }
  static int watch(native_handle /*queue*/, native_handle, std::uint32_t /*token*/) {
    return native_error::not_supported;
  }
  static int take_ready(native_handle /*queue*/, std::uint32_t* /*tokens*/, std::size_t& count) {
    count = 0;
    return native_error::not_supported;
  }

  /// What can be raised once, from anywhere, and is readable from then on: a datagram socket that sends to itself, as
  /// WSAPoll() watches nothing but sockets.
  static int open_event(native_handle& watched, native_handle& raised) {
    if (int const error = start_up()) return error;
    native_handle const made =
        ::WSASocketW(AF_INET, SOCK_DGRAM, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (made == no_handle) return ::WSAGetLastError();
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const name = reinterpret_cast<sockaddr*>(&own);
    int length = sizeof own;
    int error = answer(::bind(made, name, length));
    if (error == 0) error = answer(::getsockname(made, name, &length));
    if (error == 0) error = answer(::connect(made, name, length));
    if (error != 0) {
      ::closesocket(made);
      return error;
    }
    watched = raised = made;
    return 0;
  }
  static void raise_event(native_handle raised) {
    char const something = 1;
    ::send(raised, &something, sizeof something, 0);
  }

  /// Neither WSAPoll() nor select() waits without a socket (WSAEINVAL). Nothing but time ends a Sleep().
  static int sleep(std::chrono::nanoseconds limit) {
    bool const cut = limit.count() < 0 || limit > longest_wait;
    ::Sleep(static_cast<DWORD>(rounded_up<std::chrono::milliseconds>(cut ? longest_wait : limit)));
    return cut ? native_error::interrupted : native_error::timed_out;
  }

  /// Whole units, rounded up so that the wait is never short.
  template <class Unit>
  static std::int64_t rounded_up(std::chrono::nanoseconds limit) {
    return std::chrono::ceil<Unit>(limit).count();
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
