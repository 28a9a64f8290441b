// SPDX-License-Identifier: MIT
// Promise 13: bad input is a clear error before any system call; and the options that are set before connect().
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::errc;
using tconn::handshake;

class BadInput : public Scenario {
 protected:
  auto code(tconn::endpoint const& where, tconn::connect_options const& options = {}) {
    auto const owned = tconn::timed_connect(where, 10ms, options, simulated{&net});
    auto const started = tconn::start_connect(where, options, simulated{&net});
    EXPECT_FALSE(owned);
    EXPECT_FALSE(started);
    if (owned || started) return std::error_code{};
    EXPECT_EQ(owned.error().code, started.error().code);
    EXPECT_EQ(owned.error().handshake, handshake::not_started);
    EXPECT_EQ(owned.error().aftermath, tconn::aftermath::none);
    EXPECT_FALSE(owned.error().pending);
    return owned.error().code;
  }
};

TEST_F(BadInput, an_endpoint_that_is_none_is_refused_before_any_call) {
  sockaddr_storage unspecified{};
  for (socklen_t length = 0; length <= socklen_t{sizeof unspecified}; ++length) {
    EXPECT_EQ(code(tconn::endpoint(reinterpret_cast<sockaddr*>(&unspecified), length)), errc::invalid_endpoint);
  }
  EXPECT_EQ(code(tconn::endpoint()), errc::invalid_endpoint);
  EXPECT_EQ(code(tconn::endpoint(nullptr, 16)), errc::invalid_endpoint);
  EXPECT_EQ(code(tconn::endpoint(to.data(), to.size() - 1)), errc::invalid_endpoint);
  EXPECT_EQ(code(tconn::endpoint(to.data(), to.size() + 1)), errc::invalid_endpoint);
  auto const mine = lend();
  auto const borrowed = tconn::timed_connect(mine, tconn::endpoint(), 10ms, {}, simulated{&net});
  ASSERT_FALSE(borrowed);
  EXPECT_EQ(borrowed.error().code, errc::invalid_endpoint);
  EXPECT_EQ(net.log(), "") << "a call was made";
}

TEST_F(BadInput, an_impossible_option_is_refused_before_any_call) {
  EXPECT_EQ(code(to, {.syn_count = 128}), errc::invalid_option);
  EXPECT_EQ(code(to, {.user_timeout = -1ms}), errc::invalid_option);
  EXPECT_EQ(code(to, {.on_timeout = static_cast<tconn::on_timeout>(9)}), errc::invalid_option);
  EXPECT_EQ(code(to, {.local = at("[::1]:0")}), errc::invalid_option);
  EXPECT_EQ(net.log(), "") << "a call was made";
}

TEST_F(BadInput, an_option_that_the_system_lacks_is_refused_before_anything_is_sent) {
  for (auto const option :
       {tconn::socket_option::no_delay, tconn::socket_option::keep_alive, tconn::socket_option::user_timeout_ms,
        tconn::socket_option::syn_count, tconn::socket_option::mark}) {
    world own;
    own.lacks(option);
    auto const result = tconn::timed_connect(
        to, 10ms, {.mark = 1, .no_delay = true, .keep_alive = true, .user_timeout = 1s, .syn_count = 2},
        simulated{&own});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::invalid_option);
    EXPECT_EQ(own.wire(), "");
    EXPECT_EQ(own.open_sockets(), 0U);
  }
  world own;
  own.is_plain_posix();
  auto const result = tconn::timed_connect(to, 10ms, {.interface_name = "lo"}, simulated{&own});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::invalid_option);
}

TEST_F(BadInput, a_protocol_that_the_system_lacks_is_an_invalid_option_if_it_was_asked_for_by_one) {
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EPROTONOSUPPORT, .call = "open"};
  auto const multipath =
      tconn::timed_connect(to, 10ms, {.multipath = true}, tconn::testing::faulty{simulated{&net}, plan});
  EXPECT_EQ(multipath.error().code, errc::invalid_option);
  plan.calls = 0;
  auto const plain = tconn::timed_connect(to, 10ms, {}, tconn::testing::faulty{simulated{&net}, plan});
  EXPECT_EQ(plain.error().code, std::errc::protocol_not_supported);
}

TEST_F(BadInput, the_systems_own_refusal_of_an_option_is_passed_on) {
  tconn::testing::fault_plan plan{.fail_at = 1, .error = EACCES, .call = "set_option"};
  auto const result = tconn::timed_connect(to, 10ms, {.mark = 1}, tconn::testing::faulty{simulated{&net}, plan});
  EXPECT_EQ(result.error().code, std::errc::permission_denied);
  EXPECT_EQ(net.wire(), "");
}

TEST_F(BadInput, a_descriptor_that_the_strategy_cannot_watch_is_refused_before_anything_is_sent) {
  class near_sighted : public simulated {
   public:
    using simulated::simulated;
    static constexpr bool can_wait_on(tconn::native_handle) { return false; }
  };
  auto const owned = tconn::timed_connect(to, 10ms, {}, near_sighted{&net});
  EXPECT_EQ(owned.error().code, errc::descriptor_too_large);
  auto const mine = lend();
  auto const borrowed = tconn::timed_connect(mine, to, 10ms, {}, near_sighted{&net});
  EXPECT_EQ(borrowed.error().code, errc::descriptor_too_large);
  EXPECT_TRUE(net.is_blocking(mine));
  EXPECT_EQ(net.wire(), "");
  auto attempt = tconn::start_connect(to, {}, simulated{&net});
  EXPECT_EQ(attempt->wait(10ms, tconn::on_timeout::close, near_sighted{&net}).error().code, errc::descriptor_too_large);
  EXPECT_TRUE(static_cast<bool>(*attempt)) << "the attempt is not lost";
}

}  // namespace
