// SPDX-License-Identifier: MIT
// A socket of our own that is ready to connect: opened, options applied, hook asked.
#pragma once

#include <timed_connect/options.hpp>
#include <timed_connect/system.hpp>

#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Closes a handle of our own on every way out, an exception of the hook and pthread_cancel included.
template <system_calls System>
struct scoped_handle {
  System& sys;
  native_handle handle = no_handle;

  explicit scoped_handle(System& system) : sys(system) {}
  scoped_handle(scoped_handle const&) = delete;
  scoped_handle& operator=(scoped_handle const&) = delete;
  ~scoped_handle() {
    if (handle != no_handle) sys.close(handle);
  }
  native_handle release() { return std::exchange(handle, no_handle); }
};

/// What a primitive answered to an option: one that the system lacks is our error, all else the system's own.
inline int option_error(int error) {
  return error == native_error::unknown_option ? own_error(errc::invalid_option) : error;
}

template <system_calls System>
int apply(System& sys, native_handle handle, connect_options const& options) {
  if (!sets_up_the_socket(options)) return 0;
  int error = 0;
  auto const set = [&](bool wanted, socket_option option, int value) {
    if (wanted && error == 0) error = sys.set_option(handle, option, value);
  };
  set(options.no_delay, socket_option::no_delay, 1);
  set(options.keep_alive, socket_option::keep_alive, 1);
  set(options.user_timeout.count() != 0, socket_option::user_timeout_ms,
      static_cast<int>(options.user_timeout.count()));
  set(options.syn_count != 0, socket_option::syn_count, options.syn_count);
  set(options.mark.has_value(), socket_option::mark, static_cast<int>(options.mark.value_or(0)));
  if (error == 0 && !options.interface_name.empty()) error = sys.bind_to_interface(handle, options.interface_name);
  if (error == 0 && options.local) error = sys.bind(handle, *options.local);
  return option_error(error);
}

/// Whether the strategy can watch both the socket and what may cancel it.
template <system_calls System>
bool can_wait_on(System& sys, native_handle handle, cancellation const* cancel) {
  return sys.can_wait_on(handle) && (cancel == nullptr || sys.can_wait_on(cancel->native_handle()));
}

inline int ask(connect_hook const& hook, native_handle handle, endpoint const& to) {
  return hook && hook(handle, to) ? own_error(errc::refused_by_hook) : 0;
}

/// A socket that is ready to connect: 0, or why not; then nothing has been sent.
template <system_calls System>
int open_socket(System& sys, native_handle& opened, endpoint const& to, connect_options const& options) {
  native_handle handle = no_handle;
  if (int const error = sys.open(handle, to.family(), options.multipath)) {
    bool const lacks =
        options.multipath && (error == native_error::protocol_not_supported || error == native_error::unknown_option);
    return lacks ? own_error(errc::invalid_option) : error;
  }
  opened = handle;
  if (!can_wait_on(sys, handle, options.cancel)) return own_error(errc::descriptor_too_large);
  if (int const error = apply(sys, handle, options)) return error;
  // A refusal is to be told at once. Where the system does not know the option it comes late, and is right all the same.
  if constexpr (platform::repeats_refused_syns) {
    if (to.is_loopback()) sys.set_option(handle, socket_option::no_syn_retransmits, 1);
  }
  if (int const error = ask(options.before_connect, handle, to)) return error;
  // A hook that leaves the socket blocking must not cost the deadline.
  return options.before_connect ? sys.set_blocking(handle, false) : 0;
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
