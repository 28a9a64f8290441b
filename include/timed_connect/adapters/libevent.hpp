// SPDX-License-Identifier: MIT
// libevent (https://libevent.org, 2.0 or later): a connect driven by its loop. Link libevent_core.
//
// libevent's timers go by a clock that ticks every few milliseconds, and count from the time at which the loop has last
// looked at it, so they may come early. The deadline is held by the steady clock: a timer that comes early is added again
// for what is left.
//
//   tconn::adapters::event_connect connecting(base, to, 250ms, {}, [](tconn::connect_result result) { ... });
#pragma once

#include <timed_connect/adapters/detail/callback_connect.hpp>

#include <event2/event.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// One event, whose size is known to libevent alone.
class libevent_event {
 public:
  libevent_event() = default;
  libevent_event(libevent_event const&) = delete;
  libevent_event& operator=(libevent_event const&) = delete;
  ~libevent_event() { stop(); }

  /// 0, or why it cannot be watched.
  int start(event_base* base, evutil_socket_t handle, short what, timeval const* limit, event_callback_fn call,
            void* argument) {
    errno = 0;
    bool const is_added =
        ::event_assign(get(), base, handle, what, call, argument) == 0 && ::event_add(get(), limit) == 0;
    is_started_ = is_added;
    if (is_added) return 0;
    return errno != 0 ? errno : native_error::bad_handle;
  }
  void stop() {
    if (std::exchange(is_started_, false)) ::event_del(get());
  }
  bool is_started() const { return is_started_; }

 private:
  event* get() { return reinterpret_cast<event*>(bytes_.get()); }

  std::unique_ptr<std::byte[]> bytes_ = std::make_unique<std::byte[]>(::event_get_struct_event_size());
  bool is_started_ = false;
};

/// Watches in a loop of libevent's.
class libevent_watch {
 public:
  using loop = event_base;

  libevent_watch(event_base* base, callback_state<libevent_watch>& told) : base_(base), told_(told) {}

  int start(native_handle handle, cancellation const* cancel, time_point until) {
    if (cancel != nullptr && !cancel_.is_started()) {
      int const failed = cancel_.start(base_, cancel->native_handle(), EV_READ, nullptr, &on_cancelled, this);
      if (failed != 0) return failed;
    }
    auto const left = span_until(until);
    return attempt_.start(base_, handle, handle != no_handle ? EV_WRITE : 0, until == never ? nullptr : &left,
                          &on_attempt, this);
  }
  void stop() { attempt_.stop(); }
  void stop_for_good() {
    attempt_.stop();
    cancel_.stop();
  }

 private:
  static timeval span_until(time_point until) {
    auto const count = std::chrono::ceil<std::chrono::microseconds>(left_until(until)).count();
    timeval span{};
    span.tv_sec = static_cast<decltype(span.tv_sec)>(count / 1'000'000);
    span.tv_usec = static_cast<decltype(span.tv_usec)>(count % 1'000'000);
    return span;
  }

  static libevent_watch& of(void* argument) { return *static_cast<libevent_watch*>(argument); }
  static void on_attempt(evutil_socket_t, short what, void* argument) {
    of(argument).told_.come((what & EV_WRITE) != 0);
  }
  static void on_cancelled(evutil_socket_t, short, void* argument) { of(argument).told_.come(false); }

  event_base* base_;
  callback_state<libevent_watch>& told_;
  libevent_event attempt_{};
  libevent_event cancel_{};
};

}  // namespace detail

namespace adapters {

/// One connect that a loop of libevent's drives: event_connect(base, to, limit, options, done) is timed_connect(to, limit,
/// options), and event_connect(base, attempt, limit, how, done) is attempt.wait(limit, how). `done` is called once, in a
/// turn of the loop, with the connect_result. It must not throw, nor may a hook in a turn of the loop: that ends the
/// program. In the loop's thread alone. Move-only.
///
/// Deadline: as those; never early, and as late as libevent's timers are: by milliseconds, unless the base was made with
/// EVENT_BASE_FLAG_PRECISE_TIMER. A full backlog is tried again as often, about every 4 ms.
///
/// Errors: as those; also where libevent cannot watch the descriptor. cancel() ends it with errc::cancelled.
///
/// Ownership: the result is done's. Destroyed before that, the attempt is given up by `close` and nobody is called; so it
/// must go before the base. `done` may destroy it. What the options refer to must outlive it.
///
/// Cost: three allocations.
///
/// Example: examples/adapters/libevent.cpp
using event_connect = tconn::detail::callback_connect<tconn::detail::libevent_watch>;

}  // namespace adapters
}  // namespace v1
}  // namespace tconn
