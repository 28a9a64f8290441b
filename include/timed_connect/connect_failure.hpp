// SPDX-License-Identifier: MIT
// Why there is no connection, and exactly what is left of the attempt. It may carry that attempt itself, so a program
// that makes or takes one includes pending_connection.hpp.
#pragma once

#include <timed_connect/endpoint.hpp>
#include <timed_connect/handshake.hpp>
#include <timed_connect/result.hpp>
#include <timed_connect/socket.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace tconn {
inline namespace v1 {

template <system_calls Owner>
class basic_pending_connection;

/// What one of several attempts has come to, see basic_connect_failure::attempts.
struct attempt_failure {
  endpoint where{};                                            ///< Which address.
  std::error_code code{};                                      ///< Why.
  tconn::handshake handshake = tconn::handshake::not_started;  ///< Its state when the attempt was given up.
  tconn::aftermath aftermath = tconn::aftermath::none;         ///< What was left behind.
  unsigned syn_retransmits = 0;                                ///< How often the SYN was repeated.
  std::chrono::nanoseconds elapsed{0};                         ///< Since this attempt began.
};

/// Why there is no connection, and exactly what is left of it.
template <system_calls Owner>
struct basic_connect_failure {
  std::error_code code{};                                      ///< Why.
  endpoint where{};                                            ///< Which address.
  tconn::handshake handshake = tconn::handshake::not_started;  ///< Its state when the attempt was given up.
  tconn::aftermath aftermath = tconn::aftermath::none;         ///< What was left behind.
  unsigned syn_retransmits = 0;         ///< How often the SYN was repeated; 0 where the system cannot tell.
  std::chrono::nanoseconds elapsed{0};  ///< Since the call began.
  /// Engaged exactly when an owned attempt in flight was kept.
  std::optional<basic_pending_connection<Owner>> pending{};
  /// Every attempt of a call that makes several, in the order in which they began; empty for a call that makes one.
  std::vector<attempt_failure> attempts{};

  /// One line for a person: address, reason, time, SYNs, aftermath. Allocates.
  std::string message() const;
};

/// The outcome of connecting a new socket: the connected socket or the failure, and never both.
template <system_calls Owner>
using basic_connect_result = result<basic_socket<Owner>, basic_connect_failure<Owner>>;

using connect_failure = basic_connect_failure<native_system>;  ///< The native system's failure.
using connect_result = basic_connect_result<native_system>;    ///< The native system's outcome.

template <system_calls Owner>
std::string basic_connect_failure<Owner>::message() const {
  auto const microseconds = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
  std::string line = where.to_string() + ": " + code.message() + " after " + std::to_string(microseconds / 1000) + '.' +
                     std::to_string(microseconds % 1000 + 1000).substr(1) + " ms, handshake ";
  line += to_string(handshake);
  if (syn_retransmits != 0)
    line += " (SYN repeated " + std::to_string(syn_retransmits) + (syn_retransmits == 1 ? " time)" : " times)");
  switch (aftermath) {
    case aftermath::none: break;
    case aftermath::nothing_sent: line += "; given up in silence"; break;
    case aftermath::peer_sees_close: line += "; the peer sees it opened and closed"; break;
    case aftermath::peer_sees_reset: line += "; the peer sees it opened and reset"; break;
    case aftermath::kept: line += "; the attempt goes on"; break;
    case aftermath::unknown: line += "; what the peer sees is unknown"; break;
  }
  char const* separator = "; attempts: ";
  for (auto const& one : attempts) {
    line += separator + one.where.to_string() + ' ' + one.code.message();
    separator = ", ";
  }
  return line;
}

}  // namespace v1
}  // namespace tconn
