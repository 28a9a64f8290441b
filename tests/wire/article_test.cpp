// SPDX-License-Identifier: MIT
// The article with which it all began, replayed: a client gives up after a microsecond, and the server's answer comes
// when it has closed, or else between its select() and its close(), of which the article says nothing. Then the library
// in the same two places: it cannot send other packets, but it says which they were.
#include "article_client.hpp"

#include "support/printing.hpp"
#include "wire/lab_test.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;

constexpr char const* told_too_late = "> SYN, < SYN-ACK, > RST";
constexpr char const* thrown_away = "> SYN, < SYN-ACK, > ACK, > FIN-ACK, < ACK";

std::optional<wire::segment> segment_named(std::string const& name, wire::trace const& in) {
  for (auto const& one : in.happenings) {
    if (one.what == wire::kind::from_client && one.text == name) return wire::read_segment(one.bytes);
  }
  return std::nullopt;
}

class Article : public support::LabTest, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(over, Article, testing::Values(AF_INET, AF_INET6),
                         [](auto const& which) { return which.param == AF_INET ? "IPv4" : "IPv6"; });

TEST_P(Article, answers_with_RST_what_comes_when_it_has_closed) {
  auto& server = lab().add("after return: send SYN-ACK");
  auto const believed = article::connect_and_close(server.where(GetParam()), 1);
  server.after_return();
  EXPECT_EQ(believed.then, "connect time out");
  EXPECT_EQ(server.seen().packets(), told_too_late);
  EXPECT_EQ(server.unplayed(), "");
}

TEST_P(Article, numbers_its_RST_as_what_follows_the_SYN_and_acknowledges_nothing) {
  auto& server = lab().add("after return: send SYN-ACK");
  article::connect_and_close(server.where(GetParam()), 1);
  server.after_return();
  auto const seen = server.seen();
  auto const first = segment_named("SYN", seen);
  auto const last = segment_named("RST", seen);
  ASSERT_TRUE(first && last) << seen.packets();
  EXPECT_EQ(last->sequence, first->sequence + 1);
  EXPECT_EQ(last->flags, wire::rst);
  EXPECT_EQ(last->acknowledgment, 0U);
  EXPECT_EQ(last->from, first->from);
}

TEST_P(Article, throws_a_connection_away_unseen_that_comes_between_its_select_and_its_close) {
  auto& server = lab().add("before close: send SYN-ACK\non FIN-ACK: send ACK");
  article::moments const between{.before_close = [&](int) { server.before("close"); }};
  auto const believed = article::connect_and_close(server.where(GetParam()), 1, between);
  EXPECT_EQ(believed.then, "connect time out");
  EXPECT_EQ(server.seen().packets(), thrown_away);
  EXPECT_EQ(server.unplayed(), "");
}

class InTheArticlesPlace : public Article {};

INSTANTIATE_TEST_SUITE_P(over, InTheArticlesPlace, testing::Values(AF_INET, AF_INET6),
                         [](auto const& which) { return which.param == AF_INET ? "IPv4" : "IPv6"; });

TEST_P(InTheArticlesPlace, timed_connect_says_that_it_has_sent_nothing_before_the_answer_came) {
  auto& server = lab().add("after return: send SYN-ACK");
  auto const result = tconn::timed_connect(server.where(GetParam()), 1us, {}, wire::watched(server));
  server.after_return();
  EXPECT_EQ(server.seen().packets(), told_too_late);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, tconn::handshake::in_flight);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::nothing_sent);
  EXPECT_EQ(server.unplayed(), "");
}

TEST_P(InTheArticlesPlace, timed_connect_says_that_the_server_sees_a_connection_opened_and_closed) {
  auto& server = lab().add("before shut_receive: send SYN-ACK\non FIN-ACK: send ACK");
  auto const result = tconn::timed_connect(server.where(GetParam()), 1us, {}, wire::watched(server));
  EXPECT_EQ(server.seen().packets(), thrown_away);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, tconn::handshake::completed);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::peer_sees_close);
  EXPECT_EQ(server.unplayed(), "");
}

}  // namespace
