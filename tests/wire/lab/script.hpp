// SPDX-License-Identifier: MIT
// What a peer of the lab does, in lines that read like packetdrill. One script serves IPv4 and IPv6.
//
//   on SYN: after 130ms send SYN-ACK     whenever the client's kernel sends this packet
//   on SYN 1: lose                       the first SYN of a connection never arrives
//   on SYN 2: send SYN-ACK, data         only the second one is answered
//   before shut_receive: send SYN-ACK    exactly before the library makes its first call of this name
//   before tcp 2: send RST               exactly before its second
//   after return: send SYN-ACK           when the caller has its answer
//
// A packet is named by its flags (SYN, FIN-ACK, RST, ...), `data` is whatever carries bytes, `packet` any at all. What
// can be sent: SYN, SYN-ACK, ACK, FIN-ACK, RST (with an ACK if it refuses a SYN, see RFC 9293, 3.10.7.1), data (five
// bytes), and unreachable (by ICMP). A call is named as tconn::testing::call_name() does; the `wait` that does not wait
// is the `last_look`. `#` begins a comment.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace wire {

/// One line of a script.
struct rule {
  std::string trigger{};  ///< "on SYN", "before shut_receive", "after return".
  int which = 0;          ///< Only this one of them, counted from 1; 0: every one.
  std::chrono::nanoseconds delay{};
  std::vector<std::string> sends{};
  bool loses = false;  ///< The packet that triggers it is lost.
};

/// Reads a script. Throws std::invalid_argument with the line that makes no sense.
std::vector<rule> read_script(std::string_view text);

}  // namespace wire
