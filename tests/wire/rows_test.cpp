// SPDX-License-Identifier: MIT
// Which happenings of a trace get a row in its pictures, and in which words.
#include "wire/lab/rows.hpp"

#include "wire/made_up.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using made_up::crowded;
using made_up::gap_close;
using made_up::picture_of;
using wire::kind;

wire::row row_with(wire::picture const& drawn, std::string_view label) {
  for (auto const& one : wire::rows(drawn))
    if (one.label == label) return one;
  ADD_FAILURE() << "no row has the label " << label;
  return {};
}

/// Words or label of every row, "connect() SYN | deadline".
std::string outline(wire::picture const& drawn) {
  std::string text;
  for (auto const& one : wire::rows(drawn)) {
    text += (text.empty() ? "" : " | ") + one.client + (one.client.empty() || one.label.empty() ? "" : " ") + one.label;
  }
  return text;
}

TEST(Rows, put_a_call_and_the_packet_that_it_sends_into_one) {
  EXPECT_EQ(outline(gap_close()),
            "connect() SYN | deadline | last look: nothing | SYN-ACK | ACK | gives up: SHUT_RD decides | "
            "SHUT_RDWR FIN-ACK | close() | returns");
}

TEST(Rows, keep_a_call_apart_from_a_packet_that_it_does_not_send) {
  EXPECT_EQ(outline(picture_of({{kind::call, 0us, "shut_receive"}, {kind::from_client, 1us, "RST"}})),
            "gives up: SHUT_RD decides | RST");
}

TEST(Rows, keep_a_call_apart_from_a_packet_that_the_kernel_repeats) {
  EXPECT_EQ(outline(picture_of({{kind::call, 0us, "start_connect"},
                                {kind::from_client, 1us, "SYN"},
                                {kind::moment, 1ms, "return"},
                                {kind::call, 2ms, "start_connect"},
                                {kind::from_client, 1s, "SYN"},
                                {kind::call, 2s, "shut_both"},
                                {kind::from_client, 2s, "FIN-ACK"},
                                {kind::call, 2s, "close"},
                                {kind::from_client, 3s, "FIN-ACK"}})),
            "connect() SYN | returns | connect() | SYN (repeated) | SHUT_RDWR FIN-ACK | close() | FIN-ACK (repeated)");
}

TEST(Rows, count_the_time_from_the_first_connect) { EXPECT_EQ(wire::rows(gap_close()).at(3).at, 100'180us); }

TEST(Rows, tell_the_time_in_at_most_ten_characters_and_not_twice) {
  EXPECT_EQ(wire::time_text(100'449us), "100.4 ms");
  EXPECT_EQ(wire::time_text(-1us), "0.0 ms");
  EXPECT_EQ(wire::time_text(99'999ms), "99999.0 ms");
  EXPECT_EQ(wire::time_text(127'040ms), "127.0 s");
  EXPECT_EQ(wire::time_text(100'440us, "100.4 ms"), "");
}

TEST(Rows, show_the_deadline_before_the_last_look_even_if_connect_came_late) {
  EXPECT_EQ(outline(picture_of({{kind::call, 0us, "start_connect"}, {kind::call, 99'990us, "last_look"}})),
            "connect() | deadline | last look: nothing");
}

TEST(Rows, show_the_deadline_of_the_trace_rather_than_their_own) {
  EXPECT_EQ(
      outline(picture_of(
          {{kind::from_client, 0us, "SYN"}, {kind::from_peer, 101ms, "SYN-ACK"}, {kind::moment, 102ms, "deadline"}})),
      "SYN | SYN-ACK | deadline");
}

TEST(Rows, show_no_deadline_once_the_call_has_returned) {
  EXPECT_EQ(outline(picture_of(
                {{kind::call, 0us, "start_connect"}, {kind::moment, 1ms, "return"}, {kind::call, 200ms, "close"}})),
            "connect() | returns | close()");
}

TEST(Rows, let_the_last_look_find_a_handshake_only_if_the_answer_has_arrived) {
  for (bool const lost : {false, true}) {
    auto const drawn = picture_of(
        {{kind::from_client, 0us, "SYN"}, {kind::from_peer, 1ms, "SYN-ACK", lost}, {kind::call, 2ms, "last_look"}}, 9s);
    EXPECT_EQ(wire::rows(drawn).back().client, lost ? "last look: nothing" : "last look: connected");
  }
}

TEST(Rows, know_that_an_attempt_which_is_resumed_is_the_same_and_one_after_close_is_not) {
  EXPECT_EQ(outline(picture_of({{kind::call, 0us, "start_connect"},
                                {kind::from_client, 1us, "SYN"},
                                {kind::moment, 1ms, "return"},
                                {kind::from_client, 1s, "SYN"},
                                {kind::from_peer, 1001ms, "SYN-ACK"},
                                {kind::call, 2s, "start_connect"},
                                {kind::call, 3s, "last_look"},
                                {kind::call, 4s, "close"},
                                {kind::call, 5s, "start_connect"},
                                {kind::from_client, 5s, "SYN"},
                                {kind::call, 6s, "last_look"}})),
            "connect() SYN | returns | SYN (repeated) | SYN-ACK | connect() | last look: connected | close() | "
            "connect() SYN | last look: nothing");
}

TEST(Rows, let_the_last_look_find_a_reset_until_the_next_attempt) {
  EXPECT_EQ(outline(picture_of({{kind::from_client, 0us, "SYN"},
                                {kind::from_peer, 1us, "RST-ACK"},
                                {kind::call, 1ms, "last_look"},
                                {kind::call, 1ms, "start_connect"},
                                {kind::from_client, 2ms, "SYN"},
                                {kind::call, 3ms, "last_look"}},
                               std::chrono::nanoseconds::max())),
            "SYN | RST-ACK | last look: reset | connect() SYN | last look: nothing");
}

TEST(Rows, let_the_server_accept_the_next_connection_as_well) {
  auto const drawn = picture_of({{kind::from_peer, 1us, "SYN-ACK"},
                                 {kind::from_client, 2us, "FIN-ACK"},
                                 {kind::from_client, 3us, "SYN"},
                                 {kind::from_peer, 5us, "SYN-ACK"},
                                 {kind::from_client, 6us, "PSH-ACK(5)"}});
  EXPECT_EQ(row_with(drawn, "FIN-ACK").server, "accept() succeeds, recv(): 0");
  EXPECT_EQ(row_with(drawn, "PSH-ACK(5)").server, "accept() succeeds, recv(): 5");
}

TEST(Rows, let_the_server_accept_only_what_the_client_has_acknowledged) {
  EXPECT_EQ(row_with(gap_close(), "ACK").server, "accept() succeeds");
  EXPECT_EQ(row_with(gap_close(), "FIN-ACK").server, "recv(): 0");
  auto const refused =
      picture_of({{kind::from_client, 0us, "SYN"}, {kind::from_peer, 1us, "SYN-ACK"}, {kind::from_client, 2us, "RST"}});
  EXPECT_EQ(row_with(refused, "RST").server, "never accepted");
  EXPECT_EQ(row_with(crowded(), "PSH-ACK(1448)").server, "accept() succeeds, recv(): 1448");
  EXPECT_EQ(row_with(crowded(), "RST-ACK").server, "recv(): ECONNRESET");
}

TEST(Rows, tell_the_server_nothing_of_what_was_lost) {
  EXPECT_EQ(
      row_with(picture_of({{kind::from_peer, 0us, "SYN-ACK"}, {kind::from_client, 1us, "ACK", true}}), "ACK").server,
      "");
}

}  // namespace
