// SPDX-License-Identifier: MIT
// The system calls of any POSIX system, where Linux has others of its own: here they run on Linux all the same.
#include <timed_connect/detail/platform.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <array>
#include <climits>

namespace {

using namespace support;
using tconn::name_of;
using tconn::socket_option;
using posix = tconn::detail::posix_platform;
namespace native_error = tconn::native_error;

/// The System that is left where a platform has nothing but POSIX.
struct plain_system : tconn::native_system {
  int open(tconn::native_handle& opened, int family, bool multipath) const {
    return posix::open(opened, family, multipath);
  }
  static constexpr bool second_connect_proves(int family) { return posix::second_connect_proves(family); }
  int name(tconn::native_handle handle, name_of which, int family, tconn::endpoint& named) const {
    return which == name_of::target ? native_error::not_supported : native_system::name(handle, which, family, named);
  }
  int disconnect(tconn::native_handle handle) const { return posix::disconnect(handle); }
  int discard_received(tconn::native_handle handle) const { return posix::discard_received(handle); }
  int mark_arrivals(tconn::native_handle handle) const { return posix::mark_arrivals(handle); }
  int discard_report(tconn::native_handle handle) const { return posix::discard_report(handle); }
  int tcp(tconn::native_handle handle, tconn::tcp_facts& facts) const { return posix::tcp(handle, facts); }
};

TEST(PosixPlatform, connects_without_what_Linux_adds) {
  listener const server;
  auto const result = timed_connect(server.where(), 3s, {}, plain_system{});
  ASSERT_TRUE(result);
  tconn::socket const accepted = server.accept();
  ASSERT_EQ(::send(accepted.native_handle(), "x", 1, support::no_signal), 1);
  EXPECT_EQ(what_is_read(tconn::socket(::dup(result->native_handle()))), "1 bytes");
}

TEST(PosixPlatform, gives_up_a_complete_handshake_as_the_policy_says) {
  for (auto const how : {tconn::on_timeout::close, tconn::on_timeout::reset}) {
    listener const server;
    auto const result = timed_connect(server.where(), 0ms, {.on_timeout = how, .accept_late = false}, plain_system{});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, tconn::handshake::unknown);
    EXPECT_EQ(result.error().aftermath, tconn::aftermath::unknown);
    EXPECT_EQ(what_is_read(server.accept()), how == tconn::on_timeout::close ? "EOF" : "ECONNRESET");
  }
}

TEST(PosixPlatform, a_reset_waits_until_the_last_copy_of_the_descriptor_is_closed) {
  listener const server;
  auto client = timed_connect(server.where(), 3s);
  ASSERT_TRUE(client);
  tconn::socket const accepted = server.accept();
  ASSERT_EQ(posix::reset_on_close(client->native_handle()), 0);
  tconn::socket copy(::dup(client->native_handle()));
  client->close();
  EXPECT_EQ(what_is_read(accepted, 20ms), "silence");
  copy.close();
  EXPECT_EQ(what_is_read(accepted), "ECONNRESET");
}

TEST(PosixPlatform, says_of_each_addition_that_it_is_not_there) {
  int opened = -1;
  EXPECT_EQ(posix::open(opened, AF_INET, /*multipath*/ true), native_error::protocol_not_supported);
  EXPECT_EQ(opened, -1);
  tconn::socket const any(support::open_socket(AF_INET));
  for (auto const option : {socket_option::user_timeout_ms, socket_option::syn_count, socket_option::mark}) {
    EXPECT_EQ(posix::set_option(any.native_handle(), option, 1), native_error::unknown_option);
  }
  EXPECT_EQ(posix::bind_to_interface(any.native_handle(), "lo", 2), native_error::unknown_option);
  sockaddr_storage bytes{};
  tconn::detail::address_length length = sizeof bytes;
  EXPECT_EQ(posix::name(any.native_handle(), name_of::target, reinterpret_cast<sockaddr*>(&bytes), length),
            native_error::not_supported);
  EXPECT_FALSE(posix::second_connect_proves(AF_INET));
  tconn::tcp_facts facts;
  EXPECT_EQ(posix::tcp(any.native_handle(), facts), native_error::unknown_option);
  EXPECT_EQ(facts.state, tconn::tcp_state::unknown);
  EXPECT_EQ(posix::discard_report(any.native_handle()), native_error::not_supported);
  EXPECT_EQ(posix::mark_arrivals(any.native_handle()), native_error::not_supported);
  EXPECT_EQ(posix::disconnect(any.native_handle()), native_error::not_supported);
  bool has = false;
  EXPECT_EQ(posix::has_arrived(any.native_handle(), has), native_error::not_supported);
}

TEST(PosixPlatform, has_no_queue) {
  using waiting = tconn::detail::posix_waiting;
  tconn::native_handle queue = tconn::no_handle;
  EXPECT_EQ(waiting::open_queue(queue), native_error::not_supported);
  EXPECT_EQ(queue, tconn::no_handle);
  tconn::socket const any(support::open_socket(AF_INET));
  EXPECT_EQ(waiting::watch(queue, any.native_handle(), 0), native_error::not_supported);
  std::uint32_t token = 0;
  std::size_t count = 1;
  EXPECT_EQ(waiting::take_ready(queue, &token, count), native_error::not_supported);
  EXPECT_EQ(count, 0U);
}

/// What a system waits for that has poll() and no ppoll().
struct plain_entry {
  nfds_t count;
  int limit_ms;
};
int poll(plain_entry* entry, nfds_t count, int limit_ms) {
  *entry = {count, limit_ms};
  return 3;
}

TEST(PosixPlatform, waits_for_whole_milliseconds_rounded_up_where_there_is_no_ppoll) {
  auto const waited = [](std::chrono::nanoseconds limit) {
    plain_entry entry{};
    EXPECT_EQ(tconn::detail::poll_entries(&entry, 2, limit), 3);
    EXPECT_EQ(entry.count, 2U);
    return entry.limit_ms;
  };
  EXPECT_EQ(waited(0ns), 0);
  EXPECT_EQ(waited(1ns), 1);
  EXPECT_EQ(waited(1ms), 1);
  EXPECT_EQ(waited(1'000'001ns), 2);
  EXPECT_EQ(waited(1'500'000ns), 2);
  EXPECT_EQ(waited(INT_MAX * 1ms), INT_MAX);
  EXPECT_EQ(waited(INT_MAX * 1ms + 1ns), INT_MAX);
  EXPECT_EQ(waited(std::chrono::nanoseconds::max()), INT_MAX);
  EXPECT_EQ(waited(-1ns), -1) << "for ever";
}

/// An end of a pipe where there is no pipe2().
struct plain_end {
  int handle = -1;
  operator int() const { return handle; }
};
int pipe(plain_end* ends) {
  if (ends[0].handle == -2) return -1;
  std::array<int, 2> made{};
  EXPECT_EQ(::pipe(made.data()), 0);
  ends[0].handle = made[0];
  ends[1].handle = made[1];
  return 0;
}

TEST(PosixPlatform, keeps_a_pipe_from_other_programs_where_there_is_no_pipe2) {
  std::array<plain_end, 2> ends{};
  ASSERT_EQ(tconn::detail::open_pipe(ends.data()), 0);
  for (plain_end const end : ends) {
    tconn::socket const owned(end);
    EXPECT_EQ(::fcntl(end, F_GETFD), FD_CLOEXEC);
  }
  ends[0].handle = -2;
  EXPECT_EQ(tconn::detail::open_pipe(ends.data()), -1);
}

TEST(PosixPlatform, writes_the_length_into_an_address_that_begins_with_it) {
  struct {
    unsigned char sa_len = 0;
    unsigned char sa_family = AF_INET;
  } as_in_bsd;
  tconn::detail::set_length(as_in_bsd, sizeof(sockaddr_in));
  EXPECT_EQ(as_in_bsd.sa_len, sizeof(sockaddr_in));
}

TEST(PosixPlatform, says_when_there_is_nothing_to_throw_away_or_nothing_to_read_from) {
  tconn::socket const none(support::open_socket(AF_UNIX));
  errno = 0;
  EXPECT_EQ(posix::discard_received(none.native_handle()), EINVAL);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  tconn::socket const mine(ends[0]);
  tconn::socket peer(ends[1]);
  EXPECT_EQ(posix::discard_received(mine.native_handle()), native_error::try_again);
  ASSERT_EQ(::send(ends[1], "x", 1, support::no_signal), 1);
  EXPECT_EQ(posix::discard_received(mine.native_handle()), 0);
  peer.close();
  errno = 0;
  EXPECT_EQ(posix::discard_received(mine.native_handle()), native_error::try_again) << "at the end of all";
}

}  // namespace
