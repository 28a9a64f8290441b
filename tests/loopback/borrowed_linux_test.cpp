// SPDX-License-Identifier: MIT
// The caller's own descriptor with the real kernel: its mode, its history, and what can be done with it afterwards.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <netinet/tcp.h>

namespace {

using namespace support;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::timed_connect;

class Borrowed : public testing::Test {
 protected:
  static tconn::socket fresh(int flags = 0, int family = AF_INET) {
    return tconn::socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  }
  static int connect_by_hand(tconn::socket const& mine, endpoint const& to) {
    return ::connect(mine.native_handle(), to.data(), to.size()) == 0 ? 0 : errno;
  }
  static int pending_error(tconn::socket const& mine) {
    int error = -1;
    tconn::detail::platform::connect_error(mine.native_handle(), error);
    return error;
  }
  listener const server{};
  listener const somebody_else{};
  full_listener black_hole{};
  closed_port const nobody{};
};

TEST_F(Borrowed, comes_back_open_and_in_the_mode_in_which_it_came) {
  for (int const flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
    for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
      for (auto const& to : {server.where(), nobody.where(), black_hole.where()}) {
        auto const mine = fresh(flags);
        int const before = ::fcntl(mine.native_handle(), F_GETFL);
        auto const ignored = timed_connect(mine.native_handle(), to, 5ms, {.on_timeout = how});
        EXPECT_EQ(::fcntl(mine.native_handle(), F_GETFL), before) << to.to_string();
        EXPECT_EQ(pending_error(mine), 0) << to.to_string();
      }
    }
  }
}

TEST_F(Borrowed, connects_to_the_wildcard_in_each_of_its_spellings) {
  listener const everywhere(*endpoint::parse("[::]:0"));
  auto const port = std::to_string(everywhere.where().port());
  for (auto const* host : {"[::]:", "[::ffff:0.0.0.0]:"}) {
    auto const mine = fresh(0, AF_INET6);
    auto const to = *endpoint::parse(host + port);
    auto const result = timed_connect(mine.native_handle(), to, 2s);
    ASSERT_TRUE(result) << host << told(result);
    EXPECT_TRUE(everywhere.accept());
    EXPECT_TRUE(timed_connect(mine.native_handle(), to, 2s)) << host << " connected already";
  }
}

TEST_F(Borrowed, that_was_refused_or_given_up_can_connect_again_by_hand_and_by_us) {
  for (bool const by_hand : {true, false}) {
    for (auto const how : {on_timeout::close, on_timeout::reset}) {
      for (auto const& to : {nobody.where(), black_hole.where()}) {
        auto const mine = fresh();
        auto const failed = timed_connect(mine.native_handle(), to, 5ms, {.on_timeout = how});
        ASSERT_FALSE(failed);
        if (by_hand) {
          EXPECT_EQ(connect_by_hand(mine, server.where()), 0) << std::strerror(errno);
        } else {
          auto const result = timed_connect(mine.native_handle(), server.where(), 2s);
          EXPECT_TRUE(result) << told(result);
        }
      }
    }
  }
}

TEST_F(Borrowed, keeps_its_bound_port_through_giving_up) {
  auto bound = endpoint::loopback_v4(0);
  { bound = closed_port().where(); }  // a number; the kernel keeps only a port that was asked for by its number
  auto const mine = fresh();
  ASSERT_EQ(::bind(mine.native_handle(), bound.data(), bound.size()), 0) << std::strerror(errno);
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    EXPECT_FALSE(timed_connect(mine.native_handle(), black_hole.where(), 5ms, {.on_timeout = how}));
    EXPECT_EQ(local_name(mine.native_handle()).port(), bound.port());
  }
}

TEST_F(Borrowed, that_is_on_its_way_to_somebody_else_stays_untouched) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  auto const mine = fresh(SOCK_NONBLOCK);
  EXPECT_EQ(connect_by_hand(mine, black_hole.where()), EINPROGRESS);
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
    auto const began = steady::now();
    auto const result = timed_connect(mine.native_handle(), server.where(), 10s, {.on_timeout = how});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::errc::connection_already_in_progress) << told(result);
    EXPECT_LT(steady::now() - began, 5s);
    EXPECT_EQ(state_of(mine.native_handle()), tconn::tcp_state::syn_sent);
  }
}

TEST_F(Borrowed, whose_attempt_at_somebody_else_has_just_completed_is_no_success_and_stays_untouched) {
  auto const mine = fresh(SOCK_NONBLOCK);
  EXPECT_EQ(connect_by_hand(mine, somebody_else.where()), EINPROGRESS);
  auto const accepted = somebody_else.accept();
  for (int call = 0; call < 2; ++call) {
    auto const result = timed_connect(mine.native_handle(), server.where(), 1s, {.on_timeout = on_timeout::reset});
    ASSERT_FALSE(result) << "connect() answered 0 for somebody else's attempt";
    EXPECT_EQ(result.error().code, std::errc::already_connected) << told(result);
    EXPECT_EQ(result.error().handshake, handshake::not_started);
  }
  EXPECT_EQ(::send(mine.native_handle(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(what_is_read(accepted), "1 bytes");
}

TEST_F(Borrowed, whose_attempt_at_somebody_else_has_failed_starts_anew) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  for (bool const read : {true, false}) {
    auto const mine = fresh(SOCK_NONBLOCK);
    EXPECT_EQ(connect_by_hand(mine, nobody.where()), EINPROGRESS);
    ASSERT_TRUE(eventually([&] { return state_of(mine.native_handle()) == tconn::tcp_state::closed; }));
    if (read) {
      EXPECT_EQ(pending_error(mine), ECONNREFUSED);
    }
    auto const result = timed_connect(mine.native_handle(), server.where(), 2s);
    EXPECT_TRUE(result) << told(result) << (read ? " (its SO_ERROR was read)" : "");
  }
}

TEST_F(Borrowed, that_listens_is_an_error_and_goes_on_listening) {
  auto const result = timed_connect(server.descriptor(), somebody_else.where(), 1s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::already_connected) << told(result);
  EXPECT_TRUE(timed_connect(server.where(), 2s));
}

TEST_F(Borrowed, of_the_wrong_kind_is_refused_before_anything_is_changed) {
  auto const code = [&](int mine, endpoint const& to) {
    int const before = ::fcntl(mine, F_GETFL);
    auto const result = timed_connect(mine, to, 1s);
    EXPECT_FALSE(result);
    EXPECT_EQ(::fcntl(mine, F_GETFL), before);
    return result ? std::error_code{} : result.error().code;
  };
  tconn::socket const datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  tconn::socket const file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto const v6 = fresh(0, AF_INET6);
  auto const v4 = fresh();
  EXPECT_EQ(code(-1, server.where()), std::errc::bad_file_descriptor);
  EXPECT_EQ(code(1 << 20, server.where()), std::errc::bad_file_descriptor);
  EXPECT_EQ(code(file.native_handle(), server.where()), std::errc::not_a_socket);
  EXPECT_EQ(code(datagrams.native_handle(), server.where()), std::errc::wrong_protocol_type);
  EXPECT_EQ(code(v6.native_handle(), server.where()), std::errc::address_family_not_supported);
  EXPECT_EQ(code(v4.native_handle(), endpoint::loopback_v6(80)), std::errc::address_family_not_supported);
  EXPECT_EQ(code(v4.native_handle(), *endpoint::parse("unix:/x")), std::errc::address_family_not_supported);
}

TEST_F(Borrowed, of_the_unix_family_that_was_refused_can_connect_again) {
  temporary_path const path("gone.sock");
  temporary_path const other("live.sock");
  closed_port const gone(path.where());
  listener const live(other.where());
  auto const mine = fresh(0, AF_UNIX);
  auto const refused = timed_connect(mine.native_handle(), path.where(), 1s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::connection_refused);
  EXPECT_EQ(refused.error().handshake, handshake::failed);
  ASSERT_TRUE(timed_connect(mine.native_handle(), other.where(), 1s));
  EXPECT_EQ(::send(mine.native_handle(), "x", 1, MSG_NOSIGNAL), 1) << "the descriptor was shut down";
  EXPECT_EQ(what_is_read(live.accept()), "1 bytes");
}

// getpeername() gives the name that the listener was bound to.
TEST_F(Borrowed, of_the_unix_family_connects_by_any_name_of_its_peer) {
  temporary_path const path("bound.sock");
  temporary_path const link("link.sock");
  listener const bound(path.where());
  ASSERT_EQ(::symlink(path.text().c_str(), link.text().c_str()), 0);
  auto const mine = fresh(0, AF_UNIX);
  EXPECT_TRUE(timed_connect(mine.native_handle(), link.where(), 1s));
}

TEST_F(Borrowed, of_the_unix_family_that_is_connected_to_somebody_else_is_an_error_and_stays_untouched) {
  temporary_path const path("one.sock");
  temporary_path const other("other.sock");
  listener const one(path.where());
  listener const another(other.where());
  auto const mine = fresh(0, AF_UNIX);
  ASSERT_EQ(connect_by_hand(mine, other.where()), 0);
  EXPECT_TRUE(timed_connect(mine.native_handle(), other.where(), 1s)) << "connected to the very endpoint";
  auto const result = timed_connect(mine.native_handle(), path.where(), 1s);
  ASSERT_FALSE(result) << "connected to somebody else, and told success";
  EXPECT_EQ(result.error().code, std::errc::already_connected);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  tconn::socket const left(pair[0]);
  tconn::socket const right(pair[1]);
  EXPECT_EQ(timed_connect(pair[0], path.where(), 1s).error().code, std::errc::already_connected);
  EXPECT_EQ(::send(pair[0], "x", 1, MSG_NOSIGNAL), 1);
}

TEST_F(Borrowed, of_the_unix_family_is_connected_to_a_path_whose_end_is_not_counted) {
  temporary_path const path("socket");
  listener const here(path.where());
  auto const mine = fresh(0, AF_UNIX);
  endpoint const sun_len(path.where().data(), path.where().size() - 1);  // as SUN_LEN() of <sys/un.h> counts
  EXPECT_TRUE(timed_connect(mine.native_handle(), sun_len, 1s));
  EXPECT_TRUE(timed_connect(mine.native_handle(), sun_len, 1s)) << "it is connected to nobody else";
}

TEST_F(Borrowed, is_never_disconnected_by_an_AF_UNSPEC_endpoint) {
  auto const mine = fresh();
  ASSERT_TRUE(timed_connect(mine.native_handle(), server.where(), 2s));
  sockaddr_storage unspecified{};
  auto const result =
      timed_connect(mine.native_handle(), endpoint(reinterpret_cast<sockaddr*>(&unspecified), sizeof(sockaddr)), 1s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::invalid_endpoint);
  EXPECT_TRUE(is_connected(mine.native_handle()));
}

TEST_F(Borrowed, that_was_ended_after_the_handshake_is_not_told_as_connected_again) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto const given_up = timed_connect(mine.native_handle(), server.where(), 0ms, {.accept_late = false});
  ASSERT_EQ(given_up.error().aftermath, tconn::aftermath::peer_sees_close) << told(given_up);
  auto const again = timed_connect(mine.native_handle(), server.where(), 1s);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, std::error_code(ESHUTDOWN, std::system_category()));
}

TEST_F(Borrowed, that_both_sides_have_ended_was_connected_to_nobody_else) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  for (bool const peer_ends_first : {false, true}) {
    tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_TRUE(timed_connect(mine.native_handle(), server.where(), 2s));
    auto peer = server.accept();
    if (peer_ends_first) {
      ::shutdown(peer.native_handle(), SHUT_WR);
      char nothing = 0;
      EXPECT_EQ(::recv(mine.native_handle(), &nothing, 1, 0), 0);
    }
    ::shutdown(mine.native_handle(), SHUT_RDWR);
    peer.close();
    auto const again = timed_connect(mine.native_handle(), server.where(), 1s);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, std::error_code(ESHUTDOWN, std::system_category())) << peer_ends_first;
    auto const another = timed_connect(mine.native_handle(), somebody_else.where(), 1s);
    ASSERT_FALSE(another);
    EXPECT_EQ(another.error().code, std::errc::already_connected) << peer_ends_first;
  }
}

TEST_F(Borrowed, whose_peer_has_reset_it_still_tells_its_owner_so) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  for (bool const is_asked_for_again : {false, true}) {
    tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect_by_hand(mine, server.where()), 0);
    auto peer = server.accept();
    linger const at_once{1, 0};
    ::setsockopt(peer.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer.close();
    ASSERT_TRUE(is_readable(mine.native_handle(), 3s));
    auto const result =
        timed_connect(mine.native_handle(), is_asked_for_again ? server.where() : somebody_else.where(), 1s);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code.value(), is_asked_for_again ? ESHUTDOWN : EISCONN) << told(result);
    EXPECT_EQ(what_is_read(mine), "ECONNRESET");
  }
}

TEST_F(Borrowed, of_a_Unix_pair_whose_peer_has_reset_it_still_tells_its_owner_so) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  tconn::socket const mine(ends[0]);
  ASSERT_EQ(::write(mine.native_handle(), "x", 1), 1);
  ::close(ends[1]);  // with unread data
  EXPECT_FALSE(timed_connect(mine.native_handle(), *endpoint::parse("unix:@nobody is here"), 1s));
  EXPECT_EQ(what_is_read(mine), "ECONNRESET");
}

// connect() answers 0 at first and EISCONN then, and nothing is sent before the first send() (af_inet.c).
TEST_F(Borrowed, with_fast_open_that_waits_for_its_first_send_is_not_told_as_ended) {
  tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int const on = 1;
  ASSERT_EQ(::setsockopt(mine.native_handle(), IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)), 0);
  ASSERT_EQ(::setsockopt(mine.native_handle(), IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on)), 0);
  ASSERT_EQ(connect_by_hand(mine, server.where()), 0);
  auto const result = timed_connect(mine.native_handle(), server.where(), 1s);
  ASSERT_FALSE(result) << "nothing was sent";
  EXPECT_EQ(result.error().code, std::errc::already_connected) << told(result);
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  EXPECT_EQ(state_of(mine.native_handle()), tconn::tcp_state::syn_sent) << "it is untouched";
}

}  // namespace
