// SPDX-License-Identifier: MIT
// Runs a batch in a process of its own, so that its memory and its processor time are nobody else's.
#pragma once

#include "peers/batch_job.hpp"

#include <chrono>
#include <functional>
#include <span>
#include <vector>

struct batch_terms {
  std::chrono::milliseconds limit;
  std::size_t in_flight;
  bool keeps;
};

struct batch_measure {
  double wall_ms;     ///< Until all was told.
  double late_ms;     ///< The same less the limit.
  double cpu_ms;      ///< User and system, with the closing of everything.
  double peak_kb;     ///< The most memory beyond what the process had before.
  double beyond_kb;   ///< The same without the results that were returned.
  std::size_t wrong;  ///< Answers that are not what the endpoint is.
};

/// The client has connected to a hundred of those that live before anything is measured: its code has then been read,
/// and what it keeps is there. `serve` is called in this process meanwhile, every millisecond; it may be empty.
batch_measure measure_in_a_child(peers::batch_function client, std::span<tconn::endpoint const> to,
                                 std::vector<bool> const& lives, batch_terms const& terms,
                                 std::function<void()> const& serve = {});
