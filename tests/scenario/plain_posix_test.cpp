// SPDX-License-Identifier: MIT
// A system that is not Linux: no TCP_INFO, no SO_PEERNAME, no second connect() that proves anything. What cannot be
// known is told as unknown; everything else holds.
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::aftermath;
using tconn::handshake;
using tconn::on_timeout;

class PlainPosix : public Scenario {
 protected:
  void SetUp() override { net.is_plain_posix(); }
};

TEST_F(PlainPosix, connects_by_wait_SO_ERROR_and_getpeername) {
  net.on_syn(to, {syn_ack(0ms)});
  { EXPECT_TRUE(connect(10ms)); }
  EXPECT_EQ(count(net.log(), "start_connect"), 1) << net.log();
  EXPECT_EQ(count(net.log(), "peer_name"), 1) << net.log();
}

TEST_F(PlainPosix, goes_on_after_it_was_woken_for_nothing) {
  net.on_syn(to, {false_alarm(3ms), false_alarm(4ms), syn_ack(6ms)});
  EXPECT_TRUE(connect(1s)) << net.log();
}

TEST_F(PlainPosix, in_an_event_loop_goes_on_after_it_was_woken_for_nothing) {
  net.on_syn(to, {false_alarm(3ms), syn_ack(6ms)});
  auto attempt = tconn::start_connect(to, {}, simulated{&net});
  ASSERT_TRUE(attempt);
  net.pass(3ms);
  EXPECT_FALSE(attempt->try_finish()) << net.log();
  net.pass(3ms);
  auto const finished = attempt->try_finish();
  EXPECT_TRUE(finished && *finished) << net.log();
}

TEST_F(PlainPosix, that_is_woken_again_and_again_for_nothing_is_told_that_it_has_no_peer) {
  net.on_syn(to, {false_alarm(1ms), false_alarm(2ms), false_alarm(3ms), false_alarm(4ms), syn_ack(60ms)});
  auto const result = connect(1s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::not_connected);
  EXPECT_EQ(result.error().elapsed, 4ms);
  EXPECT_EQ(result.error().handshake, handshake::unknown);
}

TEST_F(PlainPosix, tries_again_after_a_self_connect_that_only_the_wait_has_shown) {
  net.ephemeral_ports({80, 40000});
  net.on_syn(to, {syn_ack(1ms)});
  auto const result = connect(10ms);
  ASSERT_TRUE(result) << told(result) << net.log();
  EXPECT_EQ(net.socket_at(result->native_handle()).local.port(), 40000);
}

TEST_F(PlainPosix, is_asked_for_no_option_but_those_that_are_given) {
  net.on_syn(to, {syn_ack(1ms)});
  EXPECT_TRUE(connect(10ms, {.no_delay = true})) << net.log();
}

/// A kernel that answers TCP_INFO without filling it in, as an emulated one may.
struct answers_nothing : simulated {
  using simulated::simulated;
  int tcp(tconn::native_handle, tconn::tcp_facts& facts) const { return facts = {}, 0; }
};

TEST(EmulatedKernel, that_fills_in_no_state_leaves_it_unknown) {
  world net;
  auto const result =
      tconn::timed_connect(at("192.0.2.1:80"), 10ms, {.on_timeout = on_timeout::keep}, answers_nothing(&net));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::unknown);
  EXPECT_EQ(result.error().aftermath, aftermath::kept);
}

/// The same, where a security module refuses the second connect().
struct refuses_the_second : answers_nothing {
  int* connects;
  refuses_the_second(world* net, int* counted) : answers_nothing(net), connects(counted) {}
  int start_connect(tconn::native_handle handle, tconn::endpoint const& to) const {
    return ++*connects == 2 ? EPERM : simulated::start_connect(handle, to);
  }
};

TEST(EmulatedKernel, that_refuses_the_second_connect_sees_no_FIN_before_the_RST_of_the_policy) {
  world net;
  auto const to = at("192.0.2.1:80");
  net.on_syn(to, {syn_ack(0ms)});
  int connects = 0;
  auto const result =
      tconn::timed_connect(to, 10ms, {.on_timeout = on_timeout::reset}, refuses_the_second(&net, &connects));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(EPERM, tconn::native_category()));
  EXPECT_EQ(count(net.wire(), "> RST"), 1) << net.wire();
  EXPECT_EQ(count(net.wire(), "> FIN"), 0) << net.wire();
}

TEST(EmulatedKernel, that_fills_in_no_state_knows_a_refusal_that_the_second_connect_answers) {
  world net;
  auto const to = at("192.0.2.1:80");
  net.on_syn(to, {rst(0ms)});
  auto const result = tconn::timed_connect(to, 10ms, {}, answers_nothing(&net));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
}

TEST(Multipath, where_the_system_lacks_it_is_an_invalid_option) {
  for (int const error : {EPROTONOSUPPORT, ENOPROTOOPT, EMFILE}) {
    for (bool const multipath : {true, false}) {
      world net;
      tconn::testing::fault_plan plan{.fail_at = 1, .error = error, .call = "open"};
      auto const result = tconn::timed_connect(at("192.0.2.1:80"), 10ms, {.multipath = multipath},
                                               tconn::testing::faulty{simulated{&net}, plan});
      ASSERT_FALSE(result);
      bool const lacks = multipath && error != EMFILE;
      EXPECT_EQ(result.error().code,
                lacks ? make_error_code(tconn::errc::invalid_option) : tconn::detail::native_code(error));
    }
  }
}

TEST_F(PlainPosix, passes_a_refusal_on) {
  net.on_syn(to, {rst(1ms)});
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
}

TEST_F(PlainPosix, a_RST_right_after_SO_ERROR_was_read_has_failed) {
  net.on_syn(to, {syn_ack(5ms)});
  net.before_call = [this](std::string_view call) {
    if (call == "peer_name") net.deliver(3, tconn::testing::happening::rst);
  };
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_reset) << net.log();
  EXPECT_EQ(result.error().handshake, handshake::failed) << net.log();
}

TEST_F(PlainPosix, does_not_know_what_giving_up_left_behind) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    auto const result = connect(10ms, {.on_timeout = how});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
    EXPECT_EQ(result.error().handshake, handshake::unknown);
    EXPECT_EQ(result.error().aftermath, aftermath::unknown);
    EXPECT_EQ(result.error().syn_retransmits, 0U);
  }
}

TEST_F(PlainPosix, knows_that_a_kept_attempt_is_kept) {
  net.on_syn(to, {syn_ack(30ms)});
  auto result = connect(10ms, {.on_timeout = on_timeout::keep});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().aftermath, aftermath::kept);
  ASSERT_TRUE(result.error().pending);
  EXPECT_TRUE(result.error().pending->wait(100ms)) << net.log();
}

TEST_F(PlainPosix, still_sends_FIN_or_RST_as_the_policy_says) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    world own;
    own.is_plain_posix();
    own.on_syn(to, {syn_ack(0ms)});
    EXPECT_FALSE(tconn::timed_connect(to, 0ms, {.on_timeout = how, .accept_late = false}, simulated{&own}));
    EXPECT_EQ(count(own.wire(), how == on_timeout::close ? "> FIN" : "> RST"), 1) << own.log();
    EXPECT_EQ(count(own.wire(), how == on_timeout::close ? "> RST" : "> FIN"), 0) << own.log();
  }
}

TEST_F(PlainPosix, a_borrowed_attempt_to_somebody_else_is_found_out_at_the_latest_when_it_completes) {
  auto const other = at("192.0.2.99:99");
  auto const mine = lend(AF_INET, false);
  net.on_syn(other, {syn_ack(5ms)});
  simulated{&net}.start_connect(mine, other);
  auto const result = connect_borrowed(mine, 10ms);
  ASSERT_FALSE(result) << "connected to somebody else, and told success";
  EXPECT_EQ(result.error().code, std::errc::already_connected);
  EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::established);
  EXPECT_EQ(count(net.log(), "shut") + count(net.log(), "reset"), 0) << "somebody else's connection was touched\n"
                                                                     << net.log();
}

TEST_F(PlainPosix, a_borrowed_self_connect_is_ended_by_FIN_and_not_tried_again) {
  auto const mine = lend();
  net.ephemeral_ports(std::vector<std::uint16_t>(100, 80));
  auto const result = connect_borrowed(mine, 10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::self_connect);
  EXPECT_EQ(count(net.log(), "start_connect"), 1) << net.log();
  EXPECT_TRUE(net.socket_at(mine).fin_sent) << "it is still connected to itself";
}

TEST_F(PlainPosix, a_borrowed_descriptor_is_not_left_with_a_RST_for_its_owners_close) {
  auto const mine = lend();
  net.on_syn(to, {syn_ack(0ms)});
  auto const result = connect_borrowed(mine, 0ms, {.on_timeout = on_timeout::reset, .accept_late = false});
  ASSERT_FALSE(result);
  EXPECT_FALSE(net.socket_at(mine).lingers) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::unknown);
}

TEST_F(PlainPosix, a_refusal_that_connect_itself_answers_has_failed) {
  net.answers_at_once(to, ECONNREFUSED);
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
}

TEST_F(PlainPosix, a_borrowed_descriptor_whose_peer_cannot_be_read_is_left_alone) {
  auto const anothers = at("192.0.2.7:80");
  net.on_syn(anothers, {syn_ack(0ms)});
  auto const mine = lend(AF_INET, /*blocking*/ false);
  simulated const sys{&net};
  sys.start_connect(mine, anothers);
  ASSERT_EQ(sys.start_connect(mine, anothers), 0);
  tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOBUFS, .call = "peer_name"};
  auto const result = tconn::timed_connect(mine, to, 10ms, {}, tconn::testing::faulty{sys, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::already_connected);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
  EXPECT_EQ(count(net.wire(), "> FIN"), 0) << net.log();
}

}  // namespace
