// SPDX-License-Identifier: MIT
// What the servers of testing/loopback.hpp do on Linux alone: a late one is exact, a silent one hears nothing, and what
// is reset is a RST.
#include <timed_connect/testing/loopback.hpp>

#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::is_connected;
using support::state_of;
using support::steady;
using support::told;
using tconn::endpoint;
using tconn::on_timeout;
using tconn::tcp_state;
using tconn::timed_connect;
using tconn::testing::black_hole;
using tconn::testing::late_server;
using tconn::testing::unix_name;
using tconn::testing::what_is_read;

// The kernel repeats a SYN after a second, so what is answered well before that was not.
constexpr auto before_the_next_syn = 900ms;

class LateServer : public testing::TestWithParam<endpoint> {
 protected:
  void SetUp() override {
    bool const is_proc_readable = support::tells_what_is_left() || std::endian::native == std::endian::little;
    if (!is_proc_readable) GTEST_SKIP() << "/proc/net/tcp is in the byte order of the emulator's machine";
  }
};
INSTANTIATE_TEST_SUITE_P(Loopback, LateServer, testing::Values(endpoint::loopback_v4(0), endpoint::loopback_v6(0)),
                         [](auto const& tested) { return tested.param.family() == AF_INET ? "v4" : "v6"; });

TEST_P(LateServer, answers_at_its_time_and_does_not_wait_for_the_next_SYN) {
  constexpr auto late = 100ms;
  auto const began = steady::now();
  late_server server(late, GetParam());
  ASSERT_TRUE(server.is_exact());
  auto const client = timed_connect(server.where(), 20s);
  auto const took = steady::now() - began;
  ASSERT_TRUE(client) << told(client);
  EXPECT_GE(took, late);
  EXPECT_LT(took, before_the_next_syn);
  EXPECT_TRUE(support::carries_a_byte(server.accept(), *client));
}

TEST_P(LateServer, is_exact_where_another_server_has_just_gone) {
  auto const where = [] {
    tconn::testing::listening_server const gone(GetParam());
    auto const client = timed_connect(gone.where(), 10s);
    gone.accept().close();  // before the client does: TIME_WAIT is the server's
    return gone.where();
  }();
  late_server server(100ms, where);
  EXPECT_TRUE(server.is_exact());
  auto const began = steady::now();
  EXPECT_TRUE(timed_connect(where, 20s));
  EXPECT_LT(steady::now() - began, before_the_next_syn);
  EXPECT_TRUE(server.accept());
}

TEST_P(LateServer, answers_everybody_who_waits) {
  late_server server(100ms, GetParam());
  std::vector<endpoint> const to(5, server.where());
  auto const began = steady::now();
  auto const clients = tconn::timed_connect_all(to, 20s);
  EXPECT_LT(steady::now() - began, before_the_next_syn);
  for (auto const& client : clients) {
    ASSERT_TRUE(client) << told(client);
    EXPECT_TRUE(server.accept());
  }
  EXPECT_FALSE(server.accept(0s));
}

// A fork is a process of its own, whose sockets nobody here knows.
TEST_P(LateServer, answers_another_process) {
  late_server server(100ms, GetParam());
  auto const child = ::fork();
  if (child == 0) ::_exit(timed_connect(server.where(), 900ms) ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(tconn::testing::what_is_read(server.accept()), "EOF");
}

TEST_P(LateServer, does_not_answer_who_has_given_up) {
  late_server server(100ms, GetParam());
  auto const result = timed_connect(server.where(), 20ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().aftermath,
            support::tells_what_is_left() ? tconn::aftermath::nothing_sent : tconn::aftermath::unknown);
  EXPECT_FALSE(server.accept(300ms));
}

TEST(LateServerOnAUnixSocket, is_found_within_a_few_milliseconds) {
  unix_name const name;
  auto const began = steady::now();
  late_server const server(100ms, name.where());
  EXPECT_FALSE(server.is_exact());
  ASSERT_TRUE(timed_connect(server.where(), 20s));
  auto const took = steady::now() - began;
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, before_the_next_syn);
}

TEST(ListeningServer, accepts_nothing_and_does_not_go_on_trying_when_no_descriptor_is_left) {
  tconn::testing::listening_server const server;
  auto const client = timed_connect(server.where(), 10s);
  ASSERT_TRUE(client) << told(client);
  {
    support::no_more_descriptors const none;
    EXPECT_FALSE(server.accept(60s));
  }
  EXPECT_TRUE(server.accept());
}

TEST(ResettingServer, waits_without_work_while_no_descriptor_is_left_and_then_goes_on) {
  tconn::testing::resetting_server const server;
  auto const client = support::open_socket(AF_INET);
  tconn::socket const asking(client);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  auto const free = static_cast<rlim_t>(::dup(client));
  ::close(static_cast<int>(free));
  rlimit const none_free{free, before.rlim_max};  // of 0, poll() itself would not work
  ::setrlimit(RLIMIT_NOFILE, &none_free);
  EXPECT_EQ(::connect(client, server.where().data(), server.where().size()), 0);
  auto const worked = std::clock();
  std::this_thread::sleep_for(300ms);
  EXPECT_LT(std::clock() - worked, CLOCKS_PER_SEC / 10);
  EXPECT_EQ(server.resets(), 0U);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(what_is_read(asking), "ECONNRESET");
  EXPECT_EQ(server.resets(), 1U);
}

TEST(BlackHole, hears_no_SYN_of_any_client) {
  black_hole const silent;
  std::vector<endpoint> const to(5, silent.where());
  for (auto const& result : tconn::timed_connect_all(to, 20ms, {.each = {.on_timeout = on_timeout::keep}})) {
    ASSERT_TRUE(!result && result.error().pending);
    auto const state = state_of(result.error().pending->native_handle());
    EXPECT_TRUE(state == tcp_state::syn_sent || (state == tcp_state::unknown && !support::tells_what_is_left()));
  }
}

TEST(BlackHole, that_opens_waits_for_the_next_SYN) {
  black_hole server;
  auto pending = tconn::start_connect(server.where());
  ASSERT_TRUE(pending);
  server.open();
  EXPECT_FALSE(is_connected(pending->native_handle()));
  auto const connected = pending->wait(10s);
  ASSERT_TRUE(connected) << told(connected);
}

TEST(UnixName, that_is_too_long_is_told_and_leaves_no_folder) {
  unix_name const elsewhere;
  auto const folder = std::filesystem::path(elsewhere.text()).parent_path();
  auto const* const before = std::getenv("TMPDIR");
  std::string const kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", folder.c_str(), 1);
  EXPECT_THROW(unix_name(std::string(200, 'x')), std::system_error);
  before != nullptr ? ::setenv("TMPDIR", kept.c_str(), 1) : ::unsetenv("TMPDIR");
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

}  // namespace
