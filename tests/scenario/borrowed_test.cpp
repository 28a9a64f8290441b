// SPDX-License-Identifier: MIT
// Promises 5, 7 and 13 for the caller's own descriptor: never closed, given back as it was found, never somebody
// else's.
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;

class Borrowed : public Scenario {
 protected:
  tconn::endpoint const other = at("192.0.2.99:99");

  /// One whose attempt at `to` was refused, and whose SO_ERROR its owner has read.
  tconn::native_handle lend_refused() {
    auto const mine = lend(AF_INET, false);
    net.on_syn(to, {rst(1ms)});
    simulated sys{&net};
    sys.start_connect(mine, to);
    net.pass(5ms);
    int read_away = 0;
    sys.connect_error(mine, read_away);
    return mine;
  }
};

TEST_F(Borrowed, comes_back_in_the_blocking_mode_in_which_it_came_on_every_path) {
  struct path {
    char const* name;
    std::vector<tconn::testing::event> script;
    tconn::deadline limit;
  };
  path const paths[] = {{"success", {syn_ack(1ms)}, 10ms},
                        {"refused", {rst(1ms)}, 10ms},
                        {"deadline", {}, 10ms},
                        {"success at once", {syn_ack(0ms)}, 0ms},
                        {"past", {}, -1ms}};
  for (auto const& [name, script, limit] : paths) {
    for (bool const blocking : {true, false}) {
      for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
        net.on_syn(to, script);
        auto const mine = lend(AF_INET, blocking);
        auto const ignored = connect_borrowed(mine, limit, {.on_timeout = how});
        EXPECT_EQ(net.is_blocking(mine), blocking) << name;
        EXPECT_TRUE(net.socket_at(mine).open) << name;
        EXPECT_EQ(net.socket_at(mine).error, 0) << name << ": SO_ERROR was left behind";
      }
    }
  }
}

TEST_F(Borrowed, comes_back_as_it_was_when_a_hook_throws) {
  auto const mine = lend();
  auto throwing = [](tconn::native_handle, tconn::endpoint const&) -> std::error_code {
    throw std::runtime_error("hook");
  };
  EXPECT_THROW(static_cast<void>(connect_borrowed(mine, 10ms, {.before_connect = throwing})), std::runtime_error);
  EXPECT_TRUE(net.is_blocking(mine));
}

TEST_F(Borrowed, that_is_given_up_by_close_is_silent_in_flight_and_can_connect_again) {
  auto const mine = lend();
  auto const result = connect_borrowed(mine, 10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::in_flight);
  EXPECT_EQ(result.error().aftermath, aftermath::nothing_sent);
  EXPECT_EQ(net.wire(), "+0ms > SYN 192.0.2.1:80\n");
  net.on_syn(to, {syn_ack(1ms)});
  EXPECT_TRUE(connect_borrowed(mine, 10ms)) << net.log();
}

TEST_F(Borrowed, that_is_given_up_after_the_handshake_sends_FIN_by_close_and_RST_by_reset) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    world own;
    own.calls_take(1us);
    auto const mine = own.lend();
    own.on_syn(to, {syn_ack(10ms - 4500ns)});  // the SYN leaves at 5 us: after the wait, before the last look
    auto const result =
        tconn::timed_connect(mine, to, 10ms, {.on_timeout = how, .accept_late = false}, simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::completed) << own.log();
    EXPECT_EQ(result.error().aftermath,
              how == on_timeout::close ? aftermath::peer_sees_close : aftermath::peer_sees_reset);
    EXPECT_EQ(count(own.wire(), how == on_timeout::close ? "> FIN" : "> RST"), 1) << own.wire();
    EXPECT_EQ(own.socket_at(mine).error, 0);
    EXPECT_TRUE(own.is_blocking(mine));
  }
}

TEST_F(Borrowed, that_was_reset_can_connect_again) {
  auto const mine = lend();
  net.calls_take(1us);
  net.on_syn(to, {syn_ack(10ms - 4500ns)});
  EXPECT_FALSE(connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::reset, .accept_late = false}));
  net.on_syn(to, {syn_ack(1ms)});
  EXPECT_TRUE(connect_borrowed(mine, 10ms)) << net.log();
}

TEST_F(Borrowed, that_is_kept_goes_on_and_the_same_call_resumes_it) {
  auto const mine = lend();
  net.on_syn(to, {syn_ack(25ms)});
  for (int call = 0; call < 2; ++call) {
    auto const result = connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::keep});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    EXPECT_EQ(result.error().aftermath, aftermath::kept);
    EXPECT_EQ(result.error().handshake, handshake::in_flight);
    EXPECT_FALSE(result.error().pending) << "a borrowed attempt stays with its owner";
  }
  EXPECT_TRUE(connect_borrowed(mine, 10ms)) << net.log();
  EXPECT_EQ(net.elapsed(), 25ms);
  EXPECT_EQ(count(net.wire(), "> SYN"), 1) << net.wire();
}

TEST_F(Borrowed, that_was_kept_and_has_completed_meanwhile_is_a_success) {
  auto const mine = lend();
  net.on_syn(to, {syn_ack(25ms)});
  EXPECT_FALSE(connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::keep}));
  net.pass(1s);
  EXPECT_TRUE(connect_borrowed(mine, 10ms)) << net.log();
  EXPECT_TRUE(connect_borrowed(mine, 10ms)) << "connected to the very endpoint: " << net.log();
}

TEST_F(Borrowed, that_was_kept_and_has_failed_meanwhile_tells_that_failure) {
  struct {
    tconn::testing::event what;
    std::errc code;
  } const ends[] = {{rst(25ms), std::errc::connection_refused}, {unreachable(25ms), std::errc::host_unreachable}};
  for (auto const& [what, code] : ends) {
    auto const mine = lend();
    net.on_syn(to, {what});
    net.on_syn(to, {syn_ack(1ms)});
    EXPECT_FALSE(connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::keep}));
    net.pass(1s);
    auto const result = connect_borrowed(mine, 10ms);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << net.log();
    EXPECT_EQ(result.error().handshake, handshake::failed) << "the SYN was sent";
    EXPECT_TRUE(connect_borrowed(mine, 10ms)) << "it can connect again\n" << net.log();
  }
}

TEST_F(Borrowed, that_is_on_its_way_to_somebody_else_is_an_error_and_stays_untouched) {
  auto const mine = lend(AF_INET, false);
  simulated sys{&net};
  sys.start_connect(mine, other);
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
    auto const result = connect_borrowed(mine, 10ms, {.on_timeout = how});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::errc::connection_already_in_progress) << net.log();
    EXPECT_EQ(result.error().aftermath, aftermath::none);
    EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::syn_sent);
    EXPECT_EQ(net.elapsed(), 0ms) << "it waited for somebody else's attempt";
  }
}

TEST_F(Borrowed, that_is_connected_to_somebody_else_is_an_error_and_stays_untouched) {
  auto const mine = lend(AF_INET, false);
  net.on_syn(other, {syn_ack(1ms)});
  simulated sys{&net};
  sys.start_connect(mine, other);
  net.pass(5ms);
  for (int call = 0; call < 2; ++call) {  // connect() answers 0 the first time, then EISCONN
    auto const result = connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::reset});
    ASSERT_FALSE(result) << "connected to somebody else, and told success";
    EXPECT_EQ(result.error().code, std::errc::already_connected) << net.log();
    EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::established);
    EXPECT_EQ(count(net.wire(), "> RST"), 0);
  }
}

TEST_F(Borrowed, whose_attempt_at_somebody_else_failed_long_ago_starts_anew) {
  net.on_syn(to, {syn_ack(1ms)});
  net.on_syn(other, {rst(1ms)});
  simulated sys{&net};
  auto const unread = lend(AF_INET, false);
  sys.start_connect(unread, other);
  net.pass(5ms);
  EXPECT_TRUE(connect_borrowed(unread, 10ms)) << "the refusal by somebody else was told as ours\n" << net.log();
  auto const read = lend(AF_INET, false);
  sys.start_connect(read, other);
  net.pass(5ms);
  int error = 0;
  sys.connect_error(read, error);
  EXPECT_TRUE(connect_borrowed(read, 10ms)) << "ECONNABORTED of an old attempt was told as ours\n" << net.log();
}

TEST_F(Borrowed, whose_own_attempt_failed_and_was_read_starts_anew) {
  auto const mine = lend_refused();
  net.on_syn(to, {syn_ack(1ms)});
  EXPECT_TRUE(connect_borrowed(mine, 10ms)) << net.log();
}

TEST_F(Borrowed, whose_own_attempt_failed_and_was_read_and_that_cannot_start_anew_has_started_nothing) {
  auto const mine = lend_refused();
  struct unreachable_now : simulated {
    using simulated::simulated;
    int start_connect(tconn::native_handle handle, tconn::endpoint const& peer) const {
      int const answer = simulated::start_connect(handle, peer);
      return answer == ECONNABORTED ? answer : ENETUNREACH;
    }
  };
  auto const result = tconn::timed_connect(mine, to, 10ms, {}, unreachable_now{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::network_unreachable);
  EXPECT_EQ(result.error().handshake, handshake::not_started) << net.log();
}

// What it has become is ours to end, whatever came before.
TEST_F(Borrowed, whose_own_connection_cannot_be_read_is_given_up_with_that_error) {
  for (bool const starts_anew : {true, false}) {
    auto const mine = lend(AF_INET, false);
    simulated sys{&net};
    net.on_syn(to, {starts_anew ? rst(1ms) : syn_ack(1ms)});
    sys.start_connect(mine, to);
    net.pass(5ms);
    int read_away = 0;
    if (starts_anew) sys.connect_error(mine, read_away);
    if (starts_anew) net.answers_at_once(to, 0);
    tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "peer_name"};
    auto const result = tconn::timed_connect(mine, to, 10ms, {}, tconn::testing::faulty{sys, plan});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category()));
    EXPECT_EQ(result.error().aftermath, aftermath::peer_sees_close) << net.log();
  }
  EXPECT_EQ(count(net.wire(), "> FIN"), 2) << net.log();
}

TEST_F(Borrowed, that_was_refused_can_connect_again_at_once) {
  auto const mine = lend();
  net.on_syn(to, {rst(1ms)});
  net.on_syn(to, {syn_ack(1ms)});
  EXPECT_FALSE(connect_borrowed(mine, 10ms));
  simulated sys{&net};
  sys.set_blocking(mine, false);
  EXPECT_EQ(sys.start_connect(mine, to), tconn::native_error::in_progress)
      << "as after a connect() that failed by itself";
  net.pass(5ms);
  sys.set_blocking(mine, true);
}

TEST_F(Borrowed, that_connected_to_itself_is_not_tried_again_after_the_deadline) {
  auto const mine = lend();
  net.ephemeral_ports({80, 40000});
  EXPECT_EQ(connect_borrowed(mine, 0ms).error().code, errc::self_connect);
  EXPECT_EQ(count(net.log(), "start_connect"), 1) << net.log();
}

TEST_F(Borrowed, that_is_kept_is_resumed_even_if_the_connect_is_interrupted) {
  auto const mine = lend();
  net.on_syn(to, {syn_ack(25ms)});
  EXPECT_FALSE(connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::keep}));
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EINTR, .call = "start_connect"};
  auto const result = tconn::timed_connect(mine, to, 100ms, {}, tconn::testing::faulty{simulated{&net}, plan});
  EXPECT_TRUE(result) << told(result) << net.log();
  EXPECT_EQ(count(net.wire(), "> SYN"), 1);
}

TEST_F(Borrowed, whose_mode_a_hook_has_changed_comes_back_as_it_was_and_keeps_its_deadline) {
  for (bool const blocking : {true, false}) {
    for (bool const vetoes : {true, false}) {
      auto const mine = lend(AF_INET, blocking);
      auto hook = [&](tconn::native_handle handle, tconn::endpoint const&) {
        simulated{&net}.set_blocking(handle, vetoes ? !blocking : true);
        return vetoes ? std::make_error_code(std::errc::io_error) : std::error_code{};
      };
      EXPECT_FALSE(connect_borrowed(mine, 10ms, {.before_connect = hook}));
      EXPECT_EQ(net.is_blocking(mine), blocking) << net.log();
    }
  }
}

TEST_F(Borrowed, that_connected_to_itself_is_tried_8_times_and_does_not_stay_so) {
  auto const mine = lend();
  net.ephemeral_ports(std::vector<std::uint16_t>(100, 80));
  auto const result = connect_borrowed(mine, 10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::self_connect);
  EXPECT_EQ(count(net.log(), "start_connect"), tconn::detail::most_tries) << net.log();
  EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::closed);
  EXPECT_EQ(net.socket_at(mine).error, 0);
}

TEST_F(Borrowed, that_connected_to_itself_keeps_no_error_of_it_when_no_port_is_left_for_another_try) {
  auto const mine = lend();
  net.ephemeral_ports({80});
  int connects = 0;
  net.before_call = [&](std::string_view call) {
    if (call == "start_connect" && ++connects == 2) net.answers_at_once(to, EADDRNOTAVAIL, 100);
  };
  auto const result = connect_borrowed(mine, 10ms);
  net.before_call = {};
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::address_not_available);
  EXPECT_EQ(net.socket_at(mine).error, 0) << net.log();
}

TEST_F(Borrowed, of_another_family_or_type_or_number_is_refused_and_untouched) {
  auto const code = [&](tconn::native_handle mine) {
    auto const result = connect_borrowed(mine, 10ms);
    EXPECT_FALSE(result);
    return result ? std::error_code{} : result.error().code;
  };
  EXPECT_EQ(code(lend(AF_INET6)), std::errc::address_family_not_supported);
  EXPECT_EQ(code(lend(AF_UNIX)), std::errc::address_family_not_supported);
  EXPECT_EQ(code(lend(AF_INET, true, SOCK_DGRAM)), std::errc::wrong_protocol_type);
  EXPECT_EQ(code(tconn::no_handle), std::errc::bad_file_descriptor);
  EXPECT_EQ(code(999), std::errc::bad_file_descriptor);
  EXPECT_EQ(count(net.log(), "set_"), 0);
  EXPECT_EQ(count(net.log(), "start_connect"), 0);
}

TEST_F(Borrowed, takes_only_the_options_that_apply) {
  auto const mine = lend();
  auto const code = [&](tconn::connect_options const& options) {
    auto const result = connect_borrowed(mine, 10ms, options);
    return result ? std::error_code{} : result.error().code;
  };
  EXPECT_EQ(code({.nonblocking = true}), errc::invalid_option);
  EXPECT_EQ(code({.local = at("127.0.0.1:0")}), errc::invalid_option);
  EXPECT_EQ(code({.interface_name = "lo"}), errc::invalid_option);
  EXPECT_EQ(code({.mark = 0}), errc::invalid_option);
  EXPECT_EQ(code({.no_delay = true}), errc::invalid_option);
  EXPECT_EQ(code({.keep_alive = true}), errc::invalid_option);
  EXPECT_EQ(code({.user_timeout = 1s}), errc::invalid_option);
  EXPECT_EQ(code({.syn_count = 1}), errc::invalid_option);
  EXPECT_EQ(code({.multipath = true}), errc::invalid_option);
  EXPECT_EQ(net.log(), "") << "the descriptor was touched";
}

TEST_F(Borrowed, that_was_ended_after_the_handshake_is_not_told_as_connected_again) {
  auto const mine = lend();
  net.on_syn(to, {syn_ack(0ms)});
  auto const given_up = connect_borrowed(mine, 0ms, {.accept_late = false});
  ASSERT_EQ(given_up.error().aftermath, aftermath::peer_sees_close);
  for (int call = 0; call < 2; ++call) {
    auto const again = connect_borrowed(mine, 10ms);
    ASSERT_FALSE(again) << "told as connected, and every send() fails";
    EXPECT_EQ(again.error().code, std::error_code(ESHUTDOWN, tconn::native_category()));
    EXPECT_EQ(again.error().aftermath, aftermath::none);
  }
  simulated{&net}.disconnect(mine);
  EXPECT_TRUE(connect_borrowed(mine, 10ms)) << net.log();
}

TEST_F(Borrowed, on_its_way_or_connected_to_somebody_else_is_not_what_the_wildcard_asks_for) {
  auto const wildcard = at("0.0.0.0:80");
  for (bool const is_connected : {true, false}) {
    auto const mine = lend();
    simulated{&net}.bind(mine, at("192.0.2.9:0"));
    net.on_syn(to, is_connected ? std::vector{syn_ack(1ms)} : std::vector<tconn::testing::event>{});
    EXPECT_EQ(static_cast<bool>(connect_borrowed(mine, 2ms, {.on_timeout = on_timeout::keep})), is_connected);
    auto const result = tconn::timed_connect(mine, wildcard, 10ms, {}, simulated{&net});
    ASSERT_FALSE(result) << net.log();
    EXPECT_EQ(result.error().aftermath, aftermath::none);
    EXPECT_EQ(net.socket_at(mine).state, is_connected ? tconn::tcp_state::established : tconn::tcp_state::syn_sent);
  }
}

TEST_F(Borrowed, that_is_alive_is_not_told_as_ended_whatever_connect_calls_it) {
  auto const mine = lend();
  EXPECT_FALSE(connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::keep}));
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EISCONN, .call = "start_connect"};
  auto const result = tconn::timed_connect(mine, to, 10ms, {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(EISCONN, tconn::native_category())) << net.log();
  EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::syn_sent) << "it is untouched";
}

TEST_F(Borrowed, connected_to_its_own_address_is_what_the_wildcard_asks_for) {
  auto const mine = lend();
  auto const here = at("192.0.2.7:80");
  ASSERT_EQ(simulated{&net}.bind(mine, at("192.0.2.7:0")), 0);
  net.on_syn(here, {syn_ack(1ms)});
  ASSERT_TRUE(tconn::timed_connect(mine, here, 10ms, {}, simulated{&net})) << net.log();
  EXPECT_TRUE(tconn::timed_connect(mine, at("0.0.0.0:80"), 10ms, {}, simulated{&net})) << net.log();
  EXPECT_FALSE(tconn::timed_connect(mine, at("0.0.0.0:81"), 10ms, {}, simulated{&net}));
}

TEST_F(Borrowed, whose_own_name_cannot_be_read_is_not_taken_for_what_the_wildcard_asks_for) {
  auto const mine = lend();
  auto const here = at("192.0.2.7:80");
  ASSERT_EQ(simulated{&net}.bind(mine, at("192.0.2.7:0")), 0);
  net.on_syn(here, {syn_ack(1ms)});
  ASSERT_TRUE(tconn::timed_connect(mine, here, 10ms, {}, simulated{&net})) << net.log();
  struct without_own_name : simulated {
    using simulated::simulated;
    int name(tconn::native_handle handle, tconn::name_of which, int family, tconn::endpoint& named) const {
      return which == tconn::name_of::local ? ENOBUFS : simulated::name(handle, which, family, named);
    }
  };
  auto const result = tconn::timed_connect(mine, at("0.0.0.0:80"), 10ms, {}, without_own_name{&net});
  ASSERT_FALSE(result) << net.log();
  EXPECT_EQ(result.error().code, std::errc::already_connected);
}

// A program of a cgroup's may lead a connect() elsewhere (cgroup/connect4, bpf(2)), and getpeername() tells where.
TEST_F(Borrowed, that_begins_now_is_connected_wherever_the_system_has_led_it) {
  struct redirected : simulated {
    using simulated::simulated;
    int name(tconn::native_handle handle, tconn::name_of which, int family, tconn::endpoint& named) const {
      int const answer = simulated::name(handle, which, family, named);
      if (answer == 0 && which == tconn::name_of::peer) named = at("192.0.2.99:99");
      return answer;
    }
  };
  auto const mine = lend();
  net.on_syn(to, {syn_ack(1ms)});
  auto const result = tconn::timed_connect(mine, to, 10ms, {}, redirected{&net});
  EXPECT_TRUE(result) << told(result) << net.log();
}

TEST_F(Borrowed, with_bad_luck_is_tried_8_times) {
  auto const mine = lend();
  net.answers_at_once(to, EADDRNOTAVAIL, 100);
  EXPECT_FALSE(connect_borrowed(mine, tconn::deadline::never()));
  EXPECT_EQ(count(net.log(), "start_connect"), 8);
}

TEST_F(Borrowed, that_the_peer_resets_around_the_decision_can_connect_again) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    auto const mine = lend();
    net.on_syn(to, {});
    net.on_syn(to, {syn_ack(1ms)});
    bool decided = false;
    net.before_call = [&](std::string_view call) {
      if (call == "shut_receive") net.deliver(mine, tconn::testing::happening::syn_ack);
      if (decided && call == "tcp") net.deliver(mine, tconn::testing::happening::rst);
      decided = call == "shut_receive";
    };
    auto const result = connect_borrowed(mine, 10ms, {.on_timeout = how});
    net.before_call = nullptr;
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::completed) << net.log();
    EXPECT_EQ(result.error().aftermath, aftermath::none);
    EXPECT_TRUE(connect_borrowed(mine, 10ms)) << net.log();
  }
}

// Linux queues a report of an ICMP error about an IPv4 SYN although nobody has asked for it, and poll() says POLLERR
// for as long as it is there.
TEST_F(Borrowed, that_an_ICMP_error_has_ended_comes_back_without_a_report_of_it) {
  auto const mine = lend(AF_INET, /*blocking*/ false);
  net.on_syn(to, {unreachable(1ms)});
  net.on_syn(to, {});
  EXPECT_EQ(connect_borrowed(mine, 10ms).error().code, std::errc::host_unreachable);
  simulated sys{&net};
  EXPECT_EQ(sys.start_connect(mine, to), tconn::native_error::in_progress);
  auto entry = tconn::detail::platform::writable(mine);
  EXPECT_EQ(sys.wait(&entry, 1, sys.now()), tconn::native_error::timed_out) << "poll() says ready\n" << net.log();
}

TEST_F(Borrowed, with_a_report_of_an_older_error_does_not_spin_until_the_deadline) {
  auto const mine = lend(AF_INET, /*blocking*/ false);
  net.on_syn(to, {unreachable(1ms)});
  net.on_syn(to, {});
  simulated sys{&net};
  sys.start_connect(mine, to);
  net.pass(5ms);
  sys.disconnect(mine);  // somebody else's attempt has failed, and its report is still there
  net.calls_take(1us);
  auto const result = connect_borrowed(mine, 10ms);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(count(net.log(), "wait"), 3) << "alarmed once, then until the deadline, then the last look\n" << net.log();
}

TEST_F(Borrowed, that_is_connected_to_somebody_else_stays_so_though_its_peer_cannot_be_read) {
  auto const anothers = at("192.0.2.7:80");
  net.on_syn(anothers, {syn_ack(0ms)});
  for (int const error : {ENOBUFS, ENOTCONN}) {
    auto const mine = lend(AF_INET, /*blocking*/ false);
    simulated{&net}.start_connect(mine, anothers);
    tconn::testing::fault_plan plan{.fail_at = 1, .error = error, .call = "peer_name"};
    auto const result = tconn::timed_connect(mine, to, 10ms, {}, tconn::testing::faulty{simulated{&net}, plan});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::errc::already_connected);
    EXPECT_EQ(result.error().aftermath, aftermath::none);
    EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::established) << net.log();
    EXPECT_EQ(count(net.wire(), "> FIN"), 0) << net.log();
  }
}

// What Linux is asked of a descriptor that is non-blocking already: nothing is set, and nothing set back.
TEST_F(Borrowed, takes_no_call_more_than_it_needs) {
  auto const mine = lend(AF_INET, /*blocking*/ false);
  net.on_syn(to, {});
  net.on_syn(to, {syn_ack(5ms)});
  EXPECT_FALSE(connect_borrowed(mine, 10ms));
  EXPECT_EQ(net.log(),
            "+0ms kind 3\n"
            "+0ms blocking 3\n"
            "+0ms target_name 3 = " +
                support::said(ENOTCONN) +
                "\n"
                "+0ms > SYN 192.0.2.1:80\n"
                "+0ms start_connect 3 192.0.2.1:80 = in progress\n"
                "+10ms wait 3 = timed out\n"
                "+10ms wait 3 = timed out\n"
                "+10ms tcp 3\n"
                "+10ms shut_receive 3\n"
                "+10ms tcp 3\n"
                "+10ms target_name 3 = " +
                support::said(ENOTCONN) +
                "\n"
                "+10ms connect_error 3\n");
  EXPECT_TRUE(connect_borrowed(mine, 10ms));
  EXPECT_EQ(count(net.log(), "set_"), 0) << net.log();
}

TEST_F(Borrowed, that_fails_before_the_connect_tells_which_error_and_keeps_its_mode) {
  for (char const* const call : {"kind", "blocking", "set_nonblocking"}) {
    for (bool const has_hook : {true, false}) {
      auto const mine = lend();
      tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = call};
      tconn::connect_options options;
      if (has_hook) options.before_connect = [](auto, auto const&) { return std::error_code{}; };
      auto const result = tconn::timed_connect(mine, to, 10ms, options, tconn::testing::faulty{simulated{&net}, plan});
      ASSERT_FALSE(result) << call;
      EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category())) << call;
      EXPECT_EQ(result.error().handshake, handshake::not_started) << call;
      EXPECT_TRUE(net.is_blocking(mine)) << call;
    }
  }
  EXPECT_EQ(count(net.log(), "start_connect"), 0) << net.log();
}

TEST_F(Borrowed, whose_mode_cannot_be_given_back_is_told_as_connected_and_kept) {
  auto const mine = lend();
  net.on_syn(to, {syn_ack(5ms)});
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "set_blocking"};
  auto const result = tconn::timed_connect(mine, to, 10ms, {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category()));
  EXPECT_EQ(result.error().handshake, handshake::completed);
  EXPECT_EQ(result.error().aftermath, aftermath::kept);
}

TEST_F(Borrowed, that_has_started_nothing_is_untouched) {
  auto const mine = lend();
  net.answers_at_once(to, ENETUNREACH);
  EXPECT_EQ(connect_borrowed(mine, 10ms).error().handshake, handshake::not_started);
  EXPECT_EQ(count(net.log(), "disconnect") + count(net.log(), "connect_error"), 0) << net.log();
}

// An error that comes at that very moment is for the call that resumes it.
TEST_F(Borrowed, that_is_kept_keeps_its_error_too) {
  auto const mine = lend();
  EXPECT_EQ(connect_borrowed(mine, 10ms, {.on_timeout = on_timeout::keep}).error().aftermath, aftermath::kept);
  EXPECT_EQ(count(net.log(), "connect_error"), 0) << net.log();
}

}  // namespace
