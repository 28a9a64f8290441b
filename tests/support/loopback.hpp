// SPDX-License-Identifier: MIT
// The real servers of testing/, by the names that the tests of this library have for them, and what the two ends of a
// connection see of it.
#pragma once

#include <timed_connect/testing/black_hole.hpp>
#include <timed_connect/testing/listening_server.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/error_numbers.hpp"
#include "support/os.hpp"

#include <chrono>
#include <string>
#include <thread>

namespace support {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

inline tconn::endpoint local_name(tconn::native_handle handle) {
  return tconn::detail::name_of_socket(handle, tconn::name_of::local);
}

/// Nothing where there is no peer.
inline tconn::endpoint peer_name(tconn::native_handle handle) {
  return tconn::detail::name_of_socket(handle, tconn::name_of::peer);
}

/// The kernel's TCP state of a descriptor, by tcp_info.
inline tconn::tcp_state state_of(tconn::native_handle handle) {
  tconn::tcp_facts facts;
  tconn::detail::platform::tcp(handle, facts);
  return facts.state;
}

/// Whether the handshake is complete, and not only on its way.
inline bool is_connected(tconn::native_handle handle) {
  auto const state = is_linux ? state_of(handle) : tconn::tcp_state::unknown;
  return state == tconn::tcp_state::unknown ? peer_name(handle) != tconn::endpoint()
                                            : state == tconn::tcp_state::established;
}

inline bool is_ready(tconn::poll_entry entry, std::chrono::milliseconds limit) {
  return tconn::detail::becomes_ready(entry, tconn::native_system().now() + limit);
}
inline bool is_readable(tconn::native_handle handle, std::chrono::milliseconds limit) {
  return tconn::detail::becomes_readable(handle, limit);
}

/// Waits, for at most a second or so, until something is true.
template <class Condition>
bool eventually(Condition&& condition, std::chrono::milliseconds limit = 5s) {
  for (auto const end = steady::now() + limit; steady::now() < end; std::this_thread::sleep_for(1ms)) {
    if (condition()) return true;
  }
  return condition();
}

/// Also by a backlog alone, which most tests do not mind where it is.
class listener : public tconn::testing::listening_server {
 public:
  using listening_server::listening_server;
  explicit listener(int backlog) : listening_server(tconn::endpoint::loopback_v4(0), backlog) {}
  tconn::native_handle descriptor() const { return native_handle(); }
};

using closed_port = tconn::testing::refusing_port;
using temporary_path = tconn::testing::unix_name;
using tconn::testing::full_backlog;
using tconn::testing::send_text;
using tconn::testing::what_is_read;

class full_listener : public tconn::testing::black_hole {
 public:
  explicit full_listener(tconn::endpoint const& at = tconn::endpoint::loopback_v4(0)) : black_hole(at, connect_grace) {}
};

/// Whether what one end sends arrives at the other.
inline bool carries_a_byte(tconn::socket const& from, tconn::socket const& to) {
  return to && send_text(from, "x") && what_is_read(to) == "1 bytes";
}

/// "FIN" or "RST", by which the peer has ended the connection, or what is read instead. wine reads a RST as the end, and
/// tells it at the first send.
inline std::string how_it_ended(tconn::socket const& connection) {
  auto const read = what_is_read(connection);
  if (read == "ECONNRESET") return "RST";
  if (read != "EOF") return read;
  if (is_linux || send_text(connection, "x")) return "FIN";
  return last_error() == ECONNRESET ? "RST" : "FIN";
}

}  // namespace support
