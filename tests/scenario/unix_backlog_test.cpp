// SPDX-License-Identifier: MIT
// Promise 6: a Unix socket whose backlog is full waits under the deadline, by trying again; nothing is ever in flight.
#include "support/simulation.hpp"

#include <memory>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::handshake;

class UnixBacklog : public Scenario {
 protected:
  tconn::endpoint const server = at("unix:/run/x.sock");
  auto connect(tconn::deadline limit, tconn::connect_options const& options = {}) {
    return tconn::timed_connect(server, limit, options, simulated{&net});
  }
  int tries() const { return count(net.log(), "start_connect"); }
};

TEST_F(UnixBacklog, is_waited_for_until_there_is_a_place) {
  net.backlog_full_until(server, 50ms);
  auto const result = connect(100ms);
  ASSERT_TRUE(result) << told(result);
  EXPECT_GE(net.elapsed(), 50ms);
  EXPECT_LE(net.elapsed(), 52ms) << "a place was free for more than 2 ms";
  EXPECT_TRUE(net.is_blocking(result->native_handle()));
}

TEST_F(UnixBacklog, is_tried_100_us_apart_at_first_and_never_more_than_2_ms) {
  net.backlog_full_until(server, 1h);
  std::vector<std::chrono::nanoseconds> times;
  net.before_call = [&](std::string_view call) {
    if (call == "start_connect") times.push_back(net.elapsed());
  };
  EXPECT_FALSE(connect(10ms));
  std::vector<std::chrono::nanoseconds> const expected = {0us,    100us,  300us,  700us,  1500us,
                                                          3100us, 5100us, 7100us, 9100us, 10'000us};
  EXPECT_EQ(times, expected);
}

TEST_F(UnixBacklog, at_the_deadline_has_nothing_in_flight_and_nothing_to_keep) {
  net.backlog_full_until(server, 1h);
  for (auto const how : {tconn::on_timeout::close, tconn::on_timeout::reset, tconn::on_timeout::keep}) {
    auto const before = net.elapsed();
    auto const result = connect(10ms, {.on_timeout = how});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
    EXPECT_EQ(result.error().handshake, handshake::not_started);
    EXPECT_EQ(result.error().aftermath, aftermath::none);
    EXPECT_FALSE(result.error().pending);
    EXPECT_EQ(result.error().elapsed, 10ms);
    EXPECT_EQ(net.elapsed() - before, 10ms);
  }
}

TEST_F(UnixBacklog, a_try_that_was_made_before_the_deadline_is_no_last_look_even_if_the_clock_has_passed_it_since) {
  net.backlog_full_until(server, 100us);  // the first try finds no place, and takes 300 us to say so
  struct slow : simulated {
    using simulated::simulated;
    world* slowed = nullptr;
    int start_connect(tconn::native_handle handle, tconn::endpoint const& to) const {
      int const answer = simulated::start_connect(handle, to);
      slowed->pass(300us);
      return answer;
    }
  };
  slow sys{&net};
  sys.slowed = &net;
  EXPECT_TRUE(tconn::timed_connect(server, 300us, {}, sys)) << net.log();
}

TEST_F(UnixBacklog, a_place_that_comes_free_at_the_deadline_is_found_by_the_last_look) {
  net.backlog_full_until(server, 10ms);
  EXPECT_TRUE(connect(10ms));
  EXPECT_EQ(net.elapsed(), 10ms);
}

TEST_F(UnixBacklog, a_place_that_comes_free_at_the_deadline_is_too_late_where_late_is_refused) {
  net.backlog_full_until(server, 10ms);
  auto const result = connect(10ms, {.accept_late = false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
  EXPECT_EQ(net.elapsed(), 10ms);
}

TEST_F(UnixBacklog, a_zero_deadline_tries_once) {
  net.backlog_full_until(server, 1h);
  auto const result = connect(0ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_EQ(tries(), 1);
  EXPECT_EQ(net.elapsed(), 0ms);
}

TEST_F(UnixBacklog, is_waited_for_through_a_storm_of_signals_at_the_same_pace) {
  net.signals_every(30us);
  net.backlog_full_until(server, 1h);
  EXPECT_FALSE(connect(10ms));
  EXPECT_EQ(tries(), 10);
}

TEST_F(UnixBacklog, EINTR_of_connect_is_tried_again) {
  // The world's EINTR says "started"; a Unix connect() that was interrupted has not.
  class interrupted_once : public simulated {
   public:
    using simulated::simulated;
    int start_connect(tconn::native_handle handle, tconn::endpoint const& to) const {
      return !std::exchange(*done_, true) ? EINTR : simulated::start_connect(handle, to);
    }
    std::shared_ptr<bool> done_ = std::make_shared<bool>(false);
  };
  world own;
  own.backlog_full_until(server, 0ms);
  EXPECT_TRUE(tconn::timed_connect(server, 1ms, {}, interrupted_once{&own}));
  auto const mine = own.lend(AF_UNIX);
  EXPECT_TRUE(tconn::timed_connect(mine, server, 1ms, {}, interrupted_once{&own}));
}

TEST_F(UnixBacklog, a_missing_listener_is_an_error_at_once) {
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
  EXPECT_EQ(net.elapsed(), 0ms);
  EXPECT_EQ(count(net.log(), "shut"), 0) << "a Unix socket that is shut before it connects stays so\n" << net.log();
}

TEST_F(UnixBacklog, a_wait_that_fails_ends_the_tries_and_does_not_make_them_spin) {
  net.backlog_full_until(server, 1h);
  tconn::testing::fault_plan plan{.fail_at = 3, .error = ENOMEM, .call = "wait"};
  auto const result =
      tconn::timed_connect(server, tconn::deadline::never(), {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::not_enough_memory);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
}

TEST_F(UnixBacklog, a_borrowed_descriptor_waits_in_the_same_way) {
  auto const mine = lend(AF_UNIX);
  net.backlog_full_until(server, 3ms);
  EXPECT_TRUE(tconn::timed_connect(mine, server, 10ms, {}, simulated{&net})) << net.log();
  EXPECT_TRUE(net.is_blocking(mine));
  auto const late = lend(AF_UNIX);
  net.backlog_full_until(server, 1h);
  auto const result =
      tconn::timed_connect(late, server, 10ms, {.on_timeout = tconn::on_timeout::keep}, simulated{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
  EXPECT_TRUE(net.is_blocking(late));
}

TEST_F(UnixBacklog, start_connect_starts_nothing_and_says_so) {
  net.backlog_full_until(server, 1h);
  auto const result = tconn::start_connect(server, {}, simulated{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::resource_unavailable_try_again);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
  EXPECT_EQ(result.error().aftermath, aftermath::none);
}

TEST_F(UnixBacklog, a_connection_of_which_nothing_can_be_read_is_told_as_unknown) {
  using tconn::testing::fault_plan;
  using tconn::testing::faulty;
  net.backlog_full_until(server, 0ms);
  fault_plan peer{.fail_at = 1, .error = ENOTCONN, .call = "peer_name"};  // a lie, after which it is given up
  for (auto const* const unreadable : {"connect_error", "peer_name"}) {
    peer.calls = 0;
    fault_plan plan{.fail_at = 2, .error = EPERM, .call = unreadable};
    if (plan.call == "peer_name") plan.fail_at = 1;  // the first of those that the other plan lets through
    auto const result = tconn::timed_connect(server, 10ms, {}, faulty{faulty{simulated{&net}, plan}, peer});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, std::errc::not_connected);
    EXPECT_EQ(result.error().handshake, tconn::handshake::unknown) << unreadable << net.log();
    EXPECT_EQ(result.error().aftermath, tconn::aftermath::unknown) << unreadable;
  }
}

TEST_F(UnixBacklog, is_not_asked_for_what_TCP_alone_has) {
  net.backlog_full_until(server, 3ms);
  EXPECT_TRUE(connect(10ms));
  EXPECT_TRUE(tconn::timed_connect(lend(AF_UNIX), server, 10ms, {}, simulated{&net}));
  for (char const* const call : {" tcp ", " local_port ", " target_name ", " disconnect ", " set_option "}) {
    EXPECT_EQ(count(net.log(), call), 0) << net.log();
  }
}

TEST_F(UnixBacklog, a_borrowed_descriptor_without_a_listener_has_started_nothing_and_is_left_as_it_is) {
  auto const mine = lend(AF_UNIX);
  net.answers_at_once(server, ENOENT);
  auto const missing = tconn::timed_connect(mine, server, 10ms, {}, simulated{&net});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(missing.error().handshake, handshake::not_started);
  EXPECT_EQ(count(net.log(), "start_connect"), 1) << net.log();
  auto const refused = tconn::timed_connect(mine, server, 10ms, {}, simulated{&net});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().handshake, handshake::failed);
  EXPECT_EQ(count(net.log(), " disconnect "), 0) << "TCP alone is disconnected to connect again\n" << net.log();
}

TEST_F(UnixBacklog, start_connect_that_is_connected_at_once_is_finished_by_the_first_look) {
  net.backlog_full_until(server, 0ms);
  auto attempt = tconn::start_connect(server, {}, simulated{&net});
  ASSERT_TRUE(attempt) << net.log();
  auto const finished = attempt->try_finish();
  ASSERT_TRUE(finished);
  EXPECT_TRUE(*finished) << told(*finished);
}

// The mode of the socket cannot be set, so that the connection cannot be handed over.
TEST_F(UnixBacklog, what_is_left_of_a_connection_that_cannot_be_handed_over_is_told_as_the_peer_sees_it) {
  using tconn::testing::fault_plan;
  using tconn::testing::faulty;
  net.backlog_full_until(server, 0ms);
  auto const told_of = [&](auto sys) {
    auto const result = tconn::timed_connect(server, 10ms, {}, sys);
    EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category()));
    return std::pair(result.error().handshake, result.error().aftermath);
  };
  fault_plan stuck{.fail_at = 1, .error = EIO, .call = "set_blocking"};
  EXPECT_EQ(told_of(faulty{simulated{&net}, stuck}), std::pair(handshake::completed, aftermath::peer_sees_close));
  EXPECT_EQ(count(net.wire(), "> FIN"), 1) << net.log();

  stuck.calls = 0;
  fault_plan gone{.fail_at = 2, .error = ENOTCONN, .call = "peer_name"};  // the second is that of giving up
  EXPECT_EQ(told_of(faulty{faulty{simulated{&net}, stuck}, gone}), std::pair(handshake::failed, aftermath::none));

  stuck.calls = 0;
  net.before_call = [this](std::string_view call) {
    if (call == "connect_error") net.deliver(5, tconn::testing::happening::rst);
  };
  EXPECT_EQ(told_of(faulty{simulated{&net}, stuck}), std::pair(handshake::failed, aftermath::none)) << net.log();
}

}  // namespace
