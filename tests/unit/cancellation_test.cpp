// SPDX-License-Identifier: MIT
#include <timed_connect/cancellation.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::is_readable;
using tconn::cancellation;

TEST(Cancellation, is_not_requested_when_it_is_made) {
  cancellation const none;
  EXPECT_FALSE(none.requested());
  EXPECT_FALSE(none.error());
  EXPECT_FALSE(is_readable(none.native_handle(), 0ms));
}

TEST(Cancellation, once_requested_is_readable_for_ever_however_many_watch_it) {
  cancellation cancel;
  for (int requests = 0; requests < 3; ++requests) {
    cancel.request();
    EXPECT_TRUE(cancel.requested());
    for (int watchers = 0; watchers < 3; ++watchers) EXPECT_TRUE(is_readable(cancel.native_handle(), 0ms));
  }
}

TEST(Cancellation, wakes_up_the_threads_that_watch_it) {
  cancellation cancel;
  std::vector<std::thread> watchers;
  watchers.reserve(4);
  std::atomic<int> woken = 0;
  for (int i = 0; i < 4; ++i) watchers.emplace_back([&] { woken += is_readable(cancel.native_handle(), 10s) ? 1 : 0; });
  std::thread requester([&] { cancel.request(); });
  for (auto& one : watchers) one.join();
  requester.join();
  EXPECT_EQ(woken, 4);
}

TEST(Cancellation, may_be_requested_by_many_threads_at_the_same_time) {
  cancellation cancel;
  std::vector<std::thread> all;
  all.reserve(8);
  for (int i = 0; i < 8; ++i) all.emplace_back([&] { cancel.request(); });
  for (auto& one : all) one.join();
  EXPECT_TRUE(cancel.requested());
  EXPECT_TRUE(is_readable(cancel.native_handle(), 0ms));
}

TEST(Cancellation, tells_why_it_has_no_descriptor_and_can_be_requested_all_the_same) {
  if (!support::no_more_descriptors::is_possible) GTEST_SKIP() << "descriptors cannot be limited here";
  std::optional<support::no_more_descriptors> limited(std::in_place);
  cancellation cancel;
  limited.reset();
  EXPECT_EQ(cancel.error(), std::errc::too_many_files_open);
  EXPECT_EQ(cancel.native_handle(), tconn::no_handle);
  cancel.request();
  EXPECT_TRUE(cancel.requested());
}

static_assert(!std::is_copy_constructible_v<cancellation> && !std::is_move_constructible_v<cancellation>);

}  // namespace
