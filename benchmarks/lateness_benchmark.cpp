// SPDX-License-Identifier: MIT
// How late a deadline is told: the time from before the call until after it, less the limit. No SYN is answered; what is
// measured holds the giving up and the close. Beside it a bare ppoll() of the same limit, which is what the kernel's
// timers allow, and the peers. An early return of ours fails the run; that of a peer is shown: its least lateness is then
// negative.
#include "by_hand.hpp"
#include "rows.hpp"
#include "waiting_contest.hpp"

#include <timed_connect/connect.hpp>

#include <stdexcept>
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

/// How many microseconds after the limit the call has returned, which is negative if it came early: a peer may.
double late_by(peers::connect_function wait, tconn::endpoint const& silent, microseconds limit, bool may_be_early) {
  auto const began = steady::now();
  auto const result = wait(silent, limit);
  std::chrono::duration<double, std::micro> const late = steady::now() - began - limit;
  if (result != outcome::timed_out) throw std::runtime_error("something else than the deadline ended the call");
  if (late < late.zero() && !may_be_early) throw std::runtime_error("the deadline came early");
  return late.count();
}

struct limit_row {
  char const* name;
  microseconds limit;
  int tries;
};

void add_limit(limit_row const& of) {
  auto const group = std::string("lateness/") + of.name;
  waiting_contest what{group, "us late", rounds(of.tries), {}};
  auto const enter = [&](std::string const& name, peers::connect_function wait, bool may_be_early) {
    what.clients.push_back({name, [=, limit = of.limit](tconn::endpoint const& silent) {
                              return late_by(wait, silent, limit, may_be_early);
                            }});
  };
  enter("bare_ppoll", bare_ppoll, false);
  enter("poll_loop", by_hand::poll_loop, false);
  enter("spin_loop", spin_loop, false);
  enter("spin_same_calls", spin_same_calls, false);
  enter("polling", exceeded<tconn::polling>, false);
  enter("selecting", exceeded<tconn::selecting>, false);
  enter("spinning", exceeded<tconn::spinning>, false);
  for (auto const& one : peers::all())
    if (of.limit % one.unit == 0us) enter(one.name, one.connect, true);
  add(std::move(what));

  for (auto const& one : peers::all()) {
    if (of.limit % one.unit == 0us) continue;
    auto const row = group + '/' + one.name;
    auto const* const why = one.unit == 1ms ? "left out: takes whole milliseconds" : "left out: takes whole seconds";
    benchmark::RegisterBenchmark(row.c_str(), leave_out, why)->Iterations(1)->Repetitions(1)->UseManualTime();
  }
}

}  // namespace

void add_lateness() {
  for (auto const& each :
       {limit_row{"100us", 100us, 300}, {"1ms", 1ms, 300}, {"10ms", 10ms, 100}, {"100ms", 100ms, 30}})
    add_limit(each);
}
