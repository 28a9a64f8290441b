// SPDX-License-Identifier: MIT
// The race: one budget, one winner, and nobody else left on return; its pace in exact virtual times.
#include "support/simulation.hpp"

#include <timed_connect/race.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::race_options;

auto const four = at("192.0.2.1:80");
auto const four_too = at("192.0.2.2:80");
auto const four_as_well = at("192.0.2.3:80");
auto const four_at_last = at("192.0.2.4:80");
auto const six = at("[2001:db8::1]:80");
auto const six_too = at("[2001:db8::2]:80");

class Any : public Scenario {
 protected:
  auto race(std::vector<tconn::endpoint> const& all, tconn::deadline limit, race_options const& options = {}) {
    return tconn::timed_connect_any(all, limit, options, simulated{&net});
  }
  /// When each SYN was sent, and to whom.
  std::string syns() const {
    std::string sent;
    for (std::size_t from = 0, end = 0; (end = net.wire().find('\n', from)) != std::string::npos; from = end + 1) {
      auto line = net.wire().substr(from, end - from);
      auto const at = line.find(" > SYN ");
      if (at != std::string::npos) sent += line.replace(at, 7, " ") + '\n';
    }
    return sent;
  }
};

TEST_F(Any, of_one_is_a_connect) {
  net.on_syn(four, {syn_ack(30ms)});
  auto const result = race({four}, 100ms);
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 30ms);
  EXPECT_TRUE(net.is_blocking(result->native_handle()));
}

TEST_F(Any, begins_families_in_turns_a_stagger_apart_and_keeps_the_earlier_ones_alive) {
  net.on_syn(six, {syn_ack(950ms)});
  auto const result = race({six, six_too, four, four_too}, 10s);
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 950ms);
  EXPECT_EQ(syns(), "+0ms [2001:db8::1]:80\n+250ms 192.0.2.1:80\n+500ms [2001:db8::2]:80\n+750ms 192.0.2.2:80\n");
  EXPECT_EQ(net.socket_at(result->native_handle()).target, six);
  EXPECT_EQ(net.open_sockets(), 1U) << "the losers are gone";
}

TEST_F(Any, begins_the_next_at_once_when_one_fails) {
  net.on_syn(four, {rst(20ms)});
  net.on_syn(four_too, {unreachable(10ms)});
  net.on_syn(four_as_well, {syn_ack(5ms)});
  auto const result = race({four, four_too, four_as_well}, 10s);
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 35ms);
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+20ms 192.0.2.2:80\n+30ms 192.0.2.3:80\n");
}

TEST_F(Any, an_attempt_that_fails_does_not_wait_for_the_one_before_it) {
  net.on_syn(four_too, {rst(10ms)});
  net.on_syn(four_as_well, {syn_ack(5ms)});
  auto const result = race({four, four_too, four_as_well}, 10s);
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 265ms);
}

TEST_F(Any, with_no_stagger_begins_all_at_once) {
  net.on_syn(four_as_well, {syn_ack(5ms)});
  auto const result = race({four, four_too, four_as_well}, 10s, {.stagger = 0ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 5ms);
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+0ms 192.0.2.2:80\n+0ms 192.0.2.3:80\n");
}

TEST_F(Any, begins_nothing_beside_a_winner) {
  net.on_syn(four, {syn_ack(0ms)});
  EXPECT_TRUE(race({four, four_too}, 10s, {.stagger = 0ms}));
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n") << "connected at once";
  world late;
  late.on_syn(four, {syn_ack(40ms)});
  race_options const hedged{.stagger = 0ms, .hedge_after = 40ms};
  EXPECT_TRUE(tconn::timed_connect_any({four, four_too}, 10s, hedged, simulated{&late}));
  EXPECT_EQ(count(late.wire(), "> SYN 192.0.2.2:80"), 1) << "connected when the others are to be hedged\n"
                                                         << late.wire();
}

TEST_F(Any, begins_nothing_after_the_deadline_however_long_its_calls_take) {
  std::vector<tconn::endpoint> const ten(10, four);
  for (bool const hedges : {false, true}) {
    world own;
    auto const limit = hedges ? 60ms : 10ms;
    own.at(1ms, [&] { own.calls_take(1ms); });
    if (!hedges) own.calls_take(1ms);
    own.before_call = [&](std::string_view call) {
      EXPECT_TRUE(call != "open" || own.elapsed() <= limit) << own.wire();
    };
    EXPECT_FALSE(tconn::timed_connect_any(ten, limit, {.stagger = 0ms, .hedge_after = 50ms}, simulated{&own}));
    EXPECT_GE(own.elapsed(), limit);
  }
}

TEST_F(Any, never_staggers_by_less_than_ten_milliseconds) {
  EXPECT_FALSE(race({four, four_too, four_as_well}, 100ms, {.stagger = 1ns}));
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+10ms 192.0.2.2:80\n+20ms 192.0.2.3:80\n");
}

TEST_F(Any, gives_the_losers_up_by_their_policy) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    world own;
    own.on_syn(four, {syn_ack(30ms)});
    own.on_syn(four_too, {syn_ack(30ms), data(30ms)});
    auto const result =
        tconn::timed_connect_any({four, four_too}, 10s, {.stagger = 0ms, .losers = how}, simulated{&own});
    ASSERT_TRUE(result);
    EXPECT_EQ(own.socket_at(result->native_handle()).target, four) << "the first in order";
    EXPECT_EQ(own.open_sockets(), 1U);
    bool const is_closed = how == on_timeout::close;
    EXPECT_EQ(count(own.wire(), "> FIN 192.0.2.2:80"), is_closed ? 1 : 0) << own.wire();
    EXPECT_EQ(count(own.wire(), "> RST 192.0.2.2:80"), is_closed ? 0 : 1) << "unread data is no reason\n" << own.wire();
  }
}

TEST_F(Any, resets_the_losers_unless_it_is_told_otherwise) {
  net.on_syn(four, {syn_ack(30ms)});
  net.on_syn(four_too, {syn_ack(30ms)});
  ASSERT_TRUE(race({four, four_too}, 10s, {.stagger = 0ms}));
  EXPECT_EQ(count(net.wire(), "> RST 192.0.2.2:80"), 1) << net.wire();
}

TEST_F(Any, looks_at_no_attempt_that_is_not_ready) {
  net.on_syn(four_too, {rst(10ms)});
  EXPECT_FALSE(race({four, four_too}, 50ms, {.stagger = 0ms}));
  EXPECT_EQ(count(net.log(), "+10ms connect_error"), 1) << net.log();
}

// A false alarm just before the deadline, and the clock reaches it while the attempt is looked at.
TEST_F(Any, takes_for_late_what_a_wait_finds_that_began_at_the_deadline_or_after_it) {
  for (auto const step : {1ms, 2ms}) {
    world own;
    own.on_syn(four, {false_alarm(9ms)});
    own.at(9ms, [&] { own.calls_take(step); });
    own.before_call = [&](std::string_view call) {
      if (own.elapsed() >= 10ms) own.calls_take(0ms);
      if (call == "wait" && own.elapsed() >= 10ms) own.deliver(3, tconn::testing::happening::syn_ack);
    };
    race_options const options{.each = {.accept_late = false}, .stagger = 10ms, .hedge_after = 10ms};
    auto const result = tconn::timed_connect_any({four, four_too}, 10ms, options, simulated{&own});
    ASSERT_FALSE(result) << own.log();
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    EXPECT_EQ(count(own.wire(), "> SYN"), 1) << "nothing begins at the deadline\n" << own.log();
  }
}

TEST_F(Any, at_the_deadline_looks_a_last_time_at_each) {
  net.calls_take(1us);
  net.before_call = [&](std::string_view call) {
    if (call == "wait" && net.elapsed() >= 100ms) net.deliver(4, tconn::testing::happening::syn_ack);
  };
  auto const result = race({four, four_too}, 100ms, {.stagger = 0ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.socket_at(result->native_handle()).target, four_too);
  EXPECT_GE(net.elapsed(), 100ms);
}

TEST_F(Any, ends_at_the_deadline_and_gives_all_up) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    auto const before = net.elapsed();
    auto const result = race({four, six, four_too}, 600ms, {.each = {.on_timeout = how}});
    ASSERT_FALSE(result);
    auto const& failure = result.error();
    EXPECT_EQ(failure.code, errc::deadline_exceeded);
    EXPECT_EQ(failure.elapsed, 600ms);
    EXPECT_EQ(net.elapsed() - before, 600ms);
    EXPECT_EQ(failure.where, four);
    EXPECT_EQ(failure.handshake, handshake::in_flight);
    EXPECT_EQ(failure.aftermath, aftermath::nothing_sent);
    EXPECT_FALSE(failure.pending);
    ASSERT_EQ(failure.attempts.size(), 3U);
    EXPECT_EQ(failure.attempts[0].where, four);
    EXPECT_EQ(failure.attempts[1].where, six);
    EXPECT_EQ(failure.attempts[2].where, four_too);
    EXPECT_EQ(failure.attempts[2].elapsed, 100ms);
    for (auto const& one : failure.attempts) EXPECT_EQ(one.code, errc::deadline_exceeded);
  }
}

TEST_F(Any, carries_the_code_of_every_attempt_and_its_message_says_them) {
  net.on_syn(four, {rst(20ms)});
  net.on_syn(four_too, {unreachable(10ms)});
  auto const result = race({four, four_too}, 10s);
  ASSERT_FALSE(result);
  EXPECT_EQ(net.elapsed(), 30ms);
  EXPECT_EQ(result.error().code, std::errc::connection_refused) << "the first one's";
  EXPECT_EQ(result.error().message(),
            "192.0.2.1:80: Connection refused after 30.000 ms, handshake failed; attempts: 192.0.2.1:80 Connection "
            "refused, 192.0.2.2:80 " +
                support::said(EHOSTUNREACH));
}

TEST_F(Any, tells_the_deadline_though_the_last_look_has_found_another_refused) {
  net.calls_take(1us);
  net.before_call = [&](std::string_view call) {
    if (call == "wait" && net.elapsed() >= 100ms) net.deliver(3, tconn::testing::happening::rst);
  };
  auto const result = race({four, four_too}, 100ms, {.stagger = 0ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded) << net.log();
  EXPECT_EQ(result.error().where, four_too);
  EXPECT_EQ(result.error().attempts[0].code, std::errc::connection_refused);
}

TEST_F(Any, with_a_limit_for_each_gives_one_up_at_its_own_time) {
  net.on_syn(four_too, {syn_ack(80ms)});
  auto const result = race({four, four_too}, 10s, {.stagger = 1s, .attempt_limit = 100ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 180ms);
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+100ms 192.0.2.2:80\n");
}

TEST_F(Any, ends_before_the_deadline_when_all_have_used_up_their_own_limits) {
  auto const result = race({four, four_too}, 10s, {.attempt_limit = 100ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(net.elapsed(), 200ms);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().attempts.size(), 2U);
}

TEST_F(Any, tells_at_the_deadline_of_the_first_attempt_that_is_left) {
  auto const result = race({four, four_too, four_as_well}, 250ms, {.attempt_limit = 100ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().where, four_as_well) << "the others have used up their own limits";
  EXPECT_EQ(result.error().attempts.size(), 3U);
}

TEST_F(Any, an_error_says_more_than_a_limit) {
  net.on_syn(four_too, {rst(10ms)});
  auto const result = race({four, four_too}, 10s, {.attempt_limit = 100ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(result.error().where, four_too);
}

TEST_F(Any, hedges_an_attempt_that_is_unanswered_by_a_second_SYN_from_a_new_socket) {
  net.on_syn(four, {});
  net.on_syn(four, {syn_ack(5ms)});
  auto const result = race({four}, 10s, {.hedge_after = 40ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 45ms) << "and not the kernel's second";
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+40ms 192.0.2.1:80\n");
  EXPECT_EQ(net.open_sockets(), 1U);
}

TEST_F(Any, hedges_each_attempt_once_and_not_one_that_has_failed) {
  net.on_syn(four_too, {rst(10ms)});
  net.signals_every(100ms);  // so that the race is awake when the second one's hedge would be due
  auto const result = race({four, four_too}, 900ms, {.hedge_after = 40ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+40ms 192.0.2.1:80\n+250ms 192.0.2.2:80\n");
  EXPECT_EQ(result.error().attempts.size(), 3U);
}

TEST_F(Any, begins_the_next_at_once_when_an_attempt_and_its_hedge_have_both_failed_and_not_before) {
  for (bool const hedge_is_last : {false, true}) {
    world own;
    own.on_syn(four, {rst(hedge_is_last ? 50ms : 300ms)});
    own.on_syn(four, {rst(hedge_is_last ? 260ms : 10ms)});
    own.on_syn(four_too, {syn_ack(5ms)});
    race_options const options{.stagger = 1s, .hedge_after = 40ms};
    EXPECT_TRUE(tconn::timed_connect_any({four, four_too}, 10s, options, simulated{&own}));
    EXPECT_EQ(own.elapsed(), 305ms) << own.wire();
  }
}

TEST_F(Any, with_hedges_begins_the_next_at_once_when_one_fails_though_the_one_before_it_is_unanswered) {
  net.on_syn(four_too, {rst(10ms)});
  net.on_syn(four_as_well, {syn_ack(5ms)});
  EXPECT_TRUE(race({four, four_too, four_as_well}, 10s, {.hedge_after = 1s}));
  EXPECT_EQ(net.elapsed(), 265ms);
}

TEST_F(Any, with_a_zero_deadline_begins_one_and_looks_once) {
  for (auto const limit : {0ms, -5ms}) {
    auto const before = net.elapsed();
    auto const result = race({four, four_too}, limit, {.stagger = 0ms});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    EXPECT_EQ(result.error().attempts.size(), 1U);
    EXPECT_EQ(net.elapsed(), before);
  }
}

TEST_F(Any, whose_attempts_fail_until_the_deadline_tells_the_deadline) {
  net.calls_take(1ms);
  for (auto const& one : {four, four_too, four_as_well}) net.answers_at_once(one, ECONNREFUSED);
  auto const result = race({four, four_too, four_as_well}, 3ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_LT(result.error().attempts.size(), 3U);
}

TEST_F(Any, whose_attempt_fails_at_the_very_deadline_ends_there_and_begins_no_other) {
  net.answers_at_once(four, ECONNREFUSED);
  world other;  // where it is seen how long that takes
  other.calls_take(1ms);
  other.answers_at_once(four, ECONNREFUSED);
  EXPECT_FALSE(tconn::timed_connect_any({four}, 1s, {}, simulated{&other}));
  net.calls_take(1ms);
  auto const result = race({four, four_too}, other.elapsed());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().attempts.size(), 1U);
  EXPECT_EQ(net.elapsed(), other.elapsed()) << net.log();
}

TEST_F(Any, welcomes_duplicates_and_mixed_families) {
  auto const server = at("unix:/run/x.sock");
  net.backlog_full_until(server, 100ms);
  auto const result = race({four, four, six, server, server}, 10s, {.stagger = 10ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.socket_at(result->native_handle()).family, AF_UNIX);
  EXPECT_GE(net.elapsed(), 100ms);
  EXPECT_LE(net.elapsed(), 102ms);
}

TEST_F(Any, sees_an_answer_and_a_cancellation_though_something_is_always_due) {
  auto const full = at("unix:/run/full.sock");
  for (bool const answered : {true, false}) {
    world own;
    tconn::cancellation cancel;
    own.backlog_full_until(full, 1h);
    own.calls_take(1ms);  // more than the first pauses between the tries
    if (answered) own.on_syn(four, {syn_ack(20ms)});
    own.at(40ms, [&] { cancel.request(); });
    auto const result = tconn::timed_connect_any({full, full, full, four}, 10s,
                                                 {.each = {.cancel = &cancel}, .stagger = 0ms}, simulated{&own});
    EXPECT_EQ(told(result) == "connected", answered) << told(result);
    EXPECT_EQ(!result && result.error().code == errc::cancelled, !answered) << told(result);
    EXPECT_LE(own.elapsed(), answered ? 40ms : 70ms);
  }
}

TEST_F(Any, of_nothing_is_an_error) {
  EXPECT_EQ(race({}, 10s).error().code, errc::no_endpoints);
  EXPECT_EQ(net.log(), "");
}

TEST_F(Any, refuses_options_that_make_no_sense_before_anything_is_sent) {
  race_options const all[] = {{.each = {.on_timeout = on_timeout::keep}},
                              {.each = {.on_timeout = static_cast<on_timeout>(7)}},
                              {.losers = on_timeout::keep},
                              {.losers = static_cast<on_timeout>(7)},
                              {.stagger = -1ns},
                              {.attempt_limit = -1ns},
                              {.hedge_after = -1ns}};
  for (auto const& options : all) {
    auto const result = race({four}, 10s, options);
    EXPECT_EQ(result.error().code, errc::invalid_option);
    EXPECT_TRUE(result.error().attempts.empty());
  }
  EXPECT_EQ(net.log(), "");
}

TEST_F(Any, goes_on_with_the_others_when_one_is_no_endpoint_or_is_refused_by_the_hook) {
  net.on_syn(four_too, {syn_ack(5ms)});
  auto const guard = [](tconn::native_handle, tconn::endpoint const& dialled) {
    return dialled == four ? make_error_code(std::errc::permission_denied) : std::error_code{};
  };
  auto const result = race({tconn::endpoint{}, four, four_too}, 10s, {.each = {.before_connect = guard}});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(net.elapsed(), 5ms);
  auto const none = race({tconn::endpoint{}, four}, 10s, {.each = {.before_connect = guard}});
  ASSERT_FALSE(none);
  ASSERT_EQ(none.error().attempts.size(), 2U);
  EXPECT_EQ(none.error().attempts[0].code, errc::invalid_endpoint);
  EXPECT_EQ(none.error().attempts[1].code, errc::refused_by_hook);
}

TEST_F(Any, spends_one_budget_through_a_storm_of_signals) {
  net.signals_every(100us);
  auto const result = race({four, six}, 300ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(net.elapsed(), 300ms);
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+250ms [2001:db8::1]:80\n");
}

TEST_F(Any, goes_on_when_the_winner_cannot_be_handed_over) {
  for (bool const another_wins : {true, false}) {
    world own;
    own.on_syn(four, {syn_ack(20ms)});
    own.on_syn(four_too, {another_wins ? syn_ack(5ms) : rst(5ms)});
    tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "set_blocking"};
    auto const result =
        tconn::timed_connect_any({four, four_too}, 10s, {}, tconn::testing::faulty{simulated{&own}, plan});
    EXPECT_EQ(own.elapsed(), 25ms) << own.wire();
    EXPECT_EQ(result.has_value(), another_wins) << told(result);
    if (result) continue;
    ASSERT_EQ(result.error().attempts.size(), 2U);
    EXPECT_EQ(result.error().attempts[0].code, std::error_code(EIO, tconn::native_category()));
    EXPECT_EQ(result.error().attempts[1].code, std::errc::connection_refused);
  }
}

TEST_F(Any, waits_for_a_descriptor_that_another_attempt_will_give_back_and_burns_no_endpoint_meanwhile) {
  net.descriptor_limit(2);
  net.on_syn(four, {rst(33ms)});
  net.on_syn(four_as_well, {rst(12ms)});
  net.on_syn(four_at_last, {syn_ack(5ms)});
  auto const result = race({four, four_too, four_as_well, four_at_last}, 10s, {.stagger = 0ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(syns(), "+0ms 192.0.2.1:80\n+0ms 192.0.2.2:80\n+33ms 192.0.2.3:80\n+45ms 192.0.2.4:80\n");
}

TEST_F(Any, tells_of_no_attempt_for_which_there_was_no_descriptor) {
  net.descriptor_limit(1);
  auto const result = race({four, four_too}, 100ms, {.stagger = 0ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().attempts.size(), 1U);
}

TEST_F(Any, looks_for_a_descriptor_that_somebody_else_has_freed) {
  net.descriptor_limit(1);
  net.on_syn(four_too, {syn_ack(5ms)});
  net.at(25ms, [&] { net.descriptor_limit(2); });
  EXPECT_TRUE(race({four, four_too}, 10s, {.stagger = 0ms}));
  EXPECT_EQ(net.elapsed(), 35ms) << net.log();
}

TEST_F(Any, tells_that_there_is_no_descriptor_when_none_of_its_own_will_come_back) {
  lend();
  net.descriptor_limit(1);
  auto const result = race({four, four_too}, 10s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::too_many_files_open);
  EXPECT_EQ(result.error().attempts.size(), 2U);
  EXPECT_EQ(net.elapsed(), 0ms);
}

TEST_F(Any, whose_wait_fails_ends_with_that_error_and_begins_no_other) {
  net.answers_at_once(four, ECONNREFUSED);
  tconn::testing::intercepted const sys(simulated{&net},
                                        [](std::string_view call) { return call == "wait" ? EIO : 0; });
  auto const result = tconn::timed_connect_any({four, four_too, four_as_well}, 10s, {}, sys);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category())) << told(result);
  EXPECT_EQ(result.error().where, four_too);
  EXPECT_EQ(result.error().attempts.size(), 2U);
}

/// A system whose wait() leaves something in the entries though nothing is ready.
struct untidy : simulated {
  using simulated::simulated;
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    int const woken = simulated::wait(entries, count, until);
    for (std::size_t i = 0; woken != 0 && i < count; ++i) entries[i].revents = entries[i].events;
    return woken;
  }
};

TEST_F(Any, believes_nothing_that_a_wait_has_left_behind_in_which_nothing_was_ready) {
  net.signals_every(10ms);
  tconn::cancellation cancel;
  auto const result = tconn::timed_connect_any({four}, 100ms, {.each = {.cancel = &cancel}}, untidy{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(count(net.log(), "connect_error"), 0) << net.log();
}

TEST_F(Any, tells_of_an_attempt_what_a_failure_tells) {
  auto const result = race({four}, 2500ms);
  ASSERT_FALSE(result);
  auto const& failure = result.error();
  ASSERT_EQ(failure.attempts.size(), 1U);
  auto const& one = failure.attempts[0];
  EXPECT_EQ(failure.syn_retransmits, 2U);
  auto const parts = [](auto const& f) {
    return std::tuple(f.where, f.code, f.handshake, f.aftermath, f.syn_retransmits, f.elapsed);
  };
  EXPECT_TRUE(parts(one) == parts(failure));
}

class CancelledAny : public Any {
 protected:
  /// Cancels the race just before the n-th call of this name.
  auto race_cancelled_before(std::string_view name, int nth, std::vector<tconn::endpoint> const& all) {
    net.before_call = [this, name, left = nth](std::string_view call) mutable {
      if (call == name && --left == 0) cancel_.request();
    };
    return race(all, 10s, {.each = {.cancel = &cancel_}, .stagger = 0ms});
  }
  tconn::cancellation cancel_{};
};

TEST_F(CancelledAny, while_it_begins_its_attempts_tells_of_those_that_have_begun) {
  auto const result = race_cancelled_before("start_connect", 3, {four, four_too, four_as_well, six, six_too, four});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().attempts.size(), 2U);
  EXPECT_EQ(count(net.wire(), "> SYN"), 2) << net.wire();
}

TEST_F(CancelledAny, before_its_first_attempt_is_sent_tells_of_no_other) {
  auto const result = race_cancelled_before("open", 1, {four, four_too});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().attempts.size(), 1U);
}

/// Somebody cancels just before the race reads the clock for the second time: its options have been checked then.
struct cancelled_when_begun : simulated {
  tconn::cancellation* cancel;
  int* readings;
  tconn::time_point now() const {
    if (++*readings == 2) cancel->request();
    return simulated::now();
  }
};

TEST_F(CancelledAny, before_its_first_attempt_is_opened_sends_nothing_and_tells_of_that_attempt) {
  int readings = 0;
  cancelled_when_begun const sys{simulated{&net}, &cancel_, &readings};
  auto const result = tconn::timed_connect_any({four, four_too}, 10s, {.each = {.cancel = &cancel_}}, sys);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().where, four);
  EXPECT_EQ(result.error().attempts.size(), 1U);
  EXPECT_EQ(net.wire(), "");
}

TEST_F(CancelledAny, before_the_call_makes_no_attempt) {
  cancel_.request();
  auto const result = race({four, four_too}, 10s, {.each = {.cancel = &cancel_}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_TRUE(result.error().attempts.empty());
  EXPECT_EQ(net.log(), "");
}

TEST_F(CancelledAny, after_a_refusal_tells_of_each_attempt_once_and_begins_no_other) {
  net.on_syn(four, {rst(10ms)});
  net.at(40ms, [&] { cancel_.request(); });
  auto const result = race({four, four_too, four_as_well}, 10s, {.each = {.cancel = &cancel_}});
  ASSERT_FALSE(result);
  EXPECT_EQ(net.elapsed(), 40ms);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().where, four_too);
  ASSERT_EQ(result.error().attempts.size(), 2U);
  EXPECT_EQ(result.error().attempts[0].code, std::errc::connection_refused);
  EXPECT_EQ(result.error().attempts[1].code, errc::cancelled);
}

TEST_F(CancelledAny, after_a_winner_could_not_be_handed_over_tells_of_the_one_that_was_left) {
  net.on_syn(four, {syn_ack(10ms)});
  net.at(40ms, [&] { cancel_.request(); });
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "set_blocking"};
  auto const result = tconn::timed_connect_any({four, four_too}, 10s, {.each = {.cancel = &cancel_}},
                                               tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().where, four_too);
}

TEST_F(CancelledAny, together_with_the_answer_gives_the_connection_up) {
  net.on_syn(four, {syn_ack(30ms)});
  net.at(30ms, [&] { cancel_.request(); });
  auto const result = race({four}, 10s, {.each = {.cancel = &cancel_}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().aftermath, aftermath::peer_sees_close);
}

TEST_F(Any, cancelled_at_any_call_has_one_outcome_and_leaves_nothing_open) {
  auto const cancelled = times_cancelled_at_any_call("connected", [](world& own, tconn::cancellation const& cancel) {
    own.on_syn(four, {rst(20ms)});
    own.on_syn(six, {syn_ack(300ms)});
    race_options const options{.each = {.cancel = &cancel}, .stagger = 50ms, .hedge_after = 100ms};
    return tconn::timed_connect_any({four, six, four_too}, 10s, options, simulated{&own});
  });
  EXPECT_GE(cancelled, 8);
}

TEST_F(Any, with_any_call_failing_leaves_nothing_open_and_keeps_the_deadline) {
  for (int fail_at = 1;; ++fail_at) {
    world own;
    own.on_syn(four, {rst(20ms)});
    own.on_syn(six, {syn_ack(300ms)});
    tconn::testing::fault_plan plan{.fail_at = fail_at, .error = EIO};
    {
      tconn::testing::faulty const sys(simulated{&own}, plan);
      auto const result = tconn::timed_connect_any({four, six, four_too}, 1s, {.hedge_after = 100ms}, sys);
      EXPECT_EQ(own.open_sockets(), result ? 1U : 0U) << plan.hit << '\n' << own.log();
      EXPECT_LE(own.elapsed(), 1s) << plan.hit;
    }
    EXPECT_EQ(own.open_sockets(), 0U) << plan.hit;
    EXPECT_EQ(own.blocked() + own.stray_closes(), 0) << plan.hit;
    if (plan.hit.empty()) break;
    ASSERT_LT(fail_at, 1000);
  }
}

}  // namespace
