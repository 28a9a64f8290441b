// SPDX-License-Identifier: MIT
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "peer.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace {

using peers::outcome;

// Freed here, and not behind the loop, as it is in the loop that libevent closes what was freed.
void note(bufferevent* ended, short what, void* into) {
  *static_cast<outcome*>(into) = (what & BEV_EVENT_CONNECTED) != 0 ? outcome::connected
                                 : (what & BEV_EVENT_TIMEOUT) != 0 ? outcome::timed_out
                                 : EVUTIL_SOCKET_ERROR() == 0      ? outcome::failed
                                                                   : peers::outcome_of(EVUTIL_SOCKET_ERROR());
  bufferevent_free(ended);
}

timeval to_timeval(std::chrono::microseconds limit) { return {limit.count() / 1'000'000, limit.count() % 1'000'000}; }

outcome connect(event_base* base, tconn::endpoint const& to, std::chrono::microseconds limit) {
  auto result = outcome::failed;
  auto* const connecting = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(connecting, nullptr, nullptr, note, &result);
  auto const time = to_timeval(limit);
  bufferevent_set_timeouts(connecting, nullptr, &time);
  bufferevent_socket_connect(connecting, to.data(), static_cast<int>(to.size()));  // a failure is told as well
  event_base_dispatch(base);
  return result;
}

outcome connect_by_default(tconn::endpoint const& to, std::chrono::microseconds limit) {
  static auto* const base = event_base_new();
  return connect(base, to, limit);
}

event_base* precise_base() {
  auto* const config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
  auto* const base = event_base_new_with_config(config);
  event_config_free(config);
  return base;
}

outcome connect_precisely(tconn::endpoint const& to, std::chrono::microseconds limit) {
  static auto* const base = precise_base();
  return connect(base, to, limit);
}

/// A batch: a bufferevent for each, and one timer.
class fan {
 public:
  explicit fan(peers::batch_job& job) : job_(job), all_(job.to.size()) {}
  fan(fan const&) = delete;
  fan& operator=(fan const&) = delete;
  ~fan() {
    for (auto const& each : all_)
      if (each.connecting != nullptr) bufferevent_free(each.connecting);
    event_base_loop(base_, EVLOOP_NONBLOCK);  // closes them
    event_base_free(base_);
  }

  void run() {
    left_ = all_.size();
    for (std::size_t index = 0; index < all_.size(); ++index) {
      auto& each = all_[index];
      each = {this, bufferevent_socket_new(base_, -1, BEV_OPT_CLOSE_ON_FREE)};
      bufferevent_setcb(each.connecting, nullptr, nullptr, end, &each);
      bufferevent_socket_connect(each.connecting, job_.to[index].data(), static_cast<int>(job_.to[index].size()));
    }
    auto const left = std::chrono::ceil<std::chrono::microseconds>(job_.until - peers::batch_job::clock::now());
    auto const time = to_timeval(std::max(left, std::chrono::microseconds(0)));
    auto* const timer = event_new(base_, -1, 0, give_up, this);
    event_add(timer, &time);
    if (left_ != 0) event_base_dispatch(base_);
    event_free(timer);
    event_base_loop(base_, EVLOOP_NONBLOCK);  // closes what was given up
  }

 private:
  struct one {
    fan* whose = nullptr;
    bufferevent* connecting = nullptr;
    bool is_told = false;
  };

  static void end(bufferevent*, short what, void* of) {
    auto& each = *static_cast<one*>(of);
    auto& self = *each.whose;
    each.is_told = true;
    self.job_.is_connected[static_cast<std::size_t>(&each - self.all_.data())] = (what & BEV_EVENT_CONNECTED) != 0;
    if (--self.left_ == 0) event_base_loopbreak(self.base_);
  }
  static void give_up(evutil_socket_t, short, void* of) {
    auto& self = *static_cast<fan*>(of);
    for (auto& each : self.all_) {
      if (each.is_told) continue;
      bufferevent_free(each.connecting);
      each.connecting = nullptr;
    }
    event_base_loopbreak(self.base_);
  }

  peers::batch_job& job_;
  event_base* base_ = precise_base();
  std::vector<one> all_;
  std::size_t left_ = 0;
};

void connect_all(peers::batch_job& job) {
  fan all(job);
  all.run();
  job.returned = peers::batch_job::clock::now();
}

using namespace std::chrono_literals;
peers::entry const coarse({"libevent", event_get_version(), connect_by_default, 1us});
peers::entry const precise({"libevent_precise", event_get_version(), connect_precisely, 1us, connect_all});

}  // namespace
