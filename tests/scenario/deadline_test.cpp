// SPDX-License-Identifier: MIT
// Promises 1 to 3: never early, one budget, and what zero, the past and never mean; to the nanosecond of virtual time.
#include "support/simulation.hpp"

#include <limits>

namespace {

using namespace support;
using tconn::deadline;
using tconn::errc;
using tconn::handshake;

class Deadlines : public Scenario {};

TEST_F(Deadlines, are_kept_to_the_nanosecond) {
  for (auto const span : {1ns, 999ns, 100'000ns, 999'999ns, 1'000'001ns, 250'000'000ns}) {
    world own;
    auto const result = tconn::timed_connect(to, span, {}, simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    EXPECT_EQ(result.error().elapsed, span) << own.log();
    EXPECT_EQ(own.elapsed(), span);
  }
}

TEST_F(Deadlines, are_not_moved_by_a_storm_of_signals) {
  net.signals_every(70us);
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(net.elapsed(), 10ms);
  EXPECT_GE(count(net.log(), "= interrupted"), 140) << "the storm did not happen";
}

TEST_F(Deadlines, signals_do_not_hide_a_success) {
  net.signals_every(70us);
  net.on_syn(to, {syn_ack(5ms)});
  EXPECT_TRUE(connect(10ms));
  EXPECT_EQ(net.elapsed(), 5ms);
}

TEST_F(Deadlines, are_not_moved_by_false_alarms) {
  net.on_syn(to, {false_alarm(1ms), false_alarm(2ms), false_alarm(9ms)});
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(net.elapsed(), 10ms);
  EXPECT_EQ(count(net.log(), "discard_report"), 3) << "the alarms did not happen\n" << net.log();
}

TEST_F(Deadlines, a_false_alarm_at_the_last_look_is_no_outcome) {
  net.on_syn(to, {false_alarm(0ms)});
  auto const result = connect(0ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, handshake::in_flight);
  EXPECT_EQ(count(net.log(), "discard_report"), 1) << "the alarm did not happen\n" << net.log();
}

TEST_F(Deadlines, a_false_alarm_does_not_hide_a_success) {
  net.on_syn(to, {false_alarm(1ms), syn_ack(5ms)});
  EXPECT_TRUE(connect(10ms));
  EXPECT_EQ(net.elapsed(), 5ms);
}

TEST_F(Deadlines, zero_and_the_past_start_look_once_and_do_not_wait) {
  for (deadline const limit :
       {deadline(0ms), deadline(-5s), deadline(std::chrono::hours::min()), deadline(tconn::time_point{}),
        deadline(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()))}) {
    world own;
    auto const result = tconn::timed_connect(to, limit, {}, simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    EXPECT_EQ(result.error().handshake, handshake::in_flight);
    EXPECT_EQ(own.elapsed(), 0ns);
    EXPECT_EQ(count(own.wire(), "> SYN"), 1) << own.log();
    EXPECT_EQ(count(own.log(), "wait 3 = timed out"), 1) << own.log();
  }
}

TEST_F(Deadlines, zero_succeeds_when_the_handshake_is_over_at_once) {
  net.on_syn(to, {syn_ack(0ms)});
  EXPECT_TRUE(connect(0ms));
  EXPECT_EQ(net.elapsed(), 0ns);
}

TEST_F(Deadlines, zero_finds_what_it_finds_by_the_last_look_alone) {
  net.on_syn(to, {syn_ack(0ms)});
  auto const result = connect(0ms, {.accept_late = false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::peer_sees_close);
}

TEST_F(Deadlines, never_waits_for_the_peer) {
  net.on_syn(to, {syn_ack(90s)});
  EXPECT_TRUE(connect(deadline::never()));
  EXPECT_EQ(net.elapsed(), 90s);
}

TEST_F(Deadlines, never_waits_for_the_kernel_to_give_up_and_passes_its_own_code_on) {
  auto const result = connect(std::chrono::hours::max());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(ETIMEDOUT, tconn::native_category()));
  EXPECT_NE(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().syn_retransmits, 10U);
}

TEST_F(Deadlines, one_moment_is_shared_by_several_calls) {
  deadline const shared = net.now() + 100ms;
  ASSERT_FALSE(connect(shared));
  EXPECT_EQ(net.elapsed(), 100ms);
  ASSERT_FALSE(connect(shared));
  EXPECT_EQ(net.elapsed(), 100ms) << "the second call waited although the budget was spent";
}

TEST_F(Deadlines, an_unreachable_peer_is_told_at_once_and_not_at_the_deadline) {
  net.on_syn(to, {unreachable(3ms)});
  auto const result = connect(100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::host_unreachable);
  EXPECT_EQ(net.elapsed(), 3ms);
}

TEST_F(Deadlines, a_wait_that_fails_ends_the_attempt_by_its_policy) {
  for (auto const how : {tconn::on_timeout::close, tconn::on_timeout::reset, tconn::on_timeout::keep}) {
    world own;
    tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOMEM, .call = "wait"};
    auto const result =
        tconn::timed_connect(to, 1s, {.on_timeout = how}, tconn::testing::faulty{simulated{&own}, plan});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::errc::not_enough_memory);
    EXPECT_EQ(result.error().handshake, handshake::in_flight);
    EXPECT_EQ(result.error().aftermath, tconn::aftermath::nothing_sent);
    EXPECT_EQ(own.open_sockets(), 0U);
  }
}

}  // namespace
