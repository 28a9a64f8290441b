// SPDX-License-Identifier: MIT
// What the scenario tests share: a world, an address in it, and short ways to connect there.
#pragma once

#include <timed_connect/testing/faulty.hpp>
#include <timed_connect/testing/simulated.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/error_numbers.hpp"
#include "support/os.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <system_error>

namespace support {

using namespace std::chrono_literals;
using tconn::testing::data;
using tconn::testing::false_alarm;
using tconn::testing::fin;
using tconn::testing::rst;
using tconn::testing::simulated;
using tconn::testing::syn;
using tconn::testing::syn_ack;
using tconn::testing::unreachable;
using tconn::testing::world;

inline tconn::endpoint at(char const* text) { return *tconn::endpoint::parse(text); }

/// How this system says an error: as its log has it.
inline std::string said(int error) { return std::error_code(error, tconn::native_category()).message(); }

/// A test that begins with an empty world, and ends by checking that nothing was left open and nothing blocked.
class Scenario : public testing::Test {
 protected:
  world net{};
  tconn::endpoint const to = at("192.0.2.1:80");

  auto connect(tconn::deadline limit, tconn::connect_options const& options = {}) {
    return tconn::timed_connect(to, limit, options, simulated{&net});
  }
  auto connect_borrowed(tconn::native_handle mine, tconn::deadline limit, tconn::connect_options const& options = {}) {
    return tconn::timed_connect(mine, to, limit, options, simulated{&net});
  }

  void TearDown() override {
    EXPECT_EQ(net.open_sockets(), lent_) << net.log();
    EXPECT_EQ(net.blocked(), 0) << net.log();
    EXPECT_EQ(net.stray_closes(), 0) << net.log();
  }
  tconn::native_handle lend(int family = AF_INET, bool blocking = true, int type = SOCK_STREAM) {
    ++lent_;
    return net.lend(family, blocking, type);
  }
  std::size_t lent_ = 0;
};

/// How often a call stands in the log.
inline int count(std::string const& log, std::string const& call) {
  int found = 0;
  for (auto at = log.find(call); at != log.npos; at = log.find(call, at + 1)) ++found;
  return found;
}

/// Makes a call again and again, each time in a world of its own, and cancels it just before the first thing that it asks
/// of the system, then before the second, and so on. It is to be cancelled, or to end as it does undisturbed, and to leave
/// nothing open. Gives how often it was cancelled.
template <class Call>
int times_cancelled_at_any_call(std::string const& undisturbed, Call&& call) {
  int calls = 0;
  auto const outcome = [&](int cancelled_before) {
    world own;
    tconn::cancellation cancel;
    calls = 0;
    own.before_call = [&](std::string_view) {
      if (++calls == cancelled_before) cancel.request();
    };
    std::string code;
    {
      auto const result = call(own, cancel);
      own.before_call = {};
      code = result ? "connected" : result.error().code.message();
      EXPECT_EQ(own.open_sockets(), result ? 1U : 0U) << own.log();
    }
    EXPECT_EQ(own.open_sockets(), 0U) << own.log();
    EXPECT_EQ(own.blocked() + own.stray_closes(), 0) << own.log();
    return code;
  };
  EXPECT_EQ(outcome(0), undisturbed);
  int cancelled = 0;
  int const last = calls;
  for (int point = 1; point <= last; ++point) {
    auto const code = outcome(point);
    EXPECT_TRUE(code == "cancelled" || code == undisturbed) << point << ": " << code;
    cancelled += code == "cancelled" ? 1 : 0;
  }
  return cancelled;
}

}  // namespace support
