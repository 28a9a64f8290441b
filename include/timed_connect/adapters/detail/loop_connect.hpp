// SPDX-License-Identifier: MIT
// One connect as an event loop sees it: a handle to watch for writability, a moment to wake up at, and an outcome in the
// end. The loops differ in how they watch; what is done when something has come is the same for all of them, and the same
// as in timed_connect(): full backlogs are tried again, bad luck with a port is, and the deadline has its last look.
//
// A step may close the handle, and open another one that has the same number. So a loop must know the handle only while
// it waits: unwatch, step, watch.
#pragma once

#include <timed_connect/detail/drive.hpp>
#include <timed_connect/pending_connection.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// A system in which every wait fails with an error, which so ends whatever waits.
struct failing_to_wait : native_system {
  explicit failing_to_wait(int with) : error(with) {}
  int wait(poll_entry*, std::size_t, time_point) const { return error; }
  int error;
};

/// A new attempt, or one that was kept. It never blocks. What is not taken is given up by `close`.
class loop_connect {
 public:
  /// The budget begins here, and the attempt with begin().
  loop_connect(endpoint const& to, deadline limit, connect_options const& options)
      : began_(sys_.now()), until_(fixed(limit, began_)), to_(to), options_(options) {
    fresh_.emplace(sys_, to_, options_, until_);
  }
  loop_connect(pending_connection&& resumed, deadline limit, on_timeout how)
      : began_(sys_.now()), until_(fixed(limit, began_)), resumed_(std::move(resumed)) {
    options_.on_timeout = how;
    options_.cancel = resumed_->cancelled_by();
  }
  loop_connect(loop_connect const&) = delete;
  loop_connect& operator=(loop_connect const&) = delete;
  ~loop_connect() {
    if (fresh_) fresh_->lose(on_timeout::close);
    // Resumed, connected, and nobody has been told of it: it goes as an attempt does.
    if (result_ && *result_) pending_connection const lost(std::move(**result_), resumed_->where(), options_);
  }

  /// Connects, or begins to. A deadline that is over has its last look here.
  void begin() {
    if (fresh_) {
      fresh_->begin();
    } else if (!*resumed_ || !is_policy(options_.on_timeout) || check(options_.cancel) != 0) {
      come_to_the_end();  // without an attempt, or without a look at it
    }
    if (!is_over() && until_ == long_past) go_on(/*is_ready*/ false);
  }

  bool is_over() const { return fresh_ ? fresh_->is_over() : result_.has_value(); }
  /// The handle to watch, if any: a full backlog is tried again after a pause.
  native_handle watched() const { return fresh_ ? fresh_->watched() : resumed_->native_handle(); }
  /// The moment at which to go on though nothing is ready.
  time_point wakes_at() const { return fresh_ ? fresh_->wakes_at() : until_; }
  /// What ends it from outside, to be watched for readability; may be null.
  cancellation const* cancelled_by() const { return options_.cancel; }

  /// Goes on after a wait. A loop that wakes up early only waits again. As in timed_connect(), a cancellation that is found
  /// in the same moment comes first.
  void go_on(bool is_ready) {
    if (options_.cancel != nullptr && options_.cancel->requested())
      end(own_error(errc::cancelled));
    else if (fresh_)
      fresh_->go_on(is_ready);
    else if (is_ready)
      finish();
    else if (sys_.now() >= until_)
      come_to_the_end();
  }

  /// It ends here, by its policy: it is cancelled (own_error(errc::cancelled)), or the loop cannot wait.
  void end(int error) {
    if (fresh_)
      fresh_->end(error);
    else
      result_.emplace(resumed_->wait(deadline::never(), options_.on_timeout, failing_to_wait(error)));
  }

  /// The outcome, once it is over, and once only.
  connect_result take() {
    if (fresh_) return fresh_->conclude(options_.on_timeout, began_);
    connect_result taken = std::move(*result_);
    if (taken) return taken;
    taken.error().elapsed = sys_.now() - began_;
    if (*resumed_) taken.error().pending.emplace(std::move(*resumed_));
    return taken;
  }

 private:
  void finish() {
    if (auto finished = resumed_->try_finish()) result_.emplace(std::move(*finished));
  }
  void come_to_the_end() { result_.emplace(resumed_->wait(long_past, options_.on_timeout)); }

  native_system sys_{};
  time_point began_;
  time_point until_;
  endpoint to_{};
  connect_options options_{};
  std::optional<owned_connect<native_system>> fresh_{};
  std::optional<pending_connection> resumed_{};
  std::optional<connect_result> result_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
