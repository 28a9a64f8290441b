// SPDX-License-Identifier: MIT
// Real sockets: success, refusal and silence, with every waiting strategy.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::timed_connect;

template <class Strategy>
class Connecting : public testing::Test {};
TYPED_TEST_SUITE(Connecting, strategies, strategy_names);

TYPED_TEST(Connecting, gives_a_working_connection_of_either_version_of_IP) {
  for (auto const& where : {endpoint::loopback_v4(0), endpoint::loopback_v6(0)}) {
    SCOPED_TRACE(where.to_string());
    listener const server(where);
    auto const client = timed_connect(server.where(), 2s, {}, TypeParam{});
    ASSERT_TRUE(client) << told(client);
    EXPECT_FALSE(is_nonblocking(client->native_handle()));
    EXPECT_FALSE(is_inherited(client->native_handle()));
    EXPECT_TRUE(carries_a_byte(*client, server.accept()));
  }
}

TYPED_TEST(Connecting, tells_a_refusal_as_such_and_long_before_the_deadline) {
  closed_port const nobody;
  auto const began = steady::now();
  auto const result = timed_connect(nobody.where(), 60s, {}, TypeParam{});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
  EXPECT_EQ(result.error().where, nobody.where());
  EXPECT_LT(steady::now() - began, 30s);
}

TYPED_TEST(Connecting, is_never_early_at_a_black_hole_and_honours_less_than_a_millisecond) {
  full_listener const server;
  for (auto const limit : {1us, 100us, 900us, 5000us, 50'000us}) {
    auto const began = steady::now();
    auto const result = timed_connect(server.where(), limit, {}, TypeParam{});
    auto const took = steady::now() - began;
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded) << told(result);
    EXPECT_EQ(result.error().handshake, tells_what_is_left() ? handshake::in_flight : handshake::unknown)
        << told(result);
    EXPECT_EQ(result.error().aftermath, tells_what_is_left() ? aftermath::nothing_sent : aftermath::unknown)
        << told(result);
    EXPECT_GE(took, limit);
    EXPECT_GE(result.error().elapsed, limit);
    EXPECT_LE(result.error().elapsed, took);
    EXPECT_LT(took, limit + 5s);
  }
}

TEST(Loopback, a_zero_or_past_deadline_does_not_wait_at_a_black_hole) {
  full_listener const server;
  for (tconn::deadline const limit :
       {tconn::deadline(0s), tconn::deadline(-1h), tconn::deadline(std::chrono::system_clock::now() - 1h)}) {
    auto const began = steady::now();
    auto const result = timed_connect(server.where(), limit);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    EXPECT_EQ(result.error().handshake, tells_what_is_left() ? handshake::in_flight : handshake::unknown);
    EXPECT_LT(steady::now() - began, 900ms) << "it waited for a repeated SYN";
  }
}

TEST(Loopback, a_zero_deadline_finds_a_handshake_that_is_over_at_once) {
  listener const server;
  auto const client = timed_connect(server.where(), 0s);
  ASSERT_TRUE(client) << told(client);
  EXPECT_TRUE(carries_a_byte(*client, server.accept()));
}

TEST(Loopback, a_moment_of_the_system_clock_is_a_deadline) {
  full_listener const server;
  auto const until = std::chrono::system_clock::now() + 20ms;
  auto const result = timed_connect(server.where(), until);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_GE(std::chrono::system_clock::now(), until);
}

TEST(Loopback, a_non_blocking_socket_is_handed_over_where_it_is_ordered) {
  listener const server;
  auto const client = timed_connect(server.where(), 2s, {.nonblocking = true});
  ASSERT_TRUE(client);
  EXPECT_TRUE(is_nonblocking(client->native_handle()));
}

TEST(Loopback, the_wildcard_address_reaches_this_host) {
  listener const server(*endpoint::parse("0.0.0.0:0"));
  tconn::socket const mine(open_socket(AF_INET));
  EXPECT_TRUE(timed_connect(server.where(), 2s));
  EXPECT_TRUE(timed_connect(mine.native_handle(), server.where(), 2s));
  EXPECT_TRUE(timed_connect(mine.native_handle(), server.where(), 2s)) << "connected already, to the very endpoint";
}

}  // namespace
