// SPDX-License-Identifier: MIT
// The same calls in Winsock 2: one function, one call, WSAGetLastError() as a plain int (0 = fine). Windows 10 1809 and
// later. Link ws2_32. <mstcpip.h>, <afunix.h> and <iphlpapi.h> are not included: the few numbers of theirs stand here,
// they are the system's ABI.
#pragma once

#include <timed_connect/detail/platform_types.hpp>
#include <timed_connect/detail/platform_windows_wait.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

namespace tconn {
inline namespace v1 {
namespace detail {

using address_length = socklen_t;
using address_family = ADDRESS_FAMILY;

/// Winsock's sockaddr has no length in it.
template <class Address>
constexpr void set_length(Address&, std::size_t) {}

/// The numbers of getaddrinfo() that the logic names; none says that the reason is elsewhere.
namespace lookup_error {
inline constexpr int failed = WSANO_RECOVERY;
inline constexpr int in_errno = -1;
inline constexpr int no_memory = WSA_NOT_ENOUGH_MEMORY;
inline constexpr int no_data = WSANO_DATA;
inline constexpr int no_name = WSAHOST_NOT_FOUND;
inline constexpr int no_service = WSATYPE_NOT_FOUND;
inline constexpr int try_again = WSATRY_AGAIN;
}  // namespace lookup_error

struct windows_platform : windows_waiting {
  static constexpr std::size_t path_capacity = 108;  // sockaddr_un::sun_path
  static constexpr bool abstract_names = false;
  static constexpr bool repeats_refused_syns = true;

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
      case socket_option::no_syn_retransmits: return stop_syn_retransmits(handle);
      default: return native_error::unknown_option;
    }
  }

  /// SIO_TCP_INITIAL_RTO with TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS, since Windows 10 1709.
  static int stop_syn_retransmits(native_handle handle) {
    constexpr DWORD initial_rto = 0x98000011;  // _WSAIOW(IOC_VENDOR, 17)
    struct {
      unsigned short rtt = 0xffff;  // TCP_INITIAL_RTO_UNSPECIFIED_RTT: as it is
      unsigned char max_syn_retransmissions = 0xfe;
    } asked;
    DWORD length = 0;
    return answer(::WSAIoctl(handle, initial_rto, &asked, sizeof asked, nullptr, 0, &length, nullptr, nullptr));
  }

  static int bind(native_handle handle, sockaddr const* address, address_length length, bool /*any_port*/) {
    return answer(::bind(handle, address, length));
  }

  static int bind_to_interface(native_handle, char const*, std::size_t) { return native_error::unknown_option; }

  /// "Started" is WSAEWOULDBLOCK in Winsock. It becomes in_progress, so that it cannot be taken for try_again, which
  /// says that nothing was started. A refusal is believed only after the SYN has been repeated: it takes 1 to 2 s, and a
  /// shorter deadline comes first; on loopback see stop_syn_retransmits().
  static int connect(native_handle handle, sockaddr const* address, address_length length) {
    int const error = answer(::connect(handle, address, length));
    return error == WSAEWOULDBLOCK ? native_error::in_progress : error;
  }

  /// Winsock answers a second connect() with WSAEISCONN, or starts anew.
  static constexpr bool second_connect_proves(int /*family*/) { return false; }

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

  /// Ends nothing that is still in flight: WSAENOTCONN. The receiving direction is never shut: it decides nothing here,
  /// and TCP resets the connection then if anything has come or comes (documentation of shutdown()).
  static int shut(native_handle handle, shut_direction direction) {
    if (direction == shut_direction::receive) return native_error::not_supported;
    return answer(::shutdown(handle, SD_SEND));
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

  // What follows, to the next rule, is for the servers of testing/ alone.

  static int listen(native_handle handle, int backlog) { return answer(::listen(handle, backlog)); }

  /// The next connection, in blocking mode; try_again where a non-blocking listener has none.
  static int accept(native_handle from, native_handle& accepted) {
    accepted = ::accept(from, nullptr, nullptr);
    return accepted == no_handle ? ::WSAGetLastError() : set_blocking(accepted, true);
  }

  /// Reads once: `count` is how much fits, and then how much came; 0 at the end.
  static int receive(native_handle handle, char* buffer, std::size_t& count) {
    int const received = ::recv(handle, buffer, static_cast<int>(count), 0);
    count = received < 0 ? 0 : static_cast<std::size_t>(received);
    return answer(received);
  }

  /// Sends once: `count` is how much there is, and then how much went.
  static int send(native_handle handle, char const* bytes, std::size_t& count) {
    int const sent = ::send(handle, bytes, static_cast<int>(count), 0);
    count = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    return answer(sent);
  }

  /// bind() minds no TIME_WAIT here, and SO_REUSEADDR would take an address that is somebody else's.
  static int reuse_address(native_handle) { return 0; }

  static int set_deaf(native_handle, bool /*deaf*/) { return native_error::not_supported; }
  static int share_port(native_handle) { return native_error::not_supported; }

  // ----

  /// The names of interfaces are in iphlpapi, which one would have to link for this alone. A number is its own name
  /// here, and whether there is an interface of that number shows when it is used.
  static unsigned interface_by_name(char const*) { return 0; }
  static char const* interface_by_index(unsigned index, char* name) {
    if (index == 0) return nullptr;
    std::snprintf(name, sizeof "4294967295", "%u", index);
    return name;
  }

  /// There is no such thing as pthread_cancel().
  struct cancel_held {
    cancel_held() noexcept {}
  };

  /// The addresses of a name for stream sockets, in the order in which they are to be tried, or of numeric text alone,
  /// for which nobody is asked: 0, or one of getaddrinfo()'s own numbers, which are the system's. The name is in the
  /// code page of the process.
  static int look_up(char const* name, char const* service, bool numeric, addrinfo*& found) {
    if (int const error = start_up()) return error;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = numeric ? AI_NUMERICHOST | AI_NUMERICSERV : 0;
    return ::getaddrinfo(name, service, &hints, &found);
  }
  static void free_found(addrinfo* found) { ::freeaddrinfo(found); }
  /// gai_strerror() has one buffer for all threads.
  static std::string lookup_message(int error) { return native_category().message(error); }

  /// Runs a function in a thread of its own, which nobody waits for.
  template <void (*run)(void*)>
  static int start_thread(void* argument) {
    HANDLE const started = ::CreateThread(nullptr, 0, &thread_main<run>, argument, 0, nullptr);
    if (started == nullptr) return static_cast<int>(::GetLastError());
    ::CloseHandle(started);
    return 0;
  }
  template <void (*run)(void*)>
  static DWORD WINAPI thread_main(void* argument) {
    run(argument);
    return 0;
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
