// SPDX-License-Identifier: MIT
// The simulated world with twice the events of the random exploration, held against the oracle. Each byte is a choice:
// whether it is one connect or several, then what is asked of the library (see shapes.hpp), then what happens.
#include "fuzz/target.hpp"

#include "exploration/oracle.hpp"
#include "exploration/shapes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace exploration;

constexpr int events = 24;

/// Ends the process, with what plays the same path again, and all that happens on it.
template <class Play>
void hold(Play&& play, choices& path, std::string_view test) {
  auto const broken = objections(play(path, /*with_log*/ false).seen);
  if (broken.empty()) return;
  auto again = given_path::parse(path.path());
  std::string text = "TIMED_CONNECT_MORE_EVENTS=12 TIMED_CONNECT_PATH='" + path.path() +
                     "' exploration_tests --gtest_filter=RandomExploration." + std::string(test) + '\n';
  for (auto const& objection : broken) text += "  promise " + objection + '\n';
  fuzz::give_up("a promise", text + play(again, /*with_log*/ true).log);
}

}  // namespace

std::string fuzz::what_is_missing() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  given_path path(std::vector<std::size_t>(data + 1, data + size));
  if (data[0] % 2 == 0) {
    auto const one = [](choices& chooser, bool with_log) {
      return play(any_single(chooser, events), chooser, with_log);
    };
    hold(one, path, "of_one_connect*");
  } else {
    auto const several = [](choices& chooser, bool with_log) {
      return play(any_many(chooser, events), chooser, with_log);
    };
    hold(several, path, "of_races_and_batches*");
  }
  return 0;
}
