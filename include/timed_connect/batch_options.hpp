// SPDX-License-Identifier: MIT
// What a caller may choose of a batch, beside the endpoints and the deadline.
#pragma once

#include <timed_connect/connect_failure.hpp>
#include <timed_connect/hook.hpp>
#include <timed_connect/options.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <system_error>
#include <utility>

namespace tconn {
inline namespace v1 {

/// What has become of one endpoint of a batch; told while the others go on.
struct batch_event {
  std::size_t index;                 ///< Its place in the list that was given, and in the results.
  endpoint const& where;             ///< The endpoint itself.
  std::error_code code;              ///< Why there is no connection; none if there is one.
  native_handle connected;           ///< The connected socket, or no_handle. It stays owned by the result.
  attempt_failure const* failure;    ///< All about why there is no connection; null if there is one.
  std::chrono::nanoseconds elapsed;  ///< Since the call began.
  std::size_t told;                  ///< How many have been told, this one among them.
  std::size_t total;                 ///< Of how many.

  /// Takes the socket over, and with it the duty to close it: the result then holds a socket without a descriptor.
  native_handle release() noexcept { return std::exchange(connected, no_handle); }
};

/// Called with every outcome of a batch. See hook.hpp for what it takes.
using batch_hook = hook<void(batch_event&)>;

/// How the attempts of a batch are begun, and told.
struct batch_options {
  /// For every attempt. `keep` is allowed: the results then hold what is still in flight.
  connect_options each{};
  /// How many attempts may be in flight at the same time; 0: as many as there are descriptors.
  std::size_t max_in_flight = 0;
  /// How many attempts may begin in a second, one after another at equal distances; 0: at once. What was missed because
  /// the caller was busy is made up for by no more than 10 ms worth of attempts.
  std::size_t pace = 0;
  /// Addresses to connect from, with port 0: each attempt goes out from the next one of its own family; a family that
  /// has none here is left to the system. One address has some 28,000 ports to each peer. each.local must then be empty.
  std::span<endpoint const> local_addresses{};
  /// Called in the calling thread with every outcome, soon after it is known, connected sockets among them. Those that
  /// the deadline decides are all decided before the first of them is told, and told before any of them is closed (after
  /// a deadline that had passed at the beginning, some 64 at a time). What it takes is taken from the deadline.
  batch_hook on_result{};
};

namespace detail {

/// The error that the options alone show; 0 if they make sense. What `each` says is held against every endpoint.
inline int check(batch_options const& options) {
  for (auto const& local : options.local_addresses) {
    if (!is_inet(local.family()) || local.port() != 0) return own_error(errc::invalid_option);
  }
  bool const has_both = options.each.local && !options.local_addresses.empty();
  return has_both ? own_error(errc::invalid_option) : check(options.each.cancel);
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
