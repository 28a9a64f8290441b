// SPDX-License-Identifier: MIT
#include <timed_connect/detail/text.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

using tconn::detail::read_number;
using tconn::detail::terminated;

TEST(Text, of_a_number_is_read_up_to_its_bound_and_no_further) {
  std::uint64_t number = 7;
  EXPECT_TRUE(read_number("0", 10, number));
  EXPECT_EQ(number, 0U);
  EXPECT_TRUE(read_number("10", 10, number));
  EXPECT_EQ(number, 10U);
  EXPECT_FALSE(read_number("11", 10, number));
  EXPECT_TRUE(read_number("4294967295", UINT32_MAX, number));
  EXPECT_EQ(number, UINT32_MAX);
  EXPECT_FALSE(read_number("4294967296", UINT32_MAX, number));
  EXPECT_FALSE(read_number("18446744073709551617", UINT32_MAX, number));  // 2^64 + 1
}

TEST(Text, is_copied_if_it_leaves_room_for_its_end_and_has_none_of_its_own) {
  terminated const longest(std::string(63, 'x'));
  EXPECT_TRUE(longest.good);
  EXPECT_EQ(longest.characters, std::string(63, 'x'));
  for (auto const& bad : {std::string(), std::string(64, 'x'), std::string("x\0y", 3)}) {
    terminated const refused(bad);
    EXPECT_FALSE(refused.good) << bad.size();
    EXPECT_EQ(refused.characters, std::string());
  }
}

}  // namespace
