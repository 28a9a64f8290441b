// SPDX-License-Identifier: MIT
// libuv's loop.
#include <timed_connect/adapters/libuv.hpp>

#include "adapters/callback_promises.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace {

/// libuv opens a pipe for signals with the first loop and keeps it; the tests look for descriptors that are left.
[[maybe_unused]] bool const has_its_pipe = [] {
  uv_loop_t loop{};
  return ::uv_loop_init(&loop) == 0 && ::uv_loop_close(&loop) == 0;
}();

class libuv_loop {
 public:
  using operation = tconn::adapters::uv_connect;

  libuv_loop() { ::uv_loop_init(&loop_); }
  libuv_loop(libuv_loop const&) = delete;
  libuv_loop& operator=(libuv_loop const&) = delete;
  ~libuv_loop() {
    all_.clear();
    run();  // what is closed is freed
    EXPECT_EQ(::uv_loop_close(&loop_), 0) << "a handle is left";
  }

  void connect(tconn::endpoint const& to, tconn::deadline limit, tconn::connect_options const& options,
               promises::handler call) {
    all_.begin(&loop_, to, limit, options, std::move(call));
  }
  void wait(tconn::pending_connection attempt, tconn::deadline limit, tconn::on_timeout how, promises::handler call) {
    all_.begin(&loop_, std::move(attempt), limit, how, std::move(call));
  }
  void cancel_all() { all_.cancel_all(); }
  uv_loop_t* get() { return &loop_; }
  void run() { ::uv_run(&loop_, UV_RUN_DEFAULT); }

  /// Calls it in a turn of the loop.
  void call(std::function<void()> once) { after(std::chrono::milliseconds{0}, std::move(once)); }
  void run_for(std::chrono::milliseconds time) {
    after(time, [this] { ::uv_stop(&loop_); });
    run();
  }

 private:
  void after(std::chrono::milliseconds time, std::function<void()> once) {
    struct timer {
      uv_timer_t handle{};
      std::function<void()> call{};
    };
    auto* const made = new timer;
    made->call = std::move(once);
    ::uv_timer_init(&loop_, &made->handle);
    made->handle.data = made;
    ::uv_timer_start(
        &made->handle,
        [](uv_timer_t* handle) {
          static_cast<timer*>(handle->data)->call();
          ::uv_close(reinterpret_cast<uv_handle_t*>(handle),
                     [](uv_handle_t* closed) { delete static_cast<timer*>(closed->data); });
        },
        static_cast<std::uint64_t>(time.count()), 0);
  }

  uv_loop_t loop_{};
  promises::operations<operation> all_{};
};

}  // namespace

namespace promises {
INSTANTIATE_TYPED_TEST_SUITE_P(Libuv, EventLoop, libuv_loop);
INSTANTIATE_TYPED_TEST_SUITE_P(Libuv, OwnCancellation, libuv_loop);
INSTANTIATE_TYPED_TEST_SUITE_P(Libuv, CallbackLoop, libuv_loop);
}  // namespace promises
