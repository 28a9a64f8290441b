// SPDX-License-Identifier: MIT
// The course of one attempt: start, wait until the deadline, one last look. It decides nothing about what happens then.
// "Late" is what the last look alone has found; readiness that the wait reported is in time, whatever the clock says
// since.
#pragma once

#include <timed_connect/detail/attempt.hpp>

#include <chrono>

namespace tconn {
inline namespace v1 {
namespace detail {

inline constexpr std::chrono::nanoseconds first_backlog_pause = std::chrono::microseconds{100};
inline constexpr std::chrono::nanoseconds longest_backlog_pause = std::chrono::milliseconds{2};

/// A self-connect or an EADDRNOTAVAIL is bad luck with the ephemeral port that another try may not have; more tries
/// than this are no bad luck.
inline constexpr int most_tries = 8;

inline bool is_bad_luck(outcome const& seen) {
  bool const is_error = seen.at == stage::failed || seen.at == stage::not_started;
  return is_error && (seen.error == own_error(errc::self_connect) || seen.error == native_error::address_not_available);
}

/// A Unix socket whose peer's backlog is full answers EAGAIN and has started nothing; so does an interrupted one.
inline bool starts_nothing(int family, int answer) {
  return family == AF_UNIX && (answer == native_error::try_again || answer == native_error::interrupted);
}

/// Whether connect() told how an earlier attempt has ended, or why there is no new one.
inline bool is_verdict(int answer) {
  return answer != 0 && answer != native_error::in_progress && answer != native_error::interrupted &&
         answer != native_error::already && answer != native_error::is_connected;
}

/// What connect() answered. With an attempt of ours before it, `resumed`, an error is the verdict on that one.
template <system_calls System>
outcome understand(attempt<System> const& tried, int answer, bool resumed) {
  if (answer == native_error::in_progress || answer == native_error::interrupted) return {stage::in_flight};
  if (is_verdict(answer)) {
    bool const was_sent = resumed || answer == native_error::refused || answer == native_error::timed_out;
    return {was_sent ? stage::failed : stage::not_started, answer};
  }
  // A Unix connect() never answers 0 for an earlier one, and a Unix name has many paths.
  bool const may_be_older = tried.borrowed && (answer == native_error::is_connected || is_inet(tried.to.family()));
  outcome const seen = tried.confirm(may_be_older);
  bool const is_anothers = tried.borrowed && answer == native_error::is_connected && seen.at != stage::connected;
  if (is_anothers) return {stage::not_ours, native_error::is_connected};
  if (tried.borrowed && tried.is_ended()) return {stage::not_ours, native_error::shut_down};
  return seen;  // broken: fast open, set by a hook, answers 0 before anything is sent
}

/// The first connect() on a socket of our own.
template <system_calls System>
outcome start_owned(attempt<System> const& tried) {
  int const answer = tried.sys.start_connect(tried.handle, tried.to);
  if (starts_nothing(tried.to.family(), answer)) return {stage::not_started, native_error::try_again};
  return understand(tried, answer, /*resumed*/ false);
}

/// Whose attempt a borrowed descriptor has behind it, where the system names the target.
enum class history : unsigned char { none, ours, anothers };

template <system_calls System>
history history_of(attempt<System> const& tried) {
  endpoint target;
  if (!is_inet(tried.to.family())) return history::none;
  if (tried.sys.name(tried.handle, name_of::target, tried.to.family(), target) != 0) return history::none;
  return tried.to.reaches(target) ? history::ours : history::anothers;
}

/// The first connect() on the caller's descriptor. It resumes an attempt of ours that is in flight, and one that is on
/// its way to somebody else is left alone.
template <system_calls System>
outcome start_borrowed(attempt<System> const& tried) {
  history past = history_of(tried);
  int answer = tried.sys.start_connect(tried.handle, tried.to);
  // The verdict on somebody else's attempt is not ours to tell, and ECONNABORTED says that the verdict was read before;
  // with it told, the next connect() starts anew.
  bool const is_told = past == history::anothers || answer == native_error::connection_aborted;
  if (past != history::none && is_verdict(answer) && is_told) {
    past = history::none;
    answer = tried.sys.start_connect(tried.handle, tried.to);
  }
  if (starts_nothing(tried.to.family(), answer)) return {stage::not_started, native_error::try_again};
  if (answer != native_error::already) return understand(tried, answer, past == history::ours);
  if (past == history::anothers) return {stage::not_ours, native_error::already};
  return {stage::in_flight};
}

/// Waits until a moment: 0, or the error that wait() answers.
template <system_calls System>
int pause(System& sys, time_point until) {
  while (sys.now() < until) {
    int const woken = sys.wait(no_handle, until);
    if (woken != native_error::interrupted && woken != native_error::timed_out) return woken;
  }
  return 0;
}

template <system_calls System>
outcome start(attempt<System> const& tried) {
  return tried.borrowed ? start_borrowed(tried) : start_owned(tried);
}

/// Starts a Unix socket, where starting is what has to wait: with a full backlog it is tried again, after pauses that
/// grow from 100 us to 2 ms. The try that ends at the deadline is its last look.
template <system_calls System>
outcome start_unix(attempt<System> const& tried, time_point until, bool accept_late) {
  auto span = first_backlog_pause;
  for (;;) {
    outcome const started = start(tried);
    bool const backlog_full = started.at == stage::not_started && started.error == native_error::try_again;
    if (!backlog_full) return started;
    auto const now = tried.sys.now();
    if (now >= until) return {stage::not_started, own_error(errc::deadline_exceeded)};
    auto const next = saturated_sum(now, span);
    if (int const error = pause(tried.sys, next < until ? next : until)) return {stage::not_started, error};
    if (!accept_late && tried.sys.now() >= until) return {stage::not_started, own_error(errc::deadline_exceeded)};
    span = span * 2 < longest_backlog_pause ? span * 2 : longest_backlog_pause;
  }
}

/// On loopback the handshake is over when connect() says EINPROGRESS. There a second connect() that answers 0 proves it
/// with one call, where poll(), SO_ERROR and getpeername() would take three. An error is the attempt's own: this call
/// has taken it from the socket, and nobody can read it again.
template <system_calls System>
outcome prove(attempt<System> const& tried) {
  int const answer = tried.sys.start_connect(tried.handle, tried.to);
  if (answer == 0) return {stage::connected};
  bool const goes_on =
      answer == native_error::already || answer == native_error::in_progress || answer == native_error::interrupted;
  return goes_on ? outcome{stage::in_flight} : outcome{stage::failed, answer};
}

/// The one look after the wait. What it finds connected is late.
template <system_calls System>
outcome last_look(attempt<System> const& tried, bool accept_late) {
  int const woken = tried.sys.wait(tried.handle, long_past);
  bool const is_silent = woken == native_error::timed_out || woken == native_error::interrupted;
  if (!is_silent && woken != 0) return {stage::broken, woken};
  outcome const seen = is_silent ? outcome{stage::in_flight} : tried.look();
  if (seen.at == stage::in_flight) return {stage::in_flight, own_error(errc::deadline_exceeded)};
  if (seen.at == stage::connected && !accept_late) return {stage::refused_late, own_error(errc::deadline_exceeded)};
  return seen;
}

/// Waits for an attempt in flight. The deadline is over when the clock says so, whatever wait() answered.
template <system_calls System>
outcome wait_for_handshake(attempt<System> const& tried, time_point until, bool accept_late) {
  while (tried.sys.now() < until) {
    int const woken = tried.sys.wait(tried.handle, until);
    if (woken == native_error::interrupted || woken == native_error::timed_out) continue;
    if (woken != 0) return {stage::broken, woken};
    outcome const seen = tried.look();
    if (seen.at != stage::in_flight) return seen;
  }
  return last_look(tried, accept_late);
}

/// A socket that is connected to itself is no connection. It is ended in a way that only the socket itself hears. A
/// borrowed one that the system cannot disconnect cannot be tried again, and is broken.
template <system_calls System>
outcome settle_self_connect(attempt<System> const& tried, outcome const& seen) {
  bool const has_peer = seen.at == stage::connected || seen.at == stage::refused_late;
  if (!has_peer || !tried.is_self_connected()) return seen;
  bool const is_over =
      tried.sys.disconnect(tried.handle) == 0 || (!tried.borrowed && tried.sys.reset_on_close(tried.handle) == 0);
  return {is_over ? stage::failed : stage::broken, own_error(errc::self_connect)};
}

/// The moment that a limit means to a call that began at `began`: long_past if it had come by then, so that drive()
/// knows without the clock whether there is time for more than the last look.
inline time_point fixed(deadline limit, time_point began) {
  time_point const until = limit.until(began);
  return until <= began ? long_past : until;
}

/// From the first connect() to the last look. `until` is fixed().
template <system_calls System>
outcome drive(attempt<System> const& tried, time_point until, bool accept_late) {
  bool const is_unix = tried.to.family() == AF_UNIX;
  outcome seen = is_unix ? start_unix(tried, until, accept_late) : start(tried);
  bool const may_be_proved = !tried.borrowed && tried.sys.second_connect_proves(tried.to.family());
  if (seen.at == stage::in_flight && may_be_proved && until != long_past) seen = prove(tried);
  if (seen.at == stage::in_flight) seen = wait_for_handshake(tried, until, accept_late);
  return settle_self_connect(tried, seen);
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
