// SPDX-License-Identifier: MIT
// Promise 12: many threads connect at the same time.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

using namespace support;
using tconn::errc;
using tconn::timed_connect;

TEST(Threads, connect_at_the_same_time_without_disturbing_one_another) {
  listener const server(256);
  full_listener const black_hole;
  std::atomic<int> connected{0};
  std::atomic<int> late{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int n = 0; n < 8; ++n) {
    threads.emplace_back([&] {
      for (int times = 0; times < 25; ++times) {
        connected += timed_connect(server.where(), 5s).has_value() ? 1 : 0;
        auto const result = timed_connect(black_hole.where(), 1ms);
        late += !result && result.error().code == errc::deadline_exceeded ? 1 : 0;
      }
    });
  }
  for (int n = 0; n < 200; ++n) server.accept();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(connected, 200);
  EXPECT_EQ(late, 200);
}

}  // namespace
