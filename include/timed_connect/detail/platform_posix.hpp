// SPDX-License-Identifier: MIT
// The system calls of any POSIX system: one function, one call, errno as a plain int (0 = fine). No loops, no policy.
// What differs between systems is found by feature tests, each with a way out that works; docs/platforms.md has the
// quirks. <netinet/tcp.h>, <sys/un.h> and <net/if.h> are not included: they quarrel with their <linux/...> twins, which
// a program may include as well.
#pragma once

#include <timed_connect/detail/platform_posix_wait.hpp>
#include <timed_connect/detail/platform_types.hpp>
#include <timed_connect/detail/pthread_cancel.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cerrno>
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

/// The numbers of getaddrinfo() that the logic names; `in_errno` says that errno has the reason.
namespace lookup_error {
inline constexpr int failed = EAI_FAIL;
inline constexpr int in_errno = EAI_SYSTEM;
inline constexpr int no_memory = EAI_MEMORY;
#if defined(EAI_NODATA)
inline constexpr int no_data = EAI_NODATA;
#else
inline constexpr int no_data = EAI_NONAME;
#endif
inline constexpr int no_name = EAI_NONAME;
inline constexpr int no_service = EAI_SERVICE;
inline constexpr int try_again = EAI_AGAIN;
}  // namespace lookup_error

struct posix_platform : posix_waiting {
  static constexpr std::size_t path_capacity = carries_its_length<sockaddr> ? 104 : 108;  // sockaddr_un::sun_path
  static constexpr bool abstract_names = false;
  static constexpr bool repeats_refused_syns = false;
#ifdef MSG_NOSIGNAL
  static constexpr int quiet_send = MSG_NOSIGNAL;  // for send(): no SIGPIPE
#else
  static constexpr int quiet_send = 0;  // SO_NOSIGPIPE says so from birth, see below
#endif

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

  // What follows, to the next rule, is for the servers of testing/ alone.

  static int listen(native_handle handle, int backlog) { return answer(::listen(handle, backlog)); }

  /// The next connection, close-on-exec and in blocking mode; try_again where a non-blocking listener has none.
  static int accept(native_handle from, native_handle& accepted) {
#if defined(SOCK_CLOEXEC)
    accepted = ::accept4(from, nullptr, nullptr, SOCK_CLOEXEC);
#else
    accepted = ::accept(from, nullptr, nullptr);
    if (accepted >= 0) ::fcntl(accepted, F_SETFD, FD_CLOEXEC), set_blocking(accepted, true);
#endif
#ifdef SO_NOSIGPIPE
    if (accepted >= 0) set_int(accepted, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    return answer(accepted);
  }

  /// Reads once: `count` is how much fits, and then how much came; 0 at the end.
  static int receive(native_handle handle, char* buffer, std::size_t& count) {
    auto const received = ::recv(handle, buffer, count, 0);
    count = received < 0 ? 0 : static_cast<std::size_t>(received);
    return received < 0 ? errno : 0;
  }

  /// Sends once, without a signal where the peer is gone: `count` is how much there is, and then how much went.
  static int send(native_handle handle, char const* bytes, std::size_t& count) {
    auto const sent = ::send(handle, bytes, count, quiet_send);
    count = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    return sent < 0 ? errno : 0;
  }

  /// Lets bind() have an address at which connections of an earlier server are still in TIME_WAIT.
  static int reuse_address(native_handle handle) { return set_int(handle, SOL_SOCKET, SO_REUSEADDR, 1); }

  /// A socket that hears nothing of what is sent to it, and one that shares its port: no POSIX system need have them.
  static int set_deaf(native_handle, bool /*deaf*/) { return native_error::not_supported; }
  static int share_port(native_handle) { return native_error::not_supported; }

  // ----

  /// The number of an interface, 0 if there is none of that name; and its name, a null pointer if there is none of that
  /// number.
  static unsigned interface_by_name(char const* name) { return ::if_nametoindex(name); }
  static char const* interface_by_index(unsigned index, char* name) { return ::if_indextoname(index, name); }

  /// While one lives, pthread_cancel() does not act.
  using cancel_held = pthread_cancel_disabled;

  /// The addresses of a name for stream sockets, in the order in which they are to be tried, or of numeric text alone,
  /// for which nobody is asked: 0, or one of getaddrinfo()'s own numbers. AI_ADDRCONFIG stays off: without a network it
  /// would hide even "localhost".
  static int look_up(char const* name, char const* service, bool numeric, addrinfo*& found) {
    pthread_cancel_disabled const held;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = numeric ? AI_NUMERICHOST | AI_NUMERICSERV : 0;
    return ::getaddrinfo(name, service, &hints, &found);
  }
  static void free_found(addrinfo* found) { ::freeaddrinfo(found); }
  static char const* lookup_message(int error) { return ::gai_strerror(error); }

  /// Runs a function in a thread of its own, which nobody joins and no signal comes to.
  template <void (*run)(void*)>
  static int start_thread(void* argument) {
    pthread_attr_t detached;
    if (int const error = ::pthread_attr_init(&detached)) return error;
    ::pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t started{};
    auto const body = [](void* given) -> void* { return run(given), nullptr; };
    int const error = ::pthread_create(&started, &detached, body, argument);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&detached);
    return error;
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
