// SPDX-License-Identifier: MIT
// The words in which a system is asked and answers, the same on every platform: no includes, no conditionals.
// Times are not here: they are std::chrono types, see deadline.hpp.
#pragma once

#include <timed_connect/detail/config.hpp>

namespace tconn {
inline namespace v1 {

/// Where a TCP connection stands, as far as giving up needs to know. `closed` is before or after a connection, `ended`
/// one that our side has ended by a FIN.
enum class tcp_state : unsigned char { unknown, closed, syn_sent, syn_received, established, ended };

/// What the system tells of a TCP socket (Linux: TCP_INFO). A field that the system did not fill is as it stands here.
struct tcp_facts {
  tcp_state state = tcp_state::unknown;
  unsigned syn_retransmits = 0;
  bool syn_acknowledged = true;  ///< Our SYN was, which stays so when the connection is gone.
};

/// A socket option that is one int. Times carry their unit in the name.
enum class socket_option : unsigned char { no_delay, keep_alive, user_timeout_ms, syn_count, mark, no_syn_retransmits };

/// Which name of a socket: its own (getsockname), its peer's (getpeername), or the address that it is on its way
/// to or was last asked for (Linux: SO_PEERNAME, which answers before the handshake is over).
enum class name_of : unsigned char { local, peer, target };

/// What shutdown() ends.
enum class shut_direction : unsigned char { receive, both };

}  // namespace v1
}  // namespace tconn
