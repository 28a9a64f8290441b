// SPDX-License-Identifier: MIT
// A connect in a loop that calls back, as those written in C do. `Watch` is what differs: it watches in one such loop, and
// calls come() with what has come.
#pragma once

#include <timed_connect/adapters/detail/loop_connect.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// What stays where it is while the loop knows of it.
template <class Watch>
class callback_state {
 public:
  template <class... Arguments>
  explicit callback_state(typename Watch::loop* loop, Arguments&&... arguments)
      : connecting_(std::forward<Arguments>(arguments)...), watch_(loop, *this) {}
  callback_state(callback_state const&) = delete;
  callback_state& operator=(callback_state const&) = delete;
  virtual ~callback_state() = default;

  void begin() {
    connecting_.begin();
    watch();
  }

  /// The loop has found the handle ready, or the cancellation requested, or else it is time. Nothing can be thrown through a
  /// loop that is written in C.
  void come(bool is_ready) noexcept {
    watch_.stop();
    if (!connecting_.is_over()) connecting_.go_on(is_ready || is_ready_too());
    if (!connecting_.is_over()) return watch();
    watch_.stop_for_good();
    tell(connecting_.take());  // by then nobody may need this any more, and it may be gone
  }

  /// It is told of that in the loop's next turn, as of everything.
  void cancel() {
    if (connecting_.is_over()) return;
    watch_.stop();
    connecting_.end(own_error(errc::cancelled));
    watch();
  }

 private:
  virtual void tell(connect_result result) = 0;

  // A loop that was busy tells of its timers first. What has come by now counts, as where poll() tells of both at once.
  bool is_ready_too() const {
    auto entry = platform::writable(connecting_.watched());
    return entry.fd != no_handle && native_system().wait(&entry, 1, long_past) == 0;
  }

  void watch() {
    int failed = 0;
    if (!connecting_.is_over())
      failed = watch_.start(connecting_.watched(), connecting_.cancelled_by(), connecting_.wakes_at());
    if (failed != 0) watch_.stop(), connecting_.end(failed);
    if (connecting_.is_over()) watch_.start(no_handle, nullptr, long_past);
  }

  loop_connect connecting_;
  Watch watch_;  // ends before the attempt does
};

/// The same with what is to be called, which need not be copyable.
template <class Watch, class Done>
class callback_state_of final : public callback_state<Watch> {
 public:
  template <class... Arguments>
  callback_state_of(typename Watch::loop* loop, Done done, Arguments&&... arguments)
      : callback_state<Watch>(loop, std::forward<Arguments>(arguments)...), done_(std::move(done)) {}

 private:
  void tell(connect_result result) override {
    auto done = std::move(done_);
    done(std::move(result));
  }

  Done done_;
};

/// What a program holds. See the adapters for what it does.
template <class Watch>
class [[nodiscard]] callback_connect {
 public:
  /// Begins a new attempt; see timed_connect(). The deadline counts from here.
  template <std::invocable<connect_result> Done>
  callback_connect(typename Watch::loop* loop, endpoint const& to, deadline limit, connect_options const& options,
                   Done done)
      : state_(std::make_unique<callback_state_of<Watch, Done>>(loop, std::move(done), to, limit, options)) {
    state_->begin();
  }

  /// Goes on with one that is in flight; see pending_connection::wait(). Kept, it is in connect_failure::pending.
  template <std::invocable<connect_result> Done>
  callback_connect(typename Watch::loop* loop, pending_connection attempt, deadline limit, on_timeout how, Done done)
      : state_(
            std::make_unique<callback_state_of<Watch, Done>>(loop, std::move(done), std::move(attempt), limit, how)) {
    state_->begin();
  }

  /// Ends it by its policy; errc::cancelled is told in the loop's next turn. Nothing happens where it is over.
  void cancel() {
    if (state_) state_->cancel();
  }

 private:
  std::unique_ptr<callback_state<Watch>> state_;
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
