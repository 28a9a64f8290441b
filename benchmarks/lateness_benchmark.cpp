// SPDX-License-Identifier: MIT
// How late a deadline is told: the time from before the call until after it, less the limit. The server's accept queue
// is full, so that no SYN is answered; what is measured holds the giving up and the close. Beside it a bare ppoll() of
// the same limit, which is what the kernel's timers allow.
#include <timed_connect/connect.hpp>

#include "quantile.hpp"
#include "support/loopback.hpp"

#include <benchmark/benchmark.h>

#include <poll.h>
#include <string>

namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using steady = std::chrono::steady_clock;

/// Waits for as long as the limit says: true, or false if anything else happened.
using waiter = bool (*)(tconn::endpoint const&, microseconds);

bool bare_ppoll(tconn::endpoint const&, microseconds limit) {
  auto const time = tconn::detail::to_timespec(limit);
  return ::ppoll(nullptr, 0, &time, nullptr) == 0;
}

template <class Strategy>
bool exceeded(tconn::endpoint const& to, microseconds limit) {
  auto const result = tconn::timed_connect(to, limit, {}, Strategy{});
  return !result && result.error().code == tconn::errc::deadline_exceeded;
}

void lateness(benchmark::State& state, waiter wait, microseconds limit) {
  support::full_listener const silent;
  auto const to = silent.where();
  std::vector<double> late;
  for (auto _ : state) {
    auto const began = steady::now();
    bool const as_expected = wait(to, limit);
    std::chrono::duration<double, std::micro> const taken = steady::now() - began;
    late.push_back((taken - limit).count());
    state.SetIterationTime(taken.count() / 1e6);
    if (!as_expected) return state.SkipWithError("something else than the deadline ended the call");
    if (taken < limit) return state.SkipWithError("the deadline came early");
  }
  state.counters["us late"] = quantile(late, 0.5);
  state.counters["us late least"] = quantile(late, 0);
  state.counters["us late p99"] = quantile(late, 0.99);
}

bool const registered = [] {
  struct {
    char const* name;
    microseconds limit;
    int tries;
  } const limits[] = {{"100us", 100us, 300}, {"1ms", 1ms, 300}, {"10ms", 10ms, 200}, {"100ms", 100ms, 50}};
  struct {
    char const* name;
    waiter wait;
  } const waiters[] = {{"bare_ppoll", bare_ppoll},
                       {"polling", exceeded<tconn::polling>},
                       {"selecting", exceeded<tconn::selecting>},
                       {"spinning", exceeded<tconn::spinning>}};
  for (auto const& [length, limit, tries] : limits) {
    for (auto const& [name, wait] : waiters) {
      auto const row = std::string("lateness/") + length + '/' + name;
      benchmark::RegisterBenchmark(row.c_str(), lateness, wait, limit)
          ->Iterations(tries)
          ->Repetitions(1)
          ->UseManualTime();
    }
  }
  return true;
}();

}  // namespace
