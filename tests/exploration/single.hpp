// SPDX-License-Identifier: MIT
// One connect in a directed world: by one call, on a borrowed descriptor, or step by step as an event loop does it.
#pragma once

#include "exploration/director.hpp"

#include <timed_connect/connect.hpp>

#include <string>

namespace exploration {

/// What is asked of the library.
struct single {
  tconn::on_timeout how{};
  bool accept_late = true;
  bool nonblocking = false;  ///< Not of a borrowed one.
  /// A pending connection is waited for to the end; or abandoned by the policy; or destroyed; or another is moved to its
  /// place.
  enum class way : unsigned char {
    owned,
    borrowed,
    borrowed_nonblocking,
    pending,
    abandoned,
    destroyed,
    replaced
  } by{};
  bool unix_socket = false;
  bool cancellable = false;
  cancellations* cancels = nullptr;  ///< To be had from there; otherwise each execution has its own.
  bool simultaneous_open = false;
  bool descriptors_run_out = false;
  bool fins = false;
  bool bad_luck = false;
  std::chrono::nanoseconds limit = std::chrono::seconds{2};
  std::chrono::nanoseconds tick = std::chrono::seconds{1};
  int events = 4;
};

struct played {
  observation seen{};
  std::string log{};
};

/// Runs the library's code once, along one path. The log costs most of the time.
played play(single const& asked, choices& chooser, bool with_log);

}  // namespace exploration
