// SPDX-License-Identifier: MIT
// A cancellation with real sockets: what the peer sees of it, a borrowed descriptor, a Unix socket, and descriptors that
// run out or that select() cannot watch.
#include <timed_connect/race.hpp>
#include <timed_connect/retry.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/cancelled_wait.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::at_once;
using support::far_away;
using support::full_listener;
using support::told;
using tconn::aftermath;
using tconn::cancellation;
using tconn::errc;
using tconn::on_timeout;

template <class Strategy>
class CancelledWaitOn : public support::cancelled_wait<Strategy> {};
TYPED_TEST_SUITE(CancelledWaitOn, support::strategies, support::strategy_names);

TYPED_TEST(CancelledWaitOn, a_borrowed_descriptor_which_can_connect_again) {
  support::listener const server;
  tconn::socket const mine(support::open_socket(AF_INET));
  auto const result = this->cancelled([&](auto* cancel, auto sys) {
    return timed_connect(mine.native_handle(), this->black_hole.where(), far_away, {.cancel = cancel}, sys);
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_FALSE(support::is_nonblocking(mine.native_handle()));
  auto const again = tconn::timed_connect(mine.native_handle(), server.where(), far_away);
  EXPECT_TRUE(again) << told(again);
}

TYPED_TEST(CancelledWaitOn, a_Unix_socket_whose_backlog_is_full) {
  support::temporary_path const path("full.sock");
  full_listener const full(path.where());
  auto const result = this->cancelled(
      [&](auto* cancel, auto sys) { return timed_connect(path.where(), far_away, {.cancel = cancel}, sys); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
}

TYPED_TEST(CancelledWaitOn, that_nothing_could_cancel_is_refused_and_the_attempt_is_kept) {
  tconn::socket in_flight(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto const where = this->black_hole.where();
  ASSERT_EQ(::connect(in_flight.native_handle(), where.data(), where.size()), -1);
  std::optional<support::no_more_descriptors> limited(std::in_place);
  cancellation const broken;
  limited.reset();
  tconn::pending_connection pending(std::move(in_flight), where, {.cancel = &broken});
  auto const refused = pending.wait(50ms, on_timeout::close, TypeParam{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::too_many_files_open) << told(refused);
  EXPECT_EQ(refused.error().aftermath, aftermath::kept);
  EXPECT_TRUE(pending);
}

TEST(CancelledRace, against_completion_has_one_winner_and_what_is_told_is_what_the_server_sees) {
  support::listener const server;
  int won = 0;
  for (int round = 0; round < 300; ++round) {
    cancellation cancel;
    std::thread requester([&] {
      auto const delay = round * round / 30 * 1us;  // around the time that a connect takes, on slow machines too
      if (delay > 1ms) std::this_thread::sleep_for(delay);
      for (auto const end = support::steady::now() + delay; delay <= 1ms && support::steady::now() < end;) {
      }
      cancel.request();
    });
    auto const result =
        tconn::timed_connect(server.where(), far_away, {.on_timeout = on_timeout::reset, .cancel = &cancel});
    requester.join();
    won += result ? 1 : 0;
    if (result) {
      EXPECT_EQ(support::what_is_read(server.accept(), 0ms), "silence");
    } else {
      EXPECT_EQ(result.error().code, errc::cancelled) << told(result);
      bool const is_seen = result.error().aftermath == aftermath::peer_sees_reset;
      auto const accepted = server.accept(is_seen ? 3000ms : 0ms);
      EXPECT_EQ(support::what_is_read(accepted), is_seen ? "ECONNRESET" : "no connection") << told(result);
    }
  }
  EXPECT_GT(won, 0) << "no delay was long enough";
}

/// Beside it is a cancellation whose number is beyond what select() can watch, and sockets have lower ones.
class CancellationHandle : public ::testing::Test {
 protected:
  void SetUp() override {
    cancellation low;
    std::vector<tconn::socket> fillers;
    while (fillers.empty() || fillers.back().native_handle() < FD_SETSIZE) {
      int const next = ::fcntl(low.native_handle(), F_DUPFD_CLOEXEC, 0);
      if (next < 0)
        GTEST_SKIP() << "SKIPPED: no more than " << fillers.size() << " descriptors are allowed (ulimit -n)";
      fillers.emplace_back(next);
    }
    high_.emplace();
  }
  cancellation& high() { return *high_; }
  support::listener const& server() const { return server_; }

 private:
  std::optional<cancellation> high_{};
  support::listener server_{};
};

TEST_F(CancellationHandle, of_a_number_that_select_cannot_watch_is_refused) {
  auto const refused = timed_connect(server().where(), far_away, {.cancel = &high()}, tconn::selecting{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::descriptor_too_large) << told(refused);
  auto const connected = timed_connect(server().where(), far_away, {.cancel = &high()});
  EXPECT_TRUE(connected) << told(connected);
}

// The pause before another attempt watches it without a socket.
TEST_F(CancellationHandle, of_such_a_number_is_not_given_to_select_by_a_retry_whose_every_error_is_worth_another_try) {
  tconn::retry_options options;
  options.each.cancel = &high();
  options.retries = [](std::error_code const&) { return true; };
  auto const refused = tconn::timed_connect_retry(server().where(), at_once, options, tconn::selecting{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::descriptor_too_large) << told(refused);
}

/// Cancels when a socket is opened.
struct cancelling : tconn::selecting {
  explicit cancelling(cancellation& whom) : cancelled(&whom) {}
  int open(tconn::native_handle& opened, int family, bool multipath) const {
    cancelled->request();
    return tconn::selecting::open(opened, family, multipath);
  }
  cancellation* cancelled;
};

// So does a race that is cancelled between its attempts.
TEST_F(CancellationHandle, of_such_a_number_is_not_given_to_select_by_a_race_that_is_cancelled) {
  tconn::race_options options;
  options.each.cancel = &high();
  auto const refused =
      tconn::timed_connect_any({server().where(), server().where()}, far_away, options, cancelling(high()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::descriptor_too_large) << told(refused);
}

}  // namespace
