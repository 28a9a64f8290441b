// SPDX-License-Identifier: MIT
// The course of one attempt: start, wait until the deadline, one last look. It decides nothing about what happens then.
// "Late" is what the last look alone has found; readiness that the wait reported is in time, whatever the clock says
// since.
#pragma once

#include <timed_connect/handshake.hpp>

namespace tconn {
inline namespace v1 {
namespace detail {

/// How an attempt stands when driving it has ended.
enum class stage : unsigned char {
  in_flight,    // started; only start_* ends here
  connected,    // in time
  late,         // connected, but only the last look found it
  expired,      // in flight at the deadline
  failed,       // the system says that the attempt is over, see the code
  broken,       // we cannot go on, see the code; the attempt may still be in flight
  not_started,  // nothing is in flight, see the code
  not_ours,     // a borrowed descriptor that is connected, or on its way, to somebody else
};

struct outcome {
  stage at;
  std::error_code code{};

  bool connected(bool accept_late) const { return at == stage::connected || (at == stage::late && accept_late); }
};

inline constexpr std::chrono::nanoseconds first_backlog_pause = std::chrono::microseconds{100};
inline constexpr std::chrono::nanoseconds longest_backlog_pause = std::chrono::milliseconds{2};

/// A self-connect or an EADDRNOTAVAIL is bad luck with the ephemeral port that another try may not have; more tries
/// than this are no bad luck.
inline constexpr int most_tries = 8;

inline bool is_bad_luck(outcome const& seen) {
  return seen.code == errc::self_connect || seen.code == native_code(native_error::address_not_available);
}

/// A Unix socket whose peer's backlog is full answers EAGAIN and has started nothing; so does an interrupted one.
inline bool starts_nothing(int family, int answer) {
  return family == AF_UNIX && (answer == native_error::try_again || answer == native_error::interrupted);
}

/// What connect() answered to a first call.
template <system_calls System>
outcome understand(attempt<System> const& tried, int answer) {
  if (answer == native_error::in_progress || answer == native_error::interrupted) return {stage::in_flight};
  if (answer == 0 || answer == native_error::is_connected) {
    // A Unix connect() never answers 0 for an earlier one, and a Unix name has many paths.
    bool const may_be_older = tried.borrowed && (answer == native_error::is_connected || is_inet(tried.to.family()));
    int const unproven = tried.confirm(may_be_older);
    if (unproven == 0) return {stage::connected};
    if (tried.borrowed && (answer == native_error::is_connected || unproven == native_error::is_connected)) {
      return {stage::not_ours, native_code(native_error::is_connected)};
    }
    return {stage::broken, native_code(unproven)};  // fast open, set by a hook: nothing has been sent yet
  }
  bool const was_refused = answer == native_error::refused || answer == native_error::timed_out;
  return {was_refused ? stage::failed : stage::not_started, native_code(answer)};
}

/// The first connect() on a socket of our own.
template <system_calls System>
outcome start_owned(attempt<System> const& tried) {
  int const answer = tried.sys.start_connect(tried.handle, tried.to);
  if (starts_nothing(tried.to.family(), answer)) return {stage::not_started, native_code(native_error::try_again)};
  return understand(tried, answer);
}

/// The first connect() on the caller's descriptor, which may have a history: an attempt of its own in flight (EALREADY
/// is progress), a connection, or a failure that nobody has asked for yet, which the first connect() answers instead of
/// starting. Where the system names the target, an attempt on its way to somebody else is left alone.
template <system_calls System>
outcome start_borrowed(attempt<System> const& tried) {
  endpoint target;
  bool const has_history =
      is_inet(tried.to.family()) && tried.sys.name(tried.handle, name_of::target, tried.to.family(), target) == 0;
  bool const same_target = has_history && tried.to.reaches(target);
  int answer = tried.sys.start_connect(tried.handle, tried.to);
  if (starts_nothing(tried.to.family(), answer)) return {stage::not_started, native_code(native_error::try_again)};
  bool const is_running = answer == 0 || answer == native_error::in_progress || answer == native_error::interrupted ||
                          answer == native_error::already || answer == native_error::is_connected;
  if (has_history && !is_running && (!same_target || answer == native_error::connection_aborted)) {
    answer = tried.sys.start_connect(tried.handle, tried.to);
  }
  if (answer == native_error::already) {
    if (has_history && !same_target) return {stage::not_ours, native_code(native_error::already)};
    return {stage::in_flight};
  }
  return understand(tried, answer);
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

/// Starts the attempt, and tries again where starting is what has to wait: a Unix socket with a full backlog. The
/// pauses grow from 100 us to 2 ms. The try that ends at the deadline is its last look.
template <system_calls System>
outcome start(attempt<System> const& tried, time_point until, bool accept_late) {
  auto span = first_backlog_pause;
  for (;;) {
    outcome const started = tried.borrowed ? start_borrowed(tried) : start_owned(tried);
    bool const backlog_full = started.at == stage::not_started &&
                              started.code == native_code(native_error::try_again) && tried.to.family() == AF_UNIX;
    if (!backlog_full) return started;
    auto const now = tried.sys.now();
    if (now >= until) return {stage::not_started, errc::deadline_exceeded};
    auto const next = saturated_sum(now, span);
    if (int const error = pause(tried.sys, next < until ? next : until))
      return {stage::not_started, native_code(error)};
    if (!accept_late && tried.sys.now() >= until) return {stage::not_started, errc::deadline_exceeded};
    span = span * 2 < longest_backlog_pause ? span * 2 : longest_backlog_pause;
  }
}

/// What a look has found; a connection that it found is `if_connected`.
template <system_calls System>
outcome understand_look(attempt<System> const& tried, verdict const& seen, stage if_connected) {
  switch (seen.is) {
    case finding::connected: return {if_connected};
    case finding::false_alarm: return {stage::expired};
    case finding::failed: return {stage::failed, native_code(seen.error)};
    case finding::broken: break;
  }
  bool const is_anothers = tried.borrowed && seen.error == native_error::is_connected;  // see confirm()
  return {is_anothers ? stage::not_ours : stage::broken, native_code(seen.error)};
}

/// Waits for an attempt in flight. The deadline is over when the clock says so, whatever wait() answered.
template <system_calls System>
outcome wait_for_handshake(attempt<System> const& tried, time_point until) {
  while (tried.sys.now() < until) {
    int const woken = tried.sys.wait(tried.handle, until);
    if (woken == native_error::interrupted || woken == native_error::timed_out) continue;
    if (woken != 0) return {stage::broken, native_code(woken)};
    auto const seen = tried.look();
    if (seen.is != finding::false_alarm) return understand_look(tried, seen, stage::connected);
  }
  if (tried.sys.wait(tried.handle, long_past) != 0) return {stage::expired};
  return understand_look(tried, tried.look(), stage::late);
}

/// A socket that is connected to itself is no connection; it is reset, which only the socket itself hears.
template <system_calls System>
outcome settle_self_connect(attempt<System> const& tried, outcome const& seen) {
  if (!seen.connected(true) || !tried.is_self_connected()) return seen;
  tried.sys.reset(tried.handle);
  return {stage::failed, errc::self_connect};
}

/// From the first connect() to the last look. On loopback the handshake is over when connect() says EINPROGRESS; there
/// a second connect() that answers 0 proves it with one call, where poll(), SO_ERROR and getpeername() would take
/// three.
template <system_calls System>
outcome drive(attempt<System> const& tried, time_point until, bool accept_late) {
  outcome seen = start(tried, until, accept_late);
  if (seen.at == stage::in_flight && !tried.borrowed && tried.sys.second_connect_proves(tried.to.family()) &&
      tried.sys.now() < until) {
    int const answer = tried.sys.start_connect(tried.handle, tried.to);
    if (answer == 0) {
      seen = {stage::connected};
    } else if (answer != native_error::already && answer != native_error::in_progress &&
               answer != native_error::interrupted) {
      seen = {stage::failed, native_code(answer)};
    }
  }
  if (seen.at == stage::in_flight) seen = wait_for_handshake(tried, until);
  return settle_self_connect(tried, seen);
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
