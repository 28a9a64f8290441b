// SPDX-License-Identifier: MIT
// An attempt in flight that outlives a call: the building block for event loops, and what on_timeout::keep hands over.
// Beside it the failure that may carry one.
#pragma once

#include <timed_connect/detail/drive.hpp>
#include <timed_connect/result.hpp>
#include <timed_connect/socket.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace tconn {
inline namespace v1 {

template <system_calls Owner>
class basic_pending_connection;

/// Why there is no connection, and exactly what is left of it.
template <system_calls Owner>
struct basic_connect_failure {
  std::error_code code{};                                      ///< Why.
  endpoint where{};                                            ///< Which address.
  tconn::handshake handshake = tconn::handshake::not_started;  ///< Its state when the attempt was given up.
  tconn::aftermath aftermath = tconn::aftermath::none;         ///< What was left behind.
  unsigned syn_retransmits = 0;         ///< How often the SYN was repeated; 0 where the system cannot tell.
  std::chrono::nanoseconds elapsed{0};  ///< Since the call began.
  /// Engaged exactly when an owned attempt in flight was kept.
  std::optional<basic_pending_connection<Owner>> pending{};

  /// One line for a person: address, reason, time, SYNs, aftermath. Allocates.
  std::string message() const;
};

/// The outcome of connecting a new socket: the connected socket or the failure, and never both.
template <system_calls Owner>
using basic_connect_result = result<basic_socket<Owner>, basic_connect_failure<Owner>>;

namespace detail {

template <system_calls Owner>
basic_connect_failure<Owner> failure(std::error_code code, endpoint const& where, left_behind left,
                                     std::chrono::nanoseconds elapsed) {
  return {code, where, left.handshake, left.aftermath, left.syn_retransmits, elapsed, std::nullopt};
}

/// Does to an attempt without a connection what its outcome and the policy ask for, and tells what is left behind.
template <system_calls System>
left_behind leave(attempt<System> const& tried, outcome const& seen, on_timeout how) {
  switch (seen.at) {
    case stage::not_started:
    case stage::not_ours: return {};
    case stage::failed: {  // nothing to give up; some systems have counted the SYNs
      tcp_facts facts;
      tried.sys.tcp(tried.handle, facts);
      return {handshake::failed, aftermath::none, facts.syn_retransmits};
    }
    case stage::expired:
    case stage::late:
      if (how == on_timeout::keep) return tried.state(aftermath::kept);
      [[fallthrough]];
    default: return tried.give_up(how == on_timeout::reset ? on_timeout::reset : on_timeout::close);
  }
}

/// What the outcome of an owned attempt means to the caller. Unless it is kept (aftermath::kept), the handle is gone:
/// handed over in the socket, or closed.
template <system_calls System>
basic_connect_result<typename System::owner> conclude(attempt<System> const& tried, outcome seen, on_timeout how,
                                                      bool accept_late, bool nonblocking, time_point began) {
  using owner = typename System::owner;
  System& sys = tried.sys;
  if (seen.connected(accept_late)) {
    int const stuck = nonblocking ? 0 : sys.set_blocking(tried.handle, true);
    if (stuck == 0) return basic_socket<owner>(tried.handle, owner_of(sys));
    seen = {stage::broken, native_code(stuck)};
  }
  if (seen.at == stage::expired || seen.at == stage::late) seen.code = errc::deadline_exceeded;
  left_behind const left = leave(tried, seen, how);
  if (left.aftermath != aftermath::kept) close_given_up(sys, tried.handle, left.aftermath);
  return failure<owner>(seen.code, tried.to, left, sys.now() - began);
}

}  // namespace detail

/// Owns the descriptor of an attempt. Wait for writability on native_handle() in any event loop, then call
/// try_finish(); or wait() here. Destroyed in flight, it is given up by `close`. After an outcome it is empty.
/// Move-only.
template <system_calls Owner>
class basic_pending_connection {
 public:
  using connect_result = basic_connect_result<Owner>;  ///< The outcome.

  /// Takes over an attempt that is in flight on a non-blocking socket. Of the options, accept_late and nonblocking
  /// count.
  basic_pending_connection(basic_socket<Owner> in_flight, endpoint const& to, connect_options const& options,
                           Owner sys = {})
      : socket_(std::move(in_flight)),
        sys_(std::move(sys)),
        to_(to),
        accept_late_(options.accept_late),
        nonblocking_(options.nonblocking) {}
  basic_pending_connection(basic_pending_connection&&) noexcept = default;
  basic_pending_connection& operator=(basic_pending_connection&& other) noexcept {
    if (this != &other) {
      abandon(on_timeout::close);
      socket_ = std::move(other.socket_);
      sys_ = std::move(other.sys_);
      to_ = other.to_;
      accept_late_ = other.accept_late_;
      nonblocking_ = other.nonblocking_;
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

  /// Looks, and never blocks: the outcome, or nothing while the attempt is in flight.
  /// Errors: whatever connect(2) reports by SO_ERROR; errc::self_connect; EBADF when there is no attempt.
  /// Cost: poll and TCP_INFO in flight; poll, SO_ERROR, getpeername, getsockname, and ioctl unless `nonblocking`, when
  /// connected.
  std::optional<connect_result> try_finish() { return try_finish(sys_); }

  /// The same through another system, such as a waiting strategy.
  template <system_calls System>
  requires std::same_as<typename System::owner, Owner> std::optional<connect_result> try_finish(System sys) {
    connect_result looked = wait(detail::long_past, on_timeout::keep, sys, /*accept_late*/ true);
    if (!looked && looked.error().aftermath == aftermath::kept) return std::nullopt;
    return looked;
  }

  /// Goes on waiting, with a deadline of its own.
  /// Deadline: `keep` leaves the attempt here (aftermath kept, failure.pending empty: call again), `close` and `reset`
  /// give it up. Zero and the past look once and do not wait.
  /// Errors: errc::deadline_exceeded; errc::self_connect at once, without another try; errc::invalid_option for a
  /// policy that is none, and the attempt is kept; otherwise as try_finish().
  /// Example: examples/resume.cpp
  connect_result wait(deadline limit, tconn::on_timeout how = tconn::on_timeout::keep) {
    return wait(limit, how, sys_);
  }

  /// The same through another system, such as a waiting strategy. Errors: also errc::descriptor_too_large, where that
  /// one cannot watch the descriptor; the attempt is kept.
  template <system_calls System>
  requires std::same_as<typename System::owner, Owner> connect_result wait(deadline limit, tconn::on_timeout how,
                                                                           System sys) {
    return wait(limit, how, sys, accept_late_);
  }

  /// Gives the attempt up now, by `close` or `reset`, and tells what that left behind; `keep` changes nothing.
  tconn::aftermath abandon(tconn::on_timeout how) {
    if (!socket_) return aftermath::none;
    if (how == on_timeout::keep) return aftermath::kept;
    auto const left = detail::attempt<Owner>{sys_, socket_.native_handle(), to_}.give_up(how);
    detail::close_given_up(sys_, socket_.release(), left.aftermath);
    return left.aftermath;
  }

 private:
  template <system_calls System>
  connect_result wait(deadline limit, tconn::on_timeout how, System& sys, bool accept_late) {
    time_point const began = sys.now();
    detail::attempt<System> const tried{sys, socket_.native_handle(), to_};
    if (!socket_) return detail::failure<Owner>(detail::native_code(detail::native_error::bad_handle), to_, {}, {});
    if (!detail::is_policy(how) || !sys.can_wait_on(tried.handle)) {
      auto const why = detail::is_policy(how) ? errc::descriptor_too_large : errc::invalid_option;
      return detail::failure<Owner>(why, to_, tried.state(aftermath::kept), {});
    }
    auto const seen = detail::settle_self_connect(tried, detail::wait_for_handshake(tried, limit.until(began)));
    auto concluded = detail::conclude(tried, seen, how, accept_late, nonblocking_, began);
    if (concluded || concluded.error().aftermath != aftermath::kept) socket_.release();
    return concluded;
  }

  basic_socket<Owner> socket_;
  [[no_unique_address]] Owner sys_;
  endpoint to_;
  bool accept_late_;
  bool nonblocking_;
};

using connect_failure = basic_connect_failure<native_system>;        ///< The native system's failure.
using connect_result = basic_connect_result<native_system>;          ///< The native system's outcome.
using pending_connection = basic_pending_connection<native_system>;  ///< The native system's attempt in flight.

template <system_calls Owner>
std::string basic_connect_failure<Owner>::message() const {
  auto const microseconds = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
  std::string line = where.to_string() + ": " + code.message() + " after " + std::to_string(microseconds / 1000) + '.' +
                     std::to_string(microseconds % 1000 + 1000).substr(1) + " ms, handshake ";
  line += to_string(handshake);
  if (syn_retransmits != 0)
    line += " (SYN repeated " + std::to_string(syn_retransmits) + (syn_retransmits == 1 ? " time)" : " times)");
  switch (aftermath) {
    case aftermath::none: break;
    case aftermath::nothing_sent: line += "; given up in silence"; break;
    case aftermath::peer_sees_close: line += "; the peer sees it opened and closed"; break;
    case aftermath::peer_sees_reset: line += "; the peer sees it opened and reset"; break;
    case aftermath::kept: line += "; the attempt goes on"; break;
    case aftermath::unknown: line += "; what the peer sees is unknown"; break;
  }
  return line;
}

}  // namespace v1
}  // namespace tconn
