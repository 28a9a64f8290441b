// SPDX-License-Identifier: MIT
// The groups of rows. Each is added by main() once the program is in its network namespace; nothing is played before its
// first row is run.
#pragma once

#include "quantile.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

void add_success();
void add_lateness();
void add_batch();
void add_other();

/// How many rounds are played: as many as usual, or as TIMED_CONNECT_ROUNDS in the environment says, for a quick look.
inline int rounds(int usual) {
  char const* const asked = std::getenv("TIMED_CONNECT_ROUNDS");
  return asked == nullptr ? usual : std::max(1, std::atoi(asked));
}

/// Median and quartiles of what one took over what another did, round by round.
inline void tell_ratio(benchmark::State& state, std::string const& name, std::vector<double> mine,
                       std::vector<double> const& other) {
  for (std::size_t round = 0; round < mine.size(); ++round) mine[round] /= other[round];
  state.counters[name] = quantile(mine, 0.5);
  state.counters[name + " q1"] = quantile(mine, 0.25);
  state.counters[name + " q3"] = quantile(mine, 0.75);
}

/// A row that has nothing to show, and why; no failure.
inline void leave_out(benchmark::State& state, char const* why) {
  for (auto _ : state) state.SetIterationTime(0);
  state.SetLabel(why);
}
