// SPDX-License-Identifier: MIT
// Beyond the bound of the exhaustive exploration: a dozen events an execution, chosen by a seed, in everything that the
// others play. TIMED_CONNECT_SEED begins elsewhere; the seed of a failure is printed with its path.
#include "exploration/explore.hpp"
#include "exploration/oracle.hpp"
#include "exploration/shapes.hpp"
#include "support/counts.hpp"

#include <string>

namespace {

using namespace exploration;

/// In one execution.
int most_events() { return 12 + number_from_environment("TIMED_CONNECT_MORE_EVENTS", 0); }

/// Plays so many, each with the next seed.
template <class Play>
void play_random(std::string const& name, long executions, Play&& play) {
  if (play_given(play)) return;
  auto const first = static_cast<unsigned>(number_from_environment("TIMED_CONNECT_SEED", 1));
  if (!support::is_optimised) executions /= 50;
  for (unsigned seed = first; seed != first + static_cast<unsigned>(executions) && !testing::Test::HasFailure();
       ++seed) {
    SCOPED_TRACE("TIMED_CONNECT_SEED=" + std::to_string(seed));
    random_path path(seed, /*one_in*/ 6);
    hold(play, path);
  }
  support::tell_count(std::to_string(executions) + " random executions of " + name + ", with up to " +
                      std::to_string(most_events()) + " events, from seed " + std::to_string(first));
}

TEST(RandomExploration, of_one_connect_finds_every_promise_kept) {
  play_random("one connect", 200'000, [](choices& path, bool with_log) {
    auto const asked = any_single(path, most_events());
    auto const one = play(asked, path, with_log);
    return shown{objections(one.seen), one.log};
  });
}

TEST(RandomExploration, of_races_and_batches_finds_every_promise_kept) {
  play_random("races and batches of up to five endpoints", 100'000, [](choices& path, bool with_log) {
    auto const asked = any_many(path, most_events());
    auto const one = play(asked, path, with_log);
    return shown{objections(one.seen), one.log};
  });
}

}  // namespace
