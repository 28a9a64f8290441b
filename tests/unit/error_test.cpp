// SPDX-License-Identifier: MIT
#include <timed_connect/error.hpp>

#include "support/error_numbers.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace {

using tconn::errc;

TEST(Error, deadline_exceeded_is_a_time_out_but_not_the_kernels_own) {
  std::error_code const ours = errc::deadline_exceeded;
  std::error_code const kernels(ETIMEDOUT, tconn::native_category());
  EXPECT_EQ(ours, std::errc::timed_out);
  EXPECT_EQ(kernels, std::errc::timed_out);
  EXPECT_NE(ours, kernels);
}

TEST(Error, each_code_compares_equal_to_the_condition_that_its_comment_names) {
  EXPECT_EQ(make_error_code(errc::cancelled), std::errc::operation_canceled);
  EXPECT_EQ(make_error_code(errc::refused_by_hook), std::errc::permission_denied);
  EXPECT_EQ(make_error_code(errc::no_endpoints), std::errc::invalid_argument);
  EXPECT_EQ(make_error_code(errc::invalid_option), std::errc::invalid_argument);
  EXPECT_EQ(make_error_code(errc::invalid_endpoint), std::errc::invalid_argument);
  EXPECT_EQ(make_error_code(errc::descriptor_too_large), std::errc::value_too_large);
  EXPECT_EQ(make_error_code(errc::self_connect), std::errc::connection_refused);
  EXPECT_EQ(make_error_code(errc::invalid_host), std::errc::invalid_argument);
  EXPECT_EQ(make_error_code(errc::resolver_busy), std::errc::resource_unavailable_try_again);
  EXPECT_NE(make_error_code(errc::invalid_option), make_error_code(errc::invalid_endpoint));
}

TEST(Error, each_code_has_a_message_of_its_own_and_no_code_is_success) {
  std::set<std::string> messages;
  for (int code = 1; code <= static_cast<int>(errc::resolver_busy); ++code) {
    std::error_code const error(code, tconn::error_category());
    EXPECT_TRUE(error) << code;
    EXPECT_TRUE(messages.insert(error.message()).second) << error.message();
    EXPECT_NE(error.message(), "unknown error");
  }
  EXPECT_EQ(std::error_code(99, tconn::error_category()).message(), "unknown error");
  EXPECT_EQ(std::error_code(99, tconn::error_category()).default_error_condition().category(), tconn::error_category());
  EXPECT_STREQ(tconn::error_category().name(), "timed_connect");
}

}  // namespace
