// SPDX-License-Identifier: MIT
// The narrowest gap: giving up has found the connection established, and now ends it; just before that the peer resets
// it. shutdown() says so by ENOTCONN. connect(AF_UNSPEC) answers 0 in either case; whether it had anything to reset is
// told by whether anything has come since the state was read.
#include <timed_connect/timed_connect.hpp>

#include "support/printing.hpp"
#include "wire/lab_test.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace std::chrono_literals;
using tconn::aftermath;
using tconn::on_timeout;

class PeerReset : public support::LabTest {
 protected:
  void play(on_timeout how, char const* last_step, aftermath told) {
    for (int const family : {AF_INET, AF_INET6}) {
      auto& server = lab().add(std::string("before shut_receive: send SYN-ACK\nbefore ") + last_step + ": send RST");
      auto const result = tconn::timed_connect(server.where(family), 10ms, {.on_timeout = how}, wire::watched(server));
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().handshake, tconn::handshake::completed);
      EXPECT_EQ(result.error().aftermath, told);
      EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK, < RST");
      EXPECT_EQ(server.unplayed(), "");
    }
  }
};

TEST_F(PeerReset, right_before_our_FIN_leaves_nothing_to_end) { play(on_timeout::close, "shut_both", aftermath::none); }

TEST_F(PeerReset, before_the_mark_leaves_nothing_to_end) { play(on_timeout::reset, "mark_arrivals", aftermath::none); }

TEST_F(PeerReset, right_before_our_RST_is_not_told_as_our_RST) {
  play(on_timeout::reset, "disconnect", aftermath::unknown);
}

TEST_F(PeerReset, after_our_RST_changes_nothing) {
  auto& server = lab().add("before shut_receive: send SYN-ACK\nbefore has_arrived: send RST");
  auto const result =
      tconn::timed_connect(server.where(), 10ms, {.on_timeout = on_timeout::reset}, wire::watched(server));
  EXPECT_EQ(result.error().aftermath, aftermath::peer_sees_reset);
  EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK, > RST-ACK, < RST");
}

}  // namespace
