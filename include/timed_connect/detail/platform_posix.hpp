// SPDX-License-Identifier: MIT
// The system calls of any POSIX system: one function, one call, errno as a plain int (0 = fine). No loops, no policy.
// What differs between systems is found by feature tests, each with a way out that works; docs/platforms.md has the
// quirks. <netinet/tcp.h>, <sys/un.h> and <net/if.h> are not included: they quarrel with their <linux/...> twins, which
// a program may include as well.
#pragma once

#include <timed_connect/detail/platform_types.hpp>
#include <timed_connect/detail/pthread_cancel.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>

#ifdef __THROW  // glibc declares these two without exceptions; a second declaration must say the same
extern "C" unsigned int if_nametoindex(char const*) __THROW;
extern "C" char* if_indextoname(unsigned int, char*) __THROW;
#else
extern "C" unsigned int if_nametoindex(char const*);
extern "C" char* if_indextoname(unsigned int, char*);
#endif

namespace tconn {
inline namespace v1 {

/// The operating system's own name for a socket.
using native_handle = int;

/// No handle at all.
inline constexpr native_handle no_handle = -1;

/// One of the handles that are waited for: which, for what, and what has come (`revents`). See poll(2).
using poll_entry = ::pollfd;

/// The native errors that the logic names. Everything else passes through it unread.
namespace native_error {
inline constexpr int already = EALREADY;
inline constexpr int address_not_available = EADDRNOTAVAIL;
inline constexpr int bad_handle = EBADF;
inline constexpr int connection_aborted = ECONNABORTED;
inline constexpr int connection_reset = ECONNRESET;
inline constexpr int host_unreachable = EHOSTUNREACH;
inline constexpr int in_progress = EINPROGRESS;
inline constexpr int interrupted = EINTR;
inline constexpr int is_connected = EISCONN;
inline constexpr int not_connected = ENOTCONN;
inline constexpr int not_supported = EOPNOTSUPP;
inline constexpr int protocol_not_supported = EPROTONOSUPPORT;
inline constexpr int refused = ECONNREFUSED;
inline constexpr int shut_down = ESHUTDOWN;
inline constexpr int timed_out = ETIMEDOUT;
inline constexpr int try_again = EAGAIN;
inline constexpr int unknown_option = ENOPROTOOPT;
inline constexpr int wrong_family = EAFNOSUPPORT;
inline constexpr int wrong_type = EPROTOTYPE;
}  // namespace native_error

namespace detail {

using address_length = socklen_t;
using address_family = sa_family_t;

/// BSD's sockaddr begins with its length.
template <class Address>
concept carries_its_length = requires(Address& address) {
  address.sa_len;
};

template <class Address>
constexpr void set_length(Address& address, std::size_t length) {
  if constexpr (carries_its_length<Address>) address.sa_len = static_cast<decltype(address.sa_len)>(length);
}

inline timespec to_timespec(std::chrono::nanoseconds span) {
  auto const whole = std::chrono::duration_cast<std::chrono::seconds>(span);
  timespec time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(whole.count());
  time.tv_nsec = static_cast<decltype(time.tv_nsec)>((span - whole).count());
  return time;
}

/// poll() whose limit has the resolution that the system offers: ppoll's nanoseconds, else whole milliseconds, rounded
/// up so that the wait is never short. A negative limit waits for ever.
template <class Entry>
int poll_entries(Entry* entries, nfds_t count, std::chrono::nanoseconds limit) {
  if constexpr (requires(timespec * time) { ppoll(entries, count, time, nullptr); }) {
    auto const time = to_timespec(limit);
    return ppoll(entries, count, limit.count() < 0 ? nullptr : &time, nullptr);
  } else {
    constexpr std::int64_t most = 0x7fffffff;
    auto const up = (limit.count() + 999'999) / 1'000'000;
    return poll(entries, count, limit.count() < 0 ? -1 : static_cast<int>(up < most ? up : most));
  }
}

struct posix_platform {
  // ppoll takes a time_t of seconds; a year at a time is enough for any of them, as every caller looks at its clock
  // again.
  static constexpr std::chrono::nanoseconds longest_wait = std::chrono::hours{24 * 365};
  static constexpr std::size_t path_capacity = carries_its_length<sockaddr> ? 104 : 108;  // sockaddr_un::sun_path
  static constexpr bool abstract_names = false;
  static constexpr native_handle select_limit = FD_SETSIZE;

  static int answer(int returned) { return returned < 0 ? errno : 0; }

  static int open(native_handle& opened, int family, bool multipath) {
    if (multipath) return native_error::protocol_not_supported;
    return open_protocol(opened, family, 0);
  }

  static int open_protocol(native_handle& opened, int family, int protocol) {
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    opened = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
#else
    opened = ::socket(family, SOCK_STREAM, protocol);
    if (opened >= 0) ::fcntl(opened, F_SETFD, FD_CLOEXEC), set_blocking(opened, false);
#endif
#ifdef SO_NOSIGPIPE
    if (opened >= 0) set_int(opened, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    return answer(opened);
  }

  static void close(native_handle handle) {
    pthread_cancel_disabled const held;
    ::close(handle);
  }

  static int blocking(native_handle handle, bool& is_blocking) {
    int const flags = ::fcntl(handle, F_GETFL);
    is_blocking = flags >= 0 && (flags & O_NONBLOCK) == 0;
    return answer(flags);
  }

  static int set_blocking(native_handle handle, bool blocking) {
    int non_blocking = blocking ? 0 : 1;
    return answer(::ioctl(handle, FIONBIO, &non_blocking));
  }

  /// EBADF and ENOTSOCK come from here. Systems without SO_DOMAIN tell the family by the socket's own name.
  static int kind(native_handle handle, int& family, int& type) {
#ifdef SO_DOMAIN
    if (int const error = get_int(handle, SOL_SOCKET, SO_DOMAIN, family)) return error;
#else
    sockaddr_storage own{};
    address_length length = sizeof own;
    if (int const error = answer(::getsockname(handle, reinterpret_cast<sockaddr*>(&own), &length))) return error;
    family = own.ss_family;
#endif
    return get_int(handle, SOL_SOCKET, SO_TYPE, type);
  }

  static int set_int(native_handle handle, int level, int option, int value) {
    return answer(::setsockopt(handle, level, option, &value, sizeof value));
  }

  static int get_int(native_handle handle, int level, int option, int& value) {
    address_length length = sizeof value;
    return answer(::getsockopt(handle, level, option, &value, &length));
  }

  static int set_option(native_handle handle, socket_option option, int value) {
    switch (option) {
      case socket_option::no_delay: return set_int(handle, IPPROTO_TCP, 1 /* TCP_NODELAY, everywhere */, value);
      case socket_option::keep_alive: return set_int(handle, SOL_SOCKET, SO_KEEPALIVE, value);
      default: return native_error::unknown_option;
    }
  }

  static int bind(native_handle handle, sockaddr const* address, address_length length, bool /*any_port*/) {
    return answer(::bind(handle, address, length));
  }

  static int bind_to_interface(native_handle, char const*, std::size_t) { return native_error::unknown_option; }

  static int connect(native_handle handle, sockaddr const* address, address_length length) {
    return answer(::connect(handle, address, length));
  }

  /// True where a second connect() that answers 0 after the first said EINPROGRESS proves that the handshake is
  /// complete.
  static constexpr bool second_connect_proves(int /*family*/) { return false; }

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

  /// What can be raised once, from anywhere, and is readable from then on: one handle to watch, one to raise, which may
  /// be the same.
  static int open_event(native_handle& watched, native_handle& raised) {
    native_handle ends[2];
    if (int const error = answer(::pipe(ends))) return error;
    for (native_handle const end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
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

  /// Reads SO_ERROR, and so clears it. Solaris answers with the error itself instead of a value.
  static int connect_error(native_handle handle, int& error) { return get_int(handle, SOL_SOCKET, SO_ERROR, error); }

  /// The port stands at the same place in the names of both families.
  static int local_port(native_handle handle, std::uint16_t& port) {
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    sockaddr_in6 own{};
    address_length length = sizeof own;
    int const error = answer(::getsockname(handle, reinterpret_cast<sockaddr*>(&own), &length));
    port = ntohs(own.sin6_port);
    return error;
  }

  static int name(native_handle handle, name_of which, sockaddr* address, address_length& length) {
    switch (which) {
      case name_of::local: return answer(::getsockname(handle, address, &length));
      case name_of::peer: return answer(::getpeername(handle, address, &length));
      default: return native_error::not_supported;
    }
  }

  static int shut(native_handle handle, shut_direction direction) {
    return answer(::shutdown(handle, direction == shut_direction::receive ? SHUT_RD : SHUT_RDWR));
  }

  /// POSIX leaves open whether a connect() to AF_UNSPEC disconnects a stream socket.
  static int disconnect(native_handle) { return native_error::not_supported; }

  /// Lets the close() that follows send a RST.
  static int reset_on_close(native_handle handle) {
    linger const at_once{1, 0};
    return answer(::setsockopt(handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  }

  /// Throws away what the peer has sent, a buffer at a time: 0 if there was something.
  static int discard_received(native_handle handle) {
    pthread_cancel_disabled const held;
    char scratch[4096];
    auto const count = ::recv(handle, scratch, sizeof scratch, MSG_DONTWAIT);
    if (count < 0) return errno;
    return count > 0 ? 0 : native_error::try_again;
  }

  static int discard_report(native_handle) { return native_error::not_supported; }

  static int mark_arrivals(native_handle) { return native_error::not_supported; }
  static int has_arrived(native_handle, bool&) { return native_error::not_supported; }

  static int tcp(native_handle, tcp_facts&) { return native_error::unknown_option; }

  /// The number of an interface, 0 if there is none of that name; and its name, a null pointer if there is none of that
  /// number.
  static unsigned interface_by_name(char const* name) { return ::if_nametoindex(name); }
  static char const* interface_by_index(unsigned index, char* name) { return ::if_indextoname(index, name); }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
