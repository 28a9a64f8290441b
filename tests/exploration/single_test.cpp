// SPDX-License-Identifier: MIT
// One connect, through every interleaving of what can happen with each of its system calls, held against the promises.
#include "exploration/single.hpp"
#include "exploration/explore.hpp"
#include "exploration/oracle.hpp"

#include "support/counts.hpp"

#include <string>

namespace {

using namespace exploration;
using namespace std::chrono_literals;
using tconn::on_timeout;
using way = single::way;

/// Explores it under every policy, accept_late or not; tells how many executions there were.
void explore_all(std::string const& name, single asked) {
  long executions = 0;
  cancellations reused;
  asked.cancels = &reused;
  asked.fins = true;
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
    for (bool const accept_late : {true, false}) {
      asked.how = how;
      asked.accept_late = accept_late;
      asked.nonblocking = accept_late == (how == on_timeout::reset);
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

TEST(Exploration, of_an_owned_connect_finds_every_promise_kept) {
  explore_all("an owned connect", {.by = way::owned, .simultaneous_open = true, .events = events(4)});
}
TEST(Exploration, of_an_owned_connect_that_may_be_cancelled_finds_every_promise_kept) {
  explore_all("an owned connect that may be cancelled", {.by = way::owned, .cancellable = true, .events = events(4)});
}
TEST(Exploration, of_an_owned_connect_with_no_time_finds_every_promise_kept) {
  explore_all("an owned connect with no time",
              {.by = way::owned, .cancellable = true, .simultaneous_open = true, .limit = 0s, .events = events(4)});
}
TEST(Exploration, of_an_owned_connect_short_of_descriptors_finds_every_promise_kept) {
  explore_all("an owned connect short of descriptors",
              {.by = way::owned, .descriptors_run_out = true, .events = events(4)});
}
TEST(Exploration, of_a_borrowed_connect_finds_every_promise_kept) {
  explore_all("a borrowed connect", {.by = way::borrowed, .simultaneous_open = true, .events = events(4)});
}
TEST(Exploration, of_a_borrowed_connect_that_may_be_cancelled_finds_every_promise_kept) {
  explore_all("a borrowed connect that may be cancelled",
              {.by = way::borrowed, .cancellable = true, .events = events(4)});
}
TEST(Exploration, of_a_borrowed_connect_with_no_time_finds_every_promise_kept) {
  explore_all("a borrowed connect with no time",
              {.by = way::borrowed, .cancellable = true, .simultaneous_open = true, .limit = 0s, .events = events(4)});
}
TEST(Exploration, of_a_borrowed_descriptor_in_non_blocking_mode_finds_every_promise_kept) {
  explore_all("a borrowed descriptor in non blocking mode", {.by = way::borrowed_nonblocking, .events = events(4)});
}
single to_a_full_backlog(way by, bool cancellable, int most_events) {
  return {.by = by,
          .unix_socket = true,
          .cancellable = cancellable,
          .limit = 3ms,
          .tick = 1ms,
          .events = events(most_events)};
}
TEST(Exploration, of_an_owned_connect_to_a_full_backlog_finds_every_promise_kept) {
  explore_all("an owned connect to a full backlog", to_a_full_backlog(way::owned, /*cancellable*/ false, 4));
}
TEST(Exploration, of_a_borrowed_connect_to_a_full_backlog_finds_every_promise_kept) {
  explore_all("a borrowed connect to a full backlog", to_a_full_backlog(way::borrowed, /*cancellable*/ false, 4));
}
TEST(Exploration, of_a_connect_to_a_full_backlog_that_may_be_cancelled_finds_every_promise_kept) {
  explore_all("an owned connect to a full backlog that may be cancelled",
              to_a_full_backlog(way::owned, /*cancellable*/ true, 4));
  explore_all("a borrowed connect to a full backlog that may be cancelled",
              to_a_full_backlog(way::borrowed, /*cancellable*/ true, 4));
}
TEST(Exploration, of_a_pending_connection_finds_every_promise_kept) {
  explore_all("a pending connection", {.by = way::pending, .simultaneous_open = true, .events = events(4)});
}
TEST(Exploration, of_a_pending_connection_that_may_be_cancelled_finds_every_promise_kept) {
  explore_all("a pending connection that may be cancelled",
              {.by = way::pending, .cancellable = true, .events = events(4)});
}
TEST(Exploration, of_a_pending_connection_that_is_abandoned_finds_every_promise_kept) {
  explore_all("a pending connection that is abandoned",
              {.by = way::abandoned, .simultaneous_open = true, .events = events(4)});
}
TEST(Exploration, of_a_pending_connection_that_another_replaces_finds_every_promise_kept) {
  explore_all("a pending connection that another replaces",
              {.by = way::replaced, .simultaneous_open = true, .events = events(4)});
}
TEST(Exploration, of_an_owned_connect_with_bad_luck_finds_every_promise_kept) {
  explore_all("an owned connect with bad luck", {.by = way::owned, .bad_luck = true, .events = events(4)});
}
TEST(Exploration, of_an_owned_connect_with_bad_luck_and_no_time_finds_every_promise_kept) {
  explore_all("an owned connect with bad luck and no time",
              {.by = way::owned, .cancellable = true, .bad_luck = true, .limit = 0s, .events = events(4)});
}
TEST(Exploration, of_a_borrowed_connect_with_bad_luck_finds_every_promise_kept) {
  explore_all("a borrowed connect with bad luck", {.by = way::borrowed, .bad_luck = true, .events = events(4)});
}
TEST(Exploration, of_a_borrowed_connect_with_bad_luck_that_may_be_cancelled_finds_every_promise_kept) {
  explore_all("a borrowed connect with bad luck that may be cancelled",
              {.by = way::borrowed, .cancellable = true, .bad_luck = true, .events = events(4)});
}
TEST(Exploration, of_a_pending_connection_with_bad_luck_finds_every_promise_kept) {
  explore_all("a pending connection with bad luck", {.by = way::pending, .bad_luck = true, .events = events(4)});
}
TEST(Exploration, of_a_pending_connection_that_is_destroyed_finds_every_promise_kept) {
  explore_all("a pending connection that is destroyed",
              {.by = way::destroyed, .simultaneous_open = true, .events = events(4)});
}

}  // namespace
