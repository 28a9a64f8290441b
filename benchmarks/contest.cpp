// SPDX-License-Identifier: MIT
#include "contest.hpp"

#include "quantile.hpp"
#include "rows.hpp"
#include "support/loopback.hpp"

#include <benchmark/benchmark.h>

#include <sched.h>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::size_t laps = 40;
constexpr std::size_t calls = 25;  // of each client, in each lap

/// The client does not wander to another CPU while this lives.
class one_cpu {
 public:
  one_cpu() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  one_cpu(one_cpu const&) = delete;
  one_cpu& operator=(one_cpu const&) = delete;
  ~one_cpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_{};
};

class player {
 public:
  explicit player(contest const& what) : contest_(what), arena_(what.build()), in_turn_(what.clients.size()) {
    std::iota(in_turn_.begin(), in_turn_.end(), 0U);
  }

  /// For each client its medians in nanoseconds, round by round.
  std::vector<std::vector<double>> play() {
    one_cpu const pinned;
    play_round();  // to warm up
    std::vector<std::vector<double>> all(contest_.clients.size());
    for (int round = 0; round < contest_.rounds; ++round) {
      auto const medians = play_round();
      for (auto const index : in_turn_) all[index].push_back(medians[index]);
    }
    return all;
  }

 private:
  std::vector<double> play_round() {
    std::vector<std::vector<double>> taken(contest_.clients.size());
    for (auto& of_one : taken) of_one.reserve(laps * calls);
    for (std::size_t lap = 0; lap < laps; ++lap) {
      std::shuffle(in_turn_.begin(), in_turn_.end(), random_);
      for (auto const index : in_turn_) play_lap(contest_.clients[index], taken[index]);
      arena_.clear_away(calls * contest_.clients.size());
    }
    std::vector<double> medians;
    medians.reserve(taken.size());
    for (auto& of_one : taken) medians.push_back(quantile(std::move(of_one), 0.5));
    return medians;
  }

  void play_lap(client const& whose, std::vector<double>& taken) const {
    for (std::size_t count = 0; count < calls; ++count) {
      auto const began = steady::now();
      auto const result = whose.connect(arena_.where, 1s);
      taken.push_back(std::chrono::duration<double, std::nano>(steady::now() - began).count());
      if (result != contest_.expected) throw std::runtime_error(whose.name + " has another outcome than is expected");
    }
  }

  contest const& contest_;
  arena arena_;
  std::vector<std::size_t> in_turn_;
  std::mt19937 random_{};
};

/// The rounds that all rows of a contest share, and why there are none.
struct played_contest {
  contest what;
  std::vector<std::vector<double>> medians{};
  std::string error{};

  void play_once() {
    if (!medians.empty() || !error.empty()) return;
    try {
      medians = player(what).play();
    } catch (std::exception const& why) {
      error = why.what();
    }
  }
};

void show(benchmark::State& state, played_contest& shared, std::size_t mine) {
  shared.play_once();
  if (!shared.error.empty()) state.SkipWithError(shared.error.c_str());
  std::size_t round = 0;
  for (auto _ : state) state.SetIterationTime(shared.medians[mine][round++] / 1e9);
  if (!shared.error.empty()) return;
  state.counters["ns"] = quantile(shared.medians[mine], 0.5);
  tell_ratio(state, "x raw", shared.medians[mine], shared.medians[0]);
  for (auto const& rival : shared.what.rivals) {
    auto const& all = shared.what.clients;
    auto const found = std::find_if(all.begin(), all.end(), [&](client const& one) { return one.name == rival; });
    if (found == all.end()) continue;  // a peer that is not here
    tell_ratio(state, "x " + rival, shared.medians[mine],
               shared.medians[static_cast<std::size_t>(found - all.begin())]);
  }
}

}  // namespace

arena listening(tconn::endpoint const& at, std::size_t clients) {
  auto const server = std::make_shared<support::listener const>(at, static_cast<int>(calls * clients));
  auto const clear_away = [server](std::size_t connections) {
    for (; connections != 0; --connections)
      if (!server->accept(1s)) throw std::runtime_error("the server misses a connection");
  };
  return {server->where(), clear_away};
}

void add(contest what) {
  auto const shared = std::make_shared<played_contest>(played_contest{std::move(what)});
  for (std::size_t index = 0; index < shared->what.clients.size(); ++index) {
    auto const name = shared->what.name + '/' + shared->what.clients[index].name;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [shared, index](benchmark::State& state) { show(state, *shared, index); })
        ->Iterations(shared->what.rounds)
        ->Repetitions(1)
        ->UseManualTime();
  }
}

void append_peers(std::vector<client>& to) {
  for (auto const& one : peers::all()) to.push_back({one.name, one.connect});
}
