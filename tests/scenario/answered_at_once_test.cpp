// SPDX-License-Identifier: MIT
// Promise 11 where connect() answers at once, and not with EINPROGRESS: what was sent then?
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::handshake;

class AnsweredAtOnce : public Scenario {};

TEST_F(AnsweredAtOnce, by_an_error_has_started_nothing) {
  net.answers_at_once(to, ENETUNREACH);
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::network_unreachable);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::none);
}

TEST_F(AnsweredAtOnce, by_a_refusal_has_failed) {
  net.answers_at_once(to, ECONNREFUSED);  // BSD may answer so
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::none);
}

TEST_F(AnsweredAtOnce, by_a_time_out_has_failed_for_start_connect_too) {
  net.answers_at_once(to, ETIMEDOUT);
  auto const result = tconn::start_connect(to, {}, simulated{&net});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::error_code(ETIMEDOUT, tconn::native_category()));
  EXPECT_EQ(result.error().handshake, handshake::failed);
  EXPECT_EQ(result.error().aftermath, tconn::aftermath::none);
}

TEST_F(AnsweredAtOnce, by_EAGAIN_is_an_error_of_TCP_and_not_progress) {
  net.answers_at_once(to, EAGAIN);
  auto const result = connect(10ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::resource_unavailable_try_again);
  EXPECT_EQ(result.error().handshake, handshake::not_started);
  EXPECT_EQ(net.elapsed(), 0ns);
}

}  // namespace
