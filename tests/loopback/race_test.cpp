// SPDX-License-Identifier: MIT
// The handshake race on every system: the answer comes before the last look, after it, or to an attempt that was kept.
// race_linux_test.cpp has the moments that only Linux can decide.
#include <timed_connect/timed_connect.hpp>

#include "support/completes_before.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::timed_connect;

class LateAnswer : public testing::TestWithParam<on_timeout> {
 protected:
  full_listener server{};
};
INSTANTIATE_TEST_SUITE_P(every_policy, LateAnswer,
                         testing::Values(on_timeout::close, on_timeout::reset, on_timeout::keep),
                         [](auto const& how) { return std::string(to_string(how.param)); });

TEST_P(LateAnswer, before_the_last_look_counts_as_success) {
  completes_before const sys(race_call::last_look, &server);
  auto const result = timed_connect(server.where(), 20ms, {.on_timeout = GetParam()}, sys);
  ASSERT_TRUE(result) << told(result);
  auto const accepted = server.accept();
  EXPECT_TRUE(carries_a_byte(*result, accepted));
}

TEST_P(LateAnswer, before_the_last_look_is_given_up_where_late_is_refused) {
  completes_before const sys(race_call::last_look, &server);
  auto const result = timed_connect(server.where(), 20ms, {.on_timeout = GetParam(), .accept_late = false}, sys);
  ASSERT_FALSE(result);
  auto const& failure = result.error();
  EXPECT_EQ(failure.code, errc::deadline_exceeded);
  auto const accepted = server.accept();
  switch (GetParam()) {
    case on_timeout::close:
      // An emulator may tell the state, and little else.
      EXPECT_TRUE(failure.aftermath == aftermath::peer_sees_close ||
                  (failure.aftermath == aftermath::unknown && !tells_what_is_left()))
          << told(result);
      EXPECT_EQ(how_it_ended(accepted), "FIN");
      break;
    case on_timeout::reset:
      EXPECT_EQ(failure.aftermath, tells_what_is_left() ? aftermath::peer_sees_reset : aftermath::unknown)
          << told(result);
      EXPECT_EQ(how_it_ended(accepted), "RST");
      break;
    case on_timeout::keep:
      EXPECT_EQ(failure.aftermath, aftermath::kept);
      EXPECT_EQ(what_is_read(accepted, 20ms), "silence");
  }
}

TEST(LateAnswers, complete_an_attempt_that_was_kept) {
  full_listener server;
  auto result = timed_connect(server.where(), 20ms, {.on_timeout = on_timeout::keep});
  ASSERT_TRUE(!result && result.error().pending) << told(result);
  auto attempt = std::move(*result.error().pending);
  EXPECT_FALSE(attempt.try_finish());
  server.open();
  auto const client = attempt.wait(20s);
  ASSERT_TRUE(client) << told(client);
  EXPECT_FALSE(is_nonblocking(client->native_handle()));
  EXPECT_TRUE(server.accept());
}

TEST(LateAnswers, never_reach_a_server_whose_client_has_given_up) {
  full_listener server;
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    auto const result = timed_connect(server.where(), 20ms, {.on_timeout = how});
    EXPECT_EQ(result.error().code, errc::deadline_exceeded) << told(result);
    EXPECT_EQ(result.error().handshake, tells_what_is_left() ? handshake::in_flight : handshake::unknown);
    EXPECT_EQ(result.error().aftermath, tells_what_is_left() ? aftermath::nothing_sent : aftermath::unknown);
  }
  server.open();
  EXPECT_FALSE(server.accept(1500ms)) << "a SYN was repeated after giving up";
}

}  // namespace
