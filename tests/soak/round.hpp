// SPDX-License-Identifier: MIT
// One round: servers, clients and disturbances, from their beginning to their end. It leaves nothing behind, so that the
// next one can be held against it.
#pragma once

#include "chance.hpp"
#include "client.hpp"
#include "ledger.hpp"
#include "network.hpp"

#include <chrono>
#include <cstddef>

namespace soak {

/// What all rounds have come to.
struct outcome {
  account sum{};
  std::size_t signals = 0;
  std::size_t cancellations = 0;
  std::size_t children = 0;
  std::chrono::nanoseconds took{};
};

/// How a round is played.
struct settings {
  unsigned threads;
  int inherited;  ///< How many descriptors a child should have.
};

/// The clients go on for so long, or until the ledger is full; then all that is on its way arrives.
void play(network& net, ledger& book, settings const& wanted, std::chrono::nanoseconds time, chance& chosen,
          troubles& wrong, outcome& all);

}  // namespace soak
