// SPDX-License-Identifier: MIT
// The same calls in Winsock 2: one function, one call, WSAGetLastError() as a plain int (0 = fine). Windows 10 1809 and
// later. Link ws2_32. As everywhere, <winsock2.h> or a header of this library comes before a <windows.h> that is not
// lean. <mstcpip.h>, <afunix.h> and <iphlpapi.h> are not included: the few numbers of theirs stand here, they are the
// system's ABI.
#pragma once

#include <timed_connect/detail/platform_types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#pragma push_macro("NOMINMAX")
#pragma push_macro("WIN32_LEAN_AND_MEAN")
#undef NOMINMAX
#undef WIN32_LEAN_AND_MEAN
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#ifndef _WINSOCK2API_
#undef _WINSOCKAPI_  // MinGW's <winsock2.h> copes with an earlier <winsock.h>, but warns of it
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#pragma pop_macro("WIN32_LEAN_AND_MEAN")
#pragma pop_macro("NOMINMAX")

namespace tconn {
inline namespace v1 {

/// The operating system's own name for a socket.
using native_handle = SOCKET;

/// No handle at all.
inline constexpr native_handle no_handle = ~native_handle{0};  // INVALID_SOCKET, which is a cast

/// One of the handles that are waited for: which, for what, and what has come (`revents`). See WSAPoll().
using poll_entry = WSAPOLLFD;

/// The native errors that the logic names. Everything else passes through it unread. They reach the caller in
/// std::system_category(). Microsoft's library compares them equal to their std::errc; those of MinGW and libc++ do
/// not: there WSAECONNREFUSED is not std::errc::connection_refused.
namespace native_error {
inline constexpr int already = WSAEALREADY;
inline constexpr int address_not_available = WSAEADDRNOTAVAIL;
inline constexpr int bad_handle = WSAEBADF;
inline constexpr int connection_aborted = WSAECONNABORTED;
inline constexpr int connection_reset = WSAECONNRESET;
inline constexpr int host_unreachable = WSAEHOSTUNREACH;
inline constexpr int in_progress = WSAEINPROGRESS;  // Windows says WSAEWOULDBLOCK, see connect()
inline constexpr int interrupted = WSAEINTR;
inline constexpr int is_connected = WSAEISCONN;
inline constexpr int not_connected = WSAENOTCONN;
inline constexpr int not_supported = WSAEOPNOTSUPP;
inline constexpr int protocol_not_supported = WSAEPROTONOSUPPORT;
inline constexpr int refused = WSAECONNREFUSED;
inline constexpr int shut_down = WSAESHUTDOWN;
inline constexpr int timed_out = WSAETIMEDOUT;
inline constexpr int try_again = WSAEWOULDBLOCK;
inline constexpr int unknown_option = WSAENOPROTOOPT;
inline constexpr int wrong_family = WSAEAFNOSUPPORT;
inline constexpr int wrong_type = WSAEPROTOTYPE;
}  // namespace native_error

namespace detail {

using address_length = socklen_t;
using address_family = ADDRESS_FAMILY;

/// Winsock's sockaddr has no length in it.
template <class Address>
constexpr void set_length(Address&, std::size_t) {}

struct windows_platform {
  static constexpr std::chrono::nanoseconds longest_wait =
      std::chrono::hours{24};  // Sleep() takes 32 bits of milliseconds
  static constexpr std::chrono::nanoseconds longest_poll = std::chrono::milliseconds{100};  // see poll()
  static constexpr std::size_t path_capacity = 108;                                         // sockaddr_un::sun_path
  static constexpr bool abstract_names = false;
  static constexpr native_handle select_limit =
      no_handle;  // FD_SETSIZE counts sockets here; a number of any size will do

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

  /// A handle that a child process does not inherit. Overlapped, as socket() makes them too.
  static int open(native_handle& opened, int family, bool multipath) {
    if (multipath) return native_error::protocol_not_supported;
    if (int const error = start_up()) return error;
    opened = ::WSASocketW(family, SOCK_STREAM, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (opened == no_handle) return ::WSAGetLastError();
    int const error = set_blocking(opened, false);
    if (error != 0) close(opened);
    return error;
  }

  static void close(native_handle handle) { ::closesocket(handle); }

  /// Windows does not tell the mode of a socket. So it is taken at the caller's word, which is that a borrowed socket
  /// comes in blocking mode, and goes back in it.
  static int blocking(native_handle, bool& is_blocking) {
    is_blocking = true;
    return 0;
  }

  static int set_blocking(native_handle handle, bool blocking) {
    u_long non_blocking = blocking ? 0 : 1;
    return answer(::ioctlsocket(handle, static_cast<long>(FIONBIO), &non_blocking));
  }

  /// WSAENOTSOCK comes from here. getsockname() would not do: it refuses a socket that is not bound (WSAEINVAL).
  static int kind(native_handle handle, int& family, int& type) {
    if (int const error = start_up()) return error;
    WSAPROTOCOL_INFOW info{};
    address_length length = sizeof info;
    int const error =
        answer(::getsockopt(handle, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&info), &length));
    family = info.iAddressFamily;
    type = info.iSocketType;
    return error;
  }

  static int set_int(native_handle handle, int level, int option, int value) {
    return answer(::setsockopt(handle, level, option, reinterpret_cast<char const*>(&value), sizeof value));
  }

  static int set_option(native_handle handle, socket_option option, int value) {
    switch (option) {
      case socket_option::no_delay: return set_int(handle, IPPROTO_TCP, TCP_NODELAY, value);
      case socket_option::keep_alive: return set_int(handle, SOL_SOCKET, SO_KEEPALIVE, value);
      default: return native_error::unknown_option;
    }
  }

  static int bind(native_handle handle, sockaddr const* address, address_length length, bool /*any_port*/) {
    return answer(::bind(handle, address, length));
  }

  static int bind_to_interface(native_handle, char const*, std::size_t) { return native_error::unknown_option; }

  /// "Started" is WSAEWOULDBLOCK in Winsock. It becomes in_progress, so that it cannot be taken for try_again, which
  /// says that nothing was started. A refusal is believed only after the SYN has been repeated, even on loopback: it
  /// takes 1 to 2 s, and a shorter deadline comes first. (SIO_TCP_INITIAL_RTO without retransmissions would avoid
  /// that.)
  static int connect(native_handle handle, sockaddr const* address, address_length length) {
    int const error = answer(::connect(handle, address, length));
    return error == WSAEWOULDBLOCK ? native_error::in_progress : error;
  }

  /// Winsock answers a second connect() with WSAEISCONN, or starts anew.
  static constexpr bool second_connect_proves(int /*family*/) { return false; }

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
      auto& wanted = entry->events == POLLRDNORM ? to_read : to_write;
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
    address_length length = sizeof own;
    int error = answer(::bind(made, name, length));
    if (error == 0) error = answer(::getsockname(made, name, &length));
    if (error == 0) error = answer(::connect(made, name, length));
    if (error != 0) {
      close(made);
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

  static int connect_error(native_handle handle, int& error) {
    address_length length = sizeof error;
    return answer(::getsockopt(handle, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &length));
  }

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

  /// Ends nothing that is still in flight: WSAENOTCONN.
  static int shut(native_handle handle, shut_direction direction) {
    return answer(::shutdown(handle, direction == shut_direction::receive ? SD_RECEIVE : SD_BOTH));
  }

  static int disconnect(native_handle) { return native_error::not_supported; }

  /// Lets the close() that follows send a RST.
  static int reset_on_close(native_handle handle) {
    linger const at_once{1, 0};
    return answer(::setsockopt(handle, SOL_SOCKET, SO_LINGER, reinterpret_cast<char const*>(&at_once), sizeof at_once));
  }

  /// Throws away what the peer has sent, as far as one read goes. Winsock has no MSG_DONTWAIT; the sockets that come
  /// here are our own, and non-blocking.
  static int discard_received(native_handle handle) {
    char scratch[4096];
    int const count = ::recv(handle, scratch, sizeof scratch, 0);
    return count > 0 ? 0 : count == 0 ? native_error::try_again : answer(count);
  }

  static int discard_report(native_handle) { return native_error::not_supported; }

  static int mark_arrivals(native_handle) { return native_error::not_supported; }
  static int has_arrived(native_handle, bool&) { return native_error::not_supported; }

  /// SIO_TCP_INFO, since Windows 10 1703: State and SynRetrans of TCP_INFO_v0, if that much came. No other state than
  /// `established` is told: shutdown() leaves a socket alone that is in SYN_SENT, so giving up has no step that
  /// decides, and what was in flight a moment ago may be established now.
  static int tcp(native_handle handle, tcp_facts& facts) {
    constexpr DWORD tcp_info = 0xd8000027;  // _WSAIORW(IOC_VENDOR, 39)
    constexpr std::size_t syn_retransmits_at = 84;
    DWORD version = 0;
    unsigned char info[88]{};
    DWORD length = 0;
    int const error =
        answer(::WSAIoctl(handle, tcp_info, &version, sizeof version, info, sizeof info, &length, nullptr, nullptr));
    if (error != 0) return error;
    facts = tcp_facts{};
    std::int32_t state = 0;
    std::memcpy(&state, info, sizeof state);
    if (length >= sizeof state && state >= 4 && state <= 10)
      facts.state = tcp_state::established;  // and all that follow it
    if (length > syn_retransmits_at) facts.syn_retransmits = info[syn_retransmits_at];
    return 0;
  }

  /// The names of interfaces are in iphlpapi, which one would have to link for this alone. A number is its own name
  /// here, and whether there is an interface of that number shows when it is used.
  static unsigned interface_by_name(char const*) { return 0; }
  static char const* interface_by_index(unsigned index, char* name) {
    if (index == 0) return nullptr;
    std::snprintf(name, sizeof "4294967295", "%u", index);
    return name;
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
