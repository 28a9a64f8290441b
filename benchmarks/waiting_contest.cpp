// SPDX-License-Identifier: MIT
#include "waiting_contest.hpp"

#include "quantile.hpp"
#include "support/loopback.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <utility>

namespace {

struct tried {
  std::vector<double> taken{};
  std::string error{};
};

std::vector<tried> play(waiting_contest const& what) {
  support::full_listener const silent;
  std::vector<tried> all(what.clients.size());
  std::vector<std::size_t> in_turn(what.clients.size());
  std::iota(in_turn.begin(), in_turn.end(), 0U);
  std::mt19937 random{};
  for (int lap = 0; lap < what.laps; ++lap) {
    std::shuffle(in_turn.begin(), in_turn.end(), random);
    for (auto const index : in_turn) {
      if (!all[index].error.empty()) continue;
      try {
        all[index].taken.push_back(what.clients[index].try_once(silent.where()));
      } catch (std::runtime_error const& why) {
        all[index].error = why.what();
      }
    }
  }
  return all;
}

/// The tries that all rows of a contest share.
struct played_contest {
  waiting_contest what;
  std::vector<tried> all{};
};

void show(benchmark::State& state, played_contest& shared, std::size_t mine) {
  if (shared.all.empty()) shared.all = play(shared.what);
  auto const& [taken, error] = shared.all[mine];
  if (!error.empty()) state.SkipWithError(error.c_str());
  auto next = taken.begin();
  for (auto _ : state) state.SetIterationTime(*next++ / 1e6);
  if (!error.empty()) return;
  auto const& counter = shared.what.counter;
  state.counters[counter] = quantile(taken, 0.5);
  state.counters[counter + " least"] = quantile(taken, 0);
  state.counters[counter + " p99"] = quantile(taken, 0.99);
}

}  // namespace

void add(waiting_contest what) {
  auto const shared = std::make_shared<played_contest>(played_contest{std::move(what)});
  for (std::size_t index = 0; index < shared->what.clients.size(); ++index) {
    auto const name = shared->what.name + '/' + shared->what.clients[index].name;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [shared, index](benchmark::State& state) { show(state, *shared, index); })
        ->Iterations(shared->what.laps)
        ->Repetitions(1)
        ->UseManualTime();
  }
}
