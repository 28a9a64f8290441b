// SPDX-License-Identifier: MIT
// What a caller may choose, beside the endpoint and the deadline. A plain aggregate for designated initialisers: every
// field has its default, no field ever moves, new ones go last.
#pragma once

#include <timed_connect/cancellation.hpp>
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/endpoint.hpp>
#include <timed_connect/error.hpp>
#include <timed_connect/hook.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace tconn {
inline namespace v1 {

/// What happens to an attempt that is still in flight at the deadline. On the wire the first two differ only once the
/// handshake is complete; before that both are silent, and a SYN-ACK that comes later is answered with RST.
enum class on_timeout {
  close,  ///< FIN: the server's accept() succeeds and its read gives end of file.
  reset,  ///< RST: the server's accept() succeeds and its read gives ECONNRESET.
  keep,   ///< The attempt goes on: connect_failure::pending holds it (a borrowed descriptor stays with its owner).
};

/// The enumerator's name.
constexpr std::string_view to_string(on_timeout how) {
  switch (how) {
    case on_timeout::close: return "close";
    case on_timeout::reset: return "reset";
    case on_timeout::keep: break;
  }
  return "keep";
}

/// Called with a new socket and the address that is about to be dialled; an error vetoes. See hook.hpp for what it takes.
using connect_hook = hook<std::error_code(native_handle, endpoint const&)>;

/// The choices for one connect. A value out of its range, one that makes no sense for the endpoint's family, and one
/// that the system lacks are errc::invalid_option; nothing is ignored in silence.
struct connect_options {
  /// What happens to an attempt that is still in flight at the deadline.
  tconn::on_timeout on_timeout = tconn::on_timeout::close;
  /// When the last look, after the wait has expired, finds the handshake complete: success (true), or give it up by
  /// on_timeout and report deadline_exceeded (false).
  bool accept_late = true;
  /// Hand the connected socket over in non-blocking mode. Saves one system call.
  bool nonblocking = false;
  /// The address and port to connect from; port 0 leaves the port to the system. Same family as the endpoint.
  std::optional<endpoint> local{};
  /// The device to go through, such as "eth0" (Linux: SO_BINDTODEVICE); empty: the route decides. At most 15 bytes.
  std::string_view interface_name{};
  /// The firewall mark (Linux: SO_MARK, needs CAP_NET_ADMIN).
  std::optional<std::uint32_t> mark{};
  /// Switch off Nagle's algorithm (TCP_NODELAY).
  bool no_delay = false;
  /// Probe an idle connection (SO_KEEPALIVE), at the system's intervals.
  bool keep_alive = false;
  /// How long sent data may stay unacknowledged once connected (Linux: TCP_USER_TIMEOUT, RFC 5482). 0: the system's
  /// default; up to 2^31 - 1 ms. No substitute for a deadline: it is looked at only when the SYN is repeated.
  std::chrono::milliseconds user_timeout{0};
  /// How often the kernel repeats the SYN (Linux: TCP_SYNCNT): 1 to 127, 0: the system's default. When they are used up
  /// the attempt fails with ETIMEDOUT, maybe before the deadline.
  int syn_count = 0;
  /// Multipath TCP (Linux: IPPROTO_MPTCP, RFC 8684); the connection falls back to TCP if the peer lacks it.
  bool multipath = false;
  /// Called with every new socket, options applied and not yet connecting, and the address that is about to be dialled.
  /// An error vetoes: nothing is sent, errc::refused_by_hook. The socket is not the hook's to close.
  connect_hook before_connect{};
  /// Ends the call from outside, from any thread. It must outlive the call, and the attempt that the call has kept.
  cancellation const* cancel = nullptr;
};

namespace detail {

/// Whether the enumerator is one, and not a number cast to it.
constexpr bool is_policy(on_timeout how) {
  return how == on_timeout::close || how == on_timeout::reset || how == on_timeout::keep;
}

/// Whether a field is off its default that a socket of any family but IPv4 and IPv6 cannot have.
inline bool asks_for_inet(connect_options const& options) {
  return !options.interface_name.empty() || options.mark || options.no_delay || options.keep_alive ||
         options.user_timeout.count() != 0 || options.syn_count != 0 || options.multipath;
}

/// Whether there is anything to do to a new socket before it connects, beside asking the hook.
inline bool sets_up_the_socket(connect_options const& options) { return options.local || asks_for_inet(options); }

/// Whether every field but those that apply to a borrowed descriptor is at its default.
inline bool fits_borrowed(connect_options const& options) {
  return !sets_up_the_socket(options) && !options.nonblocking;
}

/// The error that the arguments alone show, before any system call; 0 if they make sense together.
inline int check(endpoint const& to, connect_options const& options) {
  if (!to.valid()) return own_error(errc::invalid_endpoint);
  if (!is_policy(options.on_timeout)) return own_error(errc::invalid_option);
  if (!sets_up_the_socket(options)) return check(options.cancel);
  constexpr std::int64_t longest_user_timeout = 0x7fffffff;
  constexpr std::size_t longest_interface_name = 15;  // IFNAMSIZ less its NUL
  bool const good =
      (!asks_for_inet(options) || is_inet(to.family())) && (!options.local || options.local->family() == to.family()) &&
      options.interface_name.size() <= longest_interface_name &&
      options.interface_name.find('\0') == std::string_view::npos && options.user_timeout.count() >= 0 &&
      options.user_timeout.count() <= longest_user_timeout && options.syn_count >= 0 && options.syn_count <= 127;
  return good ? check(options.cancel) : own_error(errc::invalid_option);
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
