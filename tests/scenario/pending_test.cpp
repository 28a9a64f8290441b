// SPDX-License-Identifier: MIT
// An attempt that outlives a call: start_connect(), what keep hands over, try_finish(), wait() and abandon().
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;

class Pending : public Scenario {
 protected:
  auto start(tconn::connect_options const& options = {}) { return tconn::start_connect(to, options, simulated{&net}); }
};

TEST_F(Pending, start_connect_returns_at_once_and_try_finish_never_waits) {
  net.on_syn(to, {syn_ack(30ms)});
  auto attempt = start();
  ASSERT_TRUE(attempt);
  EXPECT_EQ(net.elapsed(), 0ms);
  EXPECT_TRUE(static_cast<bool>(*attempt));
  EXPECT_EQ(attempt->where(), to);
  EXPECT_FALSE(attempt->try_finish());
  EXPECT_FALSE(attempt->try_finish());
  EXPECT_EQ(net.elapsed(), 0ms);
  net.pass(30ms);
  auto const outcome = attempt->try_finish();
  ASSERT_TRUE(outcome);
  ASSERT_TRUE(*outcome) << told(*outcome);
  EXPECT_TRUE(net.is_blocking((*outcome)->native_handle()));
  EXPECT_FALSE(static_cast<bool>(*attempt)) << "after an outcome the object is empty";
}

TEST_F(Pending, try_finish_accepts_a_connection_even_where_late_is_refused) {
  net.on_syn(to, {syn_ack(30ms)});
  auto attempt = start({.accept_late = false, .nonblocking = true});
  net.pass(30ms);
  auto const outcome = attempt->try_finish();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_FALSE(net.is_blocking((*outcome)->native_handle()));
}

TEST_F(Pending, try_finish_tells_a_failure_once_and_is_empty_then) {
  net.on_syn(to, {rst(30ms)});
  auto attempt = start();
  net.pass(30ms);
  auto const outcome = attempt->try_finish();
  ASSERT_TRUE(outcome);
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().code, std::errc::connection_refused);
  EXPECT_EQ(outcome->error().handshake, handshake::failed);
  EXPECT_EQ(net.open_sockets(), 0U);
  auto const again = attempt->try_finish();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->error().code, std::errc::bad_file_descriptor);
  EXPECT_EQ(attempt->wait(1ms).error().code, std::errc::bad_file_descriptor);
  EXPECT_EQ(attempt->abandon(on_timeout::close), aftermath::none);
}

TEST_F(Pending, wait_keeps_the_attempt_here_until_an_outcome) {
  net.on_syn(to, {syn_ack(30ms)});
  auto attempt = start();
  for (int call = 0; call < 2; ++call) {
    auto const kept = attempt->wait(10ms);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, errc::deadline_exceeded);
    EXPECT_EQ(kept.error().handshake, handshake::in_flight);
    EXPECT_EQ(kept.error().aftermath, aftermath::kept);
    EXPECT_EQ(kept.error().elapsed, 10ms);
    EXPECT_FALSE(kept.error().pending) << "the attempt is in two places";
    EXPECT_TRUE(static_cast<bool>(*attempt));
  }
  EXPECT_TRUE(attempt->wait(10ms)) << net.log();
  EXPECT_EQ(net.elapsed(), 30ms);
  EXPECT_FALSE(static_cast<bool>(*attempt));
}

TEST_F(Pending, wait_gives_up_by_the_policy_that_it_is_given) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    auto attempt = start();
    auto const given_up = attempt->wait(10ms, how);
    ASSERT_FALSE(given_up);
    EXPECT_EQ(given_up.error().aftermath, aftermath::nothing_sent);
    EXPECT_FALSE(static_cast<bool>(*attempt));
    EXPECT_EQ(net.open_sockets(), 0U);
  }
}

TEST_F(Pending, wait_refuses_a_policy_that_is_none_and_keeps_the_attempt) {
  auto attempt = start();
  auto const refused = attempt->wait(10ms, static_cast<on_timeout>(7));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_option);
  EXPECT_EQ(refused.error().aftermath, aftermath::kept);
  EXPECT_TRUE(static_cast<bool>(*attempt));
}

TEST_F(Pending, what_keep_hands_over_becomes_a_connection) {
  net.on_syn(to, {syn_ack(1500ms)});
  auto result = connect(100ms, {.on_timeout = on_timeout::keep});
  ASSERT_FALSE(result);
  ASSERT_TRUE(result.error().pending);
  auto attempt = std::move(*result.error().pending);
  auto const finished = attempt.wait(tconn::deadline::never());
  ASSERT_TRUE(finished) << told(finished);
  EXPECT_EQ(net.elapsed(), 1500ms);
  EXPECT_EQ(count(net.wire(), "> SYN"), 2) << "the kernel goes on repeating the SYN\n" << net.wire();
}

TEST_F(Pending, abandon_tells_what_it_left_behind) {
  EXPECT_EQ(start()->abandon(on_timeout::close), aftermath::nothing_sent);
  EXPECT_EQ(start()->abandon(on_timeout::reset), aftermath::nothing_sent);
  net.on_syn(to, {syn_ack(0ms)});
  EXPECT_EQ(start()->abandon(on_timeout::close), aftermath::peer_sees_close);
  EXPECT_EQ(start()->abandon(on_timeout::reset), aftermath::peer_sees_reset);
  EXPECT_EQ(count(net.wire(), "> FIN"), 1);
  EXPECT_EQ(count(net.wire(), "> RST"), 1);
  auto kept = start();
  EXPECT_EQ(kept->abandon(on_timeout::keep), aftermath::kept);
  EXPECT_TRUE(static_cast<bool>(*kept));
}

TEST_F(Pending, destroyed_or_replaced_in_flight_is_given_up_by_close) {
  { auto const forgotten = start(); }
  EXPECT_EQ(net.open_sockets(), 0U);
  EXPECT_EQ(net.wire(), "+0ms > SYN 192.0.2.1:80\n");
  auto first = start();
  first = start();
  EXPECT_EQ(net.open_sockets(), 1U);
  auto second = start();
  *first = std::move(*second);
  EXPECT_EQ(net.open_sockets(), 1U);
}

TEST_F(Pending, destroyed_or_replaced_with_unread_data_sends_FIN_and_no_RST) {
  net.on_syn(to, {syn_ack(0ms), data(0ms)});
  { auto const forgotten = start(); }
  EXPECT_EQ(count(net.wire(), "> FIN"), 1) << net.wire();
  auto first = start();
  *first = std::move(*start());
  EXPECT_EQ(count(net.wire(), "> FIN"), 2) << net.wire();
  EXPECT_EQ(count(net.wire(), "> RST"), 0) << net.wire();
}

TEST_F(Pending, start_connect_that_fails_at_once_says_so) {
  net.answers_at_once(to, ENETUNREACH);
  auto const attempt = start();
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().code, std::errc::network_unreachable);
  EXPECT_EQ(attempt.error().handshake, handshake::not_started);
  EXPECT_EQ(attempt.error().syn_retransmits, 0U) << "no SYN was sent at all";
}

// connect() has answered 0, and whether there is a peer cannot be told: what may be a connection is given up by `close`,
// and what the peer has sent does not turn that into a RST.
TEST_F(Pending, start_connect_that_fails_with_a_connection_ends_it_by_FIN) {
  net.answers_at_once(to, 0);
  net.before_call = [&](std::string_view call) {
    if (call == "shut_receive") net.deliver(3, tconn::testing::happening::data);
  };
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "peer_name"};
  auto const attempt = tconn::start_connect(to, {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().code, std::error_code(EIO, tconn::native_category()));
  EXPECT_EQ(attempt.error().aftermath, aftermath::peer_sees_close);
  EXPECT_EQ(count(net.wire(), "> FIN"), 1) << net.log();
  EXPECT_EQ(count(net.wire(), "> RST"), 0) << net.log();
  EXPECT_EQ(count(net.log(), "connect_error"), 0) << "one reason is enough";
}

TEST_F(Pending, a_self_connect_is_an_error) {
  net.ephemeral_ports({80});
  auto attempt = start();
  ASSERT_TRUE(attempt);
  auto const outcome = attempt->try_finish();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error().code, errc::self_connect);
}

TEST_F(Pending, waits_through_the_system_that_it_is_given) {
  auto attempt = start();
  tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOMEM, .call = "wait"};
  auto const failed = attempt->wait(10ms, on_timeout::keep, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, std::errc::not_enough_memory);
}

/// A strategy that can watch nothing.
struct blind : simulated {
  using simulated::simulated;
  static constexpr bool can_wait_on(tconn::native_handle) { return false; }
};

TEST_F(Pending, tells_what_keeps_it_from_looking_and_stays) {
  net.on_syn(to, {syn_ack(5ms)});
  auto attempt = start();
  auto const unseen = attempt->try_finish(blind(&net));
  ASSERT_TRUE(unseen) << "told as still in flight, and so for ever";
  EXPECT_EQ(unseen->error().code, errc::descriptor_too_large);
  EXPECT_EQ(unseen->error().aftermath, tconn::aftermath::kept);
  EXPECT_FALSE(attempt->try_finish());
  net.pass(10ms);
  auto const finished = attempt->try_finish();
  ASSERT_TRUE(finished);
  EXPECT_TRUE(*finished) << net.log();
}

TEST_F(Pending, whose_look_fails_is_told_so_and_given_up) {
  auto attempt = start();
  tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOMEM, .call = "wait"};
  auto const failed = attempt->try_finish(tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_TRUE(failed) << "told as still in flight";
  EXPECT_EQ(failed->error().code, std::errc::not_enough_memory);
  EXPECT_EQ(failed->error().aftermath, tconn::aftermath::nothing_sent);
  EXPECT_FALSE(*attempt);
}

TEST_F(Pending, whose_error_cannot_be_read_is_given_up_though_it_is_connected) {
  net.on_syn(to, {syn_ack(0ms)});
  auto attempt = start();
  tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOBUFS, .call = "connect_error"};
  auto const failed = attempt->try_finish(tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error().code, std::errc::no_buffer_space);
  EXPECT_EQ(failed->error().handshake, handshake::completed) << net.log();
  EXPECT_EQ(failed->error().aftermath, aftermath::peer_sees_close);
}

TEST_F(Pending, goes_on_when_it_is_moved_to_itself) {
  net.on_syn(to, {syn_ack(1ms)});
  auto attempt = start();
  auto& itself = *attempt;
  *attempt = std::move(itself);
  ASSERT_TRUE(*attempt);
  EXPECT_TRUE(attempt->wait(10ms, on_timeout::close, simulated{&net})) << net.log();
}

TEST_F(Pending, keeps_its_options_and_address_when_it_is_moved) {
  auto first = tconn::start_connect(at("192.0.2.9:9"), {}, simulated{&net});
  net.on_syn(to, {syn_ack(0ms)});
  *first = std::move(*tconn::start_connect(to, {.accept_late = false, .nonblocking = true}, simulated{&net}));
  EXPECT_EQ(first->where(), to);
  EXPECT_EQ(first->wait(-1ms).error().aftermath, tconn::aftermath::kept) << "late, and refused";
  auto const finished = first->try_finish();
  ASSERT_TRUE(finished && *finished);
  EXPECT_FALSE(net.is_blocking((*finished)->native_handle()));
}

}  // namespace
