// SPDX-License-Identifier: MIT
#include <timed_connect/handshake.hpp>
#include <timed_connect/pending_connection.hpp>

#include <gtest/gtest.h>

#include <set>

namespace {

using namespace std::chrono_literals;
using tconn::aftermath;
using tconn::handshake;

TEST(Handshake, and_aftermath_are_told_by_the_names_of_their_enumerators) {
  EXPECT_EQ(to_string(handshake::not_started), "not_started");
  EXPECT_EQ(to_string(handshake::in_flight), "in_flight");
  EXPECT_EQ(to_string(handshake::completed), "completed");
  EXPECT_EQ(to_string(handshake::failed), "failed");
  EXPECT_EQ(to_string(handshake::unknown), "unknown");
  EXPECT_EQ(to_string(aftermath::none), "none");
  EXPECT_EQ(to_string(aftermath::nothing_sent), "nothing_sent");
  EXPECT_EQ(to_string(aftermath::peer_sees_close), "peer_sees_close");
  EXPECT_EQ(to_string(aftermath::peer_sees_reset), "peer_sees_reset");
  EXPECT_EQ(to_string(aftermath::kept), "kept");
  EXPECT_EQ(to_string(aftermath::unknown), "unknown");
}

tconn::connect_failure failure(aftermath left) {
  tconn::connect_failure made;
  made.code = tconn::errc::deadline_exceeded;
  made.where = tconn::endpoint::loopback_v4(80);
  made.handshake = handshake::in_flight;
  made.aftermath = left;
  made.syn_retransmits = 2;
  made.elapsed = 250'078us;
  return made;
}

TEST(ConnectFailure, and_what_is_remembered_of_an_attempt_begin_with_nothing_to_tell) {
  auto const has_nothing = [](auto const& failure) {
    return !failure.code && !failure.where.valid() && failure.handshake == handshake::not_started &&
           failure.aftermath == aftermath::none && failure.syn_retransmits == 0 && failure.elapsed == 0ns;
  };
  EXPECT_TRUE(has_nothing(tconn::connect_failure{}));
  EXPECT_TRUE(has_nothing(tconn::attempt_failure{}));
}

TEST(ConnectFailure, message_is_one_line_with_address_reason_time_SYNs_and_aftermath) {
  EXPECT_EQ(failure(aftermath::nothing_sent).message(),
            "127.0.0.1:80: deadline exceeded after 250.078 ms, handshake in_flight (SYN repeated 2 times); given up in "
            "silence");
  auto once = failure(aftermath::nothing_sent);
  once.syn_retransmits = 1;
  EXPECT_NE(once.message().find("(SYN repeated 1 time)"), std::string::npos) << once.message();
  std::set<std::string> lines;
  for (auto left : {aftermath::none, aftermath::nothing_sent, aftermath::peer_sees_close, aftermath::peer_sees_reset,
                    aftermath::kept, aftermath::unknown}) {
    auto const line = failure(left).message();
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(lines.insert(line).second) << line;
  }
}

TEST(ConnectFailure, is_thrown_by_value_as_a_system_error_with_its_message) {
  tconn::connect_result result = failure(aftermath::nothing_sent);
  try {
    result.value();
    FAIL() << "value() of a failure returned";
  } catch (std::system_error const& thrown) {
    EXPECT_EQ(thrown.code(), tconn::errc::deadline_exceeded);
    EXPECT_NE(std::string(thrown.what()).find("given up in silence"), std::string::npos);
  }
}

}  // namespace
