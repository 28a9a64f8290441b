// SPDX-License-Identifier: MIT
#include <uv.h>

#include "peer.hpp"

namespace {

using peers::outcome;

class loop {
 public:
  loop() {
    uv_loop_init(&loop_);
    uv_timer_init(&loop_, &timer_);
    timer_.data = this;
  }

  outcome connect(tconn::endpoint const& to, std::chrono::milliseconds limit) {
    uv_tcp_init(&loop_, &socket_);
    uv_connect_t request;
    request.data = this;
    uv_update_time(&loop_);  // the time that timers count from is the one of the loop's last turn
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<loop*>(timer->data)->close(); },
        static_cast<std::uint64_t>(limit.count()), 0);
    status_ = uv_tcp_connect(&request, &socket_, to.data(),
                             [](uv_connect_t* done, int status) { static_cast<loop*>(done->data)->end(status); });
    if (status_ != 0) end(status_);
    uv_run(&loop_, UV_RUN_DEFAULT);
    return status_ == 0 ? outcome::connected : status_ == UV_ECANCELED ? outcome::timed_out : outcome::failed;
  }

 private:
  void end(int status) {
    status_ = status;
    uv_timer_stop(&timer_);
    close();
  }
  void close() {
    auto* const handle = reinterpret_cast<uv_handle_t*>(&socket_);
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  }

  uv_loop_t loop_{};
  uv_timer_t timer_{};
  uv_tcp_t socket_{};
  int status_ = 0;
};

outcome connect(tconn::endpoint const& to, std::chrono::microseconds limit) {
  static loop kept;
  return kept.connect(to, std::chrono::duration_cast<std::chrono::milliseconds>(limit));
}

using namespace std::chrono_literals;
peers::entry const listed({"libuv", uv_version_string(), connect, 1ms});

}  // namespace
