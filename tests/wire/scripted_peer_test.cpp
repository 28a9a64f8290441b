// SPDX-License-Identifier: MIT
// The lab and its peers against the real kernel: what a script says happens, when it says so, and the trace tells it.
#include "wire/lab/lab.hpp"

#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "wire/lab_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using wire::kind;

constexpr auto long_enough = 10s;
/// Later than this nothing comes, however busy the machine is, and so this says only that something comes at all.
constexpr auto absurdly_late = 5s;

/// By a peer that acknowledges: else older kernels would soon repeat the FIN.
constexpr char const* opened_and_closed = "> SYN, < SYN-ACK, > ACK, > FIN-ACK, < ACK";

constexpr std::array families{AF_INET, AF_INET6};

/// Names of calls and moments, and packets as trace::packets() gives them, all in their order.
std::vector<std::string> told(wire::trace const& seen) {
  std::vector<std::string> all;
  for (auto const& one : seen.happenings) {
    auto const* const way = one.what == kind::from_client ? "> " : one.what == kind::from_peer ? "< " : "";
    all.push_back(way + one.text + (one.lost ? " lost" : ""));
  }
  return all;
}

std::optional<std::size_t> place_of(std::string const& text, std::vector<std::string> const& in) {
  auto const found = std::find(in.begin(), in.end(), text);
  if (found == in.end()) return std::nullopt;
  return static_cast<std::size_t>(found - in.begin());
}

/// When the first of this name came.
wire::clock::time_point time_of(std::string const& text, wire::trace const& in) {
  auto const all = told(in);
  auto const place = place_of(text, all);
  if (!place) throw std::runtime_error(text + " has not come");
  return in.happenings[*place].at;
}

/// The packets once they are so, or what they are after some seconds.
std::string settled(wire::peer& server, std::string const& expected) {
  support::eventually([&] { return server.seen().packets() == expected; });
  return server.seen().packets();
}

/// Connects without the library, and closes.
int connect_plainly(tconn::endpoint const& to) {
  tconn::socket const plain(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(plain.native_handle(), to.data(), to.size());
}

class ScriptedPeer : public support::LabTest {};

// ---- time ----

TEST_F(ScriptedPeer, answers_neither_before_its_delay_nor_absurdly_late) {
  for (auto const family : families) {
    auto& server = lab().add("on SYN: after 130ms send SYN-ACK");
    auto const began = wire::clock::now();
    EXPECT_EQ(connect_plainly(server.where(family)), 0);
    auto const took = wire::clock::now() - began;
    EXPECT_GE(took, 130ms);
    EXPECT_LT(took, absurdly_late);
    auto const seen = server.seen();
    EXPECT_GE(time_of("< SYN-ACK", seen) - time_of("> SYN", seen), 130ms);
  }
}

TEST_F(ScriptedPeer, answers_at_once_if_nothing_delays_it) {
  for (auto const family : families) {
    auto& server = lab().add("on SYN: send SYN-ACK");
    EXPECT_EQ(connect_plainly(server.where(family)), 0);
    EXPECT_EQ(settled(server, "> SYN, < SYN-ACK, > ACK, > FIN-ACK"), "> SYN, < SYN-ACK, > ACK, > FIN-ACK");
  }
}

TEST_F(ScriptedPeer, keeps_a_delay_that_begins_with_a_call_or_with_the_return) {
  auto& server = lab().add("before wait: after 60ms send SYN-ACK\nafter return: after 40ms send data");
  // The call itself is taken down a little after its delay has begun.
  auto const began = wire::clock::now();
  auto const result = tconn::timed_connect(server.where(), long_enough, {}, wire::watched(server));
  ASSERT_TRUE(result);
  auto const returned = wire::clock::now();
  server.after_return();
  ASSERT_TRUE(support::is_readable(result->native_handle(), absurdly_late));
  auto const seen = server.seen();
  EXPECT_GE(time_of("< SYN-ACK", seen) - began, 60ms);
  EXPECT_GE(time_of("< PSH-ACK(5)", seen) - returned, 40ms);
}

TEST_F(ScriptedPeer, plays_what_is_due_sooner_before_what_was_asked_for_sooner) {
  auto& server = lab().add("on SYN: after 80ms send RST\non SYN: after 10ms send SYN-ACK");
  auto const to = server.where();
  // It stays open: on a busy machine a FIN could come before the RST or after it.
  tconn::socket const plain(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  static_cast<void>(::connect(plain.native_handle(), to.data(), to.size()));
  auto const* const expected = "> SYN, < SYN-ACK, > ACK, < RST";
  EXPECT_EQ(settled(server, expected), expected);
}

// ---- loss ----

TEST_F(ScriptedPeer, loses_the_packet_of_a_number_and_no_other) {
  // The kernel takes a second to repeat its SYN: all wait for it at the same time.
  struct example {
    char const* script;
    char const* packets;
  };
  constexpr char const* after_the_second = "> SYN lost, > SYN, < SYN-ACK, > ACK, > FIN-ACK";
  constexpr std::array examples{
      example{"on SYN 1: lose\non SYN 2: send SYN-ACK", after_the_second},
      example{"on packet 1: lose\non SYN: send SYN-ACK", after_the_second},
      example{"on packet 1: lose\non packet 2: send SYN-ACK", after_the_second},
      example{"on SYN 2: send SYN-ACK", "> SYN, > SYN, < SYN-ACK, > ACK, > FIN-ACK"},
      example{"on SYN: send SYN-ACK\non packet 3: lose", "> SYN, < SYN-ACK, > ACK, > FIN-ACK lost"},
  };
  std::vector<std::future<std::string>> played;
  for (auto const family : families) {
    for (auto const& one : examples) {
      auto& server = lab().add(one.script);
      played.push_back(std::async(std::launch::async, [&server, &one, family] {
        return connect_plainly(server.where(family)) == 0 ? settled(server, one.packets) : "no connection";
      }));
    }
  }
  for (std::size_t at = 0; at < played.size(); ++at) {
    auto const& one = examples[at % examples.size()];
    EXPECT_EQ(played[at].get(), one.packets) << one.script;
  }
}

TEST_F(ScriptedPeer, does_nothing_else_about_a_packet_that_it_loses) {
  auto& server = lab().add("on SYN: lose\non SYN: send SYN-ACK\non packet: send RST");
  EXPECT_FALSE(tconn::timed_connect(server.where(), 50ms));
  EXPECT_EQ(server.seen().packets(), "> SYN lost");
}

// ---- many at once ----

TEST_F(ScriptedPeer, is_one_of_many_that_threads_play_at_the_same_time_each_with_a_trace_of_its_own) {
  struct game {
    milliseconds delay;
    wire::peer* server;
    std::future<bool> connects;
  };
  constexpr int players = 50;
  std::vector<game> games;
  for (int number = 0; number < players; ++number) {
    milliseconds const delay(number * 37 % players * 4);  // the order of their answers is not that of their questions
    auto& server =
        lab().add("on SYN: after " + std::to_string(delay.count()) + "ms send SYN-ACK\non FIN-ACK: send ACK");
    auto const family = families[static_cast<std::size_t>(number) % families.size()];
    games.push_back(
        {delay, &server, std::async(std::launch::async, [&server, family] {
           return tconn::timed_connect(server.where(family), long_enough, {}, wire::watched(server)).has_value();
         })});
  }
  for (auto& one : games) {
    EXPECT_TRUE(one.connects.get());
    EXPECT_EQ(settled(*one.server, opened_and_closed), opened_and_closed);
    auto const seen = one.server->seen();
    auto const calls = told(seen);
    EXPECT_EQ(std::count(calls.begin(), calls.end(), "open"), 1);
    EXPECT_GE(time_of("< SYN-ACK", seen) - time_of("> SYN", seen), one.delay);
    EXPECT_EQ(seen.peer, one.server->where(seen.peer.family()));
  }
}

// ---- connections ----

TEST_F(ScriptedPeer, begins_its_script_anew_with_every_connection) {
  auto& server = lab().add("on SYN 1: send SYN-ACK\non SYN 2: send RST\non FIN-ACK: send ACK");
  EXPECT_EQ(connect_plainly(server.where()), 0);
  EXPECT_EQ(settled(server, opened_and_closed), opened_and_closed);
  EXPECT_EQ(connect_plainly(server.where()), 0);
  auto const twice = std::string(opened_and_closed) + ", " + opened_and_closed;
  EXPECT_EQ(settled(server, twice), twice);
}

TEST_F(ScriptedPeer, counts_on_when_a_SYN_is_repeated) {
  auto& server = lab().add("on SYN 1: lose\non SYN 2: send RST");
  EXPECT_EQ(connect_plainly(server.where()), -1);
  EXPECT_EQ(server.seen().packets(), "> SYN lost, > SYN, < RST-ACK");
}

TEST_F(ScriptedPeer, keeps_two_connections_apart_that_are_open_at_the_same_time) {
  auto& server = lab().add("on SYN: send SYN-ACK\non data: send data\non data 2: send RST");
  for (auto const family : families) {
    auto const first = tconn::timed_connect(server.where(family), long_enough);
    auto const second = tconn::timed_connect(server.where(family), long_enough);
    ASSERT_TRUE(first && second);
    // The first one's number 2 must not be taken for the second's.
    for (auto const* const one : {&*first, &*second}) {
      EXPECT_EQ(::send(one->native_handle(), "hello", 5, MSG_NOSIGNAL), 5);
      EXPECT_EQ(support::what_is_read(*one), "5 bytes");
    }
    EXPECT_EQ(::send(first->native_handle(), "again", 5, MSG_NOSIGNAL), 5);
    EXPECT_TRUE(
        support::eventually([&] { return support::state_of(first->native_handle()) == tconn::tcp_state::closed; }));
    EXPECT_EQ(support::state_of(second->native_handle()), tconn::tcp_state::established);
  }
}

// ---- the trace ----

TEST_F(ScriptedPeer, tells_of_each_call_before_what_it_does_and_of_what_comes_before_a_call_before_it) {
  for (auto const family : families) {
    auto& server = lab().add("before shut_receive: send SYN-ACK");
    EXPECT_FALSE(tconn::timed_connect(server.where(family), 5ms, {}, wire::watched(server)));
    auto const all = told(server.seen());
    auto const starts = place_of("start_connect", all);
    auto const syn = place_of("> SYN", all);
    auto const gives_up = place_of("shut_receive", all);
    auto const answer = place_of("< SYN-ACK", all);
    ASSERT_TRUE(starts && syn && gives_up && answer) << testing::PrintToString(all);
    EXPECT_EQ(*starts + 1, *syn);
    EXPECT_LT(*syn, *answer);
    EXPECT_EQ(all.at(*answer + 1), "> ACK");
    EXPECT_EQ(*answer + 2, *gives_up);
  }
}

TEST_F(ScriptedPeer, holds_the_bytes_of_each_packet_and_who_spoke_with_whom) {
  for (auto const family : families) {
    auto& server = lab().add("on SYN: send SYN-ACK\non FIN-ACK: send ACK");
    ASSERT_EQ(connect_plainly(server.where(family)), 0);
    ASSERT_EQ(settled(server, opened_and_closed), opened_and_closed);
    auto const seen = server.seen();
    EXPECT_EQ(seen.peer, server.where(family));
    for (auto const& one : seen.happenings) {
      auto const read = wire::read_segment(one.bytes);
      ASSERT_TRUE(read) << one.text;
      EXPECT_EQ(read->name(), one.text);
      EXPECT_EQ(read->from, one.what == kind::from_client ? seen.client : seen.peer);
      EXPECT_EQ(read->to, one.what == kind::from_client ? seen.peer : seen.client);
    }
  }
}

TEST_F(ScriptedPeer, puts_a_note_in_its_place_by_its_time) {
  auto& server = lab().add("on SYN: after 20ms send SYN-ACK");
  auto const before = wire::clock::now();
  ASSERT_EQ(connect_plainly(server.where()), 0);
  ASSERT_EQ(settled(server, "> SYN, < SYN-ACK, > ACK, > FIN-ACK"), "> SYN, < SYN-ACK, > ACK, > FIN-ACK");
  auto const syn = time_of("> SYN", server.seen());
  server.note("at the end", wire::clock::now());
  server.note("between", syn + 1ms);
  server.note("first of all", before);
  server.note("with the SYN", syn);
  EXPECT_EQ(told(server.seen()), (std::vector<std::string>{"first of all", "> SYN", "with the SYN", "between",
                                                           "< SYN-ACK", "> ACK", "> FIN-ACK", "at the end"}));
}

TEST_F(ScriptedPeer, names_the_moments_that_have_not_come) {
  auto& server = lab().add(
      "on SYN 7: send RST\nbefore last_look: send SYN-ACK\nbefore start_connect 9: send RST\nafter return: send data");
  EXPECT_EQ(server.unplayed(), "before last_look 1\nbefore start_connect 9\nafter return 1\n");
  EXPECT_TRUE(tconn::timed_connect(server.where(), 5ms, {}, wire::watched(server)));
  EXPECT_EQ(server.unplayed(), "before start_connect 9\nafter return 1\n");
  server.after_return();
  EXPECT_EQ(server.unplayed(), "before start_connect 9\n");
}

TEST_F(ScriptedPeer, names_no_moment_when_all_have_come) {
  auto& server = lab().add("before shut_receive: send SYN-ACK\nbefore tcp 2: send data\nafter return: send RST");
  EXPECT_FALSE(tconn::timed_connect(server.where(), 5ms, {}, wire::watched(server)));
  server.after_return();
  EXPECT_EQ(server.unplayed(), "");
}

// ---- the lab ----

TEST_F(ScriptedPeer, is_not_disturbed_by_packets_for_nobody) {
  auto& server = lab().add("on SYN: after 30ms send SYN-ACK");
  constexpr std::uint16_t any_port = 8765;
  for (auto const family : families) {
    auto const nobody = wire::address_of(family, 200, any_port);
    auto const another_port = wire::address_of(family, 2, any_port + 1);
    EXPECT_EQ(tconn::timed_connect(nobody, 5ms).error().handshake, tconn::handshake::in_flight);
    EXPECT_EQ(tconn::timed_connect(another_port, 5ms).error().handshake, tconn::handshake::in_flight);
    tconn::socket const any(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto const to = server.where(family);
    EXPECT_EQ(::sendto(any.native_handle(), "hello", 5, 0, to.data(), to.size()), 5);
  }
  EXPECT_EQ(server.seen().packets(), "");
  EXPECT_EQ(connect_plainly(server.where()), 0);
  EXPECT_EQ(settled(server, "> SYN, < SYN-ACK, > ACK, > FIN-ACK"), "> SYN, < SYN-ACK, > ACK, > FIN-ACK");
}

TEST_F(ScriptedPeer, is_not_added_with_a_script_that_makes_no_sense) {
  EXPECT_THROW(lab().add("on SYN: dance"), std::invalid_argument);
  EXPECT_EQ(connect_plainly(lab().add("on SYN: send SYN-ACK").where()), 0);
}

TEST_F(ScriptedPeer, finds_no_place_where_there_are_as_many_as_the_network_has_addresses) {
  constexpr int most = 253;
  wire::peer* last = nullptr;
  for (int count = 0; count < most; ++count) last = &lab().add("on SYN: send SYN-ACK");
  EXPECT_THROW(lab().add("on SYN: send SYN-ACK"), std::length_error);
  for (auto const family : families) EXPECT_EQ(connect_plainly(last->where(family)), 0);
}

TEST_F(ScriptedPeer, plays_the_same_in_a_lab_that_comes_after_another) {
  for (int times = 0; times < 3; ++times) {
    wire::lab next;
    for (auto const family : families) {
      auto& server = next.add("on SYN: after 5ms send SYN-ACK\non FIN-ACK: send ACK");
      EXPECT_EQ(connect_plainly(server.where(family)), 0);
      EXPECT_EQ(settled(server, opened_and_closed), opened_and_closed);
    }
  }
}

TEST_F(ScriptedPeer, does_not_keep_the_lab_from_ending_when_an_answer_is_still_due) {
  auto const began = wire::clock::now();
  {
    wire::lab next;
    auto& server = next.add("on SYN: after 3600s send SYN-ACK");
    EXPECT_FALSE(tconn::timed_connect(server.where(), 5ms));
    EXPECT_EQ(server.seen().packets(), "> SYN");
  }
  EXPECT_LT(wire::clock::now() - began, absurdly_late);
}

}  // namespace
