// SPDX-License-Identifier: MIT
// The batch with real sockets, by each waiting strategy. all_linux_test.cpp has the large ones.
#include <timed_connect/batch.hpp>

#include "support/loopback.hpp"
#include "support/slow_machinery.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::full_listener;
using support::listener;
using tconn::endpoint;
using tconn::errc;
using tconn::timed_connect_all;

template <class Strategy>
class AllBy : public testing::Test {};
TYPED_TEST_SUITE(AllBy, support::strategies, support::strategy_names);

TYPED_TEST(AllBy, each_strategy_waits_for_many) {
  listener const server(256);
  full_listener const dead;
  std::vector<endpoint> all;
  for (std::size_t i = 0; i < 120; ++i) all.push_back(i % 2 == 0 ? server.where() : dead.where());
  auto const limit = support::unhurried(250ms);
  auto const results = timed_connect_all(all, limit, {}, TypeParam{});
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(results[i].has_value(), i % 2 == 0) << i;
    EXPECT_TRUE(results[i] || results[i].error().elapsed >= limit);
  }
}

TEST(All, is_cancelled_at_once_from_another_thread) {
  full_listener const dead;
  tconn::cancellation cancel;
  std::vector<endpoint> const all(100, dead.where());
  std::thread requester([&] {
    std::this_thread::sleep_for(20ms);
    cancel.request();
  });
  auto const results = timed_connect_all(all, 60s, {.each = {.cancel = &cancel}});
  requester.join();
  for (auto const& one : results) {
    EXPECT_EQ(one.error().code, errc::cancelled);
    EXPECT_LT(one.error().elapsed, 30s);
  }
}

}  // namespace
