// SPDX-License-Identifier: MIT
// The lean core: one endpoint, one deadline, one outcome. Everything below the entry points sees a fixed moment, so
// signals, retries and false alarms all spend the one budget.
#pragma once

#include <timed_connect/detail/drive.hpp>
#include <timed_connect/pending_connection.hpp>

#include <utility>

/// All of this library. What is in its namespace `detail` is nobody else's.
namespace tconn {
inline namespace v1 {
namespace detail {

/// Makes a borrowed descriptor non-blocking, and gives it back as it was found on every way out, whatever a hook does.
template <system_calls System>
class scoped_nonblocking {
 public:
  scoped_nonblocking(System& sys, native_handle handle) : sys_(sys), handle_(handle) {}
  scoped_nonblocking(scoped_nonblocking const&) = delete;
  scoped_nonblocking& operator=(scoped_nonblocking const&) = delete;
  ~scoped_nonblocking() { restore(); }

  /// Reads the mode; from now on it is given back, if somebody may change it.
  int note(bool hook_may_change_it) {
    int const error = sys_.blocking(handle_, was_blocking_);
    changed_ = error == 0 && hook_may_change_it;
    return error;
  }
  int enter() {
    if (!was_blocking_ && !changed_) return 0;
    changed_ = true;
    return sys_.set_blocking(handle_, false);
  }
  int restore() { return std::exchange(changed_, false) ? sys_.set_blocking(handle_, was_blocking_) : 0; }

 private:
  System& sys_;
  native_handle handle_;
  bool was_blocking_ = false;
  bool changed_ = false;
};

/// The error that a borrowed descriptor itself shows; 0 if it is a stream socket of the endpoint's family.
template <system_calls System>
int check_borrowed(System& sys, native_handle mine, endpoint const& to, cancellation const* cancel) {
  int family = 0;
  int type = 0;
  if (int const error = sys.kind(mine, family, type)) return error;
  if (type != SOCK_STREAM) return native_error::wrong_type;
  if (family != to.family()) return native_error::wrong_family;
  return can_wait_on(sys, mine, cancel) ? 0 : own_error(errc::descriptor_too_large);
}

/// Why a borrowed descriptor is not connected.
struct borrowed_failure {
  int error;
  left_behind left;
};

/// Drives a borrowed descriptor to its outcome and applies the policy; the blocking mode is not its business.
template <system_calls System>
result<void, borrowed_failure> conclude_borrowed(attempt<System, /*Borrowed*/ true> const& tried, time_point until,
                                                 connect_options const& options) {
  course driven(tried, until, options.accept_late);
  int tries = 0;
  do {
    driven.begin();
    drive(driven, tried.sys, options.cancel);
  } while (is_worth_another(tried.sys, driven.seen(), ++tries, until));
  outcome const seen = driven.seen();
  if (seen.at == stage::connected) return {};
  left_behind const left = leave(tried, seen.at, options.on_timeout);
  bool const is_untouched = seen.at == stage::not_started || seen.at == stage::not_ours;
  // A Unix connect() leaves no error; what is there is of an older connection, and its owner's.
  if (!is_untouched && left.aftermath != aftermath::kept && is_inet(tried.to.family())) {
    bool const is_dead = left.aftermath == aftermath::none;
    if (is_dead) tried.sys.disconnect(tried.handle);  // so that it can connect again
    if (is_dead) tried.discard_reports();
    int read_away = 0;
    tried.sys.connect_error(tried.handle, read_away);
  }
  return borrowed_failure{seen.error, left};
}

}  // namespace detail

/// Connects a new socket to an endpoint before a deadline: exactly one outcome, a connected socket or a failure.
///
/// Deadline: deadline_exceeded never comes before it. Zero and the past try once and do not wait. Nothing waits for
/// ever but deadline::never() and what is too long for the clock. A Unix socket with a full backlog has nothing in
/// flight at the deadline: handshake not_started.
///
/// Errors: errc::deadline_exceeded. Before anything is sent: errc::invalid_endpoint, errc::invalid_option,
/// errc::descriptor_too_large, errc::refused_by_hook and errc::cancelled, which also comes later. errc::self_connect,
/// when 8 tries within the deadline ended so. Else what socket(2), setsockopt(2), bind(2) and connect(2) report:
/// ECONNREFUSED, ENETUNREACH, EMFILE, the kernel's own ETIMEDOUT, ...
///
/// Ownership: the socket belongs to the caller. A failure owns the attempt if it was kept (failure.pending), else
/// nothing.
///
/// Cost: 6 system calls where the handshake is over at once, close included (5 with `nonblocking`); no allocation.
///
/// Example: examples/quickstart.cpp
template <system_calls System = native_system>
basic_connect_result<typename System::owner> timed_connect(endpoint const& to, deadline limit,
                                                           connect_options const& options = {}, System sys = {}) {
  auto const began = sys.now();
  auto const until = detail::fixed(limit, began);
  detail::owned_connect<System> connecting(sys, to, options, until);
  connecting.begin();
  detail::drive(connecting, sys, options.cancel);
  return connecting.conclude(options.on_timeout, began);
}

/// Connects the caller's own descriptor. It is never closed, and comes back in the blocking mode in which it came, on
/// every path. Of the options, on_timeout, accept_late, before_connect and cancel apply; any other off its default is
/// errc::invalid_option.
///
/// Deadline: as above. When it comes, `close` shuts the descriptor down (silent while the SYN is in flight, and it can
/// connect again; FIN once established), `reset` disconnects it (silence or RST, and it can connect again), `keep`
/// leaves the attempt running: another call with the same endpoint resumes it.
///
/// Errors: as above, and EBADF, ENOTSOCK, EPROTOTYPE (no stream socket), EAFNOSUPPORT (another family than the
/// endpoint's), EISCONN or EALREADY (connected, or on its way, to somebody else: untouched), ESHUTDOWN
/// (it was connected to this endpoint, and was ended by shutdown(), by an earlier call that gave up, by both sides, or by
/// a RST of the peer's: untouched, a RST's SO_ERROR too).
///
/// Ownership: the descriptor stays the caller's; failure.pending is always empty.
template <system_calls System = native_system>
result<void, basic_connect_failure<typename System::owner>> timed_connect(tconn::native_handle mine, endpoint const& to,
                                                                          deadline limit,
                                                                          connect_options const& options = {},
                                                                          System sys = {}) {
  using owner = typename System::owner;
  auto const began = sys.now();
  auto const until = detail::fixed(limit, began);
  auto const fail = [&](int error, detail::left_behind left = {}) {
    return detail::failure<owner>(error, to, left, sys.now() - began);
  };
  if (int const error = detail::check(to, options)) return fail(error);
  if (!detail::fits_borrowed(options)) return fail(detail::own_error(errc::invalid_option));
  if (int const error = detail::check_borrowed(sys, mine, to, options.cancel)) return fail(error);
  detail::scoped_nonblocking<System> mode(sys, mine);
  if (int const error = mode.note(static_cast<bool>(options.before_connect))) return fail(error);
  if (int const error = detail::ask(options.before_connect, mine, to)) return fail(error);
  if (int const error = mode.enter()) return fail(error);
  detail::attempt<System, /*Borrowed*/ true> const tried{sys, to, mine};
  auto const concluded = detail::conclude_borrowed(tried, until, options);
  int const stuck = mode.restore();
  if (!concluded) return fail(concluded.error().error, concluded.error().left);
  if (stuck != 0) return fail(stuck, tried.state(aftermath::kept));
  return {};
}

/// Starts an attempt and returns at once, for callers with an event loop of their own. The attempt may be complete
/// already: try_finish() tells. Only on_timeout does not apply.
///
/// Errors: as timed_connect(), but for the deadline. A Unix socket whose backlog is full starts nothing: EAGAIN
/// (std::errc::resource_unavailable_try_again), handshake not_started. There is no budget, so nothing is retried.
///
/// Ownership: the attempt, and its descriptor, belong to what is returned.
template <system_calls System = native_system>
result<basic_pending_connection<typename System::owner>, basic_connect_failure<typename System::owner>> start_connect(
    endpoint const& to, connect_options const& options = {}, System sys = {}) {
  using owner = typename System::owner;
  auto const began = sys.now();
  auto const fail = [&](int error, detail::left_behind left = {}) {
    return detail::failure<owner>(error, to, left, sys.now() - began);
  };
  if (int const error = detail::check(to, options)) return fail(error);
  detail::scoped_handle<System> owned(sys);
  if (int const error = detail::open_socket(sys, owned.handle, to, options)) return fail(error);
  detail::attempt<System> const tried{sys, to, owned.handle};
  auto const started = detail::start_owned(tried);
  if (started.at == detail::stage::in_flight || started.at == detail::stage::connected) {
    basic_socket<owner> started_on(owned.release(), detail::owner_of(sys));
    return basic_pending_connection<owner>(std::move(started_on), to, options);
  }
  auto const left = detail::leave(tried, started.at, on_timeout::close);
  detail::close_given_up(sys, owned.release(), left.aftermath);
  return fail(started.error, left);
}

}  // namespace v1
}  // namespace tconn
