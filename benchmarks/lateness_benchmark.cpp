// SPDX-License-Identifier: MIT
// How late a deadline is told: the time from before the call until after it, less the limit. The server's accept queue
// is full, so that no SYN is answered; what is measured holds the giving up and the close. Beside it a bare ppoll() of
// the same limit, which is what the kernel's timers allow, and the peers. An early return of ours fails the run; that of
// a peer is shown: its least lateness is then negative.
#include "by_hand.hpp"
#include "quantile.hpp"
#include "rows.hpp"
#include "support/loopback.hpp"

#include <timed_connect/connect.hpp>

#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;
using peers::microseconds;
using peers::outcome;
using steady = std::chrono::steady_clock;

outcome bare_ppoll(tconn::endpoint const&, microseconds limit) {
  auto const time = by_hand::to_timespec(limit);
  return ::ppoll(nullptr, 0, &time, nullptr) == 0 ? outcome::timed_out : outcome::failed;
}

/// Asks without sleeping until the limit has passed, then calls `give_up`, and closes.
template <class GiveUp>
outcome spin(tconn::endpoint const& to, microseconds limit, GiveUp give_up) {
  auto const until = steady::now() + limit;
  int const handle = by_hand::open(to, SOCK_NONBLOCK);
  static_cast<void>(::connect(handle, to.data(), to.size()));
  pollfd entry{handle, POLLOUT, 0};
  bool is_ready = false;
  while (!is_ready && steady::now() < until) is_ready = ::poll(&entry, 1, 0) != 0;
  give_up(handle);
  ::close(handle);
  return is_ready ? outcome::failed : outcome::timed_out;
}

outcome spin_loop(tconn::endpoint const& to, microseconds limit) {
  return spin(to, limit, [](int) {});
}

/// The system calls that `spinning` makes after the deadline, one last look first.
outcome spin_same_calls(tconn::endpoint const& to, microseconds limit) {
  return spin(to, limit, [](int handle) {
    pollfd entry{handle, POLLOUT, 0};
    ::poll(&entry, 1, 0);
    by_hand::give_up(handle);
  });
}

template <class Strategy>
outcome exceeded(tconn::endpoint const& to, microseconds limit) {
  auto const result = tconn::timed_connect(to, limit, {}, Strategy{});
  return !result && result.error().code == tconn::errc::deadline_exceeded ? outcome::timed_out : outcome::failed;
}

struct waiter {
  peers::connect_function wait;
  bool may_be_early;
};

void lateness(benchmark::State& state, waiter whose, microseconds limit) {
  support::full_listener const silent;
  auto const to = silent.where();
  std::vector<double> late;
  for (auto _ : state) {
    auto const began = steady::now();
    auto const result = whose.wait(to, limit);
    std::chrono::duration<double, std::micro> const taken = steady::now() - began;
    late.push_back((taken - limit).count());
    state.SetIterationTime(taken.count() / 1e6);
    if (result != outcome::timed_out) return state.SkipWithError("something else than the deadline ended the call");
    if (taken < limit && !whose.may_be_early) return state.SkipWithError("the deadline came early");
  }
  state.counters["us late"] = quantile(late, 0.5);
  state.counters["us late least"] = quantile(late, 0);
  state.counters["us late p99"] = quantile(late, 0.99);
}

struct limit_row {
  char const* name;
  microseconds limit;
  int tries;
  int tries_of_a_peer;
};

void add_row(limit_row const& of, std::string const& name, waiter whose) {
  auto const row = std::string("lateness/") + of.name + '/' + name;
  benchmark::RegisterBenchmark(row.c_str(), lateness, whose, of.limit)
      ->Iterations(whose.may_be_early ? of.tries_of_a_peer : of.tries)
      ->Repetitions(1)
      ->UseManualTime();
}

void add_peer(limit_row const& of, peers::peer const& one) {
  if (of.limit % one.unit == 0us) return add_row(of, one.name, {one.connect, true});
  auto const row = std::string("lateness/") + of.name + '/' + one.name;
  auto const* const why = one.unit == 1ms ? "left out: takes whole milliseconds" : "left out: takes whole seconds";
  benchmark::RegisterBenchmark(row.c_str(), leave_out, why)->Iterations(1)->Repetitions(1)->UseManualTime();
}

}  // namespace

void add_lateness() {
  limit_row const limits[] = {
      {"100us", 100us, 300, 200}, {"1ms", 1ms, 300, 200}, {"10ms", 10ms, 200, 100}, {"100ms", 100ms, 50, 20}};
  for (auto const& each : limits) {
    add_row(each, "bare_ppoll", {bare_ppoll, false});
    add_row(each, "poll_loop", {by_hand::poll_loop, false});
    add_row(each, "spin_loop", {spin_loop, false});
    add_row(each, "spin_same_calls", {spin_same_calls, false});
    add_row(each, "polling", {exceeded<tconn::polling>, false});
    add_row(each, "selecting", {exceeded<tconn::selecting>, false});
    add_row(each, "spinning", {exceeded<tconn::spinning>, false});
    for (auto const& one : peers::all()) add_peer(each, one);
  }
}
