// SPDX-License-Identifier: MIT
// What is beyond one connect: resuming an attempt that was kept, a race of two of which the first is dead, and how long
// after a request from another thread a cancelled call returns. Beside each the system calls by hand.
#include "by_hand.hpp"
#include "contest.hpp"
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

/// No look before the first wait has been given up for now; the socket is kept, and waited for again.
outcome resume_by_hand(endpoint const& to, microseconds limit) {
  int const handle = by_hand::open(to, SOCK_NONBLOCK);
  int const error = ::connect(handle, to.data(), to.size()) == 0 ? 0 : errno;
  static_cast<void>(by_hand::is_ready_by(steady::now(), handle));
  auto const result = error == EINPROGRESS ? by_hand::finish(handle, steady::now() + limit) : peers::outcome_of(error);
  ::close(handle);
  return result;
}

void add_resume() {
  contest what{"resume", outcome::connected, rounds(41), {}, {}, {}};
  what.clients = {{"raw", by_hand::raw},
                  {"poll_loop", by_hand::poll_loop},
                  {"kept_by_hand", resume_by_hand},
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

/// The second begins after the stagger, if the first has not answered by then.
template <int stagger_ms>
outcome race_by_hand(endpoint const& to, microseconds limit) {
  auto const until = steady::now() + limit;
  std::array const all{&dead_end(), &to};
  std::array<pollfd, 2> entries{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    entries[i] = {by_hand::open(*all[i], SOCK_NONBLOCK), POLLOUT, 0};
    ::connect(entries[i].fd, all[i]->data(), all[i]->size());
    bool const is_last = i + 1 == all.size();
    if (!is_last && stagger_ms == 0) continue;
    auto const time = by_hand::to_timespec(is_last ? until - steady::now() : std::chrono::milliseconds(stagger_ms));
    ::ppoll(entries.data(), i + 1, &time, nullptr);
  }
  auto result = outcome::failed;
  for (auto const& entry : entries) {
    if (entry.revents != 0) result = by_hand::finish(entry.fd, until);
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
  contest what{"race_at_once", outcome::connected, rounds(41), {}, {}, {}};
  what.clients = {{"raw", by_hand::raw}, {"poll_loop", race_by_hand<0>}, {"timed_connect_any", race<0>}};
  what.build = [count = what.clients.size()] { return listening(endpoint::loopback_v4(0), count); };
  add(std::move(what));
}

/// How many microseconds after the stagger the second one has won.
double win_late(peers::connect_function connect) {
  static support::listener const server;
  auto const began = steady::now();
  auto const result = connect(server.where(), 1s);
  std::chrono::duration<double, std::micro> const late = steady::now() - began - 10ms;
  if (result != outcome::connected || !server.accept(1s)) throw std::runtime_error("nobody has won the race");
  return late.count();
}

void add_staggered_race() {
  add({"race_after_10ms",
       "us late",
       rounds(300),
       {{"ppoll", [](endpoint const&) { return win_late(race_by_hand<10>); }},
        {"timed_connect_any", [](endpoint const&) { return win_late(race<10>); }}}});
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
  add_staggered_race();
  add_cancellation();
}
