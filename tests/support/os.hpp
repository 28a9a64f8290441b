// SPDX-License-Identifier: MIT
// What the tests ask of the operating system, beyond what has the same name everywhere.
#pragma once

#if defined(_WIN32)
#include "support/os_windows.hpp"
#else
#include "support/os_posix.hpp"
#endif

#include <timed_connect/detail/platform.hpp>

#include <cstdlib>
#include <stdexcept>

namespace support {

/// Only Linux has abstract names.
inline constexpr bool is_linux = tconn::detail::platform::abstract_names;

/// Whether the system tells what giving up has left behind. Linux does; but an emulator that makes the system calls of
/// another processor passes few options on (qemu-user 7.2: neither SO_PEERNAME nor SO_INCOMING_CPU nor IPPROTO_MPTCP, and
/// 4 bytes of TCP_INFO, in which a big-endian processor finds nothing). A socket that is on its way to nobody has no such name: not_connected.
inline bool tells_what_is_left() {
  static bool const does = [] {
    auto const fresh = open_socket(AF_INET);
    sockaddr_in target{};
    tconn::detail::address_length length = sizeof target;
    int const answer =
        tconn::detail::platform::name(fresh, tconn::name_of::target, reinterpret_cast<sockaddr*>(&target), length);
    close_handle(fresh);
    bool const tells = answer == tconn::native_error::not_connected;
    // The library itself is asked here, so where no emulator is at work nobody is to believe a no.
    if (!tells && is_linux && std::getenv("TIMED_CONNECT_NATIVE") != nullptr)
      throw std::runtime_error("SO_PEERNAME is not told, and no emulator is at work");
    return tells;
  }();
  return does;
}

/// Why a test is skipped that needs that.
inline constexpr char const* needs_a_kernel = "the system calls are made by an emulator that does not know all of them";

}  // namespace support
