// SPDX-License-Identifier: MIT
// Promise 12 with real sockets and threads: a cancellation from another thread ends every wait at once.
#include <timed_connect/race.hpp>
#include <timed_connect/retry.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/cancelled_wait.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::at_once;
using support::far_away;
using support::telling;
using support::tells_what_is_left;
using support::told;
using tconn::aftermath;
using tconn::cancellation;
using tconn::errc;
using tconn::on_timeout;

template <class Strategy>
class CancelledWait : public support::cancelled_wait<Strategy> {};
TYPED_TEST_SUITE(CancelledWait, support::strategies, support::strategy_names);

TYPED_TEST(CancelledWait, of_a_connect) {
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
    auto const result = this->cancelled([&](auto* cancel, auto sys) {
      return timed_connect(this->black_hole.where(), far_away, {.on_timeout = how, .cancel = cancel}, sys);
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::cancelled) << told(result);
    auto const given_up = tells_what_is_left() ? aftermath::nothing_sent : aftermath::unknown;
    EXPECT_EQ(result.error().aftermath, how == on_timeout::keep ? aftermath::kept : given_up);
  }
}

TYPED_TEST(CancelledWait, of_a_race) {
  auto const result = this->cancelled([&](auto* cancel, auto sys) {
    return timed_connect_any({this->black_hole.where(), this->black_hole.where()}, far_away,
                             {.each = {.cancel = cancel}, .stagger = 10ms}, sys);
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
}

TYPED_TEST(CancelledWait, of_a_retry_between_its_attempts) {
  support::closed_port const nobody;
  auto const result = this->cancelled([&](auto* cancel, auto sys) {
    return timed_connect_retry(nobody.where(), far_away,
                               {.each = {.cancel = cancel}, .first_pause = 30s, .longest_pause = 30s}, sys);
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
}

TYPED_TEST(CancelledWait, of_many_calls_by_one_request) {
  cancellation cancel;
  std::atomic<int> waits = 0;
  std::atomic<int> cancelled = 0;
  std::vector<std::thread> all;
  all.reserve(4);
  for (int i = 0; i < 4; ++i) {
    all.emplace_back([&] {
      auto const result =
          timed_connect(this->black_hole.where(), far_away, {.cancel = &cancel}, telling<TypeParam>(&waits));
      if (!result && result.error().code == errc::cancelled) ++cancelled;
    });
  }
  support::eventually([&] { return waits >= 4; }, at_once);
  cancel.request();
  for (auto& one : all) one.join();
  EXPECT_EQ(cancelled, 4);
}

}  // namespace
