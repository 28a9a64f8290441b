// SPDX-License-Identifier: MIT
// libuv (https://libuv.org, 1.19 or later): a connect driven by its loop. Link libuv; POSIX.
//
// libuv's timers have milliseconds, and count from the time at which the loop has last looked at the clock, so they may
// come early, by one millisecond and by as much as the loop was busy. The deadline is held by the steady clock: a timer
// that comes early is started again for what is left.
//
//   tconn::adapters::uv_connect connecting(loop, to, 250ms, {}, [](tconn::connect_result result) { ... });
#pragma once

#include <timed_connect/adapters/detail/callback_connect.hpp>

#include <fcntl.h>
#include <uv.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Watches in a loop of libuv's. Its handles live until the loop has closed them, which is after this has gone.
class libuv_watch {
 public:
  using loop = uv_loop_t;

  libuv_watch(uv_loop_t* in, callback_state<libuv_watch>& told)
      : loop_(in), told_(told), timer_(std::make_unique<uv_timer_t>().release()) {
    ::uv_timer_init(loop_, timer_);
    timer_->data = this;
  }
  libuv_watch(libuv_watch const&) = delete;
  libuv_watch& operator=(libuv_watch const&) = delete;
  ~libuv_watch() {
    stop_for_good();
    close(timer_);
  }

  /// 0, or why that cannot be watched.
  int start(native_handle handle, cancellation const* cancel, time_point until) {
    if (int const failed = handle != no_handle ? poll(attempt_, handle, UV_WRITABLE, &on_writable) : 0) return failed;
    if (cancel != nullptr && cancel_ == nullptr) {
      // libuv knows a descriptor once, and a cancellation may end many.
      copy_ = socket(::fcntl(cancel->native_handle(), F_DUPFD_CLOEXEC, 0));
      if (!copy_) return errno;
      if (int const failed = poll(cancel_, copy_.native_handle(), UV_READABLE, &on_cancelled)) return failed;
    }
    if (until == never) return 0;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(left_until(until));
    return -::uv_timer_start(timer_, &on_time, static_cast<std::uint64_t>(left.count()), 0);
  }

  /// Stops all but what watches the cancellation.
  void stop() {
    ::uv_timer_stop(timer_);
    if (attempt_ != nullptr) close(attempt_);
  }
  void stop_for_good() {
    stop();
    if (cancel_ != nullptr) close(cancel_);
    copy_.close();
  }

 private:
  int poll(uv_poll_t*& polled, native_handle handle, int events, uv_poll_cb call) {
    auto fresh = std::make_unique<uv_poll_t>();
    if (int const failed = ::uv_poll_init(loop_, fresh.get(), handle)) return -failed;
    polled = fresh.release();
    polled->data = this;
    return -::uv_poll_start(polled, events, call);
  }

  template <class Handle>
  static void close(Handle*& handle) {
    auto* const closed = reinterpret_cast<uv_handle_t*>(std::exchange(handle, nullptr));
    ::uv_close(closed, [](uv_handle_t* gone) { std::unique_ptr<Handle> const freed(reinterpret_cast<Handle*>(gone)); });
  }

  static libuv_watch& of(void* data) { return *static_cast<libuv_watch*>(data); }
  // Of a connect that has failed libuv says EBADF, so the status says nothing.
  static void on_writable(uv_poll_t* handle, int, int) { of(handle->data).told_.come(/*is_ready*/ true); }
  static void on_cancelled(uv_poll_t* handle, int, int) { of(handle->data).told_.come(false); }
  static void on_time(uv_timer_t* handle) { of(handle->data).told_.come(false); }

  uv_loop_t* loop_;
  callback_state<libuv_watch>& told_;
  uv_timer_t* timer_;
  uv_poll_t* attempt_ = nullptr;
  uv_poll_t* cancel_ = nullptr;
  socket copy_{};
};

}  // namespace detail

namespace adapters {

/// One connect that a loop of libuv's drives: uv_connect(loop, to, limit, options, done) is timed_connect(to, limit, options),
/// and uv_connect(loop, attempt, limit, how, done) is attempt.wait(limit, how). `done` is called once, in a turn of the
/// loop, with the connect_result. It must not throw, nor may a hook or the lack of memory in a turn of the loop: that ends the program.
/// In the loop's thread alone. Move-only.
///
/// Deadline: as those; never early, and about a millisecond late. A full backlog is tried again about every 2 ms.
///
/// Errors: as those; also where libuv cannot watch the descriptor. cancel() ends it with errc::cancelled.
///
/// Ownership: the result is done's. Destroyed before that, the attempt is given up by `close` and nobody is called; so it
/// must go before the loop, whose uv_run() then frees what libuv still holds, and its handles are not for the program's
/// uv_walk() to close. `done` may destroy it. What the options refer to must outlive it.
///
/// Cost: two allocations, and one more for each wait. A cancellation is watched by a copy of its descriptor.
///
/// Example: examples/adapters/libuv.cpp
using uv_connect = tconn::detail::callback_connect<tconn::detail::libuv_watch>;

}  // namespace adapters
}  // namespace v1
}  // namespace tconn
