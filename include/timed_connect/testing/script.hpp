// SPDX-License-Identifier: MIT
// The words of a peer's script, and the socket that it is played to. See world.hpp.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/endpoint.hpp>

#include <chrono>
#include <deque>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace testing {

/// What can happen to an attempt.
enum class happening : unsigned char { syn_ack, rst, unreachable, fin, data, false_alarm };

/// One line of a peer's script: what it sends, how long after the first SYN.
struct event {
  happening what;
  std::chrono::nanoseconds after;
};
inline event syn_ack(std::chrono::nanoseconds after) { return {happening::syn_ack, after}; }
inline event rst(std::chrono::nanoseconds after) { return {happening::rst, after}; }
inline event unreachable(std::chrono::nanoseconds after) {
  return {happening::unreachable, after};
}  // ICMP: EHOSTUNREACH
inline event fin(std::chrono::nanoseconds after) { return {happening::fin, after}; }
inline event data(std::chrono::nanoseconds after) { return {happening::data, after}; }
inline event false_alarm(std::chrono::nanoseconds after) { return {happening::false_alarm, after}; }

/// One simulated socket, open or closed: a packet can still be on its way to one that is gone.
struct simulated_socket {
  bool open = true;
  bool blocking = false;
  int family = AF_INET;
  int type = SOCK_STREAM;
  tcp_state state = tcp_state::closed;
  bool connecting = false;  // between connect()'s EINPROGRESS and its verdict
  bool fin_sent = false;
  bool unread = false;
  bool alarmed = false;  // poll() will say "ready" once without a reason
  bool lingers = false;  // SO_LINGER {1, 0}
  int error = 0;         // SO_ERROR
  bool has_target = false;
  endpoint target{};  // stays after the end, for packets that come too late
  endpoint local{};
  unsigned syn_retransmits = 0;
  std::deque<std::pair<time_point, happening>> coming{};
  time_point next_syn = detail::never;
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
