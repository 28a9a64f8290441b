// SPDX-License-Identifier: MIT
// The course of one attempt: start, look when there is something to see, one last look at the deadline. It never waits,
// so that many can be under way at the same time, and decides nothing about what happens at the end. "Late" is what the
// last look alone has found; readiness that a wait reported is in time, whatever the clock says since.
#pragma once

#include <timed_connect/detail/attempt.hpp>

#include <chrono>
#include <cstdint>

namespace tconn {
inline namespace v1 {
namespace detail {

inline constexpr std::chrono::duration<std::int32_t, std::micro> first_backlog_pause{100};
inline constexpr std::chrono::duration<std::int32_t, std::micro> longest_backlog_pause{2000};

/// A Unix socket whose peer's backlog is full answers EAGAIN and has started nothing; so does an interrupted one.
inline bool starts_nothing(int family, int answer) {
  return family == AF_UNIX && (answer == native_error::try_again || answer == native_error::interrupted);
}

/// Whether connect() told how an earlier attempt has ended, or why there is no new one.
inline bool is_verdict(int answer) {
  return answer != 0 && answer != native_error::in_progress && answer != native_error::interrupted &&
         answer != native_error::already && answer != native_error::is_connected;
}

/// What connect() calls connected, on the caller's descriptor. It may be somebody else's, so its error, if a peer has reset
/// it, is left to its owner.
template <class Attempt>
outcome find_connected(Attempt const& tried, bool resumed) {
  endpoint peer;
  if (tried.sys.name(tried.handle, name_of::peer, tried.to.family(), peer) != 0) {
    bool const was_ours = resumed && tried.is_closed();
    return {stage::not_ours, was_ours ? native_error::shut_down : native_error::is_connected};
  }
  if (!tried.is_whom_we_ask_for(peer)) return {stage::not_ours, native_error::is_connected};
  return tried.is_ended() ? outcome{stage::not_ours, native_error::shut_down} : outcome{stage::connected};
}

/// What connect() answered. With an attempt of ours before it, `resumed`, an error is the verdict on that one.
template <class Attempt>
outcome understand(Attempt const& tried, int answer, bool resumed) {
  if (answer == native_error::in_progress || answer == native_error::interrupted) return {stage::in_flight};
  if (is_verdict(answer)) {
    bool const was_sent = resumed || answer == native_error::refused || answer == native_error::timed_out;
    return {was_sent ? stage::failed : stage::not_started, answer};
  }
  if (tried.borrowed && answer == native_error::is_connected) return find_connected(tried, resumed);
  // A Unix connect() never answers 0 for an earlier one, and a Unix name has many paths.
  outcome const seen = tried.confirm(/*is_to_be_compared*/ is_inet(tried.to.family()));
  if (tried.borrowed && tried.is_ended()) return {stage::not_ours, native_error::shut_down};
  return seen;  // broken: fast open, set by a hook, answers 0 before anything is sent
}

/// The first connect() on a socket of our own.
template <class Attempt>
outcome start_owned(Attempt const& tried) {
  int const answer = tried.sys.start_connect(tried.handle, tried.to);
  if (starts_nothing(tried.to.family(), answer)) return {stage::not_started, native_error::try_again};
  return understand(tried, answer, /*resumed*/ false);
}

/// Whose attempt a borrowed descriptor has behind it, where the system names the target.
enum class history : unsigned char { none, ours, anothers };

template <class Attempt>
history history_of(Attempt const& tried) {
  endpoint target;
  if (!is_inet(tried.to.family())) return history::none;
  if (tried.sys.name(tried.handle, name_of::target, tried.to.family(), target) != 0) return history::none;
  return tried.is_whom_we_ask_for(target) ? history::ours : history::anothers;
}

/// The first connect() on the caller's descriptor. It resumes an attempt of ours that is in flight, and one that is on
/// its way to somebody else is left alone.
template <class Attempt>
outcome start_borrowed(Attempt& tried) {
  history const found = history_of(tried);
  history past = found;
  int answer = tried.sys.start_connect(tried.handle, tried.to);
  // The verdict on somebody else's attempt is not ours to tell, and ECONNABORTED says that the verdict was read before;
  // with it told, the next connect() starts anew.
  bool const is_told = past == history::anothers || answer == native_error::connection_aborted;
  if (past != history::none && is_verdict(answer) && is_told) {
    past = history::none;
    answer = tried.sys.start_connect(tried.handle, tried.to);
  }
  bool const has_begun_now = answer == native_error::in_progress && found != history::anothers;
  tried.may_be_older = is_inet(tried.to.family()) && !has_begun_now;
  if (starts_nothing(tried.to.family(), answer)) return {stage::not_started, native_error::try_again};
  if (answer == native_error::already)
    return past == history::anothers ? outcome{stage::not_ours, answer} : outcome{stage::in_flight};
  outcome const seen = understand(tried, answer, past == history::ours);
  // With or without a peer that can be read, it is not ours to end.
  bool const is_anothers = past == history::anothers && seen.at == stage::broken;
  return is_anothers ? outcome{stage::not_ours, native_error::is_connected} : seen;
}

template <class Attempt>
outcome start(Attempt& tried) {
  if constexpr (Attempt::borrowed)
    return start_borrowed(tried);
  else
    return start_owned(tried);
}

/// On loopback the handshake is over when connect() says EINPROGRESS. There a second connect() that answers 0 proves it
/// with one call, where poll(), SO_ERROR and getpeername() would take three. An error is the attempt's own: this call
/// has taken it from the socket, and nobody can read it again.
template <class Attempt>
outcome prove(Attempt const& tried) {
  int const answer = tried.sys.start_connect(tried.handle, tried.to);
  if (answer == 0) return {stage::connected};
  bool const goes_on =
      answer == native_error::already || answer == native_error::in_progress || answer == native_error::interrupted;
  return goes_on ? outcome{stage::in_flight} : outcome{stage::failed, answer};
}

/// A socket that is connected to itself is no connection. It is ended in a way that only the socket itself hears. A
/// borrowed one that the system cannot disconnect cannot be tried again, and is broken.
template <class Attempt>
outcome settle_self_connect(Attempt const& tried, outcome const& seen) {
  bool const has_peer = seen.at == stage::connected || seen.at == stage::refused_late;
  bool is_to_itself = false;
  if (int const error = has_peer ? tried.find_self_connect(is_to_itself) : 0) return tried.without_peer(error);
  if (!is_to_itself) return seen;
  return {tried.end_self_connect() ? stage::failed : stage::broken, own_error(errc::self_connect)};
}

/// The course of an attempt<>. Whoever drives it waits until watched() is ready or wakes_at() has come, and then calls
/// go_on(); until is_over().
template <class Attempt>
class course {
 public:
  /// `until` is the deadline, long_past where there is no time for more than the last look.
  course(Attempt const& tried, time_point until, bool accept_late)
      : tried_(tried), until_(until), accept_late_(accept_late) {}

  /// The first connect(), on the handle that the attempt has now.
  void begin() {
    pause_ = first_backlog_pause;
    seen_ = start(tried_);
    bool const may_be_proved = !tried_.borrowed && tried_.sys.second_connect_proves(tried_.to.family());
    if (seen_.at == stage::in_flight && may_be_proved && until_ != long_past) seen_ = prove(tried_);
    settle(/*was_last_look*/ until_ == long_past);
  }

  /// In the place of begin(): the attempt is in flight already.
  void resume() { seen_ = {stage::in_flight}; }

  bool is_over() const { return !is_resting() && (seen_.at != stage::in_flight || seen_.error != 0); }
  outcome const& seen() const { return seen_; }
  Attempt const& tried() const { return tried_; }
  time_point until() const { return until_; }
  void take(native_handle handle) { tried_.handle = handle; }

  /// The handle whose readiness is waited for; none where a full backlog has to be tried again.
  native_handle watched() const { return is_resting() ? no_handle : tried_.handle; }

  /// When to go on though nothing is ready.
  time_point wakes_at() const { return is_resting() && next_try_ < until_ ? next_try_ : until_; }

  /// Goes on after a wait, in which the handle became ready, or not. The deadline is over when the clock says so,
  /// whatever the wait answered.
  void go_on(bool is_ready) {
    bool const time_is_up = !is_ready && tried_.sys.now() >= until_;
    if (is_ready)
      seen_ = tried_.look();
    else if (time_is_up)
      seen_ = last_look();
    else if (is_resting() && tried_.sys.now() >= next_try_)
      seen_ = start(tried_);
    else
      return;
    settle(/*was_last_look*/ time_is_up);
  }

  /// The last look, in the place of go_on(): by a driver that has found just now, after the deadline, the handles of many
  /// ready or not.
  void come_to_the_end(bool is_ready) {
    seen_ = late(is_ready ? tried_.look() : outcome{stage::in_flight});
    settle(/*was_last_look*/ true);
  }

  /// In the place of begin(): there is no socket to begin with.
  void refuse(int error) {
    seen_ = {stage::not_started, error};
    next_try_ = never;
  }

  /// It ends here: wait() has failed, or somebody has cancelled it.
  void end(int error) {
    bool const is_broken = seen_.at == stage::in_flight && error != own_error(errc::cancelled);
    seen_ = {is_broken ? stage::broken : seen_.at, error};
    next_try_ = never;
  }

 private:
  bool is_resting() const { return next_try_ != never; }

  // A Unix socket, where starting is what has to wait, is tried again after pauses that grow from 100 us to 2 ms. The
  // try after the deadline is its last look.
  void settle(bool was_last_look) {
    next_try_ = never;
    bool const is_unix = tried_.to.family() == AF_UNIX;  // EAGAIN is an error of TCP: no port is free
    bool const backlog_full = is_unix && seen_.at == stage::not_started && seen_.error == native_error::try_again;
    if (!backlog_full) {
      seen_ = settle_self_connect(tried_, seen_);
      return;
    }
    if (was_last_look) {
      seen_ = {stage::not_started, own_error(errc::deadline_exceeded)};
      return;
    }
    next_try_ = saturated_sum(tried_.sys.now(), pause_);
    pause_ = pause_ * 2 < longest_backlog_pause ? pause_ * 2 : longest_backlog_pause;
  }

  // The one look after the wait.
  outcome last_look() {
    if (is_resting())
      return accept_late_ ? start(tried_) : outcome{stage::not_started, own_error(errc::deadline_exceeded)};
    poll_entry entry = platform::writable(tried_.handle);
    int const woken = tried_.sys.wait(&entry, 1, long_past);
    bool const is_silent = woken == native_error::timed_out || woken == native_error::interrupted;
    if (!is_silent && woken != 0) return {stage::broken, woken};
    return late(is_silent ? outcome{stage::in_flight} : tried_.look());
  }

  // What only the last look has found.
  outcome late(outcome const& seen) const {
    if (seen.at == stage::in_flight) return {stage::in_flight, own_error(errc::deadline_exceeded)};
    if (seen.at == stage::connected && !accept_late_) return {stage::refused_late, own_error(errc::deadline_exceeded)};
    return seen;
  }

  Attempt tried_;
  time_point until_;
  time_point next_try_ = never;
  outcome seen_{stage::not_started};
  std::chrono::duration<std::int32_t, std::micro> pause_ = first_backlog_pause;  // there may be many courses
  bool accept_late_;
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
