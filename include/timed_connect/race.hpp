// SPDX-License-Identifier: MIT
// Several endpoints, one connection: the first to connect wins. Paced as Happy Eyeballs is (RFC 8305): families take
// turns, the next attempt begins after a while or as soon as one has failed, and the earlier ones stay alive.
#pragma once

#include <timed_connect/detail/race.hpp>
#include <timed_connect/pending_connection.hpp>

#include <initializer_list>
#include <span>
#include <utility>

namespace tconn {
inline namespace v1 {

/// Connects to whichever of the endpoints answers first: exactly one outcome, a connected socket or a failure. On return
/// no other attempt is left: those that lost are given up by race_options::losers, which a server that had answered sees.
///
/// Order: as given, but IPv6, IPv4 and Unix take turns. The next attempt begins when `stagger` is over, and at once when
/// one has failed; earlier ones stay alive. An endpoint may be given more than once.
///
/// Deadline: as timed_connect(); it bounds the whole. After it nothing begins but the very first attempt.
///
/// Errors: errc::no_endpoints; errc::invalid_option, see race_options; errc::cancelled; errc::deadline_exceeded; when
/// every endpoint has failed before the deadline, the first one's error, or errc::deadline_exceeded if each has used up
/// its own attempt_limit. failure.attempts has every attempt.
///
/// Ownership: the socket belongs to the caller; a failure owns nothing.
///
/// Cost: allocates. Each attempt costs what timed_connect() does, and each wake-up looks at all that have begun: for a
/// handful of addresses, where timed_connect_all() is for thousands.
template <system_calls System = native_system>
basic_connect_result<typename System::owner> timed_connect_any(std::span<endpoint const> to, deadline limit,
                                                               race_options const& options = {}, System sys = {}) {
  using owner = typename System::owner;
  auto const began = sys.now();
  auto const refuse = [&](int error) { return detail::failure<owner>(error, {}, {}, sys.now() - began); };
  if (int const error = detail::check(options)) return refuse(error);
  if (to.empty()) return refuse(detail::own_error(errc::no_endpoints));
  return detail::race<System>(sys, to, began, detail::fixed(limit, began), options).run();
}

/// The same for a braced list.
template <system_calls System = native_system>
basic_connect_result<typename System::owner> timed_connect_any(std::initializer_list<endpoint> to, deadline limit,
                                                               race_options const& options = {}, System sys = {}) {
  return timed_connect_any(std::span<endpoint const>(to.begin(), to.size()), limit, options, std::move(sys));
}

}  // namespace v1
}  // namespace tconn
