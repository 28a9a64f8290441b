// SPDX-License-Identifier: MIT
// Promise 5: the ephemeral port that the kernel has picked can be the wrong one. Another try, within the budget, may
// have better luck.
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::errc;

class BadLuck : public Scenario {};

TEST_F(BadLuck, a_self_connect_is_never_handed_out_but_retried) {
  net.ephemeral_ports({80, 80, 40000});
  net.on_syn(to, {syn_ack(1ms)});
  auto const result = connect(10ms);
  ASSERT_TRUE(result) << told(result) << net.log();
  EXPECT_EQ(net.socket_at(result->native_handle()).local.port(), 40000);
  EXPECT_EQ(net.open_sockets(), 1U) << "a self-connected socket was left behind";
}

TEST_F(BadLuck, a_self_connect_that_does_not_go_away_is_an_error_after_a_bounded_number_of_tries) {
  net.ephemeral_ports(std::vector<std::uint16_t>(100, 80));
  auto const result = connect(tconn::deadline::never());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::self_connect);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::none);
  EXPECT_EQ(count(net.log(), "open "), tconn::detail::most_tries);
}

TEST_F(BadLuck, a_self_connect_is_not_handed_out_where_a_name_cannot_be_read) {
  for (auto const* name : {"local_port", "local_name", "peer_name"}) {
    world own;
    own.ephemeral_ports({80, 40000});
    tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOBUFS, .call = name};
    auto const result = tconn::timed_connect(to, 10ms, {}, tconn::testing::faulty(simulated{&own}, plan));
    ASSERT_FALSE(result) << own.log();
    EXPECT_EQ(result.error().code, std::errc::no_buffer_space) << name;
    EXPECT_EQ(own.open_sockets(), 0U) << name;
  }
}

TEST_F(BadLuck, a_self_connect_is_not_retried_after_the_deadline) {
  net.ephemeral_ports({80, 40000});
  auto const result = connect(0ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::self_connect);
  EXPECT_EQ(count(net.log(), "open "), 1);
}

TEST_F(BadLuck, at_the_very_moment_of_the_deadline_is_not_tried_again) {
  net.calls_take(1ms);
  net.answers_at_once(to, EADDRNOTAVAIL, 100);
  EXPECT_FALSE(connect(2ms));
  EXPECT_EQ(count(net.log(), "open "), 1) << net.log();
}

TEST_F(BadLuck, the_same_port_number_at_both_ends_is_no_self_connect) {
  net.ephemeral_ports({80});
  auto const mine = at("192.0.2.7:80");
  net.on_syn(to, {syn_ack(1ms)});
  EXPECT_TRUE(connect(10ms, {.local = mine})) << net.log();
}

TEST_F(BadLuck, a_reset_while_a_self_connect_is_looked_for_is_told_as_one) {
  for (auto const* name : {"local_port", "local_name", "peer_name"}) {
    for (bool const is_borrowed : {false, true}) {
      world own;
      own.ephemeral_ports({80});
      own.on_syn(to, {syn_ack(1ms)});
      auto const mine = is_borrowed ? own.lend() : tconn::no_handle;
      bool is_done = false;
      own.before_call = [&](std::string_view call) {
        if (call == name && !is_done) own.deliver(3, tconn::testing::happening::rst);
        is_done = is_done || call == name;
      };
      auto const code = [&] {
        if (!is_borrowed) return tconn::timed_connect(to, 10ms, {}, simulated{&own}).error().code;
        return tconn::timed_connect(mine, to, 10ms, {}, simulated{&own}).error().code;
      };
      EXPECT_EQ(code(), std::errc::connection_reset) << name << (is_borrowed ? ", borrowed\n" : "\n") << own.log();
    }
  }
}

TEST_F(BadLuck, a_spurious_EADDRNOTAVAIL_is_retried_and_a_lasting_one_is_told) {
  net.answers_at_once(to, EADDRNOTAVAIL, 3);
  net.on_syn(to, {syn_ack(1ms)});
  EXPECT_TRUE(connect(10ms)) << net.log();
  net.answers_at_once(to, EADDRNOTAVAIL, 100);
  auto const result = connect(tconn::deadline::never());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::address_not_available);
  EXPECT_EQ(count(net.log(), "open "), 4 + tconn::detail::most_tries);
}

// A seccomp filter or a security module may answer anything; the first attempt is in flight all the same.
TEST_F(BadLuck, an_EADDRNOTAVAIL_with_an_attempt_in_flight_is_no_bad_luck_with_the_port) {
  net.on_syn(to, {syn_ack(0ms)});
  tconn::testing::fault_plan plan{.fail_at = 2, .error = EADDRNOTAVAIL, .call = "start_connect"};
  auto const result = tconn::timed_connect(to, 10ms, {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result) << net.log();
  EXPECT_EQ(result.error().code, std::errc::address_not_available);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::peer_sees_close);
  EXPECT_EQ(count(net.log(), "open "), 1) << "the first attempt was dropped, and nobody was told\n" << net.log();
}

TEST_F(BadLuck, a_self_connect_is_retried_in_a_batch_where_ports_have_run_out) {
  net.ports_per_peer(1);
  net.ephemeral_ports({40000, 80, 40001});
  net.on_syn(to, {rst(5ms)});
  net.on_syn(to, {syn_ack(5ms)});
  auto const results = tconn::timed_connect_all({to, to}, 1s, {}, simulated{&net});
  EXPECT_EQ(results[0].error().code, std::errc::connection_refused);
  EXPECT_TRUE(results[1]) << told(results[1]) << net.log();
}

TEST_F(BadLuck, a_self_connect_that_only_the_last_look_finds_is_told_as_one_even_where_late_is_refused) {
  net.ephemeral_ports({80});
  auto const result = connect(0ms, {.accept_late = false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::self_connect) << net.log();
}

TEST_F(BadLuck, a_self_connect_that_cannot_be_disconnected_is_ended_by_its_close_and_retried) {
  for (bool const can_reset : {true, false}) {
    net.ephemeral_ports({80, 40000});
    net.on_syn(to, {syn_ack(1ms)});
    tconn::testing::fault_plan stays{.fail_at = 1, .error = EIO, .call = "disconnect"};
    tconn::testing::fault_plan lingers{.fail_at = can_reset ? 0 : 1, .error = EIO, .call = "reset_on_close"};
    using tconn::testing::faulty;
    auto const result = tconn::timed_connect(to, 10ms, {}, faulty{faulty{simulated{&net}, stays}, lingers});
    EXPECT_EQ(result.has_value(), can_reset) << net.log();
    EXPECT_TRUE(result || result.error().code == errc::self_connect) << net.log();
  }
}

}  // namespace
