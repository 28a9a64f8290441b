// SPDX-License-Identifier: MIT
// What a failure tells of the handshake: how far it had come, and what giving it up has left behind.
#pragma once

#include <timed_connect/detail/config.hpp>

#include <string_view>

namespace tconn {
inline namespace v1 {

/// What the kernel said of the handshake once the attempt was given up.
enum class handshake {
  not_started,  ///< Nothing was ever in flight.
  in_flight,    ///< The SYN was unanswered.
  completed,    ///< The kernels had shaken hands: the server can accept the connection.
  failed,       ///< Refused, unreachable, reset, or the kernel gave up by itself.
  unknown,      ///< The system cannot tell.
};

/// What giving up left behind, on the wire and at the peer.
enum class aftermath {
  none,          ///< Nothing: there was nothing to give up.
  nothing_sent,  ///< Giving up sent nothing; the SYN is not repeated, and a SYN-ACK from now on is answered with RST.
  peer_sees_close,  ///< A FIN: the server can accept the connection and reads end of file.
  peer_sees_reset,  ///< A RST: the server may accept the connection and reads ECONNRESET.
  kept,             ///< The attempt goes on.
  unknown,          ///< The system cannot tell.
};

/// The enumerator's name.
constexpr std::string_view to_string(handshake state) {
  switch (state) {
    case handshake::not_started: return "not_started";
    case handshake::in_flight: return "in_flight";
    case handshake::completed: return "completed";
    case handshake::failed: return "failed";
    case handshake::unknown: break;
  }
  return "unknown";
}

/// The enumerator's name.
constexpr std::string_view to_string(aftermath left) {
  switch (left) {
    case aftermath::none: return "none";
    case aftermath::nothing_sent: return "nothing_sent";
    case aftermath::peer_sees_close: return "peer_sees_close";
    case aftermath::peer_sees_reset: return "peer_sees_reset";
    case aftermath::kept: return "kept";
    case aftermath::unknown: break;
  }
  return "unknown";
}

}  // namespace v1
}  // namespace tconn
