// SPDX-License-Identifier: MIT
// The waiting strategies: systems that differ in wait() alone and share their types. Pass one as the last argument:
// timed_connect(to, 1s, {}, tconn::spinning{}).
#pragma once

#include <timed_connect/system.hpp>

namespace tconn {
inline namespace v1 {

namespace detail {

/// What is left of a wait, in the form that the platform's calls take: negative = for ever.
inline std::chrono::nanoseconds left_until(time_point until) {
  if (until == never) return std::chrono::nanoseconds{-1};
  if (until == long_past) return std::chrono::nanoseconds{0};
  time_point const now = std::chrono::steady_clock::now();
  if (until <= now) return std::chrono::nanoseconds{0};
  return until - now < platform::longest_wait ? until - now : platform::longest_wait;
}

}  // namespace detail

/// The System that every entry point uses unless it is given another; the one to derive from. Waits by poll(): any
/// descriptor number, nanoseconds where the system has ppoll(). Wakes up 40 to 400 us late, as timers do.
struct native_system : native_calls {
  /// Waits once by poll(), a year at most.
  int wait(poll_entry* entries, std::size_t count, time_point until) const {
    return detail::platform::poll(entries, count, detail::left_until(until));
  }
};

/// The default strategy by its own name.
using polling = native_system;

/// select(), for programs that must use nothing newer. A descriptor of FD_SETSIZE (1024) or more is refused before
/// anything is sent (errc::descriptor_too_large); by hand it would write past the end of the fd_set.
struct selecting : native_calls {
  /// Waits once by pselect(), a year at most. A pause may have to watch a cancellation that no socket was checked with.
  int wait(poll_entry* entries, std::size_t count, time_point until) const {
    for (std::size_t i = 0; i < count; ++i) {
      if (!can_wait_on(entries[i].fd)) return detail::own_error(errc::descriptor_too_large);
    }
    return detail::platform::select(entries, count, detail::left_until(until));
  }
  /// Whether the descriptor is below FD_SETSIZE.
  static constexpr bool can_wait_on(native_handle handle) {
    return handle != no_handle && handle < detail::platform::select_limit;
  }
};

/// Asks again and again without sleeping: microsecond accuracy, for the price of one core for the whole wait.
struct spinning : native_calls {
  /// Looks once and does not sleep: `interrupted` while there is nothing and the moment has not come.
  int wait(poll_entry* entries, std::size_t count, time_point until) const {
    if (count != 0) {
      int const answer = detail::platform::poll(entries, count, std::chrono::nanoseconds{0});
      if (answer != native_error::timed_out) return answer;
    }
    return now() < until ? native_error::interrupted : native_error::timed_out;
  }
};

}  // namespace v1
}  // namespace tconn
