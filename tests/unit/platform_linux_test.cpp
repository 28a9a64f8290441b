// SPDX-License-Identifier: MIT
#include <timed_connect/detail/platform.hpp>

#include "support/loopback.hpp"

#include <linux/tcp.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using tconn::tcp_state;
using platform = tconn::detail::linux_platform;

TEST(TcpInfo, is_read_at_the_offsets_of_the_kernels_structure) {
  static_assert(offsetof(tcp_info, tcpi_state) == 0);
  static_assert(offsetof(tcp_info, tcpi_total_retrans) == platform::total_retrans_at);
  static_assert(sizeof(tcp_info::tcpi_total_retrans) == 4);
  tcp_info info{};
  info.tcpi_state = 2;
  info.tcpi_total_retrans = 0x01020304;
  auto const facts = platform::read_tcp_info(reinterpret_cast<unsigned char const*>(&info), sizeof info);
  EXPECT_EQ(facts.state, tcp_state::syn_sent);
  EXPECT_EQ(facts.syn_retransmits, 0x01020304U);
}

TEST(TcpInfo, that_comes_short_gives_only_what_came) {
  unsigned char info[platform::tcp_info_read];
  std::fill(std::begin(info), std::end(info), static_cast<unsigned char>(1));
  EXPECT_EQ(platform::read_tcp_info(info, 0).state, tcp_state::unknown);
  EXPECT_EQ(platform::read_tcp_info(info, 4).state, tcp_state::established);
  for (std::size_t length = 0; length <= sizeof info; ++length) {
    EXPECT_EQ(platform::read_tcp_info(info, length).syn_retransmits != 0, length >= 104) << length;
  }
  std::fill(std::begin(info), std::end(info), static_cast<unsigned char>(0));
  for (std::size_t length = 0; length <= sizeof info; ++length)
    EXPECT_EQ(platform::read_tcp_info(info, length).syn_acknowledged, length < 128) << length;
  info[platform::bytes_acked_at] = 1;
  EXPECT_TRUE(platform::read_tcp_info(info, sizeof info).syn_acknowledged);
}

TEST(TcpInfo, names_every_state_of_the_kernel) {
  EXPECT_EQ(platform::state_of(0), tcp_state::unknown);
  EXPECT_EQ(platform::state_of(1), tcp_state::established);
  EXPECT_EQ(platform::state_of(2), tcp_state::syn_sent);
  EXPECT_EQ(platform::state_of(3), tcp_state::syn_received);
  EXPECT_EQ(platform::state_of(7), tcp_state::closed);
  EXPECT_EQ(platform::state_of(8), tcp_state::established) << "CLOSE_WAIT: we can still send";
  for (int const after_our_fin : {4, 5, 6, 9, 11}) {
    EXPECT_EQ(platform::state_of(static_cast<unsigned char>(after_our_fin)), tcp_state::ended) << after_our_fin;
  }
  EXPECT_EQ(platform::state_of(200), tcp_state::unknown);
}

TEST(TcpInfo, is_not_to_be_had_of_a_unix_socket) {
  tconn::socket const local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  tconn::tcp_facts facts;
  EXPECT_NE(platform::tcp(local.native_handle(), facts), 0);
}

// The numbers that the platform spells out, because their headers quarrel, are those of the kernel's headers.
static_assert(TCP_INFO == 11 && TCP_SYNCNT == 7 && TCP_USER_TIMEOUT == 18 && TCP_NODELAY == 1);
static_assert(SO_PEERNAME == 28 && IPPROTO_MPTCP == 262 && IP_BIND_ADDRESS_NO_PORT == 24);
static_assert(platform::path_capacity == sizeof(sockaddr_un::sun_path));

TEST(Platform, opens_sockets_that_are_close_on_exec_and_non_blocking_from_birth) {
  int opened = -1;
  ASSERT_EQ(platform::open(opened, AF_INET, false), 0);
  tconn::socket const owner(opened);
  EXPECT_NE(::fcntl(opened, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_TRUE(support::is_nonblocking(opened));
}

TEST(Platform, tells_the_kind_of_a_descriptor_and_what_is_none) {
  int family = 0;
  int type = 0;
  tconn::socket const datagrams(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(platform::kind(datagrams.native_handle(), family, type), 0);
  EXPECT_EQ(family, AF_INET6);
  EXPECT_EQ(type, SOCK_DGRAM);
  EXPECT_EQ(platform::kind(-1, family, type), EBADF);
  tconn::socket const file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(platform::kind(file.native_handle(), family, type), ENOTSOCK);
}

TEST(Queue, reports_a_socket_once_until_it_is_watched_again) {
  tconn::native_handle opened = tconn::no_handle;
  ASSERT_EQ(platform::open_queue(opened), 0);
  tconn::socket const queue(opened);
  tconn::socket const ready(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));  // always writable
  auto const taken = [&] {
    std::uint32_t token = 0;
    std::size_t count = 1;
    EXPECT_EQ(platform::take_ready(opened, &token, count), 0);
    return count == 0 ? 0U : token;
  };
  EXPECT_EQ(taken(), 0U);
  for (std::uint32_t const token : {5U, 6U}) {
    ASSERT_EQ(platform::watch(opened, ready.native_handle(), token), 0);
    EXPECT_EQ(taken(), token);
    EXPECT_EQ(taken(), 0U);
  }
}

TEST(Queue, gives_no_more_than_was_asked_for_and_writes_nothing_behind_it) {
  tconn::native_handle opened = tconn::no_handle;
  ASSERT_EQ(platform::open_queue(opened), 0);
  tconn::socket const queue(opened);
  std::vector<tconn::socket> ready;
  for (std::uint32_t token = 1; token <= 3; ++token) {
    ready.emplace_back(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(platform::watch(opened, ready.back().native_handle(), token), 0);
  }
  std::uint32_t tokens[4] = {99, 99, 99, 99};
  std::size_t taken = 2;
  EXPECT_EQ(platform::take_ready(opened, tokens, taken), 0);
  EXPECT_EQ(taken, 2U);
  EXPECT_EQ(tokens[2], 99U);
}

TEST(Queue, gives_a_buffer_at_a_time_and_the_rest_at_the_next_call) {
  tconn::native_handle opened = tconn::no_handle;
  ASSERT_EQ(platform::open_queue(opened), 0);
  tconn::socket const queue(opened);
  std::vector<tconn::socket> ready;
  for (std::uint32_t token = 0; token < 70; ++token) {
    ready.emplace_back(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(platform::watch(opened, ready.back().native_handle(), token), 0);
  }
  std::vector<std::uint32_t> tokens(100);
  for (std::size_t const expected : {64U, 6U, 0U}) {
    std::size_t taken = tokens.size();
    EXPECT_EQ(platform::take_ready(opened, tokens.data(), taken), 0);
    EXPECT_EQ(taken, expected);
  }
}

TEST(Platform, leaves_the_port_to_connect_only_where_none_is_named) {
  if (!support::tells_what_is_left()) GTEST_SKIP() << support::needs_a_kernel;
  for (bool const any_port : {true, false}) {
    tconn::socket const fresh(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto const own = tconn::endpoint::loopback_v4(0);
    ASSERT_EQ(platform::bind(fresh.native_handle(), own.data(), own.size(), any_port), 0);
    int is_left = 0;
    EXPECT_EQ(platform::get_int(fresh.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, is_left), 0);
    EXPECT_EQ(is_left != 0, any_port);
    EXPECT_EQ(support::local_name(fresh.native_handle()).port() == 0, any_port);
  }
}

TEST(Platform, tells_the_reset_that_it_meets_where_there_is_nothing_to_throw_away) {
  support::listener const server;
  auto const client = tconn::timed_connect(server.where(), std::chrono::seconds(3));
  ASSERT_TRUE(client);
  {
    auto const accepted = server.accept();
    ASSERT_EQ(platform::reset_on_close(accepted.native_handle()), 0);
  }
  ASSERT_TRUE(support::is_readable(client->native_handle(), std::chrono::seconds(3)));
  EXPECT_EQ(platform::discard_received(client->native_handle()), tconn::native_error::connection_reset);
}

TEST(Platform, throws_away_what_has_come_by_tcp_and_says_when_there_is_no_more) {
  support::listener const server;
  auto const client = tconn::timed_connect(server.where(), std::chrono::seconds(3));
  ASSERT_TRUE(client);
  auto accepted = server.accept();
  int const mine = client->native_handle();
  EXPECT_EQ(platform::discard_received(mine), tconn::native_error::try_again);
  ASSERT_EQ(::send(accepted.native_handle(), "x", 1, MSG_NOSIGNAL), 1);
  ASSERT_TRUE(support::is_readable(mine, std::chrono::seconds(3)));
  errno = EFAULT;
  EXPECT_EQ(platform::discard_received(mine), 0);
  accepted.close();
  ASSERT_TRUE(support::is_readable(mine, std::chrono::seconds(3)));
  errno = 0;
  EXPECT_EQ(platform::discard_received(mine), tconn::native_error::try_again) << "at the end of all";
}

TEST(Platform, throws_away_what_a_unix_socket_has_got) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  tconn::socket const mine(ends[0]);
  tconn::socket const peer(ends[1]);
  EXPECT_EQ(platform::discard_received(mine.native_handle()), tconn::native_error::try_again);
  ASSERT_EQ(::send(ends[1], "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(platform::discard_received(mine.native_handle()), 0);
}

TEST(Platform, cannot_see_arrivals_at_what_is_not_tcp) {
  tconn::socket const datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(platform::mark_arrivals(datagrams.native_handle()), tconn::native_error::not_supported);
}

TEST(Queue, is_not_inherited) {
  tconn::native_handle opened = tconn::no_handle;
  ASSERT_EQ(platform::open_queue(opened), 0);
  tconn::socket const queue(opened);
  EXPECT_NE(::fcntl(opened, F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
