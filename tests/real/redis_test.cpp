// SPDX-License-Identifier: MIT
// Redis over TCP and over a Unix socket, the latter also when its backlog is full.
#include <timed_connect/timed_connect.hpp>

#include "support/printing.hpp"
#include "support/server_process.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace {

using namespace support;
using tconn::endpoint;
using tconn::timed_connect;

class Redis : public testing::Test {
 protected:
  void SetUp() override {
    // The program is one file, which its name tells what to be.
    auto program = find_program("redis-server");
    if (program.empty()) program = find_program("redis-check-rdb");
    if (program.empty()) GTEST_SKIP() << "SKIPPED: Redis is not installed (redis-tools).";
    server.emplace(program,
                   std::vector<std::string>{"redis-server", "--bind", "127.0.0.1", "--port", std::to_string(tcp.port()),
                                            "--unixsocket", folder.file("socket"), "--tcp-backlog", "1", "--dir",
                                            folder.file(""), "--save", ""},
                   folder.file("log"));
    ASSERT_TRUE(server->comes_up(tcp) && server->comes_up(local)) << server->log();
  }

  temporary_folder folder{};
  reserved_port port{};
  endpoint const tcp = port.where();
  endpoint const local = *endpoint::parse("unix:" + folder.file("socket"));
  std::optional<server_process> server{};
};

void expect_pong(tconn::connect_result const& client) {
  ASSERT_TRUE(client) << told(client);
  EXPECT_EQ(ask(*client, "PING\r\n", "\r\n"), "+PONG\r\n");
}

TEST_F(Redis, answers_PING_over_TCP) { expect_pong(timed_connect(tcp, 5s)); }

TEST_F(Redis, answers_PING_over_a_Unix_socket) { expect_pong(timed_connect(local, 5s)); }

TEST_F(Redis, with_a_full_backlog_is_waited_for_until_the_deadline) {
  server->stop();
  auto const fillers = full_backlog(local);
  for (auto const how : {tconn::on_timeout::close, tconn::on_timeout::reset, tconn::on_timeout::keep}) {
    SCOPED_TRACE(testing::PrintToString(how));
    auto const began = steady::now();
    auto const late = timed_connect(local, 50ms, {.on_timeout = how});
    EXPECT_GE(steady::now() - began, 50ms);
    ASSERT_FALSE(late) << "the backlog is not full";
    EXPECT_EQ(late.error().code, tconn::errc::deadline_exceeded) << told(late);
    EXPECT_EQ(late.error().handshake, tconn::handshake::not_started) << told(late);
    EXPECT_EQ(late.error().aftermath, tconn::aftermath::none) << told(late);
    EXPECT_FALSE(late.error().pending);
  }
}

/// The native system, in which the server goes on once it has turned away the third connect().
class relieved_later : public tconn::native_system {
 public:
  relieved_later(server_process* server, int* refusals) : server_(server), refusals_(refusals) {}
  int start_connect(tconn::native_handle handle, endpoint const& to) const {
    int const answer = native_system::start_connect(handle, to);
    if (answer == EAGAIN && ++*refusals_ == 3) server_->resume();
    return answer;
  }

 private:
  server_process* server_;
  int* refusals_;
};

TEST_F(Redis, that_makes_room_before_the_deadline_answers_what_began_while_it_was_full) {
  server->stop();
  auto const fillers = full_backlog(local);
  int refusals = 0;
  expect_pong(timed_connect(local, 10s, {}, relieved_later(&*server, &refusals)));
  EXPECT_GE(refusals, 3) << "the backlog was not full";
}

}  // namespace
