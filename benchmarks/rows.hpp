// SPDX-License-Identifier: MIT
// The groups of rows. Each is added by main() once the program is in its network namespace; nothing is played before its
// first row is run.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>

void add_success();
void add_lateness();
void add_batch();
void add_other();

/// How many rounds are played: as many as usual, or as TIMED_CONNECT_ROUNDS in the environment says, for a quick look.
inline int rounds(int usual) {
  char const* const asked = std::getenv("TIMED_CONNECT_ROUNDS");
  return asked == nullptr ? usual : std::max(1, std::atoi(asked));
}

/// A row that has nothing to show, and why; no failure.
inline void leave_out(benchmark::State& state, char const* why) {
  for (auto _ : state) state.SetIterationTime(0);
  state.SetLabel(why);
}
