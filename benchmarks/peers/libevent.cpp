// SPDX-License-Identifier: MIT
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "peer.hpp"

namespace {

using peers::outcome;

// Freed here, and not behind the loop, as it is in the loop that libevent closes what was freed.
void note(bufferevent* ended, short what, void* into) {
  *static_cast<outcome*>(into) = (what & BEV_EVENT_CONNECTED) != 0 ? outcome::connected
                                 : (what & BEV_EVENT_TIMEOUT) != 0 ? outcome::timed_out
                                                                   : outcome::failed;
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

using namespace std::chrono_literals;
peers::entry const coarse({"libevent", event_get_version(), connect_by_default, 1us});
peers::entry const precise({"libevent_precise", event_get_version(), connect_precisely, 1us});

}  // namespace
