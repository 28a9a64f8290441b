// SPDX-License-Identifier: MIT
#include <timed_connect/connect.hpp>
#include <timed_connect/stop_token.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#if defined(__cpp_lib_jthread)

#include <thread>

namespace {

using tconn::stop_cancellation;

TEST(StopCancellation, is_requested_when_the_token_is_stopped) {
  std::stop_source source;
  stop_cancellation const cancel(source.get_token());
  tconn::cancellation const* const watched = cancel;
  EXPECT_FALSE(watched->requested());
  source.request_stop();
  EXPECT_TRUE(watched->requested());
}

TEST(StopCancellation, is_requested_from_the_beginning_by_a_token_that_was_stopped_before) {
  std::stop_source source;
  source.request_stop();
  stop_cancellation cancel(source.get_token());
  EXPECT_TRUE(cancel.get().requested());
}

TEST(StopCancellation, of_a_token_that_nobody_can_stop_is_never_requested) {
  stop_cancellation cancel{std::stop_token{}};
  EXPECT_FALSE(cancel.get().requested());
}

TEST(StopCancellation, may_go_before_its_token_is_stopped) {
  std::stop_source source;
  { stop_cancellation const gone(source.get_token()); }
  EXPECT_TRUE(source.request_stop());
}

TEST(StopCancellation, ends_a_wait_at_once_from_another_thread) {
  using namespace std::chrono_literals;
  support::full_listener const dead;
  std::stop_source source;
  stop_cancellation const cancel(source.get_token());
  std::thread stopper([&] {
    std::this_thread::sleep_for(20ms);
    source.request_stop();
  });
  auto const result = tconn::timed_connect(dead.where(), 60s, {.cancel = cancel});
  stopper.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::cancelled);
}

}  // namespace

#endif
