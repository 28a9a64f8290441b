// SPDX-License-Identifier: MIT
// A call at a black hole that another thread cancels as soon as it waits.
#pragma once

#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace support {

constexpr auto far_away = 60s;
constexpr auto at_once = 5s;  // however busy the machine is

/// The strategy, which says when it begins to wait.
template <class Strategy>
struct telling : Strategy {
  explicit telling(std::atomic<int>* so_often) : waits(so_often) {}
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    ++*waits;
    return Strategy::wait(entries, count, until);
  }
  std::atomic<int>* waits;
};

template <class Strategy>
class cancelled_wait : public testing::Test {
 protected:
  using system = telling<Strategy>;

  /// Lets a thread cancel the call as soon as it waits. Gives the code of the call.
  template <class Call>
  auto cancelled(Call&& call) {
    tconn::cancellation cancel;
    std::atomic<int> waits = 0;
    std::thread requester([&] {
      eventually([&] { return waits > 0; }, at_once);
      cancel.request();
    });
    auto const began = steady::now();
    auto result = call(&cancel, system(&waits));
    EXPECT_LT(steady::now() - began, at_once);
    requester.join();
    return result;
  }
  full_listener const black_hole{};
};

}  // namespace support
