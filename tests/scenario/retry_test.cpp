// SPDX-License-Identifier: MIT
// Waiting for a server: fresh attempts under one deadline, never early, and told of one by one.
#include "support/simulation.hpp"

#include <timed_connect/retry.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace {

using namespace support;
using tconn::connect_options;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::retry_options;

class Retry : public Scenario {
 protected:
  auto retry(tconn::deadline limit, retry_options const& options = {}) {
    return tconn::timed_connect_retry(to, limit, options, simulated{&net});
  }
  /// Refuses so many attempts, and accepts the next.
  void refuse(int times) {
    net.answers_at_once(to, ECONNREFUSED, times);
    net.on_syn(to, {syn_ack(5ms)});
  }
  /// The moments at which attempts began.
  std::vector<std::chrono::nanoseconds> const& watch() {
    net.before_call = [this](std::string_view call) {
      if (call == "open") begun_.push_back(net.elapsed());
    };
    return begun_;
  }

 private:
  std::vector<std::chrono::nanoseconds> begun_{};
};

TEST_F(Retry, connects_with_a_fresh_socket_as_soon_as_somebody_listens) {
  refuse(3);
  auto const result = retry(10s);
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(result->native_handle(), 6) << "the fourth socket";
  EXPECT_EQ(net.open_sockets(), 1U);
  EXPECT_TRUE(net.is_blocking(result->native_handle()));
  EXPECT_LE(net.elapsed(), 50ms + 100ms + 200ms + 5ms);
}

TEST_F(Retry, pauses_for_a_random_time_up_to_a_bound_that_doubles_from_50_to_500_ms) {
  std::vector<std::chrono::nanoseconds> longest(8);
  std::vector<std::chrono::nanoseconds> shortest(8, 1h);
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    world own;
    own.answers_at_once(to, ECONNREFUSED, 1000);
    std::vector<std::chrono::nanoseconds> begun;
    own.before_call = [&](std::string_view call) {
      if (call == "open") begun.push_back(own.elapsed());
    };
    EXPECT_FALSE(tconn::timed_connect_retry(to, 4s, {.seed = seed}, simulated{&own}));
    ASSERT_GT(begun.size(), 9U);
    for (std::size_t i = 0; i < longest.size(); ++i) {
      longest[i] = std::max(longest[i], begun[i + 1] - begun[i]);
      shortest[i] = std::min(shortest[i], begun[i + 1] - begun[i]);
    }
  }
  std::chrono::milliseconds const bounds[] = {50ms, 100ms, 200ms, 400ms, 500ms, 500ms, 500ms, 500ms};
  for (std::size_t i = 0; i < longest.size(); ++i) {
    EXPECT_LE(longest[i], bounds[i]) << i;
    EXPECT_GE(longest[i], bounds[i] * 9 / 10) << i;
    EXPECT_LE(shortest[i], bounds[i] / 10) << i;
  }
}

TEST_F(Retry, does_the_same_again_with_the_same_seed_and_not_with_another) {
  std::string logs[3];
  std::uint64_t const seeds[] = {1, 1, 2};
  for (int i = 0; i < 3; ++i) {
    world own;
    own.answers_at_once(to, ECONNREFUSED, 1000);
    EXPECT_FALSE(tconn::timed_connect_retry(to, 1s, {.seed = seeds[i]}, simulated{&own}));
    logs[i] = own.log();
  }
  EXPECT_EQ(logs[0], logs[1]);
  EXPECT_NE(logs[0], logs[2]);
}

TEST_F(Retry, without_a_seed_depends_on_the_time_of_the_call) {
  std::vector<std::chrono::nanoseconds> pauses;
  for (auto const before : {0s, 0s, 1s}) {
    world own;
    own.pass(before);
    own.answers_at_once(to, ECONNREFUSED);
    own.on_syn(to, {syn_ack(0ms)});
    EXPECT_TRUE(tconn::timed_connect_retry(to, 10s, {}, simulated{&own}));
    pauses.push_back(own.elapsed() - before);
  }
  EXPECT_EQ(pauses[0], pauses[1]);
  EXPECT_NE(pauses[0], pauses[2]);
}

TEST_F(Retry, pauses_as_long_in_a_storm_of_signals) {
  std::chrono::nanoseconds elapsed[2];
  for (bool const storm : {false, true}) {
    world own;
    if (storm) own.signals_every(100us);
    own.answers_at_once(to, ECONNREFUSED, 5);
    own.on_syn(to, {syn_ack(5ms)});
    EXPECT_TRUE(tconn::timed_connect_retry(to, 10s, {.seed = 7}, simulated{&own}));
    elapsed[storm ? 1 : 0] = own.elapsed();
  }
  EXPECT_EQ(elapsed[0], elapsed[1]);
}

TEST_F(Retry, whose_wait_fails_in_a_pause_ends_with_that_error) {
  refuse(3);
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EIO, .call = "wait"};
  auto const result = tconn::timed_connect_retry(to, 10s, {}, tconn::testing::faulty{simulated{&net}, plan});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(EIO, tconn::native_category()));
  ASSERT_EQ(result.error().attempts.size(), 1U);
  EXPECT_EQ(result.error().attempts[0].code, std::errc::connection_refused);
}

TEST_F(Retry, ends_at_the_deadline_and_not_before_it_in_a_pause_as_in_an_attempt) {
  for (bool const refused : {true, false}) {
    world own;
    if (refused) own.answers_at_once(to, ECONNREFUSED, 1000);
    auto const result = tconn::timed_connect_retry(to, 1234567us, {}, simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded);
    EXPECT_EQ(own.elapsed(), 1234567us);
    EXPECT_EQ(result.error().elapsed, 1234567us);
    EXPECT_EQ(result.error().handshake, refused ? handshake::failed : handshake::in_flight);
    EXPECT_EQ(own.open_sockets(), 0U);
  }
}

TEST_F(Retry, tells_of_every_attempt) {
  refuse(3);
  auto const result = retry(1ms);
  ASSERT_FALSE(result);
  ASSERT_FALSE(result.error().attempts.empty());
  for (auto const& one : result.error().attempts) {
    EXPECT_EQ(one.code, std::errc::connection_refused);
    EXPECT_EQ(one.where, to);
    EXPECT_EQ(one.handshake, handshake::failed);
  }
}

TEST_F(Retry, tells_of_the_latest_hundred_attempts_of_very_many_and_of_the_time_that_each_has_taken) {
  for (int i = 0; i < 1000; ++i) net.on_syn(to, {rst(i * 1us)});
  auto const& begun = watch();
  auto const result = retry(100ms, {.first_pause = 1ms, .longest_pause = 1ms, .seed = 7});
  ASSERT_FALSE(result);
  ASSERT_GT(begun.size(), 110U);
  ASSERT_EQ(result.error().attempts.size(), 100U);
  auto taken = (begun.size() - 100) * 1us;
  for (auto const& one : result.error().attempts) EXPECT_EQ(one.elapsed, taken++);
}

TEST_F(Retry, gives_an_attempt_up_at_its_own_limit_and_tries_again) {
  net.on_syn(to, {});
  net.on_syn(to, {syn_ack(10ms)});
  auto const result = retry(10s, {.attempt_limit = 200ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_GE(net.elapsed(), 210ms);
  EXPECT_LE(net.elapsed(), 260ms);
}

TEST_F(Retry, gives_an_attempt_that_has_answered_after_its_own_limit_up_by_its_policy) {
  net.calls_take(1us);
  for (int i = 0; i < 2; ++i) net.on_syn(to, {syn_ack(100ms - 1us)});  // between the end of the wait and the last look
  net.on_syn(to, {syn_ack(1ms)});
  connect_options const each{.on_timeout = on_timeout::reset, .accept_late = false};
  auto const result = retry(10s, {.each = each, .attempt_limit = 100ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(count(net.wire(), "> RST"), 2) << net.wire();
}

TEST_F(Retry, tells_an_error_that_will_not_pass_at_once) {
  net.answers_at_once(to, EACCES);
  auto const result = retry(10s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::permission_denied);
  EXPECT_EQ(result.error().attempts.size(), 1U);
  EXPECT_EQ(net.elapsed(), 0ms);
}

TEST_F(Retry, retries_what_the_caller_chooses) {
  auto const only_denied = [](std::error_code const& code) { return code == std::errc::permission_denied; };
  net.answers_at_once(to, EACCES, 2);
  net.answers_at_once(to, ECONNREFUSED);
  auto const result = retry(10s, {.retries = only_denied});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::connection_refused);
  EXPECT_EQ(result.error().attempts.size(), 3U);
}

TEST_F(Retry, with_a_zero_deadline_tries_once) {
  auto const& begun = watch();
  net.answers_at_once(to, ECONNREFUSED, 10);
  auto const result = retry(0ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(begun.size(), 1U);
}

TEST_F(Retry, waits_for_a_full_backlog_and_for_a_path_that_is_not_there_yet) {
  auto const server = at("unix:/run/x.sock");
  net.answers_at_once(server, ENOENT, 2);
  net.backlog_full_until(server, 1s);
  auto const result = tconn::timed_connect_retry(server, 10s, {}, simulated{&net});
  ASSERT_TRUE(result) << told(result);
  EXPECT_GE(net.elapsed(), 1s);
  EXPECT_LE(net.elapsed(), 1002ms);
}

TEST_F(Retry, refuses_options_that_make_no_sense_before_anything_is_sent) {
  retry_options const all[] = {{.each = {.on_timeout = on_timeout::keep}},
                               {.each = {.on_timeout = static_cast<on_timeout>(7)}},
                               {.each = {.syn_count = -1}},
                               {.first_pause = 0ms},
                               {.first_pause = -1ns},
                               {.first_pause = 2s, .longest_pause = 1s},
                               {.attempt_limit = -1ns},
                               {.retries = nullptr}};
  for (auto const& options : all) EXPECT_EQ(retry(10s, options).error().code, errc::invalid_option);
  auto const nowhere = tconn::timed_connect_retry(tconn::endpoint{}, 10s, {}, simulated{&net});
  EXPECT_EQ(nowhere.error().code, errc::invalid_endpoint);
  EXPECT_EQ(net.log(), "");
}

TEST_F(Retry, refuses_what_makes_no_sense_before_its_first_attempt_whatever_is_worth_another) {
  auto const all = [](std::error_code const&) { return true; };
  auto const nowhere = tconn::timed_connect_retry(tconn::endpoint{}, 1s, {.retries = all}, simulated{&net});
  EXPECT_EQ(nowhere.error().code, errc::invalid_endpoint);
  auto const senseless = retry(1s, {.each = {.syn_count = -1}, .retries = all});
  EXPECT_EQ(senseless.error().code, errc::invalid_option);
  for (auto const* const one : {&nowhere, &senseless}) EXPECT_TRUE(one->error().attempts.empty());
  EXPECT_EQ(net.elapsed(), 0ms);
}

TEST_F(Retry, cancelled_after_the_deadline_tells_the_cancellation_whatever_is_worth_another) {
  tconn::cancellation cancel;
  net.calls_take(1ms);
  net.before_call = [&](std::string_view call) {
    if (call == "start_connect") cancel.request();
  };
  auto const all = [](std::error_code const&) { return true; };
  auto const result = retry(1us, {.each = {.cancel = &cancel}, .retries = all});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
}

TEST_F(Retry, cancelled_in_a_pause_ends_at_once) {
  tconn::cancellation cancel;
  net.answers_at_once(to, ECONNREFUSED, 1000);
  net.at(3s, [&] { cancel.request(); });
  auto const result = retry(10s, {.each = {.cancel = &cancel}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::cancelled);
  EXPECT_EQ(result.error().attempts.back().code, std::errc::connection_refused) << "there was another";
  EXPECT_EQ(net.elapsed(), 3s);
}

TEST_F(Retry, cancelled_at_any_call_has_one_outcome_and_leaves_nothing_open) {
  auto const cancelled = times_cancelled_at_any_call("connected", [&](world& own, tconn::cancellation const& cancel) {
    own.answers_at_once(to, ECONNREFUSED, 2);
    own.on_syn(to, {syn_ack(5ms)});
    return tconn::timed_connect_retry(to, 10s, {.each = {.cancel = &cancel}, .seed = 7}, simulated{&own});
  });
  EXPECT_GE(cancelled, 8);
}

TEST(RetryOptions, pause_between_50_and_500_ms_unless_they_are_told_otherwise) {
  EXPECT_EQ(retry_options{}.first_pause, 50ms);
  EXPECT_EQ(retry_options{}.longest_pause, 500ms);
}

TEST(Jitter, is_SplitMix64) {
  // The first numbers of the reference implementation, https://prng.di.unimi.it/splitmix64.c, from this seed.
  tconn::detail::jitter jitter(1234567);
  constexpr std::uint64_t without_sign = INT64_MAX;
  for (std::uint64_t const expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U}) {
    auto const length = jitter.up_to(std::chrono::nanoseconds{INT64_MAX});
    EXPECT_EQ(static_cast<std::uint64_t>(length.count()), expected & without_sign);
  }
}

TEST(MayPass, is_said_of_what_a_server_that_starts_or_a_network_that_comes_up_may_show) {
  namespace native_error = tconn::native_error;
  for (int const passing : {native_error::refused, native_error::connection_reset, native_error::connection_aborted,
                            native_error::host_unreachable, native_error::network_unreachable,
                            native_error::network_down, native_error::no_such_path, native_error::timed_out,
                            native_error::address_not_available, native_error::try_again}) {
    EXPECT_TRUE(tconn::may_pass({passing, tconn::native_category()})) << passing;
    EXPECT_FALSE(tconn::may_pass({passing, std::generic_category()})) << passing << ", which no call of ours tells";
    EXPECT_FALSE(tconn::may_pass({passing, tconn::error_category()})) << passing;
  }
  for (int const lasting : {0, native_error::too_many_open, native_error::too_many_open_in_all,
                            native_error::not_enough_memory, native_error::bad_handle, native_error::wrong_family,
                            native_error::protocol_not_supported, native_error::interrupted, EACCES, EIO})
    EXPECT_FALSE(tconn::may_pass({lasting, tconn::native_category()})) << lasting;
  for (int own = 1; own <= static_cast<int>(errc::self_connect); ++own) {
    auto const code = static_cast<errc>(own);
    EXPECT_EQ(tconn::may_pass(code), code == errc::deadline_exceeded || code == errc::self_connect) << own;
  }
}

}  // namespace
