// SPDX-License-Identifier: MIT
// timed_connect_all() in the simulated world: every endpoint has its one outcome, in the order given, whatever becomes of
// the others, and whatever has run out meanwhile.
#include "support/simulation.hpp"

#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::batch_event;
using tconn::batch_options;
using tconn::cancellation;
using tconn::deadline;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;

endpoint nth(std::size_t i) {
  return at(("192.0.2." + std::to_string(i % 250) + ':' + std::to_string(1000 + i)).c_str());
}

class All : public Scenario {
 protected:
  auto connect_all(std::vector<endpoint> const& all, deadline limit, batch_options const& options = {}) {
    return tconn::timed_connect_all(all, limit, options, simulated{&net});
  }
  std::vector<endpoint> const two{at("192.0.2.1:80"), at("[2001:db8::1]:80")};
};

TEST_F(All, gives_no_results_for_no_endpoints) { EXPECT_TRUE(connect_all({}, 1s).empty()); }

TEST_F(All, gives_each_its_own_outcome_in_the_order_given) {
  std::vector<endpoint> const all{at("192.0.2.1:1"), at("192.0.2.1:2"), at("192.0.2.1:3"), at("[2001:db8::1]:4"),
                                  at("unix:/run/none")};
  net.on_syn(all[0], {syn_ack(30ms)});
  net.on_syn(all[1], {rst(10ms)});
  net.on_syn(all[3], {unreachable(20ms)});
  auto const results = connect_all(all, 100ms);
  ASSERT_EQ(results.size(), all.size());
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().code, std::errc::connection_refused);
  EXPECT_EQ(results[1].error().elapsed, 10ms);
  EXPECT_EQ(results[2].error().code, errc::deadline_exceeded);
  EXPECT_EQ(results[2].error().elapsed, 100ms);
  EXPECT_EQ(results[2].error().handshake, handshake::in_flight);
  EXPECT_EQ(results[2].error().aftermath, aftermath::nothing_sent);
  EXPECT_EQ(results[3].error().code, std::errc::host_unreachable);
  EXPECT_EQ(results[4].error().code, std::errc::connection_refused);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(results[i].error().where, all[i]);
  EXPECT_EQ(net.elapsed(), 100ms);
}

TEST_F(All, begins_all_at_once_and_ends_with_the_last_answer) {
  for (auto const& one : two) net.on_syn(one, {syn_ack(40ms)});
  auto const results = connect_all(two, 1s);
  EXPECT_TRUE(results[0] && results[1]);
  EXPECT_EQ(net.elapsed(), 40ms);
}

TEST_F(All, connects_to_an_endpoint_as_often_as_it_is_given) {
  net.on_syn(to, {syn_ack(1ms)});
  auto const results = connect_all({to, to, to}, 1s);
  EXPECT_EQ(net.open_sockets(), 3U);
  for (auto const& one : results) EXPECT_TRUE(one);
}

TEST_F(All, keeps_what_is_in_flight_if_it_is_told_to) {
  net.on_syn(to, {syn_ack(150ms)});
  auto results = connect_all({to}, 100ms, {.each = {.on_timeout = on_timeout::keep}});
  ASSERT_TRUE(results[0].error().pending);
  EXPECT_EQ(results[0].error().aftermath, aftermath::kept);
  EXPECT_TRUE(results[0].error().pending->wait(1s));
  EXPECT_EQ(net.elapsed(), 150ms);
}

TEST_F(All, resets_what_has_answered_too_late_if_it_is_told_to) {
  net.on_syn(to, {syn_ack(100ms)});
  net.calls_take(1us);
  auto const results =
      connect_all({to}, 100ms - 1us, {.each = {.on_timeout = on_timeout::reset, .accept_late = false}});
  EXPECT_EQ(results[0].error().code, errc::deadline_exceeded);
  EXPECT_EQ(results[0].error().aftermath, aftermath::peer_sees_reset) << net.log();
}

TEST_F(All, tries_every_endpoint_once_after_a_deadline_that_has_passed) {
  std::vector<endpoint> all(200, to);
  net.answers_at_once(to, 0, 100);
  auto const results = connect_all(all, 0ms, {.max_in_flight = 3, .pace = 1});
  EXPECT_EQ(net.elapsed(), 0ms);
  EXPECT_EQ(count(net.wire(), "SYN"), 100) << "the others answer at once";
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(results[i].has_value(), i < 100) << i;
  EXPECT_EQ(results[150].error().handshake, handshake::in_flight);
}

TEST_F(All, after_its_deadline_waits_for_no_port_that_its_own_results_hold) {
  net.ports_per_peer(1);
  net.calls_take(200us);
  std::vector<endpoint> all;
  for (std::size_t i = 0; i < 80; ++i) all.push_back(nth(i % 40));
  for (std::size_t i = 0; i < 40; ++i) net.on_syn(nth(i), {syn_ack(0ms)});
  std::size_t opened = 0;
  net.before_call = [&](std::string_view call) {
    if (call == "open") ++opened;
    if (opened > 1000) throw std::runtime_error("it goes on for ever");
  };
  auto const results = connect_all(all, 0ms);
  EXPECT_LE(opened, all.size()) << "each once";
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(results[i].has_value(), i < 40) << i;
    if (results[i]) continue;
    EXPECT_EQ(results[i].error().handshake, handshake::not_started) << told(results[i]);
  }
}

TEST_F(All, tells_as_late_what_has_come_after_the_deadline_behind_many_that_were_in_time) {
  constexpr std::size_t in_time = 64;
  std::vector<endpoint> all;
  for (std::size_t i = 0; i < 200; ++i) all.push_back(nth(i));
  net.at(99900us, [&] {
    for (std::size_t i = 0; i < in_time; ++i)
      net.deliver(3 + static_cast<tconn::native_handle>(i), tconn::testing::happening::syn_ack);
  });
  net.at(101ms, [&] {
    for (std::size_t i = in_time; i < all.size(); ++i)
      net.deliver(3 + static_cast<tconn::native_handle>(i), tconn::testing::happening::syn_ack);
  });
  net.calls_take(5us);
  auto const results = connect_all(all, 100ms, {.each = {.accept_late = false}});
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(results[i].has_value(), i < in_time) << i;
  EXPECT_EQ(results.back().error().code, errc::deadline_exceeded);
  EXPECT_EQ(results.back().error().handshake, handshake::completed);
}

TEST_F(All, has_no_more_in_flight_than_it_may) {
  std::size_t most = 0;
  for (std::size_t i = 0; i < 10; ++i) net.on_syn(nth(i), {rst(10ms)});
  net.before_call = [&](auto) { most = (std::max)(most, net.open_sockets()); };
  std::vector<endpoint> all;
  for (std::size_t i = 0; i < 10; ++i) all.push_back(nth(i));
  auto const results = connect_all(all, 1s, {.max_in_flight = 3});
  EXPECT_EQ(most, 3U);
  EXPECT_EQ(net.elapsed(), 40ms) << "3, 3, 3 and 1, 10 ms each";
  for (auto const& one : results) EXPECT_EQ(one.error().code, std::errc::connection_refused);
}

TEST_F(All, has_no_more_in_flight_than_it_may_though_one_waits_for_a_port) {
  std::size_t most = 0;
  net.ports_per_peer(1);
  net.before_call = [&](auto) { most = (std::max)(most, net.open_sockets()); };
  connect_all({to, to, two[1], nth(1)}, 100ms, {.max_in_flight = 2});
  EXPECT_EQ(most, 2U);
}

TEST_F(All, tells_what_has_never_begun_when_the_deadline_comes) {
  auto const results = connect_all(two, 100ms, {.max_in_flight = 1});
  EXPECT_EQ(results[0].error().handshake, handshake::in_flight);
  EXPECT_EQ(results[1].error().code, errc::deadline_exceeded);
  EXPECT_EQ(results[1].error().handshake, handshake::not_started);
  EXPECT_EQ(results[1].error().aftermath, aftermath::none);
  EXPECT_EQ(results[1].error().elapsed, 100ms);
  EXPECT_EQ(net.wire(), "+0ms > SYN 192.0.2.1:80\n");
}

TEST_F(All, begins_so_many_a_second) {
  connect_all({to, to, to, to}, 1s, {.pace = 10});
  EXPECT_EQ(
      net.wire().substr(0, 102),
      "+0ms > SYN 192.0.2.1:80\n+100ms > SYN 192.0.2.1:80\n+200ms > SYN 192.0.2.1:80\n+300ms > SYN 192.0.2.1:80\n");
}

TEST_F(All, does_not_make_up_for_more_than_10_ms_worth_of_attempts) {
  bool is_first = true;
  auto dawdle = [&](batch_event&) {
    if (std::exchange(is_first, false)) net.pass(500ms);
  };
  std::vector<endpoint> all(60, to);
  net.on_syn(to, {rst(0ms)});
  connect_all(all, 580ms, {.pace = 1000, .on_result = dawdle});
  // One before the hook's 500 ms; then 11 at once, and one a millisecond.
  EXPECT_EQ(count(net.wire(), "+0ms > SYN"), 1);
  EXPECT_EQ(count(net.wire(), "+500ms > SYN"), 11) << net.wire();
  EXPECT_EQ(count(net.wire(), "+501ms > SYN"), 1);
}

TEST_F(All, waits_for_a_descriptor_to_become_free) {
  net.descriptor_limit(2);
  for (std::size_t i = 0; i < 6; ++i) net.on_syn(nth(i), {rst(50ms)});
  auto const results = connect_all({nth(0), nth(1), nth(2), nth(3), nth(4), nth(5)}, 1s);
  for (auto const& one : results) EXPECT_EQ(one.error().code, std::errc::connection_refused);
  EXPECT_EQ(net.elapsed(), 150ms);
}

TEST_F(All, looks_for_a_descriptor_that_somebody_else_has_freed) {
  net.descriptor_limit(2);
  auto const theirs = lend();
  lent_ = 0;
  net.at(35ms, [&] { simulated{&net}.close(theirs); });
  auto const results = connect_all({nth(0), nth(1)}, 1s);
  EXPECT_EQ(net.wire().substr(0, 60), "+0ms > SYN 192.0.2.0:1000\n+40ms > SYN 192.0.2.1:1001\n+1000ms") << net.wire();
}

TEST_F(All, tells_of_descriptors_that_never_became_free_as_of_the_deadline) {
  net.descriptor_limit(1);
  auto const results = connect_all(two, 100ms);
  EXPECT_EQ(results[1].error().code, errc::deadline_exceeded);
  EXPECT_EQ(results[1].error().handshake, handshake::not_started);
  EXPECT_EQ(results[1].error().elapsed, 100ms);
}

TEST_F(All, does_not_wait_for_ever_for_a_descriptor_that_its_own_results_hold) {
  net.descriptor_limit(1);
  for (auto const& one : two) net.on_syn(one, {syn_ack(5ms)});
  auto const results = connect_all(two, deadline::never());
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().code, std::errc::too_many_files_open);
  EXPECT_LE(net.elapsed(), 15ms);
}

TEST_F(All, has_room_again_when_the_hook_has_taken_a_socket_over) {
  net.descriptor_limit(1);
  for (auto const& one : two) net.on_syn(one, {syn_ack(5ms)});
  auto take = [&](batch_event& event) { simulated{&net}.close(event.release()); };
  auto const results = connect_all(two, 1s, {.on_result = take});
  ASSERT_TRUE(results[0] && results[1]);
  EXPECT_FALSE(*results[0] || *results[1]) << "they hold no descriptor";
  EXPECT_EQ(net.elapsed(), 10ms) << "the second one begins as soon as the first one is taken";
}

TEST_F(All, waits_for_a_port_to_become_free_and_lets_others_begin_meanwhile) {
  net.ports_per_peer(2);
  net.on_syn(to, {rst(50ms)});
  net.on_syn(two[1], {syn_ack(20ms)});
  auto const results = connect_all({to, to, to, to, two[1]}, 1s);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(results[i].error().code, std::errc::connection_refused);
  EXPECT_TRUE(results[4]);
  EXPECT_EQ(count(net.wire(), "+0ms > SYN"), 3);
  EXPECT_EQ(count(net.wire(), "+50ms > SYN"), 2);
  EXPECT_EQ(net.elapsed(), 100ms);
}

TEST_F(All, waits_for_a_port_too_where_connect_calls_the_lack_EAGAIN) {
  net.on_syn(to, {syn_ack(1ms)});
  tconn::testing::fault_plan plan{.fail_at = 3, .error = EAGAIN, .call = "start_connect"};  // the second one's first
  auto const results = tconn::timed_connect_all({to, to}, 1s, {}, tconn::testing::faulty(simulated{&net}, plan));
  EXPECT_TRUE(results[0] && results[1]);
  EXPECT_EQ(net.elapsed(), 11ms);
}

TEST_F(All, waits_for_no_port_after_any_other_error_of_connect) {
  tconn::testing::fault_plan plan{.fail_at = 3, .error = ENETUNREACH, .call = "start_connect"};
  auto const results = tconn::timed_connect_all({to, to}, 50ms, {}, tconn::testing::faulty(simulated{&net}, plan));
  EXPECT_EQ(results[1].error().code, std::errc::network_unreachable);
  EXPECT_EQ(results[1].error().elapsed, 0ms);
}

TEST_F(All, takes_bad_luck_with_a_port_for_a_matter_of_another_socket_until_ports_have_run_out) {
  net.on_syn(to, {syn_ack(5ms)});
  tconn::testing::fault_plan plan{.fail_at = 3, .error = EADDRNOTAVAIL, .call = "start_connect"};
  auto const results = tconn::timed_connect_all({to, to}, 1s, {}, tconn::testing::faulty(simulated{&net}, plan));
  EXPECT_TRUE(results[0] && results[1]);
  EXPECT_EQ(net.elapsed(), 5ms);
}

TEST_F(All, tries_another_socket_after_bad_luck_at_a_peer_though_the_ports_of_another_have_run_out) {
  net.ports_per_peer(1);
  net.answers_at_once(two[1], EADDRNOTAVAIL);
  net.on_syn(two[1], {syn_ack(5ms)});
  auto const results = connect_all({to, to, two[1]}, 20ms);
  EXPECT_TRUE(results[2]) << told(results[2]);
}

TEST_F(All, counts_an_attempt_that_never_came_to_anything_for_none_that_has_used_up_a_port) {
  net.answers_at_once(to, 0);
  net.answers_at_once(to, EADDRNOTAVAIL, 100);
  tconn::testing::fault_plan plan{.fail_at = 1, .error = ENOTCONN, .call = "peer_name"};
  auto const results = tconn::timed_connect_all({to, to}, 50ms, {}, tconn::testing::faulty(simulated{&net}, plan));
  EXPECT_FALSE(results[0]) << "connect() answered 0, and there is no peer";
  EXPECT_EQ(results[1].error().code, std::errc::address_not_available);
  EXPECT_EQ(results[1].error().elapsed, 0ms);
}

TEST_F(All, does_not_wait_for_ever_for_a_port_that_its_own_results_hold) {
  cancellation cancel;
  net.at(1s, [&] { cancel.request(); });
  net.ports_per_peer(1);
  net.on_syn(to, {syn_ack(5ms)});
  auto const results = connect_all({to, to}, deadline::never(), {.each = {.cancel = &cancel}});
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().code, std::errc::address_not_available);
  EXPECT_LE(net.elapsed(), 15ms);
}

TEST_F(All, wakes_those_that_wait_for_a_port_of_the_peer_that_has_one_again_and_no_others) {
  net.ports_per_peer(1);
  net.on_syn(to, {rst(3ms)});
  auto const results = connect_all({to, to, two[1], two[1]}, 9ms);
  EXPECT_EQ(results[1].error().elapsed, 6ms) << net.log();
  EXPECT_EQ(count(net.log(), "+3ms open"), 1);
}

TEST_F(All, lets_one_that_waits_for_a_port_begin_before_all_others_have_begun) {
  net.ports_per_peer(1);
  net.on_syn(to, {rst(150ms)});
  connect_all({to, to, two[1], nth(1), nth(2)}, 1s, {.pace = 10});
  EXPECT_EQ(count(net.wire(), "+200ms > SYN 192.0.2.1:80"), 1) << net.wire();
}

TEST_F(All, lets_nobody_overtake_those_that_wait_for_a_port_to_the_same_peer) {
  net.ports_per_peer(1);
  net.on_syn(to, {rst(25ms)});
  net.on_syn(to, {syn_ack(1ms)});
  auto const results = connect_all({to, to, to, to}, 1s, {.pace = 100});
  EXPECT_TRUE(results[1]) << net.log();
  for (std::size_t const later : {2U, 3U}) EXPECT_FALSE(results[later]) << later;
}

TEST_F(All, that_waits_for_a_descriptor_comes_before_those_that_wait_for_a_port) {
  net.descriptor_limit(2);
  net.ports_per_peer(1);
  net.on_syn(to, {rst(7ms)});
  connect_all({to, to, nth(1), nth(2)}, 9ms);
  EXPECT_EQ(count(net.wire(), "+7ms > SYN 192.0.2.2:1002"), 1) << net.log();
}

TEST_F(All, that_waits_for_a_descriptor_is_tried_once_in_10_ms_though_another_waits_for_a_port) {
  net.descriptor_limit(2);
  net.ports_per_peer(1);
  connect_all({to, to, nth(1), nth(2)}, 35ms);
  EXPECT_EQ(count(net.log(), "open = "), 4) << net.log();
}

TEST_F(All, tells_at_once_of_an_address_that_cannot_be_had_at_all) {
  net.answers_at_once(two[1], EADDRNOTAVAIL, 100);
  net.on_syn(to, {syn_ack(70ms)});
  auto const results = connect_all({two[1], to}, 1s);
  EXPECT_EQ(results[0].error().code, std::errc::address_not_available);
  EXPECT_EQ(results[0].error().elapsed, 0ms);
  EXPECT_TRUE(results[1]);
}

TEST_F(All, takes_no_lack_of_an_address_for_a_lack_of_ports_however_often_it_was_given) {
  net.answers_at_once(two[1], EADDRNOTAVAIL, 100);
  net.on_syn(to, {syn_ack(70ms)});
  auto const results = connect_all({two[1], two[1], to}, 1s);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(results[i].error().code, std::errc::address_not_available);
    EXPECT_EQ(results[i].error().elapsed, 0ms);
  }
  EXPECT_TRUE(results[2]);
  EXPECT_EQ(net.elapsed(), 70ms);
}

TEST_F(All, lets_those_that_wait_for_ports_and_those_that_have_not_begun_take_turns) {
  net.ports_per_peer(1);
  net.calls_take(1ms);
  std::vector<endpoint> all;
  for (std::size_t peer = 0; peer < 20; ++peer) all.insert(all.end(), 2, nth(peer));
  all.insert(all.end(), 20, to);
  net.on_syn(to, {rst(0ms)});
  auto const results = connect_all(all, 5s);
  EXPECT_EQ(results.back().error().code, std::errc::connection_refused) << "though 20 lines are due all the time";
}

TEST_F(All, goes_out_from_the_pools_addresses_in_turn_and_from_another_when_one_has_no_port_left) {
  net.ports_per_peer(2);
  net.on_syn(to, {syn_ack(10ms)});
  std::vector<endpoint> const pool{at("198.51.100.1:0"), at("[2001:db8::5]:0"), at("198.51.100.2:0")};
  auto const results = connect_all({to, to, to, to, two[1]}, 1s, {.local_addresses = pool});
  std::string from;
  for (int i = 0; i < 4; ++i)
    from += net.socket_at(results[static_cast<std::size_t>(i)]->native_handle()).from.to_string() + ' ';
  EXPECT_EQ(from, "198.51.100.1:0 198.51.100.2:0 198.51.100.1:0 198.51.100.2:0 ");
}

TEST_F(All, goes_out_at_once_from_another_of_the_pools_addresses_when_one_has_no_port_left) {
  net.ports_per_peer(1);
  net.on_syn(to, {syn_ack(10ms)});
  std::vector<endpoint> const pool{at("198.51.100.1:0"), at("198.51.100.2:0")};
  auto const results = connect_all({to, nth(1), to}, 50ms, {.local_addresses = pool});
  ASSERT_TRUE(results[2]);
  EXPECT_EQ(net.socket_at(results[2]->native_handle()).from, pool[1]) << "it was the first one's turn";
  EXPECT_EQ(count(net.wire(), "+0ms > SYN 192.0.2.1:80"), 2);
}

/// A system that loses one of its own addresses after the first attempt from there.
struct losing_an_address : simulated {
  using owner = simulated;
  losing_an_address(world* net, endpoint const& lost, bool& is_lost)
      : simulated(net), lost_(lost), is_lost_(&is_lost) {}
  int bind(tconn::native_handle handle, endpoint const& local) const {
    bool const fails = local == lost_ && std::exchange(*is_lost_, true);
    return fails ? EADDRNOTAVAIL : simulated::bind(handle, local);
  }
  endpoint lost_;
  bool* is_lost_;
};

TEST_F(All, waits_for_a_port_of_one_of_the_pools_addresses_though_another_is_no_longer_there) {
  net.ports_per_peer(1);
  net.on_syn(to, {rst(50ms)});
  std::vector<endpoint> const pool{at("198.51.100.1:0"), at("198.51.100.2:0")};
  bool is_lost = false;
  auto const results = tconn::timed_connect_all({to, nth(1), to}, 200ms, {.local_addresses = pool},
                                                losing_an_address(&net, pool[1], is_lost));
  EXPECT_EQ(results[2].error().code, std::errc::connection_refused);
  EXPECT_EQ(results[2].error().elapsed, 100ms);
}

TEST_F(All, tries_no_more_often_for_a_pool_that_has_nothing_of_the_family) {
  net.ports_per_peer(1);
  std::vector<endpoint> const pool{at("[2001:db8::5]:0"), at("[2001:db8::6]:0")};
  connect_all({to, to}, 5ms, {.local_addresses = pool});
  EXPECT_EQ(count(net.log(), "open "), 1 + 8) << "as often as without a pool\n" << net.log();
}

TEST_F(All, takes_no_other_of_the_pools_addresses_while_an_attempt_is_in_flight) {
  std::vector<endpoint> const pool{at("198.51.100.1:0"), at("198.51.100.2:0")};
  net.on_syn(to, {syn_ack(0ms)});
  tconn::testing::fault_plan plan{.fail_at = 2, .error = EADDRNOTAVAIL, .call = "start_connect"};
  auto const results =
      tconn::timed_connect_all({to}, 1s, {.local_addresses = pool}, tconn::testing::faulty(simulated{&net}, plan));
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().aftermath, aftermath::peer_sees_close);
  EXPECT_EQ(count(net.log(), "open "), 1) << net.log();
}

TEST_F(All, leaves_the_choice_to_the_system_where_the_pool_has_nothing_of_the_family) {
  std::vector<endpoint> const pool{at("[2001:db8::5]:0")};
  net.on_syn(to, {syn_ack(10ms)});
  auto const results = connect_all({to}, 1s, {.local_addresses = pool});
  ASSERT_TRUE(results[0]);
  EXPECT_FALSE(net.socket_at(results[0]->native_handle()).from.valid());
}

TEST_F(All, refuses_pools_that_make_no_sense) {
  std::vector<endpoint> const with_port{at("198.51.100.1:5")};
  std::vector<endpoint> const path{at("unix:/a")};
  std::vector<endpoint> const nothing{endpoint()};
  std::vector<endpoint> const good{at("198.51.100.1:0")};
  for (auto const& options : {batch_options{.local_addresses = with_port}, batch_options{.local_addresses = path},
                              batch_options{.local_addresses = nothing},
                              batch_options{.each = {.local = good[0]}, .local_addresses = good}}) {
    auto const results = connect_all(two, 1s, options);
    ASSERT_EQ(results.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(results[i].error().code, errc::invalid_option);
      EXPECT_EQ(results[i].error().where, two[i]);
    }
  }
  EXPECT_EQ(net.log(), "");
}

TEST_F(All, tells_each_bad_endpoint_and_goes_on_with_the_good_ones) {
  net.on_syn(to, {syn_ack(10ms)});
  auto const results = connect_all({endpoint{}, to}, 1s);
  EXPECT_EQ(results[0].error().code, errc::invalid_endpoint);
  EXPECT_TRUE(results[1]);
}

TEST_F(All, lets_a_hook_veto_single_endpoints) {
  auto veto = [&](tconn::native_handle, endpoint const& one) {
    return one == to ? std::make_error_code(std::errc::io_error) : std::error_code{};
  };
  net.on_syn(two[1], {syn_ack(10ms)});
  auto const results = connect_all(two, 1s, {.each = {.before_connect = veto}});
  EXPECT_EQ(results[0].error().code, errc::refused_by_hook);
  EXPECT_TRUE(results[1]);
}

TEST_F(All, waits_for_unix_backlogs_beside_the_rest) {
  auto const full = at("unix:/run/full");
  net.backlog_full_until(full, 7ms);
  net.on_syn(to, {syn_ack(20ms)});
  std::string times;
  auto note = [&](batch_event& event) {
    times += std::to_string(event.index) + '@' + std::to_string(net.elapsed() / 100us) + ' ';
  };
  auto const results = connect_all({to, full}, 1s, {.on_result = note});
  EXPECT_TRUE(results[0] && results[1]);
  EXPECT_EQ(times, "1@71 0@200 ") << "7.1 ms: the first try after 7 ms that is 2 ms apart at most";
}

TEST_F(All, takes_a_full_backlog_for_no_lack_of_ports_though_the_path_was_reached_before) {
  auto const full = at("unix:/run/full");
  net.answers_at_once(full, 0);
  net.backlog_full_until(full, 7ms);
  auto const results = connect_all({full, full}, 1s);
  EXPECT_TRUE(results[0] && results[1]);
  EXPECT_EQ(net.elapsed(), 7100us) << "tries are 2 ms apart at most";
}

TEST_F(All, cancelled_at_the_moment_at_which_a_full_backlog_is_to_be_tried_again_tries_no_more) {
  auto const full = at("unix:/run/full");
  net.backlog_full_until(full, 30ms);
  cancellation cancel;
  net.at(31100us, [&] { cancel.request(); });
  auto const results = connect_all({full}, 1s, {.each = {.cancel = &cancel}});
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().code, errc::cancelled);
  EXPECT_EQ(net.elapsed(), 31100us);
}

TEST_F(All, tells_at_the_deadline_of_a_backlog_that_stays_full) {
  auto const full = at("unix:/run/full");
  net.backlog_full_until(full, 1h);
  auto const results = connect_all({full, full}, 50ms);
  for (auto const& one : results) {
    EXPECT_EQ(one.error().code, errc::deadline_exceeded);
    EXPECT_EQ(one.error().handshake, handshake::not_started);
    EXPECT_EQ(one.error().elapsed, 50ms);
  }
}

TEST_F(All, calls_the_hook_with_every_outcome_soon_after_it_is_known) {
  net.on_syn(two[0], {syn_ack(30ms)});
  net.on_syn(two[1], {rst(10ms)});
  std::string told;
  auto note = [&](batch_event& event) {
    EXPECT_EQ(event.connected != tconn::no_handle, !event.code);
    EXPECT_EQ(event.where, two[event.index % 2]);
    EXPECT_EQ(event.elapsed, net.elapsed());
    EXPECT_EQ(event.failure != nullptr, !!event.code);
    EXPECT_TRUE(event.failure == nullptr || event.failure->handshake == handshake::failed);
    told += std::to_string(event.index) + '@' + std::to_string(net.elapsed() / 1ms) + ' ' + std::to_string(event.told) +
            '/' + std::to_string(event.total) + (event.code ? " failed, " : " connected, ");
  };
  auto const results = connect_all({two[0], two[1], two[0]}, 1s, {.on_result = note});
  EXPECT_EQ(told, "1@10 1/3 failed, 0@30 2/3 connected, 2@30 3/3 connected, ");
  EXPECT_TRUE(results[0] && *results[0]) << "still the result's";
}

TEST_F(All, decides_all_at_the_deadline_before_it_tells_and_closes_none_before_all_are_told) {
  auto mark = [&](batch_event&) {
    // Nothing is closed yet, and everything has been decided.
    EXPECT_EQ(net.open_sockets(), 3U);
    EXPECT_EQ(count(net.log(), "shut"), 3) << net.log();
  };
  auto const results = connect_all({to, to, to}, 100ms, {.on_result = mark});
  EXPECT_EQ(net.elapsed(), 100ms);
}

TEST_F(All, decides_at_the_deadline_beside_a_full_backlog_all_others_too_before_it_tells) {
  auto const full = at("unix:/run/full");
  net.backlog_full_until(full, 1h);
  auto mark = [&](batch_event&) { EXPECT_EQ(count(net.log(), "shut"), 1) << net.log(); };
  connect_all({full, to}, 100ms, {.on_result = mark});
}

TEST_F(All, tells_its_hook_when_an_attempt_has_failed_and_not_how_late_that_is_told) {
  for (auto const& one : two) net.on_syn(one, {rst(10ms)});
  auto dawdle = [&](batch_event& event) {
    EXPECT_EQ(event.elapsed, 10ms);
    net.pass(100ms);
  };
  connect_all(two, 1s, {.on_result = dawdle});
}

TEST_F(All, leaks_nothing_when_the_hook_throws) {
  struct thrown : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  net.on_syn(two[0], {syn_ack(0ms)});
  for (int when = 1; when <= 3; ++when) {
    int calls = 0;
    auto throwing = [&](batch_event&) {
      if (++calls == when) throw thrown("enough");
    };
    EXPECT_THROW(connect_all({two[0], two[1], two[1]}, 50ms, {.on_result = throwing}), thrown);
    EXPECT_EQ(net.open_sockets(), 0U) << when;
  }
}

TEST_F(All, ends_at_once_when_it_is_cancelled) {
  cancellation cancel;
  net.at(30ms, [&] { cancel.request(); });
  net.on_syn(two[0], {syn_ack(10ms)});
  auto const results = connect_all({two[0], two[1], to}, 1s, {.each = {.cancel = &cancel}, .max_in_flight = 2});
  EXPECT_TRUE(results[0]) << "it was connected before";
  EXPECT_EQ(results[1].error().code, errc::cancelled);
  EXPECT_EQ(results[1].error().aftermath, aftermath::nothing_sent);
  EXPECT_TRUE(results[2]);
  EXPECT_EQ(net.elapsed(), 30ms);
}

TEST_F(All, tells_what_has_not_begun_when_it_is_cancelled) {
  cancellation cancel;
  net.at(30ms, [&] { cancel.request(); });
  auto const results = connect_all(two, 1s, {.each = {.cancel = &cancel}, .max_in_flight = 1});
  EXPECT_EQ(results[0].error().handshake, handshake::in_flight);
  EXPECT_EQ(results[1].error().code, errc::cancelled);
  EXPECT_EQ(results[1].error().handshake, handshake::not_started);
}

TEST_F(All, may_be_cancelled_by_its_own_hook_before_the_rest_has_begun) {
  cancellation cancel;
  net.on_syn(to, {rst(10ms)});
  auto stop = [&](batch_event&) { cancel.request(); };
  std::vector<endpoint> const all(10, to);
  auto const results = connect_all(all, 1s, {.each = {.cancel = &cancel}, .max_in_flight = 2, .on_result = stop});
  EXPECT_EQ(count(net.wire(), "> SYN"), 2);
  EXPECT_EQ(results[9].error().code, errc::cancelled);
}

TEST_F(All, is_not_disturbed_by_signals) {
  net.signals_every(1ms);
  for (auto const& one : two) net.on_syn(one, {syn_ack(40ms)});
  auto const results = connect_all(two, 1s);
  EXPECT_TRUE(results[0] && results[1]);
  EXPECT_EQ(net.elapsed(), 40ms);
}

TEST_F(All, looks_at_what_was_freed_the_moment_it_is_freed) {
  net.descriptor_limit(1);
  net.ports_per_peer(1);
  net.on_syn(to, {rst(53ms)});
  net.on_syn(two[1], {rst(53ms)});
  auto const results = connect_all({to, two[1]}, 1s);
  EXPECT_EQ(results[1].error().elapsed, 106ms);
  net.descriptor_limit(0);
  auto const began = net.elapsed();
  EXPECT_EQ(connect_all({to, to, to}, 1s)[2].error().elapsed, 159ms) << net.wire();
  EXPECT_EQ(net.elapsed() - began, 159ms);
}

TEST_F(All, without_a_deadline_waits_for_a_place_while_something_is_in_flight) {
  net.descriptor_limit(1);
  net.on_syn(to, {rst(20ms)});
  net.on_syn(two[1], {syn_ack(5ms)});
  auto const results = connect_all({to, two[1]}, deadline::never());
  EXPECT_EQ(results[0].error().code, std::errc::connection_refused);
  EXPECT_TRUE(results[1]);
  EXPECT_EQ(net.elapsed(), 25ms);
}

TEST_F(All, lets_no_peer_wait_for_the_ports_of_another) {
  net.ports_per_peer(2);
  net.on_syn(two[1], {rst(50ms)});
  std::vector<endpoint> all(100, to);
  all.insert(all.end(), 3, two[1]);
  auto const results = connect_all(all, 1s);
  EXPECT_EQ(results[102].error().code, std::errc::connection_refused);
  EXPECT_EQ(results[102].error().elapsed, 100ms);
  EXPECT_EQ(results[99].error().handshake, handshake::not_started);
}

TEST_F(All, tries_a_peer_without_ports_once_in_10_ms_and_the_endpoints_behind_it_not_at_all) {
  net.ports_per_peer(1);
  connect_all(std::vector<endpoint>(200, to), 100ms);
  // 8 tries at the first lack, which may be bad luck; then one in 10 ms.
  EXPECT_LE(count(net.log(), "open "), 1 + 8 + 10) << net.log();
}

TEST_F(All, goes_round_the_pool_for_each_family_by_itself) {
  std::vector<endpoint> const pool{at("198.51.100.1:0"), at("198.51.100.2:0"), at("[2001:db8::5]:0")};
  net.on_syn(to, {syn_ack(1ms)});
  net.on_syn(two[1], {syn_ack(1ms)});
  auto const results = connect_all({to, two[1], to, two[1]}, 1s, {.local_addresses = pool});
  EXPECT_EQ(net.socket_at(results[0]->native_handle()).from, pool[0]);
  EXPECT_EQ(net.socket_at(results[2]->native_handle()).from, pool[1]);
  for (std::size_t const i : {1U, 3U}) EXPECT_EQ(net.socket_at(results[i]->native_handle()).from, pool[2]) << i;
}

TEST_F(All, takes_a_local_address_that_is_not_ours_for_an_error) {
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EADDRNOTAVAIL, .call = "bind"};
  std::vector<endpoint> const both{to, to};
  auto const results = tconn::timed_connect_all(both, 1s, {.each = {.local = at("198.51.100.1:0")}},
                                                tconn::testing::faulty(simulated{&net}, plan));
  EXPECT_EQ(results[0].error().code, std::errc::address_not_available);
  EXPECT_EQ(results[0].error().elapsed, 0ms);
}

TEST_F(All, takes_a_local_address_that_is_no_longer_ours_for_an_error) {
  tconn::testing::fault_plan plan{.fail_at = 2, .error = EADDRNOTAVAIL, .call = "bind"};
  std::vector<endpoint> const both{to, to};
  auto const results = tconn::timed_connect_all(both, 1s, {.each = {.local = at("198.51.100.1:0")}},
                                                tconn::testing::faulty(simulated{&net}, plan));
  EXPECT_EQ(results[1].error().code, std::errc::address_not_available);
  EXPECT_EQ(results[1].error().elapsed, 0ms);
}

TEST_F(All, takes_each_lack_that_socket_may_tell_for_a_matter_of_waiting) {
  for (int const error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    world other;
    other.on_syn(to, {syn_ack(1ms)});
    tconn::testing::fault_plan plan{.fail_at = 1, .error = error, .call = "open"};
    auto const results = tconn::timed_connect_all({to}, 1s, {}, tconn::testing::faulty(simulated{&other}, plan));
    EXPECT_TRUE(results[0]) << error;
    EXPECT_EQ(other.elapsed(), 11ms);
  }
}

TEST_F(All, looks_a_last_time_at_a_backlog_that_it_was_given_twice) {
  auto const full = at("unix:/run/full");
  net.backlog_full_until(full, 49ms);
  auto const results = connect_all({full, full}, 50ms);
  EXPECT_TRUE(results[0] && results[1]) << net.log();
}

TEST_F(All, is_cancelled_while_a_backlog_is_full_and_while_places_and_ports_are_waited_for) {
  auto const full = at("unix:/run/full");
  net.backlog_full_until(full, 1h);
  net.ports_per_peer(1);
  cancellation cancel;
  net.at(30ms, [&] { cancel.request(); });
  std::vector<endpoint> const all{full, to, to, two[1]};
  net.descriptor_limit(2);
  auto const results = connect_all(all, 1s, {.each = {.cancel = &cancel}});
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(results[i].error().code, errc::cancelled) << i;
    EXPECT_EQ(results[i].error().where, all[i]);
  }
  EXPECT_EQ(net.elapsed(), 30ms);
}

TEST_F(All, cancelled_at_any_call_has_one_outcome_for_each_and_leaves_nothing_open) {
  for (std::size_t const kept : {0U, 1U, 2U, 3U}) {
    std::string const whole = kept == 1 ? "connected" : kept == 0 ? "Connection refused" : "deadline exceeded";
    auto const cancelled = times_cancelled_at_any_call(whole, [&](world& own, cancellation const& cancel) {
      std::vector<endpoint> const all{at("192.0.2.1:1"), at("192.0.2.1:2"), at("192.0.2.1:3"), at("unix:/run/full")};
      own.on_syn(all[0], {rst(20ms)});
      own.on_syn(all[1], {syn_ack(30ms)});
      own.backlog_full_until(all[3], 1h);
      auto results = tconn::timed_connect_all(all, 40ms, {.each = {.cancel = &cancel}}, simulated{&own});
      return std::move(results[kept]);
    });
    EXPECT_GE(cancelled, 8);
  }
}

TEST_F(All, begins_nothing_after_a_hook_has_cancelled_it_or_dawdled_past_the_deadline) {
  std::vector<endpoint> const all(300, to);
  for (bool const cancels : {false, true}) {
    world other;
    other.on_syn(to, {rst(0ms)});
    cancellation cancel;
    auto stop = [&](batch_event& event) {
      if (event.told > 1) return;
      cancels ? cancel.request() : other.pass(2s);
    };
    auto const results =
        tconn::timed_connect_all(all, 1s, {.each = {.cancel = &cancel}, .on_result = stop}, simulated{&other});
    EXPECT_EQ(count(other.wire(), "> SYN"), 64) << "the first round";
    EXPECT_EQ(results[299].error().code, cancels ? errc::cancelled : errc::deadline_exceeded);
  }
}

TEST_F(All, begins_nothing_at_the_deadline_or_later_when_a_hook_has_dawdled_until_then) {
  for (auto const late : {0ms, 5ms}) {
    world other;
    other.on_syn(to, {rst(10ms)});
    auto dawdle = [&](batch_event& event) {
      if (event.told == 1) other.pass(90ms + late);
    };
    auto const results = tconn::timed_connect_all(std::vector<endpoint>(5, to), 100ms,
                                                  {.max_in_flight = 2, .on_result = dawdle}, simulated{&other});
    EXPECT_EQ(count(other.wire(), "> SYN"), 2) << other.wire();
    EXPECT_EQ(results[4].error().handshake, handshake::not_started);
  }
}

TEST_F(All, fails_at_once_with_a_cancellation_that_was_requested_or_has_no_descriptor) {
  cancellation requested;
  requested.request();
  for (auto const& one : connect_all(two, 1s, {.each = {.cancel = &requested}}))
    EXPECT_EQ(one.error().code, errc::cancelled);
  EXPECT_EQ(net.log(), "");
  if (!support::no_more_descriptors::is_possible) GTEST_SKIP() << "descriptors cannot be limited here";
  std::optional<support::no_more_descriptors> limited(std::in_place);
  cancellation const without;
  limited.reset();
  for (auto const& one : connect_all(two, 1s, {.each = {.cancel = &without}}))
    EXPECT_EQ(one.error().code, std::errc::too_many_files_open);
  EXPECT_EQ(net.log(), "");
}

TEST_F(All, tells_its_hook_of_every_endpoint_when_none_can_begin) {
  cancellation requested;
  requested.request();
  endpoint const with_a_port[] = {at("192.0.2.9:1")};
  batch_options const cancelled{.each = {.cancel = &requested}};
  batch_options const senseless{.local_addresses = with_a_port};
  for (auto options : {cancelled, senseless}) {
    std::vector<std::size_t> noted;
    auto note = [&](batch_event& event) {
      noted.push_back(event.index);
      EXPECT_EQ(event.told, noted.size());
      EXPECT_EQ(event.code, options.each.cancel != nullptr ? errc::cancelled : errc::invalid_option);
    };
    options.on_result = note;
    EXPECT_EQ(connect_all(two, 1s, options).size(), 2U);
    EXPECT_EQ(noted, (std::vector<std::size_t>{0, 1}));
  }
  EXPECT_EQ(net.log(), "");
}

TEST_F(All, gives_every_endpoint_a_try_though_the_deadline_is_over_before_the_first_begins) {
  net.answers_at_once(to, 0, 2);
  net.calls_take(1us);
  auto const results = connect_all({to, to}, 1ns);
  EXPECT_EQ(results[0].has_value(), true) << told(results[0]);
}

/// A system whose clock goes on between its first reading, at the beginning of the call, and the second.
struct slow_to_begin : simulated {
  using owner = simulated;
  slow_to_begin(world* net, int& readings, std::chrono::nanoseconds span)
      : simulated(net), net_(net), readings_(&readings), span_(span) {}
  tconn::time_point now() const {
    if (++*readings_ == 2) net_->pass(span_);
    return simulated::now();
  }
  world* net_;
  int* readings_;
  std::chrono::nanoseconds span_;
};

TEST_F(All, gives_every_endpoint_a_try_though_the_deadline_comes_while_room_is_made_for_the_results) {
  for (auto const span : {1ms, 2ms}) {
    world other;
    other.answers_at_once(to, 0, 2);
    int readings = 0;
    auto const results = tconn::timed_connect_all({to, to}, 1ms, {}, slow_to_begin(&other, readings, span));
    EXPECT_TRUE(results[0] && results[1]) << other.log();
  }
}

TEST_F(All, holds_descriptors_no_longer_than_the_zero_deadline_when_they_run_out) {
  net.descriptor_limit(1);
  net.answers_at_once(to, 0, 2);
  auto const results = connect_all({to, to}, 0ms);
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().code, errc::deadline_exceeded);
  EXPECT_EQ(net.elapsed(), 0ms);
}

TEST_F(All, leaves_what_a_hook_has_taken_to_the_hook_even_if_it_throws) {
  struct thrown {};
  net.on_syn(to, {syn_ack(1ms)});
  std::vector<tconn::native_handle> taken;
  auto take = [&](batch_event& event) {
    taken.push_back(event.release());
    throw thrown();
  };
  EXPECT_THROW(connect_all({to, to}, 1s, {.on_result = take}), thrown);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(net.open_sockets(), 1U);
  simulated{&net}.close(taken[0]);
}

TEST_F(All, is_ended_by_a_wait_that_fails_for_good) {
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "wait"};
  auto const results =
      tconn::timed_connect_all(two, 1s, {.max_in_flight = 1}, tconn::testing::faulty(simulated{&net}, plan));
  EXPECT_EQ(results[0].error().code, std::error_code(EIO, tconn::native_category()));
  EXPECT_EQ(results[1].error().code, std::error_code(EIO, tconn::native_category()));
  EXPECT_EQ(results[1].error().handshake, handshake::not_started);
}

// From so many endpoints on, a queue of the system's is waited for.
class Many : public All {
 protected:
  static constexpr std::size_t size = 300;
  Many() {
    for (std::size_t i = 0; i < size; ++i) all.push_back(nth(i));
  }
  // Every third is silent, every third refuses, the rest answer, each at a moment of its own.
  void play() {
    for (std::size_t i = 0; i < size; ++i) {
      auto const after = std::chrono::milliseconds(1 + i % 50);
      if (i % 3 == 1) net.on_syn(all[i], {rst(after)});
      if (i % 3 == 2) net.on_syn(all[i], {syn_ack(after)});
    }
    auto const results = connect_all(all, 100ms);
    for (std::size_t i = 0; i < size; ++i) {
      if (i % 3 == 2)
        EXPECT_TRUE(results[i]) << i;
      else if (i % 3 == 1)
        EXPECT_EQ(results[i].error().elapsed, std::chrono::milliseconds(1 + i % 50));
      else
        EXPECT_EQ(results[i].error().code, errc::deadline_exceeded);
    }
    EXPECT_EQ(net.elapsed(), 100ms);
  }
  std::vector<endpoint> all{};
};

TEST_F(Many, each_have_their_outcome_by_a_queue) {
  play();
  EXPECT_EQ(count(net.log(), "open_queue"), 1);
  EXPECT_EQ(count(net.log(), "watch "), size);
  EXPECT_EQ(count(net.log(), "wait 3 4"), 0) << "they are not given to wait() as well";
}

TEST_F(Many, wait_for_a_full_backlog_beside_their_queue) {
  auto const full = at("unix:/run/full");
  net.backlog_full_until(full, 7ms);
  all.push_back(full);
  net.on_syn(all[0], {rst(20ms)});
  all.push_back(all[0]);
  std::string times;
  auto note = [&](batch_event& event) {
    times += std::to_string(event.index) + '@' + std::to_string(net.elapsed() / 100us) + ' ';
  };
  auto const results = connect_all(all, 21ms, {.on_result = note});
  EXPECT_TRUE(results[size]);
  EXPECT_EQ(times.substr(0, 9), "300@71 0@") << "7.1 ms: tries are 2 ms apart at most";
  EXPECT_EQ(count(net.log(), "watch "), size + 1) << "each but the Unix socket once";
  EXPECT_EQ(count(net.log(), "wait 3 4"), 0) << net.log();
}

TEST_F(Many, take_the_places_of_those_that_are_over) {
  for (auto const& one : all) net.on_syn(one, {rst(1ms)});
  struct noting_tokens : simulated {
    using owner = simulated;
    noting_tokens(world* net, std::uint32_t& most) : simulated(net), most_(&most) {}
    int watch(tconn::native_handle queue, tconn::native_handle handle, std::uint32_t token) const {
      *most_ = (std::max)(*most_, token);
      return simulated::watch(queue, handle, token);
    }
    std::uint32_t* most_;
  };
  std::uint32_t most = 0;
  tconn::timed_connect_all(all, 1s, {.max_in_flight = 70}, noting_tokens(&net, most));
  EXPECT_EQ(most, 69U) << "memory is for what is in flight";
}

TEST_F(Many, are_in_time_if_the_wait_said_so_however_long_it_takes_to_look_at_all) {
  for (auto const& one : all) net.on_syn(one, {syn_ack(10ms)});
  net.at(10ms, [&] { net.calls_take(1us); });
  auto const results = connect_all(all, 10ms + 50us, {.each = {.accept_late = false}});
  for (auto const& one : results) EXPECT_TRUE(one) << told(one);
}

TEST_F(Many, each_have_their_outcome_without_a_queue) {
  net.is_plain_posix();
  play();
  EXPECT_EQ(count(net.log(), "take_ready"), 0);
}

TEST_F(Many, have_no_queue_when_they_are_fewer_than_64) {
  for (std::size_t const few : {64U, 63U}) {
    world other;
    all.resize(few);
    tconn::timed_connect_all(all, 1ms, {}, simulated{&other});
    EXPECT_EQ(count(other.log(), "open_queue"), few == 64 ? 1 : 0);
    EXPECT_EQ(count(other.log(), "watch"), few == 64 ? 64 : 0);
  }
}

/// A system that must not be asked to wait for what is no handle.
struct waiting_for_handles_alone : simulated {
  using simulated::simulated;
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    for (std::size_t i = 0; i < count; ++i) EXPECT_NE(entries[i].fd, tconn::no_handle);
    return simulated::wait(entries, count, until);
  }
};

TEST_F(Many, are_not_waited_for_by_a_queue_that_is_none) {
  net.is_plain_posix();
  tconn::timed_connect_all(all, 1ms, {}, waiting_for_handles_alone{&net});
  EXPECT_EQ(count(net.log(), "open_queue"), 1);
}

TEST_F(Many, are_watched_again_after_false_alarms_and_bad_luck) {
  net.ephemeral_ports({1000});  // the first socket connects to itself
  net.on_syn(all[0], {syn_ack(20ms)});
  net.on_syn(all[1], {false_alarm(10ms), false_alarm(20ms), syn_ack(30ms)});
  auto const results = connect_all(all, 50ms, {.each = {.accept_late = false}});
  EXPECT_TRUE(results[0]);
  EXPECT_TRUE(results[1]);
}

TEST_F(Many, sleep_while_nothing_happens) {
  connect_all(all, 1s);
  EXPECT_EQ(count(net.log(), "+1000ms wait"), 1 + (size + 63) / 64) << "the one wait, and a last look at every 64";
  EXPECT_EQ(count(net.log(), "+0ms wait"), size / 64) << "a look after every 64 that have begun";
}

TEST_F(Many, that_the_last_look_finds_connected_or_refused_are_told_so_and_no_other) {
  for (std::size_t const number : {std::size_t{60}, size}) {  // without a queue, and with one
    for (bool const accept_late : {true, false}) {
      world other;
      for (std::size_t i = 0; i < number; ++i) {
        if (i % 3 == 0) other.on_syn(all[i], {syn_ack(10ms)});
        if (i % 3 == 1) other.on_syn(all[i], {rst(10ms)});
      }
      // Answers and deadline come while the last one, which is silent, begins.
      std::size_t connects = 0;
      other.before_call = [&](std::string_view call) {
        if (call == "start_connect" && ++connects == 2 * number) other.pass(20ms);
      };
      auto const results = tconn::timed_connect_all(std::span(all).first(number), 15ms,
                                                    {.each = {.accept_late = accept_late}}, simulated{&other});
      for (std::size_t i = 0; i < number; ++i) {
        if (i % 3 == 0 && accept_late) {
          EXPECT_TRUE(results[i]) << i;
          continue;
        }
        auto const& failed = results[i].error();
        EXPECT_EQ(failed.code == std::errc::connection_refused, i % 3 == 1) << i;
        EXPECT_EQ(failed.code == errc::deadline_exceeded, i % 3 != 1) << i;
        EXPECT_EQ(failed.aftermath, i % 3 == 0   ? aftermath::peer_sees_close
                                    : i % 3 == 1 ? aftermath::none
                                                 : aftermath::nothing_sent)
            << i;
      }
    }
  }
}

/// Notes how many handles a look is given at most, and lets the first one at or after a moment fail.
struct watched_looks : simulated {
  struct notes {
    std::size_t most_handles = 0;
    std::chrono::nanoseconds fails_at = 1h;
  };
  watched_looks(world* net, notes& about) : simulated(net), net_(net), about_(&about) {}
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    if (until == tconn::detail::long_past) {
      about_->most_handles = (std::max)(about_->most_handles, count);
      if (net_->elapsed() >= about_->fails_at) {
        about_->fails_at = 1h;
        return ENOMEM;
      }
    }
    return simulated::wait(entries, count, until);
  }
  world* net_;
  notes* about_;
};

// Of five endpoints one is answered, and one refused, when the deadline has passed; one is silent, one is connected long
// before, and the last one is a Unix socket whose backlog has a place when the deadline has passed.
class LastLook : public Many {
 protected:
  void play(world& other, std::size_t number, watched_looks::notes& about) {
    auto asked = std::vector(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(number));
    for (std::size_t i = 0; i < number; ++i) {
      if (i % 5 == 0) other.on_syn(asked[i], {syn_ack(10ms)});
      if (i % 5 == 1) other.on_syn(asked[i], {rst(10ms)});
      if (i % 5 == 3) other.on_syn(asked[i], {syn_ack(2ms)});
      if (i % 5 == 4) {
        asked[i] = at(("unix:/run/" + std::to_string(i)).c_str());
        other.backlog_full_until(asked[i], 10ms);
      }
    }
    // The deadline passes while the last of those that are connected in time is told.
    auto dawdle = [&](batch_event& event) {
      if (event.told == number / 5) other.pass(20ms);
    };
    auto const results =
        tconn::timed_connect_all(asked, 10ms - 1ns, {.on_result = dawdle}, watched_looks(&other, about));
    for (std::size_t i = 0; i < number; ++i) {
      EXPECT_EQ(results[i].has_value(), i % 5 != 1 && i % 5 != 2) << i << ' ' << told(results[i]);
      if (results[i]) continue;
      auto const& failed = results[i].error();
      EXPECT_EQ(failed.code == std::errc::connection_refused, i % 5 == 1) << i << ' ' << told(results[i]);
      EXPECT_EQ(failed.code == errc::deadline_exceeded, i % 5 == 2) << i << ' ' << told(results[i]);
      EXPECT_EQ(failed.aftermath, i % 5 == 1 ? aftermath::none : aftermath::nothing_sent) << i;
    }
  }
};

TEST_F(LastLook, finds_each_as_it_is_whatever_the_others_are) {
  for (std::size_t const number : {std::size_t{60}, size}) {  // without a queue, and with one
    world other;
    watched_looks::notes about;
    play(other, number, about);
    EXPECT_EQ(about.most_handles, number == size ? 1 : 36) << "those in flight, or their queue";
  }
}

TEST_F(LastLook, is_at_each_alone_where_looking_at_many_fails) {
  for (std::size_t const number : {std::size_t{60}, size}) {
    world other;
    watched_looks::notes about{.fails_at = 20ms};
    play(other, number, about);
    EXPECT_EQ(about.fails_at, 1h) << "it has failed";
  }
}

TEST_F(LastLook, is_at_64_at_a_time_where_there_is_no_queue) {
  net.is_plain_posix();
  watched_looks::notes about;
  tconn::timed_connect_all(all, 10ms, {}, watched_looks(&net, about));
  EXPECT_EQ(about.most_handles, 64U);
}

TEST_F(LastLook, hands_out_no_socket_that_is_connected_to_itself) {
  net.is_plain_posix();
  net.ephemeral_ports({1000});
  auto dawdle = [&](batch_event&) { net.pass(20ms); };
  auto const results = connect_all({all[0], all[1], endpoint{}}, 10ms, {.on_result = dawdle});
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().code, errc::self_connect);
  EXPECT_EQ(results[1].error().code, errc::deadline_exceeded);
}

TEST_F(Many, bear_a_queue_that_is_interrupted_and_tell_of_one_that_fails) {
  for (auto const& [error, ends] : {std::pair{EINTR, false}, std::pair{EBADF, true}}) {
    world other;
    for (auto const& one : all) other.on_syn(one, {syn_ack(10ms)});
    tconn::testing::fault_plan plan{.fail_at = 1, .error = error, .call = "take_ready"};
    auto const results = tconn::timed_connect_all(all, 1s, {}, tconn::testing::faulty(simulated{&other}, plan));
    for (auto const& one : results) {
      EXPECT_EQ(one.has_value(), !ends);
      EXPECT_TRUE(one || one.error().code == std::errc::bad_file_descriptor);
    }
    EXPECT_EQ(other.elapsed(), 10ms);
  }
}

/// A strategy that can watch sockets and no queues.
struct without_queues : simulated {
  using simulated::simulated;
  static bool can_wait_on(tconn::native_handle handle) { return handle < 1000; }
};

TEST_F(Many, are_waited_for_one_by_one_by_a_strategy_that_cannot_watch_a_queue) {
  for (auto const& one : all) net.on_syn(one, {syn_ack(10ms)});
  auto const results = tconn::timed_connect_all(all, 1s, {}, without_queues{&net});
  for (auto const& one : results) EXPECT_TRUE(one);
  EXPECT_EQ(count(net.log(), "take_ready"), 0);
}

TEST_F(Many, have_no_queue_when_few_may_be_in_flight) {
  connect_all(all, 1ms, {.max_in_flight = 63});
  EXPECT_EQ(count(net.log(), "open_queue"), 0);
}

TEST_F(Many, go_on_without_the_queue_when_it_does_not_take_back_what_it_has_told) {
  for (auto const& one : all) net.on_syn(one, {false_alarm(5ms), syn_ack(10ms)});
  tconn::testing::fault_plan plan{.fail_at = size + 1, .error = ENOSPC, .call = "watch"};
  auto const results = tconn::timed_connect_all(all, 1s, {}, tconn::testing::faulty(simulated{&net}, plan));
  for (auto const& one : results) EXPECT_TRUE(one) << told(one);
  EXPECT_EQ(net.elapsed(), 10ms);
}

TEST_F(Many, go_on_without_the_queue_when_it_takes_no_more) {
  for (int fail_at : {1, 2, 100}) {
    for (auto const& [call, error] : {std::pair{"watch", ENOSPC}, std::pair{"open_queue", EMFILE}}) {
      world other;
      for (auto const& one : all) other.on_syn(one, {syn_ack(10ms)});
      tconn::testing::fault_plan plan{.fail_at = fail_at, .error = error, .call = call};
      auto const results = tconn::timed_connect_all(all, 1s, {}, tconn::testing::faulty(simulated{&other}, plan));
      for (auto const& one : results) EXPECT_TRUE(one);
      EXPECT_EQ(other.elapsed(), 10ms);
    }
  }
}

}  // namespace
