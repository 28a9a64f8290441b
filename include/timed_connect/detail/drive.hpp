// SPDX-License-Identifier: MIT
// What one connect and many have in common: a connect on a socket of our own, from socket() to what the caller is told,
// that never waits; and the loop that waits for a single one.
#pragma once

#include <timed_connect/detail/conclude.hpp>
#include <timed_connect/detail/course.hpp>
#include <timed_connect/detail/open.hpp>

#include <chrono>
#include <cstddef>

namespace tconn {
inline namespace v1 {
namespace detail {

/// The end of what begins now: long_past if it has come already, so that a course knows without the clock whether there
/// is time for more than the last look.
constexpr time_point fixed(time_point until, time_point now) { return until <= now ? long_past : until; }
inline time_point fixed(deadline limit, time_point began) { return fixed(limit.until(began), began); }

/// A self-connect or an EADDRNOTAVAIL is bad luck with the ephemeral port that another try may not have; more tries
/// than this are no bad luck. With an attempt in flight a port has been found.
inline constexpr int most_tries = 8;

inline bool is_bad_luck(outcome const& seen) {
  bool const has_no_port = seen.at == stage::not_started && seen.error == native_error::address_not_available;
  return has_no_port || (seen.at == stage::failed && seen.error == own_error(errc::self_connect));
}

/// Whether there is to be another try, after so many.
template <system_calls System>
bool is_worth_another(System& sys, outcome const& seen, int tries, time_point until) {
  return is_bad_luck(seen) && tries < most_tries && sys.now() < until;
}

/// How long to wait for a place, a descriptor or a port, unless an attempt of our own makes one free before.
inline constexpr std::chrono::nanoseconds place_pause = std::chrono::milliseconds{10};

/// Whether socket() says that something has run out.
inline bool is_out_of_places(outcome const& seen) {
  return seen.at == stage::not_started &&
         (seen.error == native_error::too_many_open || seen.error == native_error::too_many_open_in_all ||
          seen.error == native_error::no_buffer_space || seen.error == native_error::not_enough_memory);
}

/// A connect on a socket of our own. It is driven as a course is, and makes a new socket after bad luck.
template <system_calls System>
class owned_connect {
 public:
  using owner = typename System::owner;

  /// All that it is given must outlive it.
  owned_connect(System& sys, endpoint const& to, connect_options const& options, time_point until)
      : options_(options), course_({sys, to}, until, options.accept_late) {}
  /// One that makes no new socket when no local port is free: its driver waits for a port.
  void leave_ports_to_the_driver() { leaves_ports_ = true; }
  owned_connect(owned_connect const&) = delete;
  owned_connect& operator=(owned_connect const&) = delete;
  /// Nobody has concluded it: after an exception, or pthread_cancel.
  ~owned_connect() { drop(); }

  /// Opens a socket and makes the first connect().
  void begin() {
    open_and_start();
    retry_bad_luck();
  }
  bool is_over() const { return course_.is_over(); }
  outcome const& seen() const { return course_.seen(); }
  native_handle watched() const { return course_.watched(); }
  time_point wakes_at() const { return course_.wakes_at(); }
  void go_on(bool is_ready) {
    course_.go_on(is_ready);
    retry_bad_luck();
  }
  void end(int error) { course_.end(error); }
  endpoint const& to() const { return course_.tried().to; }
  bool has_socket() const { return course_.tried().handle != no_handle; }
  void come_to_the_end(bool is_ready) { course_.come_to_the_end(is_ready); }

  /// What it has come to: the socket is handed over, given up, or kept in failure.pending. What is given up is closed by
  /// `dispose`, see conclude.hpp.
  template <class Dispose>
  basic_connect_result<owner> conclude(on_timeout how, time_point began, Dispose&& dispose) {
    attempt<System> const tried = course_.tried();
    if (tried.handle == no_handle) return failure<owner>(seen().error, tried.to, {}, tried.sys.now() - began);
    course_.take(no_handle);
    auto concluded = detail::conclude(tried, seen(), how, options_.nonblocking, began, dispose);
    if (!concluded && concluded.error().aftermath == aftermath::kept)
      concluded.error().pending.emplace(basic_socket<owner>(tried.handle, owner_of(tried.sys)), tried.to, options_);
    return concluded;
  }
  /// The same, and closed at once.
  basic_connect_result<owner> conclude(on_timeout how, time_point began) {
    return conclude(how, began, closing_at_once<System>{course_.tried().sys});
  }

  /// Gives it up though it may be connected: another was faster.
  void lose(on_timeout how) {
    attempt<System> const tried = course_.tried();
    if (tried.handle == no_handle) return;
    course_.take(no_handle);
    auto const at = seen().at == stage::connected ? stage::refused_late : seen().at;
    close_given_up(tried.sys, tried.handle, leave(tried, at, how).aftermath);
  }

 private:
  void open_and_start() {
    attempt<System> const& tried = course_.tried();
    scoped_handle<System> opened(tried.sys);
    if (int const error = check(tried.to, options_)) return course_.refuse(error);
    if (int const error = open_socket(tried.sys, opened.handle, tried.to, options_)) return course_.refuse(error);
    course_.take(opened.release());
    course_.begin();
  }

  bool is_left_to_the_driver() const { return leaves_ports_ && seen().error == native_error::address_not_available; }

  void retry_bad_luck() {
    while (has_socket() && is_worth_another(course_.tried().sys, seen(), tries_, course_.until()) &&
           !is_left_to_the_driver()) {
      ++tries_;
      drop();
      open_and_start();
    }
  }

  void drop() {
    native_handle const dropped = course_.tried().handle;
    course_.take(no_handle);
    if (dropped != no_handle) course_.tried().sys.close(dropped);
  }

  connect_options const& options_;
  course<attempt<System>> course_;
  signed char tries_ = 1;
  bool leaves_ports_ = false;
};

/// Whether a wait has ended as it may: something is ready, its time is over, or a signal came.
inline bool is_woken(int answer) {
  return answer == 0 || answer == native_error::timed_out || answer == native_error::interrupted;
}

/// Waits for what is driven as a course is, until it is over.
template <class Driven, system_calls System>
void drive(Driven& driven, System& sys, cancellation const* cancel) {
  if (!driven.is_over() && cancel != nullptr && cancel->requested()) driven.end(own_error(errc::cancelled));
  while (!driven.is_over()) {
    poll_entry entries[2];
    std::size_t count = 0;
    if (driven.watched() != no_handle) entries[count++] = platform::writable(driven.watched());
    if (cancel != nullptr) entries[count++] = platform::readable(cancel->native_handle());
    int woken = native_error::timed_out;
    if (auto const until = driven.wakes_at(); sys.now() < until) woken = sys.wait(entries, count, until);
    bool const is_cancelled = woken == 0 && cancel != nullptr && entries[count - 1].revents != 0;
    if (is_cancelled)
      driven.end(own_error(errc::cancelled));
    else if (is_woken(woken))
      driven.go_on(/*is_ready*/ woken == 0);
    else
      driven.end(woken);
  }
}

/// Waits until a moment, and for nothing else: 0, or why it ended before, which may be errc::cancelled.
template <system_calls System>
int rest(System& sys, time_point until, cancellation const* cancel) {
  while (sys.now() < until) {
    poll_entry entry{};
    if (cancel != nullptr) entry = platform::readable(cancel->native_handle());
    int const woken = sys.wait(&entry, cancel != nullptr ? 1 : 0, until);
    if (woken == 0) return own_error(errc::cancelled);
    if (!is_woken(woken)) return woken;
  }
  return 0;
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
