// SPDX-License-Identifier: MIT
// The servers of testing/loopback.hpp, each seen by a connect() that is made by hand and by this library, over each
// family. That none leaves a descriptor open is looked at around every test.
#include <timed_connect/testing/loopback.hpp>

#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::steady;
using support::told;
using tconn::endpoint;
using tconn::errc;
using tconn::timed_connect;
using tconn::testing::black_hole;
using tconn::testing::full_backlog;
using tconn::testing::late_server;
using tconn::testing::listening_server;
using tconn::testing::refusing_port;
using tconn::testing::resetting_server;
using tconn::testing::send_text;
using tconn::testing::unix_name;
using tconn::testing::what_is_read;

/// A client that knows nothing of this library: its socket, and how its non-blocking connect() has ended.
struct by_hand {
  explicit by_hand(endpoint const& to, std::chrono::milliseconds limit) : socket(support::open_socket(to.family())) {
    auto const handle = socket.native_handle();
    tconn::detail::platform::set_blocking(handle, false);
    if (::connect(handle, to.data(), to.size()) == 0) {
      ended = "connected";
    } else if (int const error = support::last_error(); !has_started(error, to.family())) {
      ended = word_for(error);
    } else if (!support::is_ready(tconn::detail::platform::writable(handle), limit)) {
      ended = "silence";
    } else {
      int late_error = 0;
      tconn::detail::platform::connect_error(handle, late_error);
      ended = late_error == 0 ? "connected" : word_for(late_error);
    }
    tconn::detail::platform::set_blocking(handle, true);
  }

  /// Winsock says of TCP that it would block.
  static bool has_started(int error, int family) {
    return error == tconn::native_error::in_progress || (error == tconn::native_error::try_again && family != AF_UNIX);
  }
  static std::string word_for(int error) {
    if (error == tconn::native_error::refused) return "refused";
    if (error == tconn::native_error::try_again) return "full";
    if (error == tconn::native_error::connection_reset) return "reset";
    return std::error_code(error, tconn::native_category()).message();
  }

  tconn::socket socket;
  std::string ended{};
};

/// The same, by this library.
std::string by_library(endpoint const& to, tconn::deadline limit) {
  auto const result = timed_connect(to, limit);
  if (result) return "connected";
  if (result.error().code == errc::deadline_exceeded) return "silence";
  return by_hand::word_for(result.error().code.value());
}

constexpr auto no_unix_sockets = "this system has no Unix sockets";

/// Runs every test once for each family.
class Kit : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (is_unix() && !support::has_unix_sockets()) GTEST_SKIP() << no_unix_sockets;
  }
  bool is_unix() const { return GetParam() == AF_UNIX; }
  /// A place for a server; a Unix one for one server alone.
  endpoint place() {
    if (is_unix()) return names_.emplace_back(std::make_unique<unix_name>())->where();
    return GetParam() == AF_INET ? endpoint::loopback_v4(0) : endpoint::loopback_v6(0);
  }

 private:
  std::vector<std::unique_ptr<unix_name>> names_{};
};
INSTANTIATE_TEST_SUITE_P(Loopback, Kit, testing::Values(AF_INET, AF_INET6, AF_UNIX), [](auto const& tested) {
  return std::string(tested.param == AF_INET ? "v4" : tested.param == AF_INET6 ? "v6" : "a_Unix_socket");
});

TEST_P(Kit, a_listening_server_takes_whoever_comes_and_hears_what_they_say) {
  listening_server const server(place());
  by_hand const first(server.where(), 3s);
  EXPECT_EQ(first.ended, "connected");
  auto const second = timed_connect(server.where(), 3s);
  ASSERT_TRUE(second) << told(second);
  for (auto const* client : {&first.socket, &*second}) {
    auto const accepted = server.accept();
    EXPECT_TRUE(send_text(*client, "hello"));
    EXPECT_EQ(tconn::testing::receive(accepted).value_or("an error"), "hello");
    EXPECT_TRUE(send_text(accepted, "good-bye"));
    EXPECT_EQ(what_is_read(*client), "8 bytes");
  }
}

TEST_P(Kit, a_listening_server_tells_the_end_from_silence) {
  listening_server const server(place());
  by_hand client(server.where(), 3s);
  auto const accepted = server.accept();
  EXPECT_EQ(what_is_read(accepted, 20ms), "silence");
  client.socket.close();
  EXPECT_EQ(what_is_read(accepted), "EOF");
  EXPECT_EQ(tconn::testing::receive(accepted).value_or("an error"), "");
}

TEST_P(Kit, a_listening_server_to_which_nobody_comes_accepts_nothing_and_not_before_the_limit) {
  listening_server const server(place());
  auto const began = steady::now();
  auto const nobody = server.accept(30ms);
  EXPECT_GE(steady::now() - began, 30ms);
  EXPECT_FALSE(nobody);
  EXPECT_EQ(what_is_read(nobody), "no connection");
  EXPECT_EQ(tconn::testing::receive(nobody).error(), std::errc::bad_file_descriptor);
}

TEST_P(Kit, a_listening_server_that_has_stopped_refuses) {
  listening_server server(place());
  auto const where = server.where();
  server.stop();
  EXPECT_EQ(server.where(), where);
  EXPECT_EQ(by_hand(where, 3s).ended, "refused");
  EXPECT_EQ(by_library(where, 3s), "refused");
  EXPECT_FALSE(server.accept(0s));
}

TEST_P(Kit, a_listening_server_can_be_started_again_where_one_has_gone) {
  auto gone = std::make_unique<listening_server>(place());
  auto const where = gone->where();
  by_hand const client(where, 3s);
  EXPECT_EQ(client.ended, "connected");
  gone->accept().close();  // before the client does: TIME_WAIT is the server's
  EXPECT_EQ(what_is_read(client.socket), "EOF");
  auto moved = std::move(*gone);
  gone.reset();
  EXPECT_EQ(by_library(where, 3s), "connected");
  moved = listening_server(place());
  if (is_unix()) std::filesystem::remove(where.to_string().substr(sizeof "unix:" - 1));
  listening_server const again(where);
  EXPECT_EQ(by_library(where, 3s), "connected");
}

TEST_P(Kit, a_server_that_cannot_be_made_says_why_and_where) {
  listening_server const server(place());
  try {
    listening_server const another(server.where());
    FAIL() << "two servers at one place";
  } catch (std::system_error const& error) {
    EXPECT_EQ(error.code(), std::errc::address_in_use);
    EXPECT_NE(std::string(error.what()).find(server.where().to_string()), std::string::npos) << error.what();
  }
}

TEST_P(Kit, a_refusing_port_refuses_everybody) {
  refusing_port const nobody(place());
  EXPECT_EQ(by_hand(nobody.where(), 3s).ended, "refused");
  EXPECT_EQ(by_library(nobody.where(), 3s), "refused");
}

TEST_P(Kit, a_refusing_port_can_be_taken_by_nobody_else) {
  refusing_port const nobody(place());
  EXPECT_THROW(listening_server{nobody.where()}, std::system_error);
}

TEST_P(Kit, a_refusing_port_serves_once_it_listens) {
  refusing_port const server(place());
  ASSERT_TRUE(server.listen());
  by_hand const client(server.where(), 3s);
  EXPECT_EQ(client.ended, "connected");
  EXPECT_TRUE(support::carries_a_byte(client.socket, server.accept()));
}

TEST_P(Kit, a_black_hole_answers_nobody) {
  black_hole const silent(place());
  EXPECT_EQ(by_hand(silent.where(), 50ms).ended, is_unix() ? "full" : "silence");
  EXPECT_EQ(by_library(silent.where(), 50ms), "silence");
}

TEST_P(Kit, a_full_backlog_leaves_no_place_until_the_server_accepts) {
  listening_server const server(place(), 3);
  full_backlog const full(server.where());
  EXPECT_GE(full.size(), 3U);
  EXPECT_EQ(by_library(server.where(), 50ms), "silence");
  EXPECT_TRUE(server.accept());
  EXPECT_EQ(by_library(server.where(), 10s), "connected");
}

TEST_P(Kit, a_full_backlog_is_not_to_be_had_of_a_server_that_takes_everybody) {
  listening_server const server(place(), 1000);
  EXPECT_THROW(full_backlog{server.where()}, std::system_error);
}

TEST_P(Kit, a_black_hole_that_opens_answers_who_has_waited) {
  black_hole server(place());
  auto waiting = timed_connect(server.where(), 50ms, {.on_timeout = tconn::on_timeout::keep});
  ASSERT_FALSE(waiting);
  server.open();
  // The kernel's next SYN comes by itself; after EAGAIN there is nothing in flight, and one tries again.
  auto const connected =
      waiting.error().pending ? waiting.error().pending->wait(10s) : timed_connect(server.where(), 0s);
  ASSERT_TRUE(connected) << told(connected);
  EXPECT_TRUE(support::carries_a_byte(*connected, server.accept()));
}

TEST_P(Kit, a_black_hole_that_has_opened_has_room_for_many) {
  black_hole server(place());
  server.open();
  std::vector<by_hand> clients;
  clients.reserve(10);
  for (int i = 0; i < 10; ++i) clients.emplace_back(server.where(), 3s);
  for (auto const& client : clients) EXPECT_EQ(client.ended, "connected");
}

// A Unix socket knows no reset: what is read there is the end.
TEST_P(Kit, a_resetting_server_lets_its_clients_connect_and_then_read_a_reset) {
  auto const began = steady::now();
  resetting_server const server(place(), 200ms);
  by_hand const first(server.where(), 3s);
  EXPECT_EQ(first.ended, "connected");
  auto const second = timed_connect(server.where(), 3s);
  ASSERT_TRUE(second) << told(second);
  for (auto const* client : {&first.socket, &*second})
    EXPECT_EQ(support::how_it_ended(*client), is_unix() ? "FIN" : "RST");
  EXPECT_GE(steady::now() - began, 200ms);
  EXPECT_EQ(server.resets(), 2U);
}

TEST_P(Kit, a_resetting_server_without_a_pause_resets_at_once_or_while_the_client_connects) {
  resetting_server const server(place(), 0s);
  by_hand const client(server.where(), 3s);
  if (client.ended == "connected") {
    EXPECT_EQ(support::how_it_ended(client.socket), is_unix() ? "FIN" : "RST");
  } else {
    EXPECT_EQ(client.ended, "reset");
  }
  EXPECT_TRUE(support::eventually([&] { return server.resets() == 1; }));
}

TEST_P(Kit, a_resetting_server_that_goes_does_not_wait_for_its_pauses) {
  auto const began = steady::now();
  {
    resetting_server const server(place(), 1h);
    EXPECT_EQ(by_hand(server.where(), 3s).ended, "connected");
  }
  EXPECT_LT(steady::now() - began, 30s);
}

TEST_P(Kit, a_late_server_answers_nobody_before_its_time) {
  late_server server(1h, place());
  EXPECT_EQ(by_hand(server.where(), 50ms).ended, is_unix() ? "full" : "silence");
  EXPECT_EQ(by_library(server.where(), 50ms), "silence");
  EXPECT_FALSE(server.accept(1ms));
}

TEST_P(Kit, a_late_server_answers_who_has_waited_and_not_before_its_time) {
  constexpr auto late = 150ms;
  auto const began = steady::now();
  late_server server(late, place());
  auto const client = timed_connect(server.where(), 20s);
  EXPECT_GE(steady::now() - began, late);
  ASSERT_TRUE(client) << told(client);
  EXPECT_TRUE(support::carries_a_byte(*client, server.accept()));
}

TEST_P(Kit, a_late_server_answers_at_once_after_its_time) {
  late_server server(0s, place());
  ASSERT_TRUE(by_library(server.where(), 20s) == "connected");
  by_hand const client(server.where(), 500ms);
  EXPECT_EQ(client.ended, "connected");
  EXPECT_EQ(what_is_read(server.accept()), "EOF");
  EXPECT_TRUE(support::carries_a_byte(client.socket, server.accept()));
}

TEST_P(Kit, a_late_server_that_goes_does_not_wait_for_its_time) {
  auto const began = steady::now();
  { late_server const server(1h, place()); }
  EXPECT_LT(steady::now() - began, 30s);
}

TEST(UnixName, goes_with_all_that_was_made_there) {
  if (!support::has_unix_sockets()) GTEST_SKIP() << no_unix_sockets;
  std::string path;
  {
    unix_name const name;
    path = name.text();
    listening_server const server(name.where());
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

}  // namespace
