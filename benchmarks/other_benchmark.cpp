// SPDX-License-Identifier: MIT
// What is beyond one connect: resuming an attempt that was kept, a race of two of which the first is dead, and how long
// after a request from another thread a cancelled call returns. Beside each the system calls by hand.
#include "by_hand.hpp"
#include "contest.hpp"
#include "quantile.hpp"
#include "rows.hpp"
#include "support/loopback.hpp"
#include "waiting_contest.hpp"

#include <timed_connect/connect.hpp>
#include <timed_connect/race.hpp>

#include <sys/eventfd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;
using peers::microseconds;
using peers::outcome;
using steady = std::chrono::steady_clock;
using tconn::endpoint;

// ---- resume: no time at all at first, and the attempt is kept; then it is waited for ----

outcome resume(endpoint const& to, microseconds limit) {
  auto first = tconn::timed_connect(to, 0s, {.on_timeout = tconn::on_timeout::keep, .accept_late = false});
  if (first) return outcome::connected;
  if (!first.error().pending) return outcome::failed;
  return first.error().pending->wait(limit) ? outcome::connected : outcome::failed;
}

outcome resume_pending(endpoint const& to, microseconds limit) {
  auto started = tconn::start_connect(to);
  return started && started->wait(limit) ? outcome::connected : outcome::failed;
}

void add_resume() {
  contest what{"resume", outcome::connected, rounds(41), {}, {}};
  what.clients = {{"raw", by_hand::raw},
                  {"poll_loop", by_hand::poll_loop},
                  {"kept_then_wait", resume},
                  {"start_then_wait", resume_pending}};
  what.build = [count = what.clients.size()] { return listening(endpoint::loopback_v4(0), count); };
  add(std::move(what));
}

// ---- a race of two, the first of which is dead ----

/// The dead one is at the same address with another port; its server outlives all races.
endpoint const& dead_end() {
  static support::full_listener const silent;
  static endpoint const where = silent.where();
  return where;
}

outcome race_by_hand(endpoint const& to, microseconds limit) {
  std::array const all{&dead_end(), &to};
  std::array<pollfd, 2> entries{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    entries[i] = {by_hand::open(*all[i], SOCK_NONBLOCK), POLLOUT, 0};
    ::connect(entries[i].fd, all[i]->data(), all[i]->size());
  }
  auto const time = by_hand::to_timespec(limit);
  ::ppoll(entries.data(), entries.size(), &time, nullptr);
  auto result = outcome::failed;
  for (auto const& entry : entries) {
    if (entry.revents != 0) result = by_hand::finish(entry.fd, limit);
    ::close(entry.fd);
  }
  return result;
}

template <int stagger_ms>
outcome race(endpoint const& to, microseconds limit) {
  auto const won =
      tconn::timed_connect_any({dead_end(), to}, limit, {.stagger = std::chrono::milliseconds(stagger_ms)});
  return won ? outcome::connected : outcome::failed;
}

void add_race_at_once() {
  contest what{"race_at_once", outcome::connected, rounds(41), {}, {}};
  what.clients = {{"raw", by_hand::raw}, {"poll_loop", race_by_hand}, {"timed_connect_any", race<0>}};
  what.build = [count = what.clients.size()] { return listening(endpoint::loopback_v4(0), count); };
  add(std::move(what));
}

/// How long after the stagger the second one has won.
void staggered_race(benchmark::State& state) {
  support::listener const server;
  std::vector<double> late;
  for (auto _ : state) {
    auto const began = steady::now();
    auto const result = race<10>(server.where(), 1s);
    std::chrono::duration<double, std::micro> const taken = steady::now() - began;
    late.push_back((taken - 10ms).count());
    state.SetIterationTime(taken.count() / 1e6);
    if (result != outcome::connected || !server.accept(1s)) return state.SkipWithError("nobody has won the race");
  }
  state.counters["us late"] = quantile(late, 0.5);
  state.counters["us late least"] = quantile(late, 0);
  state.counters["us late p99"] = quantile(late, 0.99);
}

// ---- cancellation: from the request in another thread until the call has returned ----

/// Waits until it is ended from outside; whether that is what has ended it.
struct waiter {
  virtual ~waiter() = default;
  virtual bool wait(endpoint const& to) = 0;
  virtual void request() = 0;
};

template <class Strategy>
class library_waiter final : public waiter {
 public:
  bool wait(endpoint const& to) override {
    auto const result = tconn::timed_connect(to, 10s, {.cancel = &cancel_}, Strategy{});
    return !result && result.error().code == tconn::errc::cancelled;
  }
  void request() override { cancel_.request(); }

 private:
  tconn::cancellation cancel_{};
};

class waiter_by_hand final : public waiter {
 public:
  waiter_by_hand() : event_(::eventfd(0, EFD_CLOEXEC)) {}
  waiter_by_hand(waiter_by_hand const&) = delete;
  waiter_by_hand& operator=(waiter_by_hand const&) = delete;
  ~waiter_by_hand() override { ::close(event_); }

  bool wait(endpoint const& to) override {
    int const handle = by_hand::open(to, SOCK_NONBLOCK);
    ::connect(handle, to.data(), to.size());
    std::array<pollfd, 2> entries{{{handle, POLLOUT, 0}, {event_, POLLIN, 0}}};
    timespec const limit{10, 0};
    ::ppoll(entries.data(), entries.size(), &limit, nullptr);
    ::close(handle);
    return entries[1].revents != 0;
  }
  void request() override {
    std::uint64_t const one = 1;
    if (::write(event_, &one, sizeof one) != sizeof one) std::terminate();
  }

 private:
  int event_;
};

/// In microseconds.
template <class Waiter>
double cancel_once(endpoint const& silent) {
  Waiter whose;
  std::atomic<steady::time_point> requested{};
  std::thread other([&] {
    std::this_thread::sleep_for(2ms);
    requested = steady::now();
    whose.request();
  });
  bool const as_expected = whose.wait(silent);
  auto const returned = steady::now();
  other.join();
  if (!as_expected) throw std::runtime_error("something else than the request ended the call");
  return std::chrono::duration<double, std::micro>(returned - requested.load()).count();
}

void add_cancellation() {
  add({"cancellation",
       "us",
       rounds(300),
       {{"ppoll_eventfd", cancel_once<waiter_by_hand>},
        {"polling", cancel_once<library_waiter<tconn::polling>>},
        {"selecting", cancel_once<library_waiter<tconn::selecting>>},
        {"spinning", cancel_once<library_waiter<tconn::spinning>>}}});
}

}  // namespace

void add_other() {
  add_resume();
  add_race_at_once();
  constexpr int tries = 300;
  benchmark::RegisterBenchmark("race_after_10ms/timed_connect_any", staggered_race)
      ->Iterations(tries)
      ->Repetitions(1)
      ->UseManualTime();
  add_cancellation();
}
