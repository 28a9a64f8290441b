// SPDX-License-Identifier: MIT
// A client as a program may have it: it fetches the line with which a server greets, as those of SSH, SMTP and FTP do,
// within one timeout for everything. What makes it testable are its last two parameters: the System that it connects by,
// and what reads the line, as a simulated socket has nothing that could be read.
#pragma once

#include <timed_connect/connect.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

namespace banner {

/// How it ended.
enum class ending {
  greeted,      ///< The text is the line.
  no_answer,    ///< Nobody answered in time.
  refused,      ///< Nobody listens there.
  no_greeting,  ///< Somebody answered, and did not greet in time.
  lost,         ///< The connection ended before the line did.
  failed,       ///< Anything else; the text says what.
};

/// What fetch_banner() gives.
struct report {
  ending how;
  std::string text{};
};

/// Reads a line from a real socket.
struct line_reader {
  report operator()(tconn::socket const& from, tconn::time_point until) const {
    std::string line;
    while (line.find('\n') == std::string::npos) {
      tconn::poll_entry entry{from.native_handle(), POLLIN, 0};
      int const woken = tconn::native_system().wait(&entry, 1, until);
      if (woken == tconn::native_error::timed_out) return {ending::no_greeting, line};
      if (woken == tconn::native_error::interrupted) continue;
      char bytes[256];
      auto const count = ::recv(from.native_handle(), bytes, sizeof bytes, 0);
      if (count <= 0) return {ending::lost, line};
      line.append(bytes, static_cast<std::size_t>(count));
    }
    return {ending::greeted, line.substr(0, line.find_first_of("\r\n"))};
  }
};

/// Connects and reads, both before one moment.
template <tconn::system_calls System = tconn::native_system, class Reader = line_reader>
report fetch_banner(tconn::endpoint const& from, std::chrono::nanoseconds timeout, System sys = {}, Reader read = {}) {
  auto const until = sys.now() + timeout;
  auto const connected = tconn::timed_connect(from, until, {}, sys);
  if (connected) return read(*connected, until);
  auto const& failure = connected.error();
  if (failure.code == tconn::errc::deadline_exceeded) return {ending::no_answer, failure.message()};
  if (failure.code == std::errc::connection_refused) return {ending::refused, failure.message()};
  return {ending::failed, failure.message()};
}

}  // namespace banner
