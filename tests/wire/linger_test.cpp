// SPDX-License-Identifier: MIT
// Where a system cannot disconnect a socket, `reset` is SO_LINGER {1, 0} and close(): on the wire it must be the same.
#include <timed_connect/timed_connect.hpp>

#include "support/printing.hpp"
#include "wire/lab_test.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using tconn::aftermath;
using tconn::handshake;

struct without_disconnect : tconn::native_system {
  static int disconnect(tconn::native_handle) { return tconn::native_error::not_supported; }
};

class Linger : public support::LabTest {};

TEST_F(Linger, resets_what_was_connected_in_the_gap) {
  for (int const family : {AF_INET, AF_INET6}) {
    auto& server = lab().add("before shut_receive: send SYN-ACK");
    auto const result = tconn::timed_connect(server.where(family), 10ms, {.on_timeout = tconn::on_timeout::reset},
                                             wire::watched(server, without_disconnect{}));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::completed);
    EXPECT_EQ(result.error().aftermath, aftermath::peer_sees_reset);
    EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > ACK, > RST-ACK");
  }
}

TEST_F(Linger, sends_nothing_for_what_was_in_flight) {
  auto& server = lab().add("after return: send SYN-ACK");
  auto const result = tconn::timed_connect(server.where(), 10ms, {.on_timeout = tconn::on_timeout::reset},
                                           wire::watched(server, without_disconnect{}));
  server.after_return();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().aftermath, aftermath::nothing_sent);
  EXPECT_EQ(server.seen().packets(), "> SYN, < SYN-ACK, > RST");
}

}  // namespace
