// SPDX-License-Identifier: MIT
// libevent's loop.
#include <timed_connect/adapters/libevent.hpp>

#include "adapters/callback_promises.hpp"

#include <event2/event.h>
#include <chrono>
#include <functional>
#include <utility>

namespace {

class libevent_loop {
 public:
  using operation = tconn::adapters::event_connect;

  libevent_loop() = default;
  libevent_loop(libevent_loop const&) = delete;
  libevent_loop& operator=(libevent_loop const&) = delete;
  ~libevent_loop() {
    all_.clear();
    EXPECT_EQ(::event_base_get_num_events(base_, EVENT_BASE_COUNT_ADDED), 0) << "an event is left";
    ::event_base_free(base_);
  }

  void connect(tconn::endpoint const& to, tconn::deadline limit, tconn::connect_options const& options,
               promises::handler call) {
    all_.begin(base_, to, limit, options, std::move(call));
  }
  void wait(tconn::pending_connection attempt, tconn::deadline limit, tconn::on_timeout how, promises::handler call) {
    all_.begin(base_, std::move(attempt), limit, how, std::move(call));
  }
  void cancel_all() { all_.cancel_all(); }
  event_base* get() { return base_; }
  void run() { ::event_base_dispatch(base_); }
  void run_for(std::chrono::milliseconds time) {
    timeval const span{0, static_cast<decltype(timeval::tv_usec)>(time.count() * 1000)};
    ::event_base_loopexit(base_, &span);
    run();
  }

  /// Calls it in a turn of the loop.
  void call(std::function<void()> once) {
    timeval const at_once{};
    ::event_base_once(
        base_, -1, EV_TIMEOUT,
        [](evutil_socket_t, short, void* argument) {
          auto* const made = static_cast<std::function<void()>*>(argument);
          (*made)();
          delete made;
        },
        new std::function<void()>(std::move(once)), &at_once);
  }

 private:
  event_base* base_ = ::event_base_new();
  promises::operations<operation> all_{};
};

}  // namespace

namespace promises {
INSTANTIATE_TYPED_TEST_SUITE_P(Libevent, EventLoop, libevent_loop);
INSTANTIATE_TYPED_TEST_SUITE_P(Libevent, OwnCancellation, libevent_loop);
INSTANTIATE_TYPED_TEST_SUITE_P(Libevent, CallbackLoop, libevent_loop);
}  // namespace promises
