// SPDX-License-Identifier: MIT
// Thousands of peers behind real packets: what the batch, the race and the hedge tell is held against what each peer is.
#include "wire/lab/internet.hpp"

#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/slow_machinery.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::scaled;
using tconn::batch_event;
using tconn::errc;
using wire::climate;
using wire::temper;

class Internet : public testing::Test {
 protected:
  /// False where there is no lab; the test is skipped then.
  bool makes(climate const& what) {
    try {
      net_ = std::make_unique<wire::internet>(what);
    } catch (wire::unavailable const& why) {
      reason_ = std::string("there is no wire lab: ") + why.what();
    }
    return net_ != nullptr;
  }
  wire::internet& net() { return *net_; }
  std::string const& reason() const { return reason_; }

  /// Connects to every peer by a few threads; what came of each.
  template <class Connect>
  std::vector<int> to_every_peer(Connect&& connect) {
    std::vector<int> connected(net().size());
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> all;
    constexpr std::size_t threads = 24;
    all.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        for (std::size_t peer = 0; (peer = next++) < connected.size();) connected[peer] = connect(peer) ? 1 : 0;
      });
    }
    for (auto& one : all) one.join();
    return connected;
  }

 private:
  std::unique_ptr<wire::internet> net_{};
  std::string reason_{};
};

TEST_F(Internet, gives_a_batch_the_results_that_its_script_says) {
  if (!makes({.peers = scaled(6'000), .dead_percent = 10, .refusing_percent = 20, .nearest = 1ms, .farthest = 150ms}))
    GTEST_SKIP() << reason();
  std::vector<tconn::endpoint> all;
  std::size_t alive = 0;
  for (std::size_t peer = 0; peer < net().size(); ++peer) {
    all.push_back(net().at(peer));
    alive += net().temper_of(peer) == temper::is_dead ? 0U : 1U;
  }
  // Only the dead would need the whole time.
  tconn::cancellation only_dead_left;
  auto note = [&](batch_event& event) {
    bool const lives = net().temper_of(event.index) != temper::is_dead;
    if (lives && --alive == 0) only_dead_left.request();
  };
  auto const results = tconn::timed_connect_all(all, 50s, {.each = {.cancel = &only_dead_left}, .on_result = note});
  auto const& seen = net().end();
  for (std::size_t peer = 0; peer < all.size(); ++peer) {
    auto const& one = results[peer];
    switch (net().temper_of(peer)) {
      case temper::answers:
        EXPECT_TRUE(one) << one.error().message();
        EXPECT_EQ(seen[peer].established, 1U);
        break;
      case temper::refuses:
        EXPECT_TRUE(!one && one.error().code == std::errc::connection_refused);
        EXPECT_TRUE(one || one.error().elapsed >= net().distance_of(peer));
        break;
      case temper::is_dead: EXPECT_TRUE(!one && one.error().code == errc::cancelled); break;
    }
    EXPECT_EQ(seen[peer].resets, 0U);
  }
}

// The kernel repeats a lost SYN after a second, so within 800 ms it does not: what is connected follows from the seed,
// unless the machine stands still. Then it is played again.
TEST_F(Internet, costs_a_lost_syn_no_more_than_the_hedge) {
  int held_up = 0;
  for (bool hedges = false;;) {
    if (!makes({.peers = scaled(240), .lost_percent = 20, .nearest = 1ms, .farthest = 30ms})) GTEST_SKIP() << reason();
    auto const hedge = hedges ? std::chrono::nanoseconds(250ms) : std::chrono::nanoseconds::max();
    auto const connected = to_every_peer([&](std::size_t peer) {
      return tconn::timed_connect_any({net().at(peer)}, 800ms, {.hedge_after = hedge}).has_value();
    });
    auto const& seen = net().end();
    if (net().longest_standstill() > 120ms) {
      ASSERT_LT(++held_up, 10) << "this machine is too slow to tell";
      continue;
    }
    for (std::size_t peer = 0; peer < connected.size(); ++peer) {
      bool const is_first_lost = net().is_lost(peer, 1);
      bool const is_second_lost = net().is_lost(peer, 2);
      EXPECT_EQ(connected[peer] != 0, !is_first_lost || (hedges && !is_second_lost)) << peer;
      EXPECT_EQ(seen[peer].syns, is_first_lost && hedges ? 2U : 1U) << peer;
    }
    if (std::exchange(hedges, true)) return;
  }
}

// Four peers a race. None answers before all have been asked, so that there are losers: some whose handshake is complete
// when the winner is found, and some whose is not.
TEST_F(Internet, lets_a_race_pass_by_the_dead_and_leaves_every_loser_by_its_policy) {
  for (auto const how : {tconn::on_timeout::close, tconn::on_timeout::reset}) {
    if (!makes({.peers = 4 * scaled(100), .dead_percent = 50, .nearest = 1ms, .farthest = 1ms, .together = 4}))
      GTEST_SKIP() << reason();
    std::vector<bool> has_won(net().size());
    for (std::size_t first = 0; first + 4 <= net().size(); first += 4) {
      std::vector<tconn::endpoint> four;
      bool lives = false;
      for (std::size_t peer = first; peer < first + 4; ++peer) {
        four.push_back(net().at(peer));
        lives = lives || net().temper_of(peer) == temper::answers;
      }
      auto const result = tconn::timed_connect_any(four, lives ? 50s : 200ms, {.stagger = 0ms, .losers = how});
      EXPECT_EQ(result.has_value(), lives);
      for (std::size_t i = 0; result && i < 4; ++i)
        has_won[first + i] = support::peer_name(result->native_handle()) == four[i];
    }
    auto const& seen = net().end();
    unsigned late_losers = 0;
    for (std::size_t peer = 0; peer < net().size(); ++peer) {
      auto const& at = seen[peer];
      bool const answers = net().temper_of(peer) == temper::answers;
      bool const ends_by_fin = at.established != 0 && (has_won[peer] || how == tconn::on_timeout::close);
      // Where the machine stands still the kernel says it twice.
      EXPECT_NE(at.syns, 0U) << peer;
      EXPECT_EQ(at.fins != 0, ends_by_fin) << peer;
      EXPECT_EQ(at.resets != 0, answers && !ends_by_fin) << peer << ", by the kernel if it was given up in flight";
      late_losers += at.established != 0 && !has_won[peer] ? 1U : 0U;
    }
    // Where everything is slow the winner may be found before the others have answered.
    bool const is_slow = scaled(100) < 100;
    EXPECT_TRUE(is_slow || late_losers > 0) << "the policy was not seen at work";
  }
}

}  // namespace
