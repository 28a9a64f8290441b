// SPDX-License-Identifier: MIT
// The caller's own socket, on every system. borrowed_linux_test.cpp has what only Linux can do for it.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::timed_connect;

TEST(Borrow, connects_and_gives_the_blocking_mode_back) {
  listener const server;
  tconn::socket const mine(open_socket(AF_INET));
  auto const result = timed_connect(mine.native_handle(), server.where(), 10s);
  ASSERT_TRUE(result) << told(result);
  auto const accepted = server.accept();
  EXPECT_TRUE(carries_a_byte(mine, accepted));
  EXPECT_FALSE(is_nonblocking(mine.native_handle()));
  auto const again = timed_connect(mine.native_handle(), server.where(), 1s);
  EXPECT_TRUE(again) << "connected already, to the very endpoint: " << told(again);
}

TEST(Borrow, is_told_of_a_refusal_and_stays_open) {
  closed_port const nobody;
  tconn::socket const mine(open_socket(AF_INET));
  auto const result = timed_connect(mine.native_handle(), nobody.where(), 60s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused) << told(result);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  int family = 0;
  int type = 0;
  EXPECT_EQ(tconn::detail::platform::kind(mine.native_handle(), family, type), 0);
}

TEST(Borrow, whose_attempt_is_kept_is_resumed_by_the_same_call) {
  full_listener black_hole;
  tconn::socket const mine(open_socket(AF_INET));
  for (int call = 0; call < 2; ++call) {
    auto const kept = timed_connect(mine.native_handle(), black_hole.where(), 5ms, {.on_timeout = on_timeout::keep});
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, errc::deadline_exceeded) << told(kept);
    EXPECT_EQ(kept.error().aftermath, aftermath::kept);
  }
  black_hole.open();
  auto const result = timed_connect(mine.native_handle(), black_hole.where(), 20s);
  ASSERT_TRUE(result) << told(result);
  EXPECT_TRUE(black_hole.accept());
  EXPECT_FALSE(black_hole.accept(20ms)) << "the attempt was started anew";
}

TEST(Borrow, of_the_wrong_kind_is_refused_before_anything_is_changed) {
  listener const server;
  auto const code = [&](tconn::native_handle mine, endpoint const& to) {
    auto const result = timed_connect(mine, to, 1s);
    EXPECT_FALSE(result);
    return result ? std::error_code{} : result.error().code;
  };
  tconn::socket const datagrams(open_socket(AF_INET, SOCK_DGRAM));
  tconn::socket const v6(open_socket(AF_INET6));
  tconn::socket const v4(open_socket(AF_INET));
  auto const closed = open_socket(AF_INET);
  close_handle(closed);
  std::error_code const no_socket(no_such_handle, tconn::native_category());
  EXPECT_EQ(code(tconn::no_handle, server.where()), no_socket);
  EXPECT_EQ(code(closed, server.where()), no_socket);
  EXPECT_EQ(code(datagrams.native_handle(), server.where()), std::errc::wrong_protocol_type);
  EXPECT_EQ(code(v6.native_handle(), server.where()), std::errc::address_family_not_supported);
  EXPECT_EQ(code(v4.native_handle(), endpoint::loopback_v6(80)), std::errc::address_family_not_supported);
  EXPECT_EQ(code(v4.native_handle(), *endpoint::parse("unix:x")), std::errc::address_family_not_supported);
  EXPECT_EQ(code(v4.native_handle(), endpoint{}), errc::invalid_endpoint);
}

TEST(Borrow, that_is_connected_to_somebody_else_stays_so) {
  listener const server;
  listener const somebody_else;
  tconn::socket const mine(open_socket(AF_INET));
  ASSERT_TRUE(timed_connect(mine.native_handle(), somebody_else.where(), 10s));
  auto const accepted = somebody_else.accept();
  auto const result = timed_connect(mine.native_handle(), server.where(), 1s, {.on_timeout = on_timeout::reset});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::already_connected) << told(result);
  EXPECT_TRUE(carries_a_byte(mine, accepted));
}

}  // namespace
