// SPDX-License-Identifier: MIT
// The sweep of fault_sweep_test.cpp for the calls that make several attempts: races, batches, retries and names. Single
// faults are all played; of pairs those that the library tells apart, one error for each way in which it goes on
// (call_errors::distinct), and where the calls are many only every n-th of the first faults, each with all that can follow.
#include "support/promises.hpp"
#include "support/scripted_resolver.hpp"
#include "support/simulation.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::endpoint;
using tconn::on_timeout;

auto const first = at("192.0.2.1:80");
auto const second = at("[2001:db8::1]:80");
auto const third = at("192.0.2.3:80");
auto const path = at("unix:/run/server");
constexpr auto limit = 25ms;
constexpr auto some_calls = 200us;  // at 1 us each, after the deadline

/// What the peers do.
struct course {
  char const* name;
  std::vector<tconn::testing::event> by_first{};
  std::vector<tconn::testing::event> by_second{};
  std::vector<tconn::testing::event> by_third{};
  bool is_narrow = false;  ///< The outcome depends on the microsecond in which a call is made.
};

course const courses[] = {{"silence"},
                          {"the first in time", {syn_ack(3ms)}},
                          {"the second in time", {}, {syn_ack(3ms)}},
                          {"all refused", {rst(2ms)}, {rst(0ms)}, {rst(3ms)}},
                          {"the third in time", {rst(2ms)}, {unreachable(3ms)}, {syn_ack(4ms)}},
                          {"two at the same time", {syn_ack(15ms)}, {syn_ack(5ms - 4us)}, {}, true},
                          {"two half open", {syn(2ms)}, {syn(3ms)}},
                          {"late", {syn_ack(25ms - 1us)}, {syn_ack(15ms + 2us)}, {syn_ack(5ms)}, true},
                          {"around the decision", {syn_ack(25ms + 2us)}, {syn_ack(15ms + 4us)}, {syn_ack(5ms)}, true}};

/// Plays every course, in pairs with every n-th of the first faults.
template <class Play>
void sweep_courses(std::string const& what, std::size_t every_first, Play const& play) {
  sweep all(what, {.pairs = choice::distinct, .every_first = every_first});
  for (auto const& [name, by_first, by_second, by_third, is_narrow] : courses) {
    all.run(name, is_narrow, [&, a = &by_first, b = &by_second, c = &by_third](scene const& played) {
      played.net.on_syn(first, *a);
      played.net.on_syn(second, *b);
      played.net.on_syn(third, *c);
      auto const code = play(played);
      played.found.unless(played.net.open_sockets() == 0, "leaked");
      return code;
    });
  }
}

void check_time(scene const& played, std::chrono::nanoseconds end = limit) {
  played.found.unless(played.net.elapsed() <= end + some_calls, "the deadline was not kept");
}

/// What holds of a call with one outcome. `attempt_limit`, whether an attempt may end before the deadline.
template <class Result>
std::error_code check_one(Result const& result, scene const& played, bool attempt_limit = false) {
  auto& found = played.found;
  check_time(played);
  if (result) {
    check_connected(result->native_handle(), played);
    found.unless(played.net.is_blocking(result->native_handle()), "handed over non-blocking");
    found.unless(played.net.open_sockets() == 1, "a loser is left");
    return {};
  }
  auto const& failure = result.error();
  found.unless(!failure.pending && played.net.open_sockets() == 0, "something is left open");
  bool const is_early = failure.code == tconn::errc::deadline_exceeded && played.net.elapsed() < limit;
  found.unless(!is_early || attempt_limit, "early");
  found.unless(static_cast<bool>(failure.code), "a failure without a reason");
  found.unless(has_source(failure.code, played), "nobody has said: " + failure.code.message());
  return failure.code;
}

/// What holds of the attempts of one race. Of two at the same endpoint the wire does not tell one from the other.
template <class Result>
std::error_code check_race(Result const& result, scene const& played, bool attempt_limit = false) {
  auto const code = check_one(result, played, attempt_limit);
  if (result) return code;
  auto const& attempts = result.error().attempts;
  for (auto const& one : attempts) {
    auto const is_same = [&](auto const& other) { return other.where == one.where; };
    if (std::count_if(attempts.begin(), attempts.end(), is_same) == 1) check_failure(one, played, 0ms);
  }
  return code;
}

/// A policy that a call does not have, as it keeps nothing, stands for another: to reset what has lost.
on_timeout policy(scene const& played) { return played.how == on_timeout::keep ? on_timeout::close : played.how; }

TEST(FaultSweepOfMany, of_a_race_leaves_no_loser_and_tells_no_lie) {
  sweep_courses("connect to any of three", 1, [](scene const& played) {
    tconn::race_options const options{.each = {.on_timeout = policy(played), .accept_late = played.accept_late},
                                      .stagger = 10ms,
                                      .losers = played.how == on_timeout::keep ? on_timeout::reset : played.how};
    return check_race(tconn::timed_connect_any({first, second, third}, limit, options, played.sys()), played);
  });
}

TEST(FaultSweepOfMany, of_a_race_with_hedges_and_limits_leaves_no_loser_and_tells_no_lie) {
  sweep_courses("connect to any of two, hedged", 3, [](scene const& played) {
    tconn::race_options const options{.each = {.on_timeout = policy(played), .accept_late = played.accept_late},
                                      .stagger = 10ms,
                                      .losers = policy(played),
                                      .attempt_limit = played.how == on_timeout::keep ? 12ms : 1h,
                                      .hedge_after = 4ms};
    return check_race(tconn::timed_connect_any({first, second}, limit, options, played.sys()), played, true);
  });
}

/// What holds of all outcomes of a batch. The sockets go on return.
template <class Results>
std::error_code check_all(Results const& results, std::vector<endpoint> const& to, scene const& played) {
  auto& found = played.found;
  check_time(played);
  found.unless(results.size() == to.size(), "so many results as endpoints");
  std::size_t open = 0;
  std::error_code code;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!to[i].valid()) {
      found.unless(results[i].error().code == tconn::errc::invalid_endpoint, "not an endpoint");
    } else if (results[i]) {
      ++open;
      check_connected(results[i]->native_handle(), played);
      found.unless(played.net.socket_at(results[i]->native_handle()).target == to[i], "connected to another endpoint");
    } else {
      auto const& failure = results[i].error();
      bool const is_kept = failure.aftermath == aftermath::kept;
      open += is_kept ? 1U : 0U;
      found.unless(failure.where == to[i], "told of another endpoint");
      found.unless(failure.pending.has_value() == is_kept, "told kept, and it is not; or it is, and not told");
      found.unless(!is_kept || played.how == on_timeout::keep, "kept against the policy");
      check_failure(failure, played, limit);
      code = failure.code;
    }
  }
  found.unless(played.net.open_sockets() == open, "something is left open");
  return code;
}

std::vector<endpoint> const four{first, second, third, path};

TEST(FaultSweepOfMany, of_a_batch_gives_each_its_outcome_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("connect to all of four", 5, [](scene const& played) {
    played.net.backlog_full_until(path, 1ms);
    tconn::batch_options const options{.each = {.on_timeout = played.how, .accept_late = played.accept_late}};
    return check_all(tconn::timed_connect_all(four, limit, options, played.sys()), four, played);
  });
}

TEST(FaultSweepOfMany, of_a_batch_with_a_queue_gives_each_its_outcome_leaves_nothing_open_and_tells_no_lie) {
  // The queue is for 64 and more; those that are none cost no call.
  std::vector<endpoint> many(60);
  many.insert(many.end(), four.begin(), four.end());
  sweep_courses("connect to all of many, with a queue", 7, [&](scene const& played) {
    played.net.backlog_full_until(path, 1ms);
    std::vector<endpoint> const pool{at("198.51.100.1:0"), at("198.51.100.2:0")};
    tconn::batch_options const options{.each = {.on_timeout = played.how, .accept_late = played.accept_late},
                                       .local_addresses = pool};
    return check_all(tconn::timed_connect_all(many, limit, options, played.sys()), many, played);
  });
}

TEST(FaultSweepOfMany, on_another_posix_system_leaves_nothing_open_and_tells_no_lie_though_it_is_cancelled) {
  sweep_courses("connect to any of three, then to all of four, on plain POSIX, cancelled", 11, [](scene const& played) {
    played.net.is_plain_posix();
    tconn::cancellation cancel;
    tconn::connect_options const each{
        .on_timeout = policy(played), .accept_late = played.accept_late, .cancel = &cancel};
    if (played.how == on_timeout::keep) {
      played.net.at(12ms, [&] { cancel.request(); });
      auto const code =
          check_race(tconn::timed_connect_any({first, second, third}, limit, {.each = each}, played.sys()), played);
      check_time(played, 12ms);
      return code;
    }
    played.net.at(4ms, [&] { cancel.request(); });
    played.net.backlog_full_until(path, 50us);  // early: signals at its tries must not outlast the cancellation
    auto const code = check_all(tconn::timed_connect_all(four, limit, {.each = each}, played.sys()), four, played);
    check_time(played, 4ms);
    return code;
  });
}

TEST(FaultSweepOfMany, of_a_retry_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("connect, retried", 2, [](scene const& played) {
    played.net.on_syn(first, {rst(1ms)});
    played.net.on_syn(first, {});
    tconn::retry_options const options{.each = {.on_timeout = policy(played), .accept_late = played.accept_late},
                                       .first_pause = 2ms,
                                       .longest_pause = 4ms,
                                       .attempt_limit = played.how == on_timeout::keep ? 6ms : 1h,
                                       .seed = 7};
    return check_one(tconn::timed_connect_retry(first, limit, options, played.sys()), played);
  });
}

TEST(FaultSweepOfMany, of_a_name_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("connect to a name, and retried", 2, [](scene const& played) {
    name_script names{&played.net};
    names.after = 2ms;
    names.answer = {first, second};
    scripted_resolver const resolver{&names};
    constexpr tconn::host who{"example.org", "80"};
    tconn::connect_options const each{.on_timeout = policy(played), .accept_late = played.accept_late};
    if (played.how == on_timeout::keep) {
      tconn::retry_options const options{.each = each, .first_pause = 2ms, .longest_pause = 4ms, .seed = 7};
      return check_one(tconn::timed_connect_retry(who, limit, options, played.sys(), resolver), played);
    }
    tconn::race_options const options{.each = each, .stagger = 10ms, .losers = played.how};
    return check_race(tconn::timed_connect(who, limit, options, played.sys(), resolver), played);
  });
}

}  // namespace
