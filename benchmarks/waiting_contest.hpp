// SPDX-License-Identifier: MIT
// How long a wait takes that only a deadline or a request can end: against one listener whose accept queue is full, so
// that its kernel drops every SYN, every client makes one try after another, in an order drawn anew for each lap. A row
// tells the median, the least and the 99th percentile of a client's tries in microseconds, or how the first try that
// went wrong went wrong.
#pragma once

#include <timed_connect/endpoint.hpp>

#include <functional>
#include <string>
#include <vector>

struct waiting_client {
  std::string name;
  /// Microseconds. Throws std::runtime_error where something went wrong.
  std::function<double(tconn::endpoint const& silent)> try_once;
};

struct waiting_contest {
  std::string name;
  std::string counter;  ///< What the microseconds are called in the rows.
  int laps;
  std::vector<waiting_client> clients;
};

/// Adds a row for each client. The first one that is run makes all tries, of every client.
void add(waiting_contest what);
