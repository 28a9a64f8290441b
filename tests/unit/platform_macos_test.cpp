// SPDX-License-Identifier: MIT
// The numbers in platform_macos.hpp are those of the system's headers, which cannot be included there.
#include <timed_connect/detail/platform.hpp>

#include <gtest/gtest.h>

#include <netinet/tcp.h>
#include <cstddef>

namespace {

using macos = tconn::detail::macos_platform;

static_assert(TCP_CONNECTION_INFO == 0x106);
static_assert(offsetof(tcp_connection_info, tcpi_state) == 0 && sizeof(tcp_connection_info::tcpi_state) == 1);
static_assert(sizeof(tcp_connection_info) <= macos::connection_info_read);

TEST(MacosPlatform, tells_nothing_of_a_socket_that_is_none) {
  tconn::tcp_facts facts;
  EXPECT_EQ(macos::tcp(tconn::no_handle, facts), EBADF);
  EXPECT_EQ(facts.state, tconn::tcp_state::unknown);
}

}  // namespace
