// SPDX-License-Identifier: MIT
#include <uv.h>

#include "peer.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

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
    return status_ == UV_ECANCELED ? outcome::timed_out : peers::outcome_of(-status_);
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

/// A batch, with a loop of its own.
class fan {
 public:
  explicit fan(peers::batch_job& job) : job_(job), sockets_(job.to.size()), requests_(job.to.size()) {
    uv_loop_init(&loop_);
    uv_timer_init(&loop_, &timer_);
    timer_.data = this;
  }
  fan(fan const&) = delete;
  fan& operator=(fan const&) = delete;
  ~fan() {
    close_all();
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  void run() {
    left_ = job_.to.size();
    for (std::size_t index = 0; index < job_.to.size(); ++index) {
      uv_tcp_init(&loop_, &sockets_[index]);
      requests_[index].data = this;
      auto const done = [](uv_connect_t* request, int status) {
        static_cast<fan*>(request->data)->end(request, status);
      };
      int const status = uv_tcp_connect(&requests_[index], &sockets_[index], job_.to[index].data(), done);
      if (status != 0) end(&requests_[index], status);
    }
    auto const time = std::chrono::ceil<std::chrono::milliseconds>(job_.until - peers::batch_job::clock::now());
    uv_update_time(&loop_);
    auto const stop = [](uv_timer_t* timer) { static_cast<fan*>(timer->data)->close_the_rest(); };
    if (left_ != 0) uv_timer_start(&timer_, stop, time.count() > 0 ? static_cast<std::uint64_t>(time.count()) : 0, 0);
    uv_run(&loop_, UV_RUN_DEFAULT);
  }

 private:
  void end(uv_connect_t* request, int status) {
    job_.is_connected[static_cast<std::size_t>(request - requests_.data())] = status == 0;
    request->data = nullptr;
    if (--left_ == 0) uv_timer_stop(&timer_);
  }
  void close_the_rest() {
    for (std::size_t index = 0; index < sockets_.size(); ++index)
      if (requests_[index].data != nullptr) close(sockets_[index]);
  }
  void close_all() {
    for (auto& socket : sockets_) close(socket);
  }
  static void close(uv_tcp_t& socket) {
    auto* const handle = reinterpret_cast<uv_handle_t*>(&socket);
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  }

  peers::batch_job& job_;
  uv_loop_t loop_{};
  uv_timer_t timer_{};
  std::vector<uv_tcp_t> sockets_;
  std::vector<uv_connect_t> requests_;
  std::size_t left_ = 0;
};

void connect_all(peers::batch_job& job) {
  fan all(job);
  all.run();
  job.returned = peers::batch_job::clock::now();
}

using namespace std::chrono_literals;
peers::entry const listed({"libuv", uv_version_string(), connect, 1ms, connect_all});

}  // namespace
