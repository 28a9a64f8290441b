// SPDX-License-Identifier: MIT
// The library's words in those of the oracle.
#pragma once

#include "exploration/observation.hpp"

#include <timed_connect/connect_failure.hpp>
#include <timed_connect/options.hpp>

#include <cerrno>
#include <system_error>

namespace exploration {

inline policy plain(tconn::on_timeout how) {
  return how == tconn::on_timeout::close   ? policy::close
         : how == tconn::on_timeout::reset ? policy::reset
                                           : policy::keep;
}

inline shake plain(tconn::handshake told) {
  switch (told) {
    case tconn::handshake::not_started: return shake::not_started;
    case tconn::handshake::in_flight: return shake::in_flight;
    case tconn::handshake::completed: return shake::completed;
    case tconn::handshake::failed: return shake::failed;
    case tconn::handshake::unknown: break;
  }
  return shake::unknown;
}

inline left plain(tconn::aftermath told) {
  switch (told) {
    case tconn::aftermath::none: return left::none;
    case tconn::aftermath::nothing_sent: return left::nothing_sent;
    case tconn::aftermath::peer_sees_close: return left::peer_sees_close;
    case tconn::aftermath::peer_sees_reset: return left::peer_sees_reset;
    case tconn::aftermath::kept: return left::kept;
    case tconn::aftermath::unknown: break;
  }
  return left::unknown;
}

inline reason plain(std::error_code code) {
  if (code == tconn::errc::deadline_exceeded) return reason::deadline;
  if (code == tconn::errc::cancelled) return reason::cancelled;
  if (code == tconn::errc::self_connect) return reason::self_connect;
  if (code.category() != std::system_category()) return reason::other;
  switch (code.value()) {
    case ECONNREFUSED: return reason::refused;
    case ECONNRESET: return reason::reset;
    case EHOSTUNREACH: return reason::unreachable;
    case EMFILE: return reason::no_descriptor;
    case EAGAIN: return reason::backlog_full;
    case EPIPE: return reason::broken_pipe;
    case EADDRNOTAVAIL: return reason::no_port;
    case EINTR: return reason::interrupted;
    default: return reason::other;
  }
}

/// What any of the calls has told.
template <class Result>
verdict plain(Result const& result) {
  verdict told;
  told.connected = result.has_value();
  if (result) return told;
  auto const& failure = result.error();
  told.why = plain(failure.code);
  told.code = failure.code.message();
  told.handshake = plain(failure.handshake);
  told.aftermath = plain(failure.aftermath);
  told.syn_retransmits = failure.syn_retransmits;
  told.elapsed = failure.elapsed.count();
  told.has_pending = failure.pending.has_value();
  return told;
}

}  // namespace exploration
