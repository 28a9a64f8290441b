// SPDX-License-Identifier: MIT
// The handshake race with the real kernel: a System decorator opens the full accept queue exactly between two of our
// calls, and what was told is compared with what the server's accept() and recv() see. (A full queue leaves the SYN
// unanswered; once there is a place, the kernel's next SYN completes the handshake, about a second after the first.)
#include <timed_connect/timed_connect.hpp>

#include "support/completes_before.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <sys/ioctl.h>
#include <sys/wait.h>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::timed_connect;

class Race : public testing::TestWithParam<on_timeout> {
 protected:
  full_listener server{};
};

INSTANTIATE_TEST_SUITE_P(every_policy, Race, testing::Values(on_timeout::close, on_timeout::reset, on_timeout::keep),
                         [](auto const& how) { return std::string(to_string(how.param)); });

void expect_the_truth(on_timeout how, tconn::connect_result& result, full_listener const& server) {
  ASSERT_FALSE(result);
  auto& failure = result.error();
  EXPECT_EQ(failure.code, errc::deadline_exceeded);
  EXPECT_EQ(failure.handshake, handshake::completed) << failure.message();
  auto const accepted = server.accept();
  ASSERT_TRUE(accepted);
  switch (how) {
    case on_timeout::close:
      EXPECT_EQ(failure.aftermath, aftermath::peer_sees_close);
      EXPECT_EQ(what_is_read(accepted), "EOF");
      break;
    case on_timeout::reset:
      EXPECT_EQ(failure.aftermath, aftermath::peer_sees_reset);
      EXPECT_EQ(what_is_read(accepted), "ECONNRESET");
      break;
    case on_timeout::keep:
      EXPECT_EQ(failure.aftermath, aftermath::kept);
      ASSERT_TRUE(failure.pending);
      EXPECT_EQ(what_is_read(accepted, 20ms), "silence");
      EXPECT_TRUE(failure.pending->wait(2s));
      EXPECT_EQ(what_is_read(accepted), "EOF") << "the connection that wait() gave was a temporary, closed by now";
  }
}

TEST_P(Race, completed_in_the_gap_before_the_count_of_SYNs) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  auto result =
      timed_connect(server.where(), 20ms, {.on_timeout = GetParam()}, completes_before(race_call::count, &server));
  expect_the_truth(GetParam(), result, server);
}

TEST(RaceDecision, completed_in_the_gap_before_the_decision) {  // keep decides nothing
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    full_listener server;
    auto result =
        timed_connect(server.where(), 20ms, {.on_timeout = how}, completes_before(race_call::decision, &server));
    expect_the_truth(how, result, server);
  }
}

TEST_P(Race, completed_before_the_last_look_is_given_up_where_late_is_refused) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  completes_before const sys(race_call::last_look, &server);
  auto result = timed_connect(server.where(), 20ms, {.on_timeout = GetParam(), .accept_late = false}, sys);
  expect_the_truth(GetParam(), result, server);
}

TEST(RaceAfterwards, the_SYNs_are_counted) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  full_listener const server;
  auto const result = timed_connect(server.where(), 1300ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().syn_retransmits, 1U) << told(result);
}

TEST(RaceAfterwards, unread_data_does_not_turn_a_close_into_a_reset) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  listener const server;
  auto attempt = tconn::start_connect(server.where());
  ASSERT_TRUE(attempt);
  auto const accepted = server.accept();
  ASSERT_EQ(::send(accepted.native_handle(), "SSH-2.0", 7, MSG_NOSIGNAL), 7);
  ASSERT_TRUE(is_readable(attempt->native_handle(), 2s));
  EXPECT_EQ(attempt->abandon(on_timeout::close), aftermath::peer_sees_close);
  EXPECT_EQ(what_is_read(accepted), "EOF");
  EXPECT_EQ(state_of(accepted.native_handle()), tconn::tcp_state::established) << "a RST came behind the FIN";
}

TEST(RaceAfterwards, a_lot_of_unread_data_does_not_turn_a_close_into_a_reset) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  listener const server;
  auto attempt = tconn::start_connect(server.where());
  ASSERT_TRUE(attempt);
  auto const accepted = server.accept();
  std::string const much(60'000, 'x');
  ASSERT_EQ(::send(accepted.native_handle(), much.data(), much.size(), MSG_NOSIGNAL), 60'000);
  int arrived = 0;
  ASSERT_TRUE(
      eventually([&] { return ::ioctl(attempt->native_handle(), FIONREAD, &arrived) == 0 && arrived == 60'000; }));
  EXPECT_EQ(attempt->abandon(on_timeout::close), aftermath::peer_sees_close);
  EXPECT_EQ(what_is_read(accepted), "EOF");
  int error = 0;  // a RST behind the FIN shows here
  ASSERT_EQ(tconn::detail::platform::connect_error(accepted.native_handle(), error), 0);
  EXPECT_EQ(error, 0);
}

TEST(RaceAfterwards, unread_data_does_not_turn_a_close_into_a_reset_of_a_unix_socket) {
  temporary_path const path("x.sock");
  listener const server(path.where());
  auto attempt = tconn::start_connect(server.where());
  ASSERT_TRUE(attempt) << told(attempt);
  auto const accepted = server.accept();
  std::string const much(100'000, 'x');
  ASSERT_EQ(::send(accepted.native_handle(), much.data(), much.size(), MSG_NOSIGNAL), 100'000);
  EXPECT_EQ(attempt->abandon(on_timeout::close), aftermath::peer_sees_close);
  EXPECT_EQ(what_is_read(accepted), "EOF");
}

TEST(RaceAfterwards, a_unix_listener_that_is_gone_sees_nothing) {
  temporary_path const path("x.sock");
  listener server(path.where());
  auto attempt = tconn::start_connect(server.where());
  ASSERT_TRUE(attempt) << told(attempt);
  server.stop();
  EXPECT_EQ(attempt->abandon(on_timeout::close), aftermath::none);
}

TEST(RaceAfterwards, a_server_that_accepts_and_resets_around_the_decision_is_not_taken_for_our_abort) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  class resets_after_decision : public tconn::native_system {
   public:
    explicit resets_after_decision(full_listener* server) : server_(server) {}
    int shut(tconn::native_handle handle, tconn::shut_direction direction) const {
      if (direction == tconn::shut_direction::both) return native_system::shut(handle, direction);
      server_->open();
      EXPECT_TRUE(eventually([&] { return state_of(handle) == tconn::tcp_state::established; }));
      int const decided = native_system::shut(handle, direction);
      auto const accepted = server_->accept();
      tconn::detail::platform::disconnect(accepted.native_handle());
      EXPECT_TRUE(eventually([&] { return state_of(handle) == tconn::tcp_state::closed; }));
      return decided;
    }

   private:
    full_listener* server_;
  };
  full_listener server;
  auto const result = timed_connect(server.where(), 20ms, {}, resets_after_decision(&server));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::completed) << told(result);
  EXPECT_EQ(result.error().aftermath, aftermath::none) << told(result);
}

TEST(RaceAfterwards, a_child_that_holds_a_copy_of_the_descriptor_holds_back_neither_FIN_nor_RST) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    full_listener server;
    pid_t child = -1;
    int held[2];
    ASSERT_EQ(::pipe2(held, O_CLOEXEC), 0);
    auto forking = [&](tconn::native_handle, tconn::endpoint const&) {
      child = ::fork();
      if (child == 0) {  // holds the descriptor until the parent closes its end of the pipe
        ::close(held[1]);
        char byte = 0;
        ::_exit(static_cast<int>(::read(held[0], &byte, 1)));
      }
      return std::error_code{};
    };
    completes_before const sys(race_call::decision, &server);
    auto const result = timed_connect(server.where(), 20ms, {.on_timeout = how, .before_connect = forking}, sys);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().handshake, handshake::completed);
    EXPECT_EQ(what_is_read(server.accept(), 500ms), how == on_timeout::close ? "EOF" : "ECONNRESET");
    ::close(held[0]);
    ::close(held[1]);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
  }
}

}  // namespace
