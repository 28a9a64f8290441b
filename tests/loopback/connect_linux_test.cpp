// SPDX-License-Identifier: MIT
// Real sockets: Unix paths and abstract names, options, and limits of descriptors.
#include <timed_connect/retry.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <optional>
#include <thread>

namespace {

using namespace support;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::timed_connect;

template <class Strategy>
class ConnectingByPath : public testing::Test {};
TYPED_TEST_SUITE(ConnectingByPath, strategies, strategy_names);

TYPED_TEST(ConnectingByPath, gives_a_working_connection) {
  temporary_path const path("x.sock");
  for (auto const& where : {path.where(), *endpoint::parse("unix:@timed_connect." + std::to_string(::getpid()))}) {
    SCOPED_TRACE(where.to_string());
    listener const server(where);
    auto const client = timed_connect(server.where(), 2s, {}, TypeParam{});
    ASSERT_TRUE(client) << told(client);
    EXPECT_FALSE(is_nonblocking(client->native_handle()));
    EXPECT_FALSE(is_inherited(client->native_handle()));
    EXPECT_TRUE(carries_a_byte(*client, server.accept()));
  }
}

TEST(Loopback, a_path_that_is_not_there_yet_is_waited_for_by_a_retry) {
  temporary_path const path("later.sock");
  std::optional<listener> server;
  std::thread starts([&] {
    std::this_thread::sleep_for(100ms);
    server.emplace(path.where());
  });
  auto const result = tconn::timed_connect_retry(path.where(), 30s);
  starts.join();
  EXPECT_TRUE(result) << told(result);
}

TEST(Loopback, a_full_unix_backlog_is_waited_for) {
  temporary_path const path("x.sock");
  for (auto const& where : {path.where(), *endpoint::parse("unix:@timed_connect.full." + std::to_string(::getpid()))}) {
    full_listener server(where);
    for (auto const how : {tconn::on_timeout::close, tconn::on_timeout::reset, tconn::on_timeout::keep}) {
      auto const began = steady::now();
      auto const late = timed_connect(server.where(), 30ms, {.on_timeout = how});
      ASSERT_FALSE(late) << "EAGAIN was taken for progress";
      EXPECT_EQ(late.error().code, errc::deadline_exceeded);
      EXPECT_EQ(late.error().handshake, handshake::not_started);
      EXPECT_EQ(late.error().aftermath, tconn::aftermath::none);
      EXPECT_FALSE(late.error().pending);
      EXPECT_GE(steady::now() - began, 30ms);
    }
    std::thread opener([&] {
      std::this_thread::sleep_for(20ms);
      server.open();
    });
    auto const client = timed_connect(server.where(), 5s);
    opener.join();
    ASSERT_TRUE(client) << told(client);
    EXPECT_TRUE(carries_a_byte(*client, server.accept()));
    full_listener const other(*endpoint::parse("unix:@timed_connect.other." + std::to_string(::getpid())));
    auto const started = tconn::start_connect(other.where());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, std::errc::resource_unavailable_try_again);
  }
}

TEST(Loopback, a_unix_connection_that_is_abandoned_is_told_so_under_whatever_path_its_listener_knows_itself) {
  temporary_path const path("x.sock");
  listener const server(path.where());
  auto const name = path.where().to_string();
  auto const file = name.rfind('/');
  auto const other_name = *endpoint::parse(name.substr(0, file) + "/." + name.substr(file));
  auto started = tconn::start_connect(other_name);
  ASSERT_TRUE(started);
  EXPECT_EQ(started->abandon(tconn::on_timeout::close), tconn::aftermath::peer_sees_close);
  EXPECT_EQ(what_is_read(server.accept()), "EOF");
}

TEST(Loopback, a_unix_path_without_a_listener_is_an_error_at_once) {
  EXPECT_EQ(timed_connect(*endpoint::parse("unix:/nonexistent/x"), 5s).error().code,
            std::errc::no_such_file_or_directory);
  temporary_path const path("x.sock");
  closed_port const gone(path.where());
  auto const refused = timed_connect(path.where(), 5s);
  EXPECT_EQ(refused.error().code, std::errc::connection_refused);
  EXPECT_EQ(refused.error().handshake, handshake::failed) << told(refused);
  EXPECT_EQ(refused.error().aftermath, tconn::aftermath::none) << told(refused);
}

TEST(Loopback, options_reach_the_socket) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  listener const server;
  auto const number = [](tconn::socket const& s, int level, int option) {
    int value = -1;
    socklen_t length = sizeof value;
    ::getsockopt(s.native_handle(), level, option, &value, &length);
    return value;
  };
  auto const client = timed_connect(server.where(), 2s,
                                    {.local = *endpoint::parse("127.0.0.9:0"),
                                     .interface_name = "lo",
                                     .no_delay = true,
                                     .keep_alive = true,
                                     .user_timeout = 1234ms,
                                     .syn_count = 2});
  ASSERT_TRUE(client) << told(client);
  EXPECT_EQ(local_name(client->native_handle()).to_string().substr(0, 10), "127.0.0.9:");
  EXPECT_EQ(number(*client, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(number(*client, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(number(*client, IPPROTO_TCP, TCP_USER_TIMEOUT), 1234);
  EXPECT_EQ(number(*client, IPPROTO_TCP, TCP_SYNCNT), 2);
  EXPECT_EQ(number(*client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1) << "bind() has used up a port for every peer";
  char device[32] = "";
  socklen_t length = sizeof device;
  ::getsockopt(client->native_handle(), SOL_SOCKET, SO_BINDTODEVICE, device, &length);
  EXPECT_STREQ(device, "lo");
  auto const plain = timed_connect(server.where(), 2s);
  EXPECT_EQ(number(*plain, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(timed_connect(server.where(), 2s, {.interface_name = "nosuchdevice"}).error().code,
            std::errc::no_such_device);
}

TEST(Loopback, a_mark_is_set_or_its_refusal_is_told) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  listener const server;
  auto const client = timed_connect(server.where(), 2s, {.mark = 77});
  if (!client) {
    EXPECT_EQ(client.error().code, std::errc::operation_not_permitted) << "only the missing privilege may refuse it";
    GTEST_SKIP() << "SO_MARK needs CAP_NET_ADMIN";
  }
  int mark = 0;
  socklen_t length = sizeof mark;
  ::getsockopt(client->native_handle(), SOL_SOCKET, SO_MARK, &mark, &length);
  EXPECT_EQ(mark, 77);
}

TEST(Loopback, multipath_is_spoken_or_refused_but_never_ignored) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  listener const server;
  auto const client = timed_connect(server.where(), 2s, {.multipath = true});
  tconn::socket const probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
  if (!probe) {
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, errc::invalid_option);
    return;
  }
  ASSERT_TRUE(client) << told(client);
  int protocol = 0;
  socklen_t length = sizeof protocol;
  ::getsockopt(client->native_handle(), SOL_SOCKET, SO_PROTOCOL, &protocol, &length);
  EXPECT_EQ(protocol, IPPROTO_MPTCP);
  full_listener const full;
  for (auto const how : {tconn::on_timeout::close, tconn::on_timeout::reset}) {
    auto const late = timed_connect(full.where(), 20ms, {.on_timeout = how, .multipath = true});
    EXPECT_EQ(late.error().code, errc::deadline_exceeded);
    EXPECT_EQ(late.error().handshake, handshake::in_flight) << told(late);
    EXPECT_EQ(late.error().aftermath, tconn::aftermath::unknown) << "there is a RST, see tests/wire/multipath_test.cpp";
  }
}

TEST(Loopback, descriptors_beyond_FD_SETSIZE_connect_by_poll_and_are_refused_by_select) {
  rlimit limits{};
  ::getrlimit(RLIMIT_NOFILE, &limits);
  rlimit const before = limits;
  limits.rlim_cur = std::min<rlim_t>(limits.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &limits);
  if (limits.rlim_cur < FD_SETSIZE + 64)
    GTEST_SKIP() << "the limit of open files (" << limits.rlim_cur << ") is too low";
  listener const server;
  closed_port const nobody;
  std::vector<tconn::socket> fillers;
  while (fillers.empty() || fillers.back().native_handle() < FD_SETSIZE) {
    fillers.emplace_back(::fcntl(server.descriptor(), F_DUPFD_CLOEXEC, 0));
    ASSERT_TRUE(static_cast<bool>(fillers.back()));
  }
  auto const client = timed_connect(server.where(), 2s);
  ASSERT_TRUE(client) << told(client);
  EXPECT_GE(client->native_handle(), FD_SETSIZE);
  EXPECT_TRUE(timed_connect(server.where(), 2s, {}, tconn::spinning{}));
  auto const refused = timed_connect(server.where(), 2s, {}, tconn::selecting{});
  EXPECT_EQ(refused.error().code, errc::descriptor_too_large);
  EXPECT_EQ(refused.error().handshake, handshake::not_started);
  tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(timed_connect(mine.native_handle(), server.where(), 2s, {}, tconn::selecting{}).error().code,
            errc::descriptor_too_large);
  server.accept();
  server.accept();
  EXPECT_FALSE(server.accept(50ms)) << "select's refusal came after a SYN";
  fillers.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Loopback, running_out_of_descriptors_is_told) {
  rlimit limits{};
  ::getrlimit(RLIMIT_NOFILE, &limits);
  listener const server;
  rlimit none = limits;
  none.rlim_cur = static_cast<rlim_t>(::dup(0));
  ::close(static_cast<int>(none.rlim_cur));
  ::setrlimit(RLIMIT_NOFILE, &none);
  auto const result = timed_connect(server.where(), 2s);
  ::setrlimit(RLIMIT_NOFILE, &limits);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::too_many_files_open);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
}

}  // namespace
