// SPDX-License-Identifier: MIT
// Names under a deadline: the lookup and all attempts share one budget, and a cancellation ends either. Most programs
// that set a timeout for connecting leave the lookup out of it, and then wait half a minute for a silent name server.
// This header needs threads, so timed_connect.hpp does not have it: link Threads::Threads where the system asks for it.
#pragma once

#include <timed_connect/detail/race.hpp>
#include <timed_connect/detail/system_lookup.hpp>
#include <timed_connect/pending_connection.hpp>
#include <timed_connect/resolver.hpp>
#include <timed_connect/retry.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {

/// getaddrinfo(), the default: whatever the system is set up to ask, in a thread for each lookup.
///
/// Nothing can end a getaddrinfo(). At the deadline, and when it is cancelled, the lookup is abandoned: its thread goes
/// on until the system's own limits (5 s a server and try with glibc), and then frees what it has. While 16 such threads
/// are at work in the process no other lookup begins; calls that were looking up already may still add theirs.
///
/// Errors: errc::resolver_busy; EMFILE and the like for the event; EAGAIN when no thread can be started; what
/// getaddrinfo() says, in resolve_category().
///
/// Cost: a thread and an event's descriptor for each lookup. All signals are blocked in the thread.
class system_resolver {
 public:
  /// Begins a lookup; see name_resolver.
  result<detail::system_lookup> start(host const& who) const {
    auto const begun = detail::lookup_job::start(who);
    if (!begun) return begun.error();
    return detail::system_lookup(*begun);
  }
};

namespace detail {

/// Waits for a lookup. At the deadline there is a last look, as there is at a connect.
template <system_calls System, name_lookup Lookup>
found_endpoints await(System& sys, Lookup& lookup, time_point until, cancellation const* cancel) {
  auto const can_wait = [&](poll_entry const& one) { return sys.can_wait_on(one.fd); };
  std::vector<poll_entry> entries;
  for (;;) {
    entries.clear();
    lookup.watch(entries);
    std::size_t const own = entries.size();
    if (cancel != nullptr) entries.push_back(platform::readable(cancel->native_handle()));
    if (!std::all_of(entries.begin(), entries.end(), can_wait)) return errc::descriptor_too_large;
    auto const now = sys.now();
    bool const is_last = now >= until;
    int const woken = sys.wait(entries.data(), entries.size(), earlier(until, lookup.wakes_at(now)));
    if (!is_woken(woken)) return code_of(woken);
    if (woken != 0) {
      for (auto& entry : entries) entry.revents = 0;
    }
    if (cancel != nullptr && entries.back().revents != 0) return errc::cancelled;
    if (auto answer = lookup.step(std::span<poll_entry const>(entries).first(own))) return *std::move(answer);
    if (is_last) return errc::deadline_exceeded;
  }
}

/// The addresses of a host; at least one, or an error.
template <system_calls System, name_resolver Resolver>
found_endpoints resolve(System& sys, Resolver& resolver, host const& who, time_point until,
                        cancellation const* cancel) {
  if (auto numeric = numeric_endpoints(who)) return *std::move(numeric);
  auto lookup = resolver.start(who);
  if (!lookup) return lookup.error();
  auto found = await(sys, *lookup, until, cancel);
  if (found && found->empty()) return errc::no_endpoints;
  return found;
}

/// One lookup and one race, between two moments.
template <system_calls System, name_resolver Resolver>
basic_connect_result<typename System::owner> connect_to_host(System& sys, Resolver& resolver, host const& who,
                                                             time_point began, time_point until,
                                                             race_options const& options) {
  auto const found = resolve(sys, resolver, who, until, options.each.cancel);
  if (found) return race<System>(sys, *found, began, until, options).run();
  basic_connect_failure<typename System::owner> failed;
  failed.code = found.error();
  failed.elapsed = sys.now() - began;
  return failed;
}

/// Whether a lookup's error may pass while a server, or the network, comes up: its name may not be there yet.
inline bool lookup_may_pass(std::error_code const& code) {
  bool const is_not_there = code.value() == lookup_error::no_name || code.value() == lookup_error::no_data ||
                            code.value() == lookup_error::try_again;
  return (code.category() == resolve_category() && is_not_there) || code == errc::no_endpoints ||
         code == errc::resolver_busy;
}

}  // namespace detail

/// The addresses of a host, in the resolver's order: at least one, or an error. A cancellation may be null.
///
/// Deadline, errors and cost: as those of the lookup of timed_connect() for a host.
template <system_calls System = native_system, name_resolver Resolver = system_resolver>
found_endpoints resolve(host const& who, deadline limit, cancellation const* cancel = nullptr, System sys = {},
                        Resolver resolver = {}) {
  int error = detail::check(cancel);
  if (error == 0) error = detail::check(who);
  if (error != 0) return detail::code_of(error);
  return detail::resolve(sys, resolver, who, detail::fixed(limit, sys.now()), cancel);
}

/// Connects to whichever address of a host answers first: looks its name up, then does what timed_connect_any() does
/// with the addresses, in the resolver's order (getaddrinfo() sorts by RFC 6724).
///
/// A numeric address with a port in digits is read in this thread, as getaddrinfo() reads it; no resolver is asked and no
/// thread started. So is text with a colon in it, which can be no name, if the port is in digits.
///
/// Deadline: as timed_connect(); it bounds the lookup and all attempts together. Zero and the past begin the lookup and
/// look once. An answer that the last look finds still begins the first attempt.
///
/// Errors: errc::invalid_option, see race_options, and errc::invalid_host, before anything else; in the lookup
/// errc::deadline_exceeded, errc::cancelled, errc::no_endpoints where a name has no address, errc::descriptor_too_large,
/// and the resolver's own, all with handshake not_started and no address in the failure; then as timed_connect_any().
///
/// Ownership: the socket belongs to the caller; a failure owns nothing. A lookup that was abandoned owns what it works
/// with.
///
/// Cost: allocates. The resolver's, and what timed_connect_any() costs.
template <system_calls System = native_system, name_resolver Resolver = system_resolver>
basic_connect_result<typename System::owner> timed_connect(host const& who, deadline limit,
                                                           race_options const& options = {}, System sys = {},
                                                           Resolver resolver = {}) {
  using owner = typename System::owner;
  auto const began = sys.now();
  auto const until = detail::fixed(limit, began);
  int error = detail::check(options);
  if (error == 0) error = detail::check(who);
  if (error != 0) return detail::failure<owner>(error, {}, {}, sys.now() - began);
  return detail::connect_to_host(sys, resolver, who, began, until, options);
}

/// Waits for a server by its name: timed_connect_retry() whose every attempt looks the name up anew and races its
/// addresses, as timed_connect() for a host does. That the name is not known yet (EAI_NONAME, EAI_NODATA, EAI_AGAIN, or
/// errc::resolver_busy) is worth another attempt, whatever retry_options::retries says of other errors.
///
/// Deadline, errors, ownership: as timed_connect_retry(), and errc::invalid_host. failure.attempts has a line for each
/// attempt at the name. Cost: allocates.
template <system_calls System = native_system, name_resolver Resolver = system_resolver>
basic_connect_result<typename System::owner> timed_connect_retry(host const& who, deadline limit,
                                                                 retry_options const& options = {}, System sys = {},
                                                                 Resolver resolver = {}) {
  using owner = typename System::owner;
  auto const began = sys.now();
  int error = detail::check(options);
  if (error == 0) error = detail::check(who);
  if (error == 0) error = detail::check(options.each.cancel);
  if (error != 0) return detail::failure<owner>(error, {}, {}, sys.now() - began);
  race_options const racing{.each = options.each};
  auto const try_once = [&](time_point now, time_point end) {
    return detail::connect_to_host(sys, resolver, who, now, detail::fixed(end, now), racing);
  };
  auto const retries = [&](std::error_code const& code) {
    return detail::lookup_may_pass(code) || options.retries(code);
  };
  return detail::retrying(sys, began, detail::fixed(limit, began), options, try_once, retries).run();
}

}  // namespace v1
}  // namespace tconn
