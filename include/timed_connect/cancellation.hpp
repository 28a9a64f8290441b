// SPDX-License-Identifier: MIT
// A way to end waits from outside: one descriptor, which any number of waits watch beside their sockets. It is readable
// from the first request on and stays so, so no request is ever lost between two waits.
#pragma once

#include <timed_connect/detail/platform.hpp>
#include <timed_connect/error.hpp>

#include <atomic>
#include <system_error>

namespace tconn {
inline namespace v1 {

/// Ends every call that was given it (connect_options::cancel), from any thread. Once requested, it stays requested.
///
/// A cancelled call fails with errc::cancelled and gives up what is in flight by its policy, as at a deadline, but
/// without a last look. Cancellation and completion have one winner: a connection that a call had found when it learnt
/// of the request is a success, and one that it finds at the same moment is given up; connect_failure tells of it.
///
/// It must outlive the calls, the pending connections that they have kept, and every request().
class cancellation {
 public:
  /// Opens the descriptor; see error(). Cost: one system call on Linux.
  cancellation() noexcept : error_(detail::platform::open_event(watched_, signal_)) {}
  cancellation(cancellation const&) = delete;
  cancellation& operator=(cancellation const&) = delete;
  ~cancellation() {
    if (signal_ != watched_) detail::platform::close(signal_);
    if (watched_ != no_handle) detail::platform::close(watched_);
  }

  /// Ends all waits at once. Any thread, any number of times; from a signal handler too.
  void request() noexcept {
    if (!requested_.exchange(true) && error_ == 0) detail::platform::raise_event(signal_);
  }

  /// Whether request() has been called.
  bool requested() const noexcept { return requested_.load(); }

  /// To be watched for readability by event loops; it stays owned, and nobody may read from it.
  tconn::native_handle native_handle() const noexcept { return watched_; }

  /// Why there is no descriptor (EMFILE, ...); a call that is given such a one fails with this, before anything is sent.
  std::error_code error() const noexcept { return detail::native_code(error_); }

 private:
  tconn::native_handle watched_ = no_handle;
  tconn::native_handle signal_ = no_handle;
  int error_;
  std::atomic<bool> requested_{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers use it");
};

namespace detail {

/// The error with which a call ends at its beginning; 0 if nobody has cancelled it.
inline int check(cancellation const* cancel) {
  if (cancel == nullptr) return 0;
  if (cancel->error()) return cancel->error().value();
  return cancel->requested() ? own_error(errc::cancelled) : 0;
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
