// SPDX-License-Identifier: MIT
// The handshake race, moment by moment: each row places one packet between two system calls and says what must be told
// and what must be on the wire. Each call takes 1 us, so with a deadline of 100 ms the calls at the end are
//   100.000 wait (expires)   100.001 last look   100.002 tcp   100.003 shut_receive (decides)   100.004 tcp   100.005
//   ...
#include "support/simulation.hpp"

#include <memory>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::handshake;
using tconn::on_timeout;

struct row {
  char const* moment;
  std::chrono::nanoseconds when;  // of the packet, in virtual time
  on_timeout how;
  bool accept_late;
  bool succeeds;
  handshake state;
  aftermath left;
  char const* packets;  // after the SYN
};

std::string packets_of(world const& net) {
  std::string packets;
  for (std::size_t line = 0; line < net.wire().size(); line = net.wire().find('\n', line) + 1) {
    auto const begin = net.wire().find(' ', line) + 1;
    packets += net.wire().substr(begin, net.wire().find(" 192.0.2.1:80", begin) - begin) + ", ";
  }
  return packets;
}

class RaceTable : public Scenario {
 protected:
  void play(row const& expected, tconn::testing::happening what) {
    SCOPED_TRACE(std::string(expected.moment) + (expected.accept_late ? "" : ", refusing late"));
    world own;
    own.calls_take(1us);
    own.on_syn(to, {{what, expected.when - 2us}});  // the SYN leaves at 2 us
    {
      auto const result = tconn::timed_connect(
          to, 100ms, {.on_timeout = expected.how, .accept_late = expected.accept_late}, simulated{&own});
      EXPECT_EQ(result.has_value(), expected.succeeds) << own.log();
      if (result) return;
      EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded) << own.log();
      EXPECT_EQ(result.error().handshake, expected.state) << own.log();
      EXPECT_EQ(result.error().aftermath, expected.left) << own.log();
      EXPECT_EQ(result.error().pending.has_value(), expected.left == aftermath::kept);
      own.pass(500ms);  // for what comes after the end
      EXPECT_EQ(packets_of(own), expected.packets) << own.log();
    }
    EXPECT_EQ(own.open_sockets(), 0U);
    EXPECT_EQ(own.stray_closes(), 0);
  }
};

constexpr auto silence = std::chrono::hours{1};
constexpr auto in_time = 50ms;
constexpr auto before_the_last_look = 100'000'500ns;
constexpr auto before_the_count = 100'001'500ns;
constexpr auto before_the_decision = 100'002'500ns;
constexpr auto after_the_decision = 100'003'500ns;
constexpr auto before_the_close = 100'004'500ns;
constexpr auto after_the_close = 130ms;

TEST_F(RaceTable, the_SYN_ACK_in_every_window_under_every_policy) {
  row const rows[] = {
      {"silence", silence, on_timeout::close, true, false, handshake::in_flight, aftermath::nothing_sent, "> SYN, "},
      {"silence", silence, on_timeout::reset, true, false, handshake::in_flight, aftermath::nothing_sent, "> SYN, "},
      {"silence", silence, on_timeout::keep, true, false, handshake::in_flight, aftermath::kept, "> SYN, "},
      {"in time", in_time, on_timeout::close, true, true, {}, {}, ""},
      {"in time", in_time, on_timeout::close, false, true, {}, {}, ""},
      {"in time", in_time, on_timeout::reset, false, true, {}, {}, ""},
      {"in time", in_time, on_timeout::keep, false, true, {}, {}, ""},
      {"before the last look", before_the_last_look, on_timeout::close, true, true, {}, {}, ""},
      {"before the last look", before_the_last_look, on_timeout::reset, true, true, {}, {}, ""},
      {"before the last look", before_the_last_look, on_timeout::keep, true, true, {}, {}, ""},
      {"before the last look", before_the_last_look, on_timeout::close, false, false, handshake::completed,
       aftermath::peer_sees_close, "> SYN, < SYN-ACK, > ACK, > FIN, "},
      {"before the last look", before_the_last_look, on_timeout::reset, false, false, handshake::completed,
       aftermath::peer_sees_reset, "> SYN, < SYN-ACK, > ACK, > RST, "},
      {"before the last look", before_the_last_look, on_timeout::keep, false, false, handshake::completed,
       aftermath::kept, "> SYN, < SYN-ACK, > ACK, "},
      {"in the gap, before the SYNs are counted", before_the_count, on_timeout::close, true, false,
       handshake::completed, aftermath::peer_sees_close, "> SYN, < SYN-ACK, > ACK, > FIN, "},
      {"in the gap, before the SYNs are counted", before_the_count, on_timeout::reset, true, false,
       handshake::completed, aftermath::peer_sees_reset, "> SYN, < SYN-ACK, > ACK, > RST, "},
      {"in the gap, before the state is read", before_the_count, on_timeout::keep, true, false, handshake::completed,
       aftermath::kept, "> SYN, < SYN-ACK, > ACK, "},
      {"in the gap, before the decision", before_the_decision, on_timeout::close, true, false, handshake::completed,
       aftermath::peer_sees_close, "> SYN, < SYN-ACK, > ACK, > FIN, "},
      {"in the gap, before the decision", before_the_decision, on_timeout::reset, true, false, handshake::completed,
       aftermath::peer_sees_reset, "> SYN, < SYN-ACK, > ACK, > RST, "},
      {"after the decision", after_the_decision, on_timeout::close, true, false, handshake::in_flight,
       aftermath::nothing_sent, "> SYN, < SYN-ACK, > RST, "},
      {"after the decision", after_the_decision, on_timeout::reset, true, false, handshake::in_flight,
       aftermath::nothing_sent, "> SYN, < SYN-ACK, > RST, "},
      {"before the close", before_the_close, on_timeout::close, true, false, handshake::in_flight,
       aftermath::nothing_sent, "> SYN, < SYN-ACK, > RST, "},
      {"before the close", before_the_close, on_timeout::reset, true, false, handshake::in_flight,
       aftermath::nothing_sent, "> SYN, < SYN-ACK, > RST, "},
      {"after the close", after_the_close, on_timeout::close, true, false, handshake::in_flight,
       aftermath::nothing_sent, "> SYN, < SYN-ACK, > RST, "},
      {"after the close", after_the_close, on_timeout::reset, true, false, handshake::in_flight,
       aftermath::nothing_sent, "> SYN, < SYN-ACK, > RST, "},
      {"after the end", after_the_close, on_timeout::keep, true, false, handshake::in_flight, aftermath::kept,
       "> SYN, < SYN-ACK, > ACK, "},
  };
  for (auto const& expected : rows) play(expected, tconn::testing::happening::syn_ack);
}

TEST_F(RaceTable, a_RST_in_the_gap_is_told_as_failed_and_leaves_nothing) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    play({"RST before the count", before_the_count, how, true, false, handshake::failed, aftermath::none,
          "> SYN, < RST, "},
         tconn::testing::happening::rst);
    play({"RST before the decision", before_the_decision, how, true, false, handshake::failed, aftermath::none,
          "> SYN, < RST, "},
         tconn::testing::happening::rst);
    play({"RST after the decision", after_the_decision, how, true, false, handshake::in_flight, aftermath::nothing_sent,
          "> SYN, < RST, "},
         tconn::testing::happening::rst);
  }
}

TEST_F(RaceTable, a_RST_that_the_wait_or_the_last_look_sees_is_the_reason) {
  for (auto const when : {in_time - 0ns, 0ns + before_the_last_look}) {
    for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
      world own;
      own.calls_take(1us);
      own.on_syn(to, {rst(when - 2us)});
      auto const result =
          tconn::timed_connect(to, 100ms, {.on_timeout = how, .accept_late = how == on_timeout::keep}, simulated{&own});
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, std::errc::connection_refused) << own.log();
      EXPECT_EQ(result.error().handshake, handshake::failed);
      EXPECT_EQ(result.error().aftermath, aftermath::none);
      EXPECT_FALSE(result.error().pending);
      EXPECT_EQ(own.open_sockets(), 0U);
    }
  }
}

TEST_F(RaceTable, a_peer_that_resets_before_the_FIN_sees_no_close_of_ours) {
  net.calls_take(1us);  // ... 100.004 tcp says established   100.005 shut_both finds it gone
  net.on_syn(to, {syn_ack(before_the_decision - 2us), rst(100'004'500ns - 2us)});
  auto const result = connect(100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::none) << net.log();
}

TEST_F(RaceTable, a_peer_that_resets_right_after_the_decision_is_not_taken_for_our_abort) {
  net.calls_take(1us);  // 100.002 tcp says established   100.003 shut_receive   100.004 tcp says closed
  net.on_syn(to, {syn_ack(before_the_count - 2us), rst(after_the_decision - 2us)});
  auto const result = connect(100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::none) << net.log();
}

TEST_F(RaceTable, a_handshake_and_a_RST_around_the_decision_are_not_taken_for_our_abort) {
  net.calls_take(
      1us);  // 100.002 tcp says syn_sent   100.003 shut_receive finds it established   100.004 tcp says closed
  net.on_syn(to, {syn_ack(before_the_decision - 2us), rst(after_the_decision - 2us)});
  auto const result = connect(100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::none) << net.log();
}

TEST_F(RaceTable, a_decision_that_fails_is_no_decision) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    world own;
    tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "shut_receive"};
    auto const result =
        tconn::timed_connect(to, 100ms, {.on_timeout = how}, tconn::testing::faulty{simulated{&own}, plan});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::unknown) << own.log();
    EXPECT_EQ(result.error().aftermath, aftermath::unknown) << own.log();
    EXPECT_EQ(packets_of(own), "> SYN, ");
  }
}

TEST_F(RaceTable, an_error_of_the_second_connect_is_a_verdict_only_where_something_else_says_that_the_attempt_is_over) {
  using tconn::testing::fault_plan;
  using tconn::testing::faulty;
  // A seccomp filter lets both calls fail that know better; shutdown() tells.
  fault_plan second_connect{.fail_at = 2, .error = EPERM, .call = "start_connect"};
  fault_plan state{.fail_at = 1, .error = EPERM, .call = "tcp"};
  net.on_syn(to, {syn_ack(0ms)});
  auto const alive = tconn::timed_connect(to, 100ms, {}, faulty{faulty{simulated{&net}, state}, second_connect});
  ASSERT_FALSE(alive);
  EXPECT_EQ(alive.error().code, std::error_code(EPERM, tconn::native_category()));
  EXPECT_EQ(alive.error().handshake, handshake::completed) << net.log();
  EXPECT_EQ(alive.error().aftermath, aftermath::peer_sees_close) << net.log();

  world own;
  own.on_syn(to, {rst(0ms)});
  fault_plan state_of_the_dead{.fail_at = 1, .error = EPERM, .call = "tcp"};
  auto const dead = tconn::timed_connect(to, 100ms, {}, faulty{simulated{&own}, state_of_the_dead});
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error().code, std::errc::connection_refused);
  EXPECT_EQ(dead.error().handshake, handshake::failed) << own.log();
  EXPECT_EQ(dead.error().aftermath, aftermath::none) << own.log();
}

TEST_F(RaceTable, unread_data_does_not_turn_the_FIN_into_a_RST) {
  net.calls_take(1us);
  net.on_syn(to, {syn_ack(before_the_decision - 2us), data(before_the_decision - 2us)});
  auto const result = connect(100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().aftermath, aftermath::peer_sees_close);
  EXPECT_EQ(packets_of(net), "> SYN, < SYN-ACK, > ACK, < data, > FIN, ") << net.log();
}

TEST_F(RaceTable, readiness_that_the_wait_reported_is_in_time_even_if_the_clock_has_passed_since) {
  net.on_syn(to, {syn_ack(99ms)});
  net.before_call = [this](std::string_view call) {
    if (call == "connect_error") net.pass(50ms);  // the program is held up after wait() has said "ready"
  };
  EXPECT_TRUE(connect(100ms, {.accept_late = false})) << net.log();
}

TEST_F(RaceTable, the_count_of_SYNs_survives_the_abort) {
  auto const result = connect(3500ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().syn_retransmits, 3U) << net.log();
  EXPECT_EQ(result.error().handshake, handshake::in_flight);
  net.pass(10s);
  EXPECT_EQ(count(net.wire(), "> SYN"), 4) << "a SYN was repeated after the end\n" << net.wire();
}

// RFC 9293, 3.5: the peer's own SYN crosses ours. SHUT_RD does not end such a socket in SYN_RECV, and a FIN would
// wait for the peer's ACK.
TEST_F(RaceTable, a_simultaneous_open_that_is_given_up_half_open_is_told_as_what_the_peer_sees) {
  struct {
    on_timeout how;
    aftermath left;
    char const* packets;
  } const rows[] = {
      {on_timeout::close, aftermath::peer_sees_reset, "> SYN, < SYN, > SYN-ACK, > RST, "},
      {on_timeout::reset, aftermath::peer_sees_reset, "> SYN, < SYN, > SYN-ACK, > RST, "},
      {on_timeout::keep, aftermath::kept, "> SYN, < SYN, > SYN-ACK, "},
  };
  for (auto const& [how, left, packets] : rows) {
    world own;
    own.on_syn(to, {syn(5ms)});
    auto const result = tconn::timed_connect(to, 10ms, {.on_timeout = how}, simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::in_flight) << own.log();
    EXPECT_EQ(result.error().aftermath, left) << own.log();
    EXPECT_EQ(packets_of(own), packets);
  }
}

TEST_F(RaceTable, a_false_alarm_in_a_half_open_attempt_is_no_success) {
  net.on_syn(to, {syn(5ms), false_alarm(7ms)});
  auto const result = connect(10ms);
  ASSERT_FALSE(result) << net.log();
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, handshake::in_flight);
}

TEST_F(RaceTable, a_simultaneous_open_is_a_success_when_it_is_complete) {
  net.on_syn(to, {syn(5ms), syn_ack(7ms)});
  EXPECT_TRUE(connect(10ms)) << net.log();
  EXPECT_EQ(net.elapsed(), 7ms);
}

TEST_F(RaceTable, a_half_open_attempt_that_the_peer_resets_around_the_decision_has_failed) {
  for (auto const when : {before_the_decision, after_the_decision}) {
    world own;
    own.calls_take(1us);
    own.on_syn(to, {syn(50ms), rst(when - 2us)});
    auto const result = tconn::timed_connect(to, 100ms, {}, simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::failed) << own.log();
    EXPECT_EQ(result.error().aftermath, aftermath::none) << own.log();
  }
}

TEST_F(RaceTable, an_ICMP_error_right_before_our_RST_of_a_half_open_attempt_has_ended_it) {
  net.on_syn(to, {syn(5ms)});
  net.before_call = [this](std::string_view call) {
    if (call == "disconnect") net.deliver(3, tconn::testing::happening::unreachable);
  };
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(packets_of(net), "> SYN, < SYN, > SYN-ACK, < ICMP unreachable, ");
  EXPECT_EQ(result.error().handshake, handshake::failed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::none) << net.log();
}

TEST_F(RaceTable, a_RST_right_after_SO_ERROR_was_read_is_the_reason_all_the_same) {
  net.on_syn(to, {syn_ack(5ms)});
  net.before_call = [this](std::string_view call) {
    if (call == "peer_name") net.deliver(3, tconn::testing::happening::rst);
  };
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_reset) << net.log();
}

TEST_F(RaceTable, a_RST_right_before_our_own_is_not_told_as_ours) {
  struct {
    char const* before;
    aftermath left;
  } const rows[] = {{"mark_arrivals", aftermath::none},
                    {"disconnect", aftermath::unknown},
                    {"has_arrived", aftermath::peer_sees_reset}};
  for (auto const& [before, left] : rows) {
    world own;
    own.before_call = [&, moment = std::string_view(before)](std::string_view call) {
      if (call == "shut_receive") own.deliver(3, tconn::testing::happening::syn_ack);
      if (call == moment) own.deliver(3, tconn::testing::happening::rst);
    };
    auto const result = tconn::timed_connect(to, 10ms, {.on_timeout = on_timeout::reset}, simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::completed) << own.log();
    EXPECT_EQ(result.error().aftermath, left) << own.log();
    EXPECT_EQ(packets_of(own).find("> RST") != std::string::npos, left == aftermath::peer_sees_reset) << own.log();
  }
}

/// Linux's TCP_INFO, which takes the state before it waits for a RST that is at work on the socket: the first one after
/// the mark tells what was.
struct tells_what_was : simulated {
  using simulated::simulated;
  int mark_arrivals(tconn::native_handle handle) const {
    net_of_it->deliver(handle, tconn::testing::happening::rst);
    is_stale = true;
    return simulated::mark_arrivals(handle);
  }
  int tcp(tconn::native_handle handle, tconn::tcp_facts& facts) const {
    int const error = simulated::tcp(handle, facts);
    if (std::exchange(is_stale, false)) facts.state = tconn::tcp_state::established;
    return error;
  }
  world* net_of_it = nullptr;
  mutable bool is_stale = false;
};

TEST_F(RaceTable, a_RST_that_is_at_work_when_the_mark_is_set_is_not_told_as_ours) {
  net.before_call = [this](std::string_view call) {
    if (call == "shut_receive") net.deliver(3, tconn::testing::happening::syn_ack);
  };
  tells_what_was sys(&net);
  sys.net_of_it = &net;
  auto const result = tconn::timed_connect(to, 10ms, {.on_timeout = on_timeout::reset}, sys);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::none) << net.log();
}

TEST_F(RaceTable, what_a_call_that_fails_does_not_tell_is_unknown) {
  // in flight: our abort cannot be told from the peer's RST
  tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOBUFS, .call = "target_name"};
  tconn::testing::faulty const forgetful(simulated{&net}, plan);
  auto const result = tconn::timed_connect(to, 10ms, {}, forgetful);
  ASSERT_FALSE(result);
  EXPECT_EQ(plan.hit, "target_name");
  EXPECT_EQ(result.error().handshake, handshake::unknown) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::unknown) << net.log();
}

TEST_F(RaceTable, without_a_way_to_reset_no_reset_is_claimed) {
  struct cannot_reset : simulated {
    using simulated::simulated;
    int disconnect(tconn::native_handle) const { return EINVAL; }
    int reset_on_close(tconn::native_handle) const { return EINVAL; }
  };
  net.before_call = [this](std::string_view call) {
    if (call == "shut_receive") net.deliver(3, tconn::testing::happening::syn_ack);
  };
  auto const result = tconn::timed_connect(to, 10ms, {.on_timeout = on_timeout::reset}, cannot_reset{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::unknown) << net.log();
}

TEST_F(RaceTable, what_a_call_that_fails_after_the_handshake_does_not_tell_is_unknown) {
  struct {
    on_timeout how;
    char const* call;
    aftermath left;
    char const* packet;
  } const rows[] = {{on_timeout::close, "shut_both", aftermath::unknown, "> FIN"},
                    {on_timeout::reset, "mark_arrivals", aftermath::unknown, "> RST"},
                    {on_timeout::reset, "has_arrived", aftermath::unknown, "> RST"},
                    {on_timeout::reset, "disconnect", aftermath::peer_sees_reset, "> RST"}};
  for (auto const& [how, call, left, packet] : rows) {
    world own;
    own.on_syn(to, {syn_ack(0ms)});
    tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = call};
    auto const result = tconn::timed_connect(to, 0ms, {.on_timeout = how, .accept_late = false},
                                             tconn::testing::faulty{simulated{&own}, plan});
    ASSERT_FALSE(result);
    EXPECT_EQ(plan.hit, call);
    EXPECT_EQ(result.error().handshake, handshake::completed) << own.log();
    EXPECT_EQ(result.error().aftermath, left) << own.log();
    EXPECT_EQ(count(own.wire(), packet), 1) << "by close() at the latest\n" << own.log();
  }
}

TEST_F(RaceTable, a_RST_between_a_complete_handshake_and_the_decision_is_told_as_failed) {
  net.on_syn(to, {syn_ack(0ms)});
  net.before_call = [this](std::string_view call) {
    if (call == "shut_receive") net.deliver(3, tconn::testing::happening::rst);
  };
  auto const result = connect(0ms, {.accept_late = false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::failed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::none) << net.log();
}

TEST_F(RaceTable, giving_up_in_flight_takes_no_call_more_than_it_needs) {
  EXPECT_FALSE(connect(10ms));
  EXPECT_EQ(net.log(),
            "+0ms open 3\n"
            "+0ms > SYN 192.0.2.1:80\n"
            "+0ms start_connect 3 192.0.2.1:80 = in progress\n"
            "+0ms start_connect 3 192.0.2.1:80 = " +
                support::said(EALREADY) +
                "\n"
                "+10ms wait 3 = timed out\n"
                "+10ms wait 3 = timed out\n"
                "+10ms tcp 3\n"
                "+10ms shut_receive 3\n"
                "+10ms tcp 3\n"
                "+10ms target_name 3 = " +
                support::said(ENOTCONN) +
                "\n"
                "+10ms close 3\n");
}

/// A peer that sends faster than we read, and a queue of error reports that never ends.
struct endless : simulated {
  explicit endless(world* net) : simulated(net) {}
  int discard_received(tconn::native_handle) const { return ++*reads, 0; }
  int discard_report(tconn::native_handle) const { return ++*reports, 0; }
  std::shared_ptr<int> reads = std::make_shared<int>(0);
  std::shared_ptr<int> reports = std::make_shared<int>(0);
};

TEST_F(RaceTable, what_never_ends_is_thrown_away_so_often_and_no_more) {
  endless const sys(&net);
  net.on_syn(to, {syn_ack(0ms)});
  EXPECT_FALSE(tconn::timed_connect(to, 0ms, {.accept_late = false}, sys));
  EXPECT_EQ(*sys.reads, 1024);
  auto const refused = at("192.0.2.2:80");
  net.on_syn(refused, {rst(5ms)});
  EXPECT_FALSE(tconn::timed_connect(lend(), refused, 10ms, {}, sys));
  EXPECT_EQ(*sys.reports, 8);
}

TEST_F(RaceTable, an_attempt_that_is_kept_though_the_peer_has_just_refused_it_is_told_as_failed) {
  net.before_call = [this](std::string_view call) {
    if (call == "tcp") net.deliver(3, tconn::testing::happening::rst);
  };
  auto const result = connect(10ms, {.on_timeout = on_timeout::keep});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, handshake::failed) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::kept);
}

/// Multipath TCP: an aborted socket still names its target, and has no error.
struct multipath : simulated {
  using simulated::simulated;
  int name(tconn::native_handle handle, tconn::name_of which, int family, tconn::endpoint& named) const {
    if (which != tconn::name_of::target) return simulated::name(handle, which, family, named);
    return named = at("192.0.2.1:80"), 0;
  }
  int connect_error(tconn::native_handle, int& error) const { return error = 0, 0; }
};

TEST_F(RaceTable, an_abort_that_sends_a_RST_for_the_SYN_is_in_flight_and_not_told_as_silent) {
  auto const result = tconn::timed_connect(to, 10ms, {}, multipath(&net));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::in_flight) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::unknown) << net.log();
}

}  // namespace
