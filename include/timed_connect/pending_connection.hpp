// SPDX-License-Identifier: MIT
// An attempt in flight that outlives a call: the building block for event loops, and what on_timeout::keep hands over.
#pragma once

#include <timed_connect/connect_failure.hpp>
#include <timed_connect/detail/drive.hpp>

#include <concepts>
#include <optional>
#include <utility>

namespace tconn {
inline namespace v1 {

/// Owns the descriptor of an attempt. Wait for writability on native_handle() in any event loop, then call
/// try_finish(); or wait() here. Destroyed in flight, it is given up by `close`. After an outcome it is empty.
/// Move-only.
template <system_calls Owner>
class basic_pending_connection {
 public:
  using connect_result = basic_connect_result<Owner>;  ///< The outcome.

  /// Takes over an attempt that is in flight on a non-blocking socket. Of the options, accept_late, nonblocking and
  /// cancel count.
  basic_pending_connection(basic_socket<Owner> in_flight, endpoint const& to, connect_options const& options)
      : socket_(std::move(in_flight)),
        to_(to),
        cancel_(options.cancel),
        accept_late_(options.accept_late),
        nonblocking_(options.nonblocking) {}
  /// Takes the attempt over; the other is empty then.
  basic_pending_connection(basic_pending_connection&&) noexcept = default;
  /// The same; an attempt that is here is given up first, by `close`.
  basic_pending_connection& operator=(basic_pending_connection&& other) noexcept {
    if (this != &other) {
      abandon(on_timeout::close);
      socket_ = std::move(other.socket_);
      to_ = other.to_;
      cancel_ = other.cancel_;
      accept_late_ = other.accept_late_;
      nonblocking_ = other.nonblocking_;
      false_alarms_ = other.false_alarms_;
    }
    return *this;
  }
  ~basic_pending_connection() { abandon(on_timeout::close); }

  /// Whether there is an attempt.
  explicit operator bool() const noexcept { return static_cast<bool>(socket_); }
  /// The descriptor, to be watched for writability; it stays owned.
  tconn::native_handle native_handle() const noexcept { return socket_.native_handle(); }
  /// The address that is being connected to.
  endpoint const& where() const noexcept { return to_; }
  /// What ends its waits from outside, for event loops to watch as well; null if nothing does.
  cancellation const* cancelled_by() const noexcept { return cancel_; }

  /// Looks, and never blocks: the outcome, or nothing while the attempt is in flight.
  /// Errors: whatever connect(2) reports by SO_ERROR; errc::self_connect; EBADF when there is no attempt.
  /// Cost: poll and TCP_INFO in flight; poll, SO_ERROR, TCP_INFO, getpeername, getsockname, and ioctl unless
  /// `nonblocking`, when connected.
  std::optional<connect_result> try_finish() { return try_finish(socket_.system()); }

  /// The same through another system, such as a waiting strategy.
  template <system_calls System>
  requires std::same_as<typename System::owner, Owner> std::optional<connect_result> try_finish(System sys) {
    connect_result looked = wait(detail::long_past, on_timeout::keep, sys, /*accept_late*/ true, nullptr);
    if (!looked && looked.error().code == errc::deadline_exceeded) return std::nullopt;
    return looked;
  }

  /// Goes on waiting, with a deadline of its own.
  /// Deadline: `keep` leaves the attempt here (aftermath kept, failure.pending empty: call again), `close` and `reset`
  /// give it up. Zero and the past look once and do not wait.
  /// Errors: errc::deadline_exceeded; errc::cancelled, to which the policy applies as well; errc::self_connect at once,
  /// without another try; errc::invalid_option for a policy that is none, and the attempt is kept; otherwise as
  /// try_finish().
  /// Example: examples/resume.cpp
  connect_result wait(deadline limit, tconn::on_timeout how = tconn::on_timeout::keep) {
    return wait(limit, how, socket_.system());
  }

  /// The same through another system, such as a waiting strategy. Errors: also errc::descriptor_too_large, where that
  /// one cannot watch the descriptor; the attempt is kept.
  template <system_calls System>
  requires std::same_as<typename System::owner, Owner> connect_result wait(deadline limit, tconn::on_timeout how,
                                                                           System sys) {
    return wait(limit, how, sys, accept_late_, cancel_);
  }

  /// Gives the attempt up now, by `close` or `reset`, and tells what that left behind; `keep` changes nothing.
  tconn::aftermath abandon(tconn::on_timeout how) {
    if (!socket_) return aftermath::none;
    if (how == on_timeout::keep) return aftermath::kept;
    Owner sys = socket_.system();
    auto const left = detail::attempt<Owner>{sys, to_, socket_.native_handle()}.give_up(how);
    detail::close_given_up(sys, socket_.release(), left.aftermath);
    return left.aftermath;
  }

 private:
  template <system_calls System>
  connect_result wait(deadline limit, tconn::on_timeout how, System& sys, bool accept_late,
                      cancellation const* cancel) {
    time_point const began = sys.now();
    detail::attempt<System> tried{sys, to_, socket_.native_handle()};
    tried.false_alarms = false_alarms_;
    if (!socket_) return detail::failure<Owner>(native_error::bad_handle, to_, {}, {});
    if (cancel != nullptr && cancel->error())
      return detail::failure<Owner>(cancel->error().value(), to_, tried.state(aftermath::kept), {});
    if (!detail::is_policy(how) || !detail::can_wait_on(sys, tried.handle, cancel)) {
      auto const why = detail::is_policy(how) ? errc::descriptor_too_large : errc::invalid_option;
      return detail::failure<Owner>(detail::own_error(why), to_, tried.state(aftermath::kept), {});
    }
    detail::course driven(tried, limit.until(began), accept_late);
    driven.resume();
    detail::drive(driven, sys, cancel);
    false_alarms_ = driven.tried().false_alarms;
    auto concluded =
        detail::conclude(tried, driven.seen(), how, nonblocking_, began, detail::closing_at_once<System>{sys});
    if (concluded || concluded.error().aftermath != aftermath::kept) socket_.release();
    return concluded;
  }

  basic_socket<Owner> socket_;
  endpoint to_;
  cancellation const* cancel_;
  bool accept_late_;
  bool nonblocking_;
  unsigned char false_alarms_ = 0;
};

using pending_connection = basic_pending_connection<native_system>;  ///< The native system's attempt in flight.

}  // namespace v1
}  // namespace tconn
