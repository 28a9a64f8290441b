// SPDX-License-Identifier: MIT
// nginx, at work and overloaded: stopped, with a full accept queue.
#include <timed_connect/timed_connect.hpp>

#include "support/nginx.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::timed_connect;

class Nginx : public testing::Test {
 protected:
  void SetUp() override {
    if (!nginx::is_installed()) GTEST_SKIP() << "SKIPPED: nginx is not installed (nginx).";
    server.emplace();
  }
  std::optional<nginx> server{};
};

TEST_F(Nginx, answers_a_request) {
  auto const client = timed_connect(server->where(), 5s);
  ASSERT_TRUE(client) << told(client);
  EXPECT_GE(connections_before(*client), 1);
  tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto const connected = timed_connect(mine.native_handle(), server->where(), 5s);
  ASSERT_TRUE(connected) << told(connected);
  EXPECT_GE(connections_before(mine), 2);
}

TEST_F(Nginx, overloaded_never_sees_what_was_given_up_and_answers_over_what_was_kept) {
  auto const first = timed_connect(server->where(), 5s);
  ASSERT_TRUE(first) << told(first);
  int const earlier = connections_before(*first) + 1;
  server->stop();
  auto fillers = full_backlog(server->where(), 50ms);
  auto const expect_in_flight = [&](tconn::connect_result const& late, aftermath left) {
    ASSERT_FALSE(late) << "the queue is not full";
    EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
    EXPECT_EQ(late.error().handshake, handshake::in_flight) << told(late);
    EXPECT_EQ(late.error().aftermath, left) << told(late);
    EXPECT_GE(late.error().elapsed, 50ms);
    EXPECT_EQ(late.error().pending.has_value(), left == aftermath::kept);
  };
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    SCOPED_TRACE(testing::PrintToString(how));
    expect_in_flight(timed_connect(server->where(), 50ms, {.on_timeout = how}), aftermath::nothing_sent);
  }
  auto kept = timed_connect(server->where(), 50ms, {.on_timeout = on_timeout::keep});
  expect_in_flight(kept, aftermath::kept);
  ASSERT_TRUE(!kept && kept.error().pending);
  EXPECT_FALSE(kept.error().pending->try_finish());
  int const filled = static_cast<int>(fillers.size());
  fillers.clear();
  server->resume();
  auto const client = kept.error().pending->wait(10s);
  ASSERT_TRUE(client) << told(client);
  EXPECT_EQ(connections_before(*client), earlier + filled) << "an attempt that was given up was accepted before this";
}

}  // namespace
