// SPDX-License-Identifier: MIT
// What the scenario tests share: a world, an address in it, and short ways to connect there.
#pragma once

#include <timed_connect/testing/faulty.hpp>
#include <timed_connect/testing/simulated.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace support
