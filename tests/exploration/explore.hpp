// SPDX-License-Identifier: MIT
// Plays every path of something, or one that was given, and holds each execution against the oracle.
//
// A failure prints the path. It is played again, with all that happened, by
//   TIMED_CONNECT_PATH='0 0 1 0 3' exploration_tests --gtest_filter=THE.TEST
// TIMED_CONNECT_MORE_EVENTS=1 goes one event further; TIMED_CONNECT_SEED=n begins the random part elsewhere.
#pragma once

#include "exploration/choices.hpp"
#include "support/slow_machinery.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace exploration {

/// A number from the environment.
inline int number_from_environment(char const* name, int otherwise) {
  char const* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// How many events: as many as are wanted where the machinery is fast, and half of them in a build for a checker.
inline int events(int wanted) {
  bool const is_fast = support::is_optimised && !support::is_under_valgrind();
  return (is_fast ? wanted : wanted / 2) + number_from_environment("TIMED_CONNECT_MORE_EVENTS", 0);
}

/// What one execution has shown.
struct shown {
  std::vector<std::string> objections{};
  std::string log{};
};

/// Whether all was well. If not, it is played once more, to show it.
template <class Play>
bool hold(Play&& play, choices& path) {
  if (play(path, /*with_log*/ false).objections.empty()) return true;
  auto again = given_path::parse(path.path());
  auto const one = play(again, /*with_log*/ true);
  std::string text = "TIMED_CONNECT_PATH='" + path.path() + "'\n";
  for (auto const& objection : one.objections) text += "  promise " + objection + '\n';
  ADD_FAILURE() << text << one.log;
  return false;
}

/// Plays the path that is given in the environment, if one is, with all that happens.
template <class Play>
bool play_given(Play&& play) {
  char const* const given = std::getenv("TIMED_CONNECT_PATH");
  if (given == nullptr) return false;
  auto path = given_path::parse(given);
  if (hold(play, path)) {
    auto again = given_path::parse(given);
    std::cout << play(again, /*with_log*/ true).log;
  }
  return true;
}

/// Every path; gives their number. `play` makes a `shown` of the choices that it is given.
template <class Play>
long explore(Play&& play) {
  if (play_given(play)) return 1;
  constexpr int enough_failures = 3;
  every_path path;
  long count = 0;
  int failures = 0;
  do {
    failures += hold(play, path) ? 0 : 1;
    ++count;
  } while (failures < enough_failures && path.next());
  return count;
}

}  // namespace exploration
