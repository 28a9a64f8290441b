// SPDX-License-Identifier: MIT
// Races and batches of two endpoints, through every interleaving of what can happen with each of their system calls,
// held against the promises.
#include "exploration/many.hpp"
#include "exploration/explore.hpp"
#include "exploration/oracle.hpp"
#include "support/counts.hpp"

#include <initializer_list>
#include <string>

namespace {

using namespace exploration;
using namespace std::chrono_literals;
using tconn::on_timeout;
using way = many::way;

/// Explores it under these policies, accept_late or not; tells how many executions there were.
void explore_all(std::string const& name, many asked, std::initializer_list<on_timeout> policies) {
  long executions = 0;
  cancellations reused;
  asked.cancels = &reused;
  asked.fins = true;
  for (auto const how : policies) {
    for (bool const accept_late : {true, false}) {
      asked.how = how;
      asked.accept_late = accept_late;
      asked.nonblocking = !accept_late;
      SCOPED_TRACE(std::string(tconn::to_string(how)) + (accept_late ? "" : ", late ones refused"));
      executions += explore([&](choices& path, bool with_log) {
        auto const one = play(asked, path, with_log);
        return shown{objections(one.seen), one.log};
      });
    }
  }
  support::tell_count(std::to_string(executions) + " executions of " + name + ", all with up to " +
                      std::to_string(asked.events) + " events");
}

constexpr std::initializer_list<on_timeout> for_losers = {on_timeout::close, on_timeout::reset};
constexpr std::initializer_list<on_timeout> all_policies = {on_timeout::close, on_timeout::reset, on_timeout::keep};

TEST(Exploration, of_a_race_finds_every_promise_kept) {
  explore_all("a race of two endpoints", {.by = way::race, .events = events(3)}, for_losers);
}
TEST(Exploration, of_a_race_that_begins_all_at_once_finds_every_promise_kept) {
  explore_all("a race of two endpoints at once", {.by = way::race, .stagger = 0s, .events = events(3)}, for_losers);
}
TEST(Exploration, of_a_race_with_hedges_finds_every_promise_kept) {
  explore_all("a race of two endpoints with hedges", {.by = way::race, .hedge_after = 1500ms, .events = events(2)},
              for_losers);
}
TEST(Exploration, of_a_batch_finds_every_promise_kept) {
  explore_all("a batch of two endpoints", {.by = way::batch, .events = events(3)}, all_policies);
}
TEST(Exploration, of_a_batch_one_after_another_finds_every_promise_kept) {
  explore_all("a batch of two endpoints, one in flight",
              {.by = way::batch, .has_hook = true, .max_in_flight = 1, .events = events(3)}, all_policies);
}

// Whoever lacks a descriptor looks for one every 10 ms.
many short_of_descriptors(way by) {
  return {.by = by,
          .cancellable = true,
          .descriptors_run_out = true,
          .stagger = 20ms,
          .limit = 40ms,
          .tick = 20ms,
          .events = events(2)};
}
TEST(Exploration, of_a_race_short_of_descriptors_that_may_be_cancelled_finds_every_promise_kept) {
  explore_all("a race of two endpoints short of descriptors that may be cancelled", short_of_descriptors(way::race),
              for_losers);
}
TEST(Exploration, of_a_batch_short_of_descriptors_that_may_be_cancelled_finds_every_promise_kept) {
  explore_all("a batch of two endpoints short of descriptors that may be cancelled", short_of_descriptors(way::batch),
              all_policies);
}

}  // namespace
