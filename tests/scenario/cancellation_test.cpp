// SPDX-License-Identifier: MIT
// Promise 12: a cancellation takes effect at once, wherever the call is; and it has one winner against completion.
#include "support/simulation.hpp"

#include <string>
#include <string_view>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::cancellation;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;

constexpr on_timeout policies[] = {on_timeout::close, on_timeout::reset, on_timeout::keep};

class Cancelled : public Scenario {
 protected:
  cancellation cancel{};
};

TEST_F(Cancelled, before_the_call_sends_nothing) {
  cancel.request();
  auto const result = connect(10s, {.cancel = &cancel});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
  EXPECT_EQ(net.log(), "");
}

TEST_F(Cancelled, in_the_wait_ends_it_at_that_moment_by_the_policy) {
  for (auto const how : policies) {
    cancellation one;
    auto const before = net.elapsed();
    net.at(before + 30ms, [&] { one.request(); });
    auto const result = connect(tconn::deadline::never(), {.on_timeout = how, .cancel = &one});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::cancelled);
    EXPECT_EQ(result.error().handshake, handshake::in_flight);
    EXPECT_EQ(result.error().aftermath, how == on_timeout::keep ? aftermath::kept : aftermath::nothing_sent);
    EXPECT_EQ(result.error().pending.has_value(), how == on_timeout::keep);
    EXPECT_EQ(result.error().elapsed, 30ms);
  }
}

TEST_F(Cancelled, together_with_the_answer_gives_the_connection_up_and_tells_what_the_peer_sees) {
  net.on_syn(to, {syn_ack(30ms)});
  net.at(30ms, [&] { cancel.request(); });
  auto const result = connect(10s, {.cancel = &cancel});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().handshake, handshake::completed);
  EXPECT_EQ(result.error().aftermath, aftermath::peer_sees_close);
  EXPECT_EQ(net.wire(),
            "+0ms > SYN 192.0.2.1:80\n+30ms < SYN-ACK 192.0.2.1:80\n+30ms > ACK 192.0.2.1:80\n"
            "+30ms > FIN 192.0.2.1:80\n");
}

TEST_F(Cancelled, after_the_answer_was_found_is_too_late) {
  net.on_syn(to, {syn_ack(30ms)});
  net.before_call = [&](std::string_view call) {
    if (call == "connect_error") cancel.request();
  };
  auto const result = connect(10s, {.cancel = &cancel});
  EXPECT_TRUE(result) << told(result);
  EXPECT_TRUE(cancel.requested());
}

TEST_F(Cancelled, after_a_refusal_was_found_is_too_late_as_well) {
  net.answers_at_once(to, ECONNREFUSED);
  net.before_call = [&](std::string_view call) {
    if (call == "start_connect") cancel.request();
  };
  auto const result = connect(1s, {.cancel = &cancel});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
}

TEST_F(Cancelled, does_not_end_other_calls) {
  net.on_syn(to, {syn_ack(30ms)});
  cancellation other;
  net.at(10ms, [&] { cancel.request(); });
  EXPECT_TRUE(connect(10s, {.cancel = &other}));
}

TEST_F(Cancelled, while_a_full_backlog_is_waited_for_has_started_nothing) {
  auto const server = at("unix:/run/x.sock");
  net.backlog_full_until(server, 1h);
  net.at(30ms, [&] { cancel.request(); });
  auto const result = tconn::timed_connect(server, 10s, {.cancel = &cancel}, simulated{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
  EXPECT_EQ(net.elapsed(), 30ms);
}

TEST_F(Cancelled, on_a_borrowed_descriptor_gives_it_back_as_it_was) {
  for (auto const how : policies) {
    for (bool const blocking : {false, true}) {
      cancellation one;
      auto const mine = lend(AF_INET, blocking);
      net.at(net.elapsed() + 30ms, [&] { one.request(); });
      auto const before = net.elapsed();
      auto const result = connect_borrowed(mine, 10s, {.on_timeout = how, .cancel = &one});
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, errc::cancelled);
      EXPECT_EQ(result.error().aftermath, how == on_timeout::keep ? aftermath::kept : aftermath::nothing_sent);
      EXPECT_EQ(net.elapsed() - before, 30ms);
      EXPECT_EQ(net.is_blocking(mine), blocking);
      EXPECT_EQ(net.socket_at(mine).error, 0);
    }
  }
}

TEST_F(Cancelled, while_connected_to_itself_has_no_peer_to_tell_of_and_leaves_nothing_behind) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    for (bool const is_plain : {false, true}) {  // one that tells no state of TCP, and has no disconnect()
      world own;
      if (is_plain) own.is_plain_posix();
      own.ephemeral_ports({80, 80});
      cancellation one;
      own.before_call = [&](std::string_view call) {
        if (call == "start_connect") one.request();
      };
      auto const mine = own.lend(AF_INET);
      auto const borrowed = tconn::timed_connect(mine, to, 1s, {.on_timeout = how, .cancel = &one}, simulated{&own});
      ASSERT_FALSE(borrowed);
      EXPECT_EQ(borrowed.error().code, errc::cancelled);
      EXPECT_EQ(borrowed.error().handshake, is_plain ? handshake::unknown : handshake::failed) << own.log();
      EXPECT_EQ(borrowed.error().aftermath, is_plain ? aftermath::unknown : aftermath::none);
      EXPECT_EQ(own.socket_at(mine).state == tconn::tcp_state::closed, !is_plain);
      EXPECT_EQ(own.socket_at(mine).error, 0);
      auto attempt = tconn::start_connect(to, {.on_timeout = how}, simulated{&own});
      ASSERT_TRUE(attempt);
      EXPECT_EQ(attempt->abandon(how), aftermath::none) << own.log();
    }
  }
}

TEST_F(Cancelled, goes_on_to_count_for_the_attempt_that_was_kept) {
  auto result = connect(10ms, {.on_timeout = on_timeout::keep, .cancel = &cancel});
  ASSERT_TRUE(!result && result.error().pending) << told(result);
  auto& pending = *result.error().pending;
  net.at(30ms, [&] { cancel.request(); });
  auto const resumed = pending.wait(10s);
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().code, errc::cancelled);
  EXPECT_EQ(resumed.error().aftermath, aftermath::kept);
  EXPECT_EQ(net.elapsed(), 30ms);
  EXPECT_TRUE(pending) << "cancelled, it is still there to be looked at";
  EXPECT_FALSE(pending.try_finish()) << "which does not wait, and so is not cancelled";
}

TEST_F(Cancelled, before_a_wait_on_what_was_kept_ends_one_that_would_only_look) {
  auto pending = tconn::start_connect(to, {.cancel = &cancel}, simulated{&net});
  ASSERT_TRUE(pending);
  cancel.request();
  EXPECT_EQ(pending->wait(0ms).error().code, errc::cancelled);
}

TEST_F(Cancelled, goes_on_to_count_for_an_attempt_that_was_moved) {
  auto first = tconn::start_connect(to, {}, simulated{&net});
  *first = std::move(*tconn::start_connect(to, {.cancel = &cancel}, simulated{&net}));
  net.at(30ms, [&] { cancel.request(); });
  EXPECT_EQ(first->wait(10s).error().code, errc::cancelled);
  EXPECT_EQ(net.elapsed(), 30ms);
}

TEST_F(Cancelled, before_any_system_call_there_is_one_outcome_and_what_is_told_is_what_the_peer_saw) {
  for (bool const answered : {false, true}) {
    auto const call = [&](world& own, cancellation const& one) {
      if (answered) own.on_syn(to, {syn_ack(30ms)});
      auto result = tconn::timed_connect(to, 100ms, {.cancel = &one}, simulated{&own});
      bool const peer_saw_it = own.wire().find("> ACK") != std::string::npos;
      EXPECT_EQ(result || result.error().handshake == handshake::completed, peer_saw_it) << own.log();
      return result;
    };
    EXPECT_GE(times_cancelled_at_any_call(answered ? "connected" : "deadline exceeded", call), 4)
        << "open, two connects and the wait";
  }
}

TEST_F(Cancelled, without_a_descriptor_tells_why_before_anything_is_sent) {
  if (!support::no_more_descriptors::is_possible) GTEST_SKIP() << "descriptors cannot be limited here";
  std::optional<support::no_more_descriptors> limited(std::in_place);
  cancellation const broken;
  limited.reset();
  auto const result = connect(10s, {.cancel = &broken});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::too_many_files_open);
  EXPECT_EQ(net.log(), "");
}

}  // namespace
