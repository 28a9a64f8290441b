// SPDX-License-Identifier: MIT
// What the lab has seen of one host: packets, the library's own calls and a few moments, in the order in which they
// came. The tests compare it, the pictures draw it, and the capture files hold its packets.
#pragma once

#include <timed_connect/endpoint.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace wire {

using clock = std::chrono::steady_clock;

/// What a happening is.
enum class kind : unsigned char {
  from_client,  ///< A packet of the kernel under test.
  from_peer,    ///< A packet of ours.
  call,         ///< A call of the library, about to be made; the text is its name: "start_connect", "last_look", ...
  moment,       ///< Anything else: "call" and "return" of what is tested, "deadline", or free words.
};

/// One thing that happened.
struct happening {
  kind what;
  clock::time_point at;
  std::string text;                   ///< A packet's flags, "SYN-ACK" or "PSH-ACK(5)"; the name of a call or moment.
  bool lost = false;                  ///< The packet did not reach the other side.
  std::vector<std::uint8_t> bytes{};  ///< The packet, from its IP header on.
};

/// All that happened between the kernel under test and one host.
struct trace {
  tconn::endpoint client{};  ///< Its port is that of the latest connection.
  tconn::endpoint peer{};
  std::vector<happening> happenings{};

  /// The packets alone, as "> SYN, < SYN-ACK, > ACK".
  std::string packets() const {
    std::string text;
    for (auto const& one : happenings) {
      if (one.what != kind::from_client && one.what != kind::from_peer) continue;
      if (!text.empty()) text += ", ";
      text += (one.what == kind::from_client ? "> " : "< ") + one.text + (one.lost ? " lost" : "");
    }
    return text;
  }
};

}  // namespace wire
