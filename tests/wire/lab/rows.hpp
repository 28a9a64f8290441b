// SPDX-License-Identifier: MIT
// A picture as rows, from the top to the bottom: which of a trace's happenings are worth a row, and in which words. All
// drawings share it, so they cannot tell different stories. A call and the packet that it sends share a row. What the
// server makes of a packet is no part of a trace; it follows from TCP's rules (RFC 9293) for a server that accepts and
// reads at once.
#pragma once

#include "wire/lab/picture.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wire {

/// What stands between client and server in a row.
enum class wire_sign : unsigned char {
  none,       ///< Nothing: the client does something by itself.
  to_server,  ///< An arrow from the client.
  to_client,  ///< An arrow from the server.
  line,       ///< A line across everything: the deadline.
};

/// One row of a picture. Empty words show nothing.
struct row {
  std::chrono::nanoseconds at{};     ///< Counted from the first connect().
  wire_sign sign = wire_sign::none;  ///< What is drawn between the two.
  std::string client{};              ///< What the client does.
  std::string label{};               ///< What is on the arrow or the line.
  bool lost = false;                 ///< The arrow ends half-way.
  std::string server{};              ///< What the server makes of the packet.
};

/// All rows, in the trace's order.
std::vector<row> rows(picture const& drawn);

/// A moment as "100.4 ms", or "127.5 s" from 100 s on; empty if that is what `before` says already.
std::string time_text(std::chrono::nanoseconds at, std::string_view before = {});

/// What stands below the title: "policy close, deadline 100 ms".
std::string subtitle(picture const& drawn);

/// The text in lines of at most `width` characters. Only a word that is longer than a line is cut.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace wire
