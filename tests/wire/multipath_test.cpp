// SPDX-License-Identifier: MIT
// Multipath TCP on the wire. The kernel's outer socket knows less of the handshake: giving up in flight sends a RST of
// its own, and nothing tells whether a RST of the peer's came first. What cannot be known is told as unknown.
#include <timed_connect/timed_connect.hpp>

#include "support/printing.hpp"
#include "wire/lab_test.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using tconn::aftermath;
using tconn::handshake;
using tconn::on_timeout;

class Multipath : public support::LabTest {
 protected:
  static auto connect(wire::peer& to, on_timeout how) {
    return tconn::timed_connect(to.where(), 10ms, {.on_timeout = how, .multipath = true}, wire::watched(to));
  }
  void SetUp() override {
    LabTest::SetUp();
    if (IsSkipped()) return;
    tconn::native_handle opened = tconn::no_handle;
    if (tconn::native_system{}.open(opened, AF_INET, true) != 0) GTEST_SKIP() << "SKIPPED: no Multipath TCP here";
    tconn::native_system{}.close(opened);
  }
};

TEST_F(Multipath, given_up_in_flight_does_not_claim_silence) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    auto& server = lab().add("");
    auto const result = connect(server, how);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::in_flight);
    EXPECT_EQ(result.error().aftermath, aftermath::unknown) << server.seen().packets();
  }
}

TEST_F(Multipath, closed_after_the_handshake_sends_FIN) {
  auto& server = lab().add("before shut_receive: send SYN-ACK\non FIN-ACK: send ACK");
  auto const result = connect(server, on_timeout::close);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed);
  EXPECT_EQ(result.error().aftermath, aftermath::peer_sees_close);
  EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK, > FIN-ACK, < ACK");
}

TEST_F(Multipath, reset_after_the_handshake_claims_no_RST_that_may_not_have_been_sent) {
  auto& server = lab().add("before shut_receive: send SYN-ACK\nbefore disconnect: send RST");
  auto const result = connect(server, on_timeout::reset);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed);
  EXPECT_EQ(result.error().aftermath, aftermath::unknown);
  EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK, < RST");
}

// SO_INCOMING_CPU, by which arrivals are noted, can be set by anybody.
TEST_F(Multipath, claims_no_RST_though_its_owner_has_said_on_which_processor_segments_come) {
  auto const set = [](tconn::native_handle handle, tconn::endpoint const&) {
    int const processor = 0;
    ::setsockopt(handle, SOL_SOCKET, SO_INCOMING_CPU, &processor, sizeof processor);
    return std::error_code{};
  };
  auto& server = lab().add("before shut_receive: send SYN-ACK\nbefore disconnect: send RST");
  auto const result = tconn::timed_connect(server.where(), 10ms,
                                           {.on_timeout = on_timeout::reset, .multipath = true, .before_connect = set},
                                           wire::watched(server));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed);
  EXPECT_EQ(result.error().aftermath, aftermath::unknown);
  EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK, < RST");
}

}  // namespace
