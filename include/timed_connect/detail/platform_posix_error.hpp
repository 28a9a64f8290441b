// SPDX-License-Identifier: MIT
// The errors of a POSIX system.
#pragma once

#include <timed_connect/detail/config.hpp>

#include <cerrno>
#include <system_error>

namespace tconn {
inline namespace v1 {

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
inline constexpr int network_down = ENETDOWN;
inline constexpr int network_unreachable = ENETUNREACH;
inline constexpr int no_buffer_space = ENOBUFS;
inline constexpr int no_such_path = ENOENT;
inline constexpr int not_connected = ENOTCONN;
inline constexpr int not_enough_memory = ENOMEM;
inline constexpr int not_supported = EOPNOTSUPP;
inline constexpr int protocol_not_supported = EPROTONOSUPPORT;
inline constexpr int refused = ECONNREFUSED;
inline constexpr int shut_down = ESHUTDOWN;
inline constexpr int timed_out = ETIMEDOUT;
inline constexpr int too_many_open = EMFILE;
inline constexpr int too_many_open_in_all = ENFILE;
inline constexpr int try_again = EAGAIN;
inline constexpr int unknown_option = ENOPROTOOPT;
inline constexpr int wrong_family = EAFNOSUPPORT;
inline constexpr int wrong_type = EPROTOTYPE;
}  // namespace native_error

/// The category of native errors, in which they reach the caller.
inline std::error_category const& native_category() noexcept { return std::system_category(); }

}  // namespace v1
}  // namespace tconn
