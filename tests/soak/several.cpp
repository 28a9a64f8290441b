// SPDX-License-Identifier: MIT
// The actions of a client that make several attempts.
#include "client.hpp"

#include <timed_connect/batch.hpp>
#include <timed_connect/race.hpp>
#include <timed_connect/retry.hpp>

#include <algorithm>
#include <utility>

namespace soak {

using namespace std::chrono_literals;

namespace {

/// What becomes of attempts that are beaten: by the race's policy for those, or by that of each.
told what_beaten_ones_see(tconn::race_options const& options) {
  if (options.losers != options.each.on_timeout) return told::beaten;
  return options.losers == tconn::on_timeout::close ? told::beaten_close : told::beaten_reset;
}

}  // namespace

void client::race() {
  maybe_cancelled const cancel(*this);
  attempts made(all_, action::race);
  tconn::race_options options;
  options.each = some_options(cancel);
  options.each.on_timeout = some_end();
  options.each.before_connect = made;
  options.stagger = chosen_.one_in(2) ? 0ms : 10ms;
  options.losers = some_end();
  bool const has_own_limits = chosen_.one_in(3);
  if (has_own_limits) options.attempt_limit = chosen_.between(0us, 5000us);
  if (chosen_.one_in(3)) options.hedge_after = chosen_.between(0us, 3000us);
  std::vector<tconn::endpoint> to;
  for (auto count = 1 + chosen_.below(6); count != 0; --count) to.push_back(some_place().where);
  auto const limit = some_limit();
  auto result = by_some_strategy([&](auto sys) { return tconn::timed_connect_any(to, limit.until, options, sys); });
  if (!result) {
    if (!has_own_limits) hold_to(limit, result.error().code);
    if (result.error().pending) all_.troubles.add("a race has kept an attempt");
    return tell_all(made, result.error().attempts);
  }
  auto const winner = identity_of(*result);
  tell_others(made, winner, what_beaten_ones_see(options));
  for (auto const& one : made.list()) {
    if (one.who == winner) return conclude(one, result, options.each.nonblocking);
  }
  all_.troubles.add("a race was won by none of its attempts");
}

void client::retry() {
  auto const& to = some_place();
  maybe_cancelled const cancel(*this);
  attempts made(all_, action::retried);
  tconn::retry_options options;
  options.each = some_options(cancel);
  options.each.on_timeout = some_end();
  options.each.before_connect = made;
  options.first_pause = chosen_.between(200us, 2000us);
  options.longest_pause = 5ms;
  options.seed = 1 + chosen_.below(1'000'000);
  if (chosen_.one_in(2)) options.attempt_limit = chosen_.between(0us, 5000us);
  auto const limit = some_limit();
  auto result =
      by_some_strategy([&](auto sys) { return tconn::timed_connect_retry(to.where, limit.until, options, sys); });
  if (!result) {
    hold_to(limit, result.error().code);
    return tell_all(made, result.error().attempts);
  }
  auto const winner = made.list().back();
  tell_others(made, winner.who, told::superseded);
  conclude(winner, result, options.each.nonblocking);
}

void client::batch() {
  std::vector<tconn::endpoint> to;
  for (auto const& one : all_.places) to.push_back(one.where);
  for (auto left = to.size(); left > 1; --left) std::swap(to[left - 1], to[chosen_.below(left)]);
  to.resize(1 + chosen_.below(to.size()));
  maybe_cancelled const cancel(*this);
  attempts made(all_, action::batch);
  tconn::batch_options options;
  options.each = some_options(cancel);
  options.each.before_connect = made;
  options.max_in_flight = chosen_.one_in(2) ? 0 : 1 + chosen_.below(8);
  options.pace = chosen_.one_in(4) ? 5000 : 0;
  std::vector<tconn::socket> taken(to.size());
  std::vector<int> told_of(to.size());
  auto const on_result = [&](tconn::batch_event& event) {
    ++told_of[event.index];
    if (event.connected != tconn::no_handle && chosen_.one_in(2)) taken[event.index] = tconn::socket(event.release());
  };
  bool const has_hook = chosen_.one_in(2);
  if (has_hook) options.on_result = on_result;
  auto const limit = some_limit();
  auto results = by_some_strategy([&](auto sys) { return tconn::timed_connect_all(to, limit.until, options, sys); });
  if (results.size() != to.size()) all_.troubles.add("a batch of another size");
  auto const is_once = [&](int count) { return count == (has_hook ? 1 : 0); };
  if (!std::all_of(told_of.begin(), told_of.end(), is_once)) all_.troubles.add("a batch has not told each once");
  for (std::size_t i = 0; i < results.size(); ++i) {
    auto& result = results[i];
    auto const* const one = made.at(to[i]);
    if (!result) hold_to(limit, result.error().code);
    if (result && !*result) *result = std::move(taken[i]);
    bool const is_begun = result || result.error().handshake != tconn::handshake::not_started;
    if (one != nullptr)
      conclude(*one, result, options.each.nonblocking);
    else if (is_begun)
      all_.troubles.add("told of an attempt that was not made");
  }
}

}  // namespace soak
