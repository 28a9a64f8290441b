// SPDX-License-Identifier: MIT
// Beyond the bound of the exhaustive exploration: a dozen events an execution, chosen by a seed, in everything that the
// others play. TIMED_CONNECT_SEED begins elsewhere; the seed of a failure is printed with its path.
#include "exploration/explore.hpp"
#include "exploration/many.hpp"
#include "exploration/oracle.hpp"
#include "exploration/single.hpp"
#include "support/counts.hpp"

#include <string>

namespace {

using namespace exploration;
using namespace std::chrono_literals;

constexpr int most_events = 12;
constexpr tconn::on_timeout policies[] = {tconn::on_timeout::close, tconn::on_timeout::reset, tconn::on_timeout::keep};

single any_single(choices& path) {
  single asked;
  asked.how = policies[path.draw(std::size(policies))];
  asked.accept_late = path.draw(2) == 0;
  asked.by = static_cast<single::way>(path.draw(4));
  asked.unix_socket = asked.by != single::way::pending && path.draw(4) == 3;
  asked.cancellable = path.draw(2) == 1;
  asked.simultaneous_open = path.draw(2) == 1;
  asked.descriptors_run_out = path.draw(4) == 3;
  asked.limit = asked.unix_socket ? 3ms : path.draw(8) == 7 ? 0s : 4s;
  asked.tick = asked.unix_socket ? 1ms : 1s;
  asked.events = most_events;
  return asked;
}

many any_many(choices& path) {
  many asked;
  asked.by = path.draw(2) == 0 ? many::way::race : many::way::batch;
  asked.how = policies[path.draw(asked.by == many::way::race ? 2 : 3)];
  asked.accept_late = path.draw(2) == 0;
  asked.cancellable = path.draw(2) == 1;
  asked.descriptors_run_out = path.draw(2) == 1;
  asked.endpoints = 1 + path.draw(5);
  asked.max_in_flight = path.draw(3);
  asked.stagger = path.draw(2) == 0 ? 20ms : 0ms;
  asked.hedge_after = path.draw(2) == 0 ? 0ms : 30ms;
  asked.limit = 80ms;
  asked.tick = 20ms;
  asked.events = most_events;
  return asked;
}

/// Plays so many, each with the next seed.
template <class Play>
void play_random(std::string const& name, long executions, Play&& play) {
  auto const first = static_cast<unsigned>(number_from_environment("TIMED_CONNECT_SEED", 1));
  if (!support::is_optimised) executions /= 50;
  for (unsigned seed = first; seed != first + static_cast<unsigned>(executions) && !testing::Test::HasFailure();
       ++seed) {
    SCOPED_TRACE("TIMED_CONNECT_SEED=" + std::to_string(seed));
    random_path path(seed, /*one_in*/ 6);
    hold(play, path);
  }
  support::tell_count(std::to_string(executions) + " random executions of " + name + ", with up to " +
                      std::to_string(most_events) + " events, from seed " + std::to_string(first));
}

TEST(RandomExploration, of_one_connect_finds_every_promise_kept) {
  play_random("one connect", 200'000, [](choices& path, bool with_log) {
    auto const asked = any_single(path);
    auto const one = play(asked, path, with_log);
    return shown{objections(one.seen), one.log};
  });
}

TEST(RandomExploration, of_races_and_batches_finds_every_promise_kept) {
  play_random("races and batches of up to five endpoints", 100'000, [](choices& path, bool with_log) {
    auto const asked = any_many(path);
    auto const one = play(asked, path, with_log);
    return shown{objections(one.seen), one.log};
  });
}

}  // namespace
