// SPDX-License-Identifier: MIT
// A race, or a batch, of two endpoints in a directed world.
#pragma once

#include "exploration/director.hpp"

#include <timed_connect/options.hpp>

#include <string>

namespace exploration {

/// What is asked of the library.
struct many {
  enum class way : unsigned char { race, batch } by{};
  tconn::on_timeout how{};  ///< Of a race: what becomes of the losers.
  bool accept_late = true;
  bool nonblocking = false;
  bool cancellable = false;
  cancellations* cancels = nullptr;  ///< To be had from there; otherwise each execution has its own.
  bool descriptors_run_out = false;
  bool fins = false;
  bool has_hook = false;  ///< Of a batch: it hears of each result.
  std::size_t endpoints = 2;
  std::size_t max_in_flight = 0;
  std::chrono::nanoseconds stagger = std::chrono::seconds{1};
  std::chrono::nanoseconds hedge_after{0};  ///< 0: never.
  std::chrono::nanoseconds limit = std::chrono::seconds{2};
  std::chrono::nanoseconds tick = std::chrono::seconds{1};
  int events = 3;
};

struct many_played {
  observation_of_many seen{};
  std::string log{};
};

/// Runs the library's code once, along one path. The log costs most of the time.
many_played play(many const& asked, choices& chooser, bool with_log);

}  // namespace exploration
