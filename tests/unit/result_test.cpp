// SPDX-License-Identifier: MIT
#include <timed_connect/result.hpp>

#include <timed_connect/error.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <system_error>

namespace {

using tconn::result;
using number = result<int>;
using text = result<std::string>;
using owner = result<std::unique_ptr<int>>;

std::error_code const refused = std::make_error_code(std::errc::connection_refused);

struct rich_error {
  std::error_code code;
  std::string message() const { return "rich: " + code.message(); }
};

TEST(Result, holds_a_value_or_an_error) {
  number const good = 7;
  number const bad = refused;
  EXPECT_TRUE(good.has_value());
  EXPECT_TRUE(static_cast<bool>(good));
  EXPECT_EQ(*good, 7);
  EXPECT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error(), refused);
  EXPECT_EQ(text("abc")->size(), 3U);
}

TEST(Result, value_throws_what_the_error_says) {
  number bad = refused;
  try {
    bad.value();
    FAIL() << "value() of an error returned";
  } catch (std::system_error const& thrown) {
    EXPECT_EQ(thrown.code(), refused);
  }
  result<int, rich_error> rich = rich_error{refused};
  try {
    rich.value();
    FAIL() << "value() of an error returned";
  } catch (std::system_error const& thrown) {
    EXPECT_EQ(thrown.code(), refused);
    EXPECT_NE(std::string(thrown.what()).find("rich: "), std::string::npos);
  }
  EXPECT_THROW((result<void>(refused).value()), std::system_error);
  EXPECT_NO_THROW(result<void>().value());
}

TEST(Result, value_is_the_value_where_there_is_one) {
  number good = 7;
  number const kept = 8;
  good.value() = 9;
  EXPECT_EQ(good.value(), 9);
  EXPECT_EQ(kept.value(), 8);
  EXPECT_EQ(*owner(std::make_unique<int>(5)).value(), 5);
}

TEST(Result, value_or_stands_in_for_a_missing_value) {
  EXPECT_EQ(number(refused).value_or(3), 3);
  EXPECT_EQ(number(7).value_or(3), 7);
  number const bad = refused;
  EXPECT_EQ(bad.value_or(4), 4);
  number const kept = 6;
  EXPECT_EQ(kept.value_or(4), 6);
  EXPECT_EQ(*owner(std::make_unique<int>(5)).value_or(nullptr), 5);
}

TEST(Result, and_then_chains_and_passes_an_error_through) {
  auto const half = [](int n) -> number {
    if (n % 2 != 0) return refused;
    return n / 2;
  };
  EXPECT_EQ(*number(8).and_then(half).and_then(half), 2);
  EXPECT_EQ(number(6).and_then(half).and_then(half).error(), refused);
  EXPECT_EQ(number(refused).and_then(half).error(), refused);
  number const kept = 4;
  EXPECT_EQ(*kept.and_then(half), 2);
  auto const length = owner(std::make_unique<int>(5)).and_then([](std::unique_ptr<int> p) -> number { return *p; });
  EXPECT_EQ(*length, 5);
}

TEST(Result, transform_wraps_what_the_function_returns) {
  EXPECT_EQ(*number(7).transform([](int n) { return std::to_string(n); }), "7");
  EXPECT_EQ(number(refused).transform([](int n) { return n + 1; }).error(), refused);
  int seen = 0;
  result<void> const done = number(7).transform([&](int n) { seen = n; });
  EXPECT_TRUE(done);
  EXPECT_EQ(seen, 7);
}

TEST(Result, combinators_take_pointers_to_members_too) {
  EXPECT_EQ(*text("abc").transform(&std::string::size), 3U);
  struct point {
    int x = 4;
    number checked() const { return x; }
  };
  EXPECT_EQ(*result<point>(point{}).transform(&point::x), 4);
  EXPECT_EQ(*result<point>(point{}).and_then(&point::checked), 4);
}

TEST(Result, is_made_of_an_error_enumerator) {
  auto const fails = []() -> number {
    return std::errc::connection_refused == refused ? number(tconn::errc::cancelled) : number(1);
  };
  EXPECT_EQ(fails().error(), tconn::errc::cancelled);
  EXPECT_EQ((result<void>(tconn::errc::cancelled).error()), tconn::errc::cancelled);
}

TEST(Result, of_void_succeeds_or_carries_the_error) {
  result<void> const good;
  result<void> const bad = refused;
  EXPECT_TRUE(good);
  EXPECT_EQ(bad.error(), refused);
  EXPECT_EQ(*good.transform([] { return 3; }), 3);
  EXPECT_EQ(good.and_then([]() -> number { return 4; }).value_or(0), 4);
  EXPECT_EQ(bad.transform([] { return 3; }).error(), refused);
  EXPECT_EQ(bad.and_then([]() -> number { return 4; }).error(), refused);
  *good;
  result<void> changed = refused;
  changed.error() = std::make_error_code(std::errc::timed_out);
  EXPECT_EQ(std::as_const(changed).error(), std::errc::timed_out);
}

#ifndef NDEBUG
TEST(ResultDeathTest, of_void_with_an_error_is_not_taken_for_success_where_asserts_are_compiled) {
  result<void> const bad = refused;
  EXPECT_DEATH_IF_SUPPORTED(*bad, "has_value_");
}
#endif

TEST(Result, copies_and_moves_whichever_it_holds) {
  text good = std::string("a text that is too long to be stored inside the string object");
  text bad = refused;
  text copy = good;
  EXPECT_EQ(*copy, *good);
  copy = bad;
  EXPECT_EQ(copy.error(), refused);
  copy = std::move(good);
  EXPECT_EQ(copy->substr(0, 6), "a text");
  bad = copy;
  EXPECT_EQ(bad->substr(0, 6), "a text");
  auto& self = bad;
  bad = std::move(self);
  EXPECT_EQ(bad->substr(0, 6), "a text");
}

static_assert(!std::is_copy_constructible_v<owner> && std::is_nothrow_move_constructible_v<owner>);
static_assert(std::is_copy_constructible_v<number>);

}  // namespace
