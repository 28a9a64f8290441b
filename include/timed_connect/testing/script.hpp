// SPDX-License-Identifier: MIT
// The words of a peer's script, and the socket that it is played to. See world.hpp.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/endpoint.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string_view>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace testing {

/// What a primitive is called in the log, in world::before_call and in a fault_plan: its own name, but for those that do
/// several things, which have a name for each.
constexpr std::string_view call_name(name_of which) {
  switch (which) {
    case name_of::local: return "local_name";
    case name_of::peer: return "peer_name";
    case name_of::target: break;
  }
  return "target_name";
}
/// The same for shut().
constexpr std::string_view call_name(shut_direction direction) {
  return direction == shut_direction::receive ? "shut_receive" : "shut_both";
}
/// The same for set_blocking().
constexpr std::string_view mode_call_name(bool blocking) { return blocking ? "set_blocking" : "set_nonblocking"; }

/// What can happen to an attempt.
enum class happening : unsigned char {
  syn_ack,      ///< The peer accepts the SYN.
  syn,          ///< The peer opens at the same time: its own SYN, which a SYN-ACK is to follow.
  rst,          ///< The peer refuses the SYN, or resets the connection.
  unreachable,  ///< A router says so by ICMP: EHOSTUNREACH.
  fin,          ///< The peer will send no more.
  data,         ///< The peer sends something, which nobody has read yet.
  false_alarm,  ///< Nothing at all, but poll() says "ready" once.
};

/// One line of a peer's script: what it sends, how long after the first SYN.
struct event {
  happening what;                  ///< What happens.
  std::chrono::nanoseconds after;  ///< How long after the connect() that sends the first SYN.
};

/// Accepts the SYN.
inline event syn_ack(std::chrono::nanoseconds after) { return {happening::syn_ack, after}; }
/// Opens at the same time.
inline event syn(std::chrono::nanoseconds after) { return {happening::syn, after}; }
/// Refuses the SYN, or resets the connection.
inline event rst(std::chrono::nanoseconds after) { return {happening::rst, after}; }
/// Answers by ICMP: EHOSTUNREACH.
inline event unreachable(std::chrono::nanoseconds after) { return {happening::unreachable, after}; }
/// Ends its side of the connection.
inline event fin(std::chrono::nanoseconds after) { return {happening::fin, after}; }
/// Sends something.
inline event data(std::chrono::nanoseconds after) { return {happening::data, after}; }
/// Sends nothing, but wakes the waiter up.
inline event false_alarm(std::chrono::nanoseconds after) { return {happening::false_alarm, after}; }

/// One simulated socket, open or closed: a packet can still be on its way to one that is gone.
struct simulated_socket {
  native_handle handle = no_handle;     ///< Its number.
  bool open = true;                     ///< Not yet closed by whoever holds it.
  bool blocking = false;                ///< Its blocking mode.
  int family = AF_INET;                 ///< SO_DOMAIN.
  int type = SOCK_STREAM;               ///< SO_TYPE.
  tcp_state state = tcp_state::closed;  ///< How far it is.
  bool connecting = false;              ///< Between connect()'s EINPROGRESS and its verdict.
  bool fin_sent = false;                ///< Our side has ended.
  bool fin_due = false;                 ///< Our side ends when the handshake is complete.
  bool peer_finished = false;           ///< The peer's side has ended: CLOSE_WAIT, while ours has not.
  bool acknowledged = false;            ///< Our SYN was.
  bool arrived = false;                 ///< The peer has sent something since mark_arrivals().
  bool reported = false;                ///< An ICMP error is queued beside SO_ERROR.
  bool unread = false;                  ///< The peer has sent something that nobody has read.
  bool alarmed = false;                 ///< poll() will say "ready" once without a reason.
  bool lingers = false;                 ///< SO_LINGER {1, 0}.
  int error = 0;                        ///< SO_ERROR.
  bool has_target = false;              ///< SO_PEERNAME has an answer.
  endpoint target{};                    ///< Stays after the end, for packets that come too late.
  endpoint local{};                     ///< getsockname().
  endpoint from{};                      ///< What bind() was given.
  unsigned syn_retransmits = 0;         ///< How often the SYN was repeated.
  /// What the script has still in store, in its order.
  std::deque<std::pair<time_point, happening>> coming{};
  time_point next_syn = detail::never;  ///< When the SYN is repeated.
};

/// A simulated queue, see system_calls.
struct simulated_queue {
  bool open = true;                                  ///< Not yet closed.
  std::map<native_handle, std::uint32_t> watched{};  ///< What is to be reported, and by which token.
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
