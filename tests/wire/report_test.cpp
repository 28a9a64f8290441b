// SPDX-License-Identifier: MIT
// A borrowed descriptor that carries the report of an older ICMP error: poll() wakes up for it, whatever the attempt does.
// What a wake-up finds must come from the attempt alone.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "wire/lab_test.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using tconn::errc;

class Report : public support::LabTest {
 protected:
  /// A descriptor whose owner's own connect() was answered by ICMP.
  tconn::socket with_a_report() {
    auto const nobody = lab().add("on SYN: send unreachable").where();
    tconn::socket mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_NE(::connect(mine.native_handle(), nobody.data(), nobody.size()), 0);
    tconn::native_system{}.disconnect(mine.native_handle());
    EXPECT_TRUE(has_report(mine)) << "this kernel leaves none: the tests below test nothing";
    return mine;
  }
  static bool has_report(tconn::socket const& of) {
    pollfd entry{of.native_handle(), 0, 0};
    return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLERR) != 0;
  }
};

TEST_F(Report, does_not_make_a_half_open_attempt_a_success) {
  auto const mine = with_a_report();
  auto& server = lab().add("on SYN: send SYN");
  auto const result = tconn::timed_connect(mine.native_handle(), server.where(), 50ms, {}, wire::watched(server));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, tconn::handshake::in_flight);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::peer_sees_reset);
  EXPECT_EQ(server.seen().packets(), "> SYN, < SYN, > SYN-ACK, > RST-ACK");
}

TEST_F(Report, does_not_hide_an_answer_that_comes_while_it_is_looked_at) {
  for (auto const* const script :
       {"before connect_error: send SYN-ACK", "before tcp: send SYN-ACK", "before discard_report: send SYN-ACK"}) {
    SCOPED_TRACE(script);
    auto const mine = with_a_report();
    auto& server = lab().add(script);
    auto const result = tconn::timed_connect(mine.native_handle(), server.where(), 3s, {}, wire::watched(server));
    EXPECT_TRUE(result) << support::told(result);
    EXPECT_EQ(server.unplayed(), "");
    EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK");
  }
}

TEST_F(Report, does_not_hide_a_refusal_that_comes_while_it_is_looked_at) {
  for (auto const* const script : {"before connect_error: send RST", "before tcp: send RST"}) {
    SCOPED_TRACE(script);
    auto const mine = with_a_report();
    auto& server = lab().add(script);
    auto const result = tconn::timed_connect(mine.native_handle(), server.where(), 3s, {}, wire::watched(server));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::errc::connection_refused);
    EXPECT_FALSE(has_report(mine));
  }
}

TEST_F(Report, and_another_are_both_gone_when_the_attempt_has_failed) {
  auto const mine = with_a_report();
  auto& server = lab().add("before wait: send unreachable");
  auto const result = tconn::timed_connect(mine.native_handle(), server.where(), 3s, {}, wire::watched(server));
  EXPECT_EQ(result.error().code, std::errc::host_unreachable);
  EXPECT_FALSE(has_report(mine));
}

// An ICMP error that comes while the kernel is busy with the socket does not end the attempt, but SO_ERROR gives it away
// once the handshake is complete. Here the reading of it makes it up.
TEST_F(Report, in_SO_ERROR_alone_does_not_hide_a_connection) {
  struct soft_error : tconn::native_system {
    int connect_error(tconn::native_handle handle, int& error) const {
      int const unreadable = native_system::connect_error(handle, error);
      if (error == 0) error = EHOSTUNREACH;
      return unreadable;
    }
  };
  auto& server = lab().add("before wait: send SYN-ACK");
  auto const result = tconn::timed_connect(server.where(), 3s, {}, wire::watched(server, soft_error{}));
  EXPECT_TRUE(result) << support::told(result);
}

}  // namespace
