// SPDX-License-Identifier: MIT
// The guards as before_connect: what they refuse never reaches the wire.
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;

class Guards : public Scenario {
 protected:
  tconn::connect_options const guarded{.before_connect = tconn::guards::public_addresses_only};
};

TEST_F(Guards, refuse_what_is_not_public_before_anything_is_sent) {
  for (auto const* text : {"127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80", "169.254.169.254:80", "unix:/x"}) {
    auto const result = tconn::timed_connect(at(text), 10ms, guarded, simulated{&net});
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, errc::refused_by_hook) << text;
    EXPECT_EQ(result.error().handshake, handshake::not_started) << text;
    EXPECT_EQ(result.error().aftermath, aftermath::none) << text;
    EXPECT_EQ(result.error().where, at(text));
    EXPECT_FALSE(result.error().pending) << text;
  }
  EXPECT_EQ(net.wire(), "");
  EXPECT_EQ(count(net.log(), "start_connect"), 0) << net.log();
}

TEST_F(Guards, let_public_addresses_through) {
  for (auto const* text : {"1.1.1.1:80", "[2606:4700:4700::1111]:80"}) {
    net.on_syn(at(text), {syn_ack(1ms)});
    EXPECT_TRUE(tconn::timed_connect(at(text), 10ms, guarded, simulated{&net})) << text;
  }
}

TEST_F(Guards, refuse_for_a_borrowed_descriptor_and_for_start_connect_too) {
  auto const mine = lend();
  auto const loopback = tconn::endpoint::loopback_v4(80);
  auto const borrowed = tconn::timed_connect(mine, loopback, 10ms, guarded, simulated{&net});
  ASSERT_FALSE(borrowed);
  EXPECT_EQ(borrowed.error().code, errc::refused_by_hook);
  EXPECT_EQ(borrowed.error().handshake, handshake::not_started);
  EXPECT_TRUE(net.is_blocking(mine));
  auto const started = tconn::start_connect(loopback, guarded, simulated{&net});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, errc::refused_by_hook);
  EXPECT_EQ(net.wire(), "");
}

TEST_F(Guards, are_composed_with_the_hook_of_the_caller) {
  int calls = 0;
  auto mine = [&](tconn::native_handle, tconn::endpoint const&) {
    ++calls;
    return std::error_code{};
  };
  auto const both = tconn::guards::all_of(tconn::guards::public_addresses_only, mine);
  auto const public_one = at("1.1.1.1:80");
  net.on_syn(public_one, {syn_ack(1ms)});
  EXPECT_FALSE(tconn::timed_connect(at("10.0.0.1:80"), 10ms, {.before_connect = both}, simulated{&net}));
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(tconn::timed_connect(public_one, 10ms, {.before_connect = both}, simulated{&net}));
  EXPECT_EQ(calls, 1);
}

}  // namespace
