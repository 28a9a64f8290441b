// SPDX-License-Identifier: MIT
// What macOS adds to POSIX: whether a handshake is complete (TCP_CONNECTION_INFO). See <netinet/tcp.h> of its SDK, and
// bsd/netinet/tcp_fsm.h of XNU for the states. It has neither SOCK_CLOEXEC nor MSG_NOSIGNAL nor ppoll(), and
// SO_NOSIGPIPE instead; platform_posix.hpp finds that by itself.
#pragma once

#include <timed_connect/detail/platform_posix.hpp>

namespace tconn {
inline namespace v1 {
namespace detail {

struct macos_platform : posix_platform {
  /// getpeername() says EINVAL, and not ENOTCONN, of a socket that is shut in both directions, as after a RST
  /// (bsd/kern/uipc_syscalls.c of XNU).
  // cppcheck-suppress duplInheritedMember; this is how a system differs from POSIX
  static int name(native_handle handle, name_of which, sockaddr* into, address_length& length) {
    int const error = posix_platform::name(handle, which, into, length);
    return which == name_of::peer && error == EINVAL ? native_error::not_connected : error;
  }

  /// Nothing decides between "in flight" and "complete" here, so what is in flight is not told, as it may be complete a
  /// moment later. All states from ESTABLISHED (4) to TIME_WAIT (10) have been there.
  // cppcheck-suppress duplInheritedMember; this is how a system differs from POSIX
  static int tcp(native_handle handle, tcp_facts& facts) {
    unsigned char info[connection_info_read]{};
    address_length length = sizeof info;
    if (::getsockopt(handle, IPPROTO_TCP, 0x106 /* TCP_CONNECTION_INFO */, info, &length) < 0) return errno;
    facts = tcp_facts{};
    if (length > 0 && info[0] >= 4 && info[0] <= 10) facts.state = tcp_state::established;
    return 0;
  }

  /// Room for all of struct tcp_connection_info, which begins with tcpi_state, a byte.
  static constexpr std::size_t connection_info_read = 256;
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
