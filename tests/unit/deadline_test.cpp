// SPDX-License-Identifier: MIT
#include <timed_connect/deadline.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ratio>

namespace {

using namespace std::chrono_literals;
using std::chrono::duration;
using std::chrono::nanoseconds;
using tconn::deadline;
using tconn::time_point;

constexpr time_point noon{12h};
constexpr time_point never{nanoseconds{INT64_MAX}};

template <class Rep, class Period>
constexpr nanoseconds counted(duration<Rep, Period> span) {
  return deadline(span).until(noon) - noon;
}

TEST(Deadline, counts_a_bare_duration_from_the_call_that_receives_it) {
  deadline const limit = 250ms;
  EXPECT_EQ(limit.until(noon), noon + 250ms);
  EXPECT_EQ(limit.until(noon + 1h), noon + 1h + 250ms);
}

TEST(Deadline, keeps_a_moment_of_the_steady_clock_whatever_the_time_of_the_call) {
  deadline const limit = noon + 5s;
  EXPECT_EQ(limit.until(noon), noon + 5s);
  EXPECT_EQ(limit.until(noon + 1h), noon + 5s);
  EXPECT_EQ(deadline::at(noon).until(noon + 1h), noon);
}

TEST(Deadline, fixes_after_at_once) {
  auto const before = std::chrono::steady_clock::now();
  deadline const limit = deadline::after(1h);
  auto const after = std::chrono::steady_clock::now();
  EXPECT_GE(limit.until(noon), before + 1h);
  EXPECT_LE(limit.until(noon), after + 1h);
}

TEST(Deadline, translates_a_moment_of_the_system_clock) {
  auto const before = std::chrono::steady_clock::now();
  deadline const limit = std::chrono::system_clock::now() + 1h;
  auto const until = limit.until(noon);
  EXPECT_GE(until, before + 1h - 1s);
  EXPECT_LE(until, std::chrono::steady_clock::now() + 1h + 1s);
  deadline const past = std::chrono::system_clock::time_point{};
  EXPECT_LT(past.until(noon), before);
  EXPECT_EQ(deadline(std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>::max()).until(noon), never);
}

TEST(Deadline, waits_for_ever_only_for_never_and_what_is_too_long) {
  EXPECT_EQ(deadline::never().until(noon), never);
  EXPECT_EQ(deadline(std::chrono::hours::max()).until(noon), never);
  EXPECT_EQ(deadline(nanoseconds::max()).until(noon), never);
  EXPECT_EQ(deadline(std::chrono::years{400}).until(noon), never);
  EXPECT_EQ(deadline(duration<double>(std::numeric_limits<double>::infinity())).until(noon), never);
  EXPECT_EQ(deadline(duration<std::uint64_t>(UINT64_MAX)).until(noon), never);
  EXPECT_EQ(deadline(duration<int, std::exa>(1)).until(noon), never);
  EXPECT_EQ(deadline(duration<double, std::nano>(9223372036854775808.0)).until(noon), never);  // 2^63
  EXPECT_EQ(deadline(nanoseconds::max() - 1ns).until(noon), never);
  EXPECT_EQ(deadline(std::chrono::steady_clock::time_point::max()).until(noon), never);
  EXPECT_EQ(deadline::after(std::chrono::hours::max()).until(noon), never);
  EXPECT_LT(deadline(nanoseconds::max() - 24h).until(noon), never);
}

TEST(Deadline, takes_zero_the_negative_and_NaN_for_the_past) {
  EXPECT_LE(deadline(0ms).until(noon), noon);
  EXPECT_LT(deadline(-1ns).until(noon), noon);
  EXPECT_LT(deadline(std::chrono::hours::min()).until(noon), noon);
  EXPECT_LT(deadline(nanoseconds::min()).until(noon), noon);
  EXPECT_LT(deadline(duration<double>(std::nan(""))).until(noon), noon);
  EXPECT_LT(deadline(duration<double>(-std::numeric_limits<double>::infinity())).until(noon), noon);
  EXPECT_LT(deadline(nanoseconds::min()).until(time_point{nanoseconds{-5}}), time_point{});
  EXPECT_LT(deadline(duration<int, std::exa>(-1)).until(noon), noon);
}

TEST(Deadline, rounds_what_is_finer_than_a_nanosecond_up_so_that_it_is_never_early) {
  using picoseconds = duration<std::int64_t, std::pico>;
  EXPECT_EQ(counted(picoseconds{1}), 1ns);
  EXPECT_EQ(counted(picoseconds{1000}), 1ns);
  EXPECT_EQ(counted(picoseconds{1001}), 2ns);
  EXPECT_EQ(counted(picoseconds{-1}), 0ns);
  EXPECT_EQ(counted(duration<double, std::nano>(0.25)), 1ns);
  EXPECT_EQ(counted(duration<float>(0.5F)), 500ms);
  EXPECT_EQ(counted(duration<int, std::ratio<1, 3>>(1)), 333'333'334ns);
  EXPECT_EQ(counted(duration<std::uint64_t, std::pico>(UINT64_MAX)), 18'446'744'073'709'552ns) << "2^64 - 1 are many";
  EXPECT_EQ(counted(duration<int, std::ratio<1001, 30000>>(30000)), 1001s);
}

TEST(Deadline, keeps_every_nanosecond_of_a_long_duration) {
  EXPECT_EQ(counted(nanoseconds{4'611'686'018'427'387'903}), nanoseconds{4'611'686'018'427'387'903});
  EXPECT_EQ(counted(std::chrono::hours{24 * 365 * 100}), std::chrono::hours{24 * 365 * 100});
}

TEST(Deadline, counts_from_a_clock_before_its_beginning_as_well) {
  constexpr time_point early{nanoseconds{-5}};
  EXPECT_EQ(deadline(10ns).until(early), time_point{5ns});
  EXPECT_EQ(deadline(-3ns).until(early), time_point{-8ns});
  EXPECT_EQ(deadline(std::chrono::hours::max()).until(early), never);
}

static_assert(counted(250us) == 250us, "a deadline of a duration is a constant expression");

}  // namespace
