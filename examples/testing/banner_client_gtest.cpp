// SPDX-License-Identifier: MIT
// The timeouts of banner_client.hpp, tested in three ways by GoogleTest: in the simulated world, where time is virtual
// and every moment exact; by the fault injector, which visits every error path; and on loopback, against real servers
// that misbehave. banner_client_plain.cpp does it without a framework.
#include "banner_client.hpp"

#include <timed_connect/testing/faulty.hpp>
#include <timed_connect/testing/loopback.hpp>
#include <timed_connect/testing/simulated.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <system_error>

namespace {

using namespace std::chrono_literals;
using banner::ending;
using banner::fetch_banner;
using banner::report;
using tconn::testing::simulated;

// ---- In the simulated world: no socket, and a test of ten seconds takes microseconds. ----

class FetchBannerSimulated : public testing::Test {
 protected:
  /// Stands for reading: notes how much time the client leaves it.
  auto reader() {
    return [this](auto const&, tconn::time_point until) {
      left_to_read = until - net.now();
      return report{ending::greeted, "220 simulated"};
    };
  }
  void TearDown() override {
    EXPECT_EQ(net.open_sockets(), 0U) << net.log();
    EXPECT_EQ(net.blocked(), 0) << net.log();
  }

  tconn::testing::world net{};
  tconn::endpoint const server = *tconn::endpoint::parse("192.0.2.1:25");
  std::chrono::nanoseconds left_to_read{0};
};

TEST_F(FetchBannerSimulated, gives_up_at_its_timeout_and_not_a_nanosecond_later) {
  net.on_syn(server, {tconn::testing::syn_ack(10'001ms)});
  EXPECT_EQ(fetch_banner(server, 10s, simulated{&net}, reader()).how, ending::no_answer);
  EXPECT_EQ(net.elapsed(), 10s);
}

TEST_F(FetchBannerSimulated, reads_in_the_time_that_connecting_has_left) {
  net.on_syn(server, {tconn::testing::syn_ack(200ms)});
  EXPECT_EQ(fetch_banner(server, 250ms, simulated{&net}, reader()).text, "220 simulated");
  EXPECT_EQ(left_to_read, 50ms);
}

TEST_F(FetchBannerSimulated, tells_a_refusal_as_soon_as_it_comes) {
  net.on_syn(server, {tconn::testing::rst(30ms)});
  EXPECT_EQ(fetch_banner(server, 250ms, simulated{&net}, reader()).how, ending::refused);
  EXPECT_EQ(net.elapsed(), 30ms);
}

TEST_F(FetchBannerSimulated, does_not_take_a_signal_for_an_answer) {
  net.signals_every(1ms);
  EXPECT_EQ(fetch_banner(server, 250ms, simulated{&net}, reader()).how, ending::no_answer);
  EXPECT_EQ(net.elapsed(), 250ms);
}

// ---- By the fault injector: the first call fails, then the second, until there is none left to fail. ----

TEST(FetchBannerFaulty, leaks_nothing_and_keeps_its_timeout_whichever_call_fails) {
  auto const server = *tconn::endpoint::parse("192.0.2.1:25");
  auto const reader = [](auto const&, tconn::time_point) { return report{ending::greeted, "220 simulated"}; };
  for (int nth = 1;; ++nth) {
    tconn::testing::world net;
    net.on_syn(server, {tconn::testing::syn_ack(20ms)});
    tconn::testing::fault_plan plan{.fail_at = nth, .error = tconn::native_error::not_enough_memory};
    auto const told = fetch_banner(server, 250ms, tconn::testing::faulty{simulated{&net}, plan}, reader);
    if (plan.hit.empty()) break;  // there were fewer calls
    SCOPED_TRACE(std::to_string(nth) + ": " + std::string(plan.hit));
    EXPECT_TRUE(told.how == ending::greeted || told.how == ending::failed) << told.text;
    EXPECT_EQ(net.open_sockets(), 0U) << net.log();
    EXPECT_LE(net.elapsed(), 250ms) << net.log();
  }
}

TEST(FetchBannerFaulty, says_so_when_no_descriptor_is_left) {
  tconn::testing::world net;
  tconn::testing::fault_plan plan{.fail_at = 1, .error = tconn::native_error::too_many_open, .call = "open"};
  auto const told =
      fetch_banner(*tconn::endpoint::parse("192.0.2.1:25"), 250ms, tconn::testing::faulty{simulated{&net}, plan},
                   [](auto const&, tconn::time_point) { return report{ending::greeted}; });
  EXPECT_EQ(told.how, ending::failed);
}

// ---- On loopback: the real client, a real kernel, real time. ----

TEST(FetchBannerOnLoopback, gives_a_black_hole_up_at_its_timeout) {
  tconn::testing::black_hole const server;
  auto const began = std::chrono::steady_clock::now();
  EXPECT_EQ(fetch_banner(server.where(), 100ms).how, ending::no_answer);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms);
}

TEST(FetchBannerOnLoopback, tells_that_nobody_listens) {
  tconn::testing::refusing_port const nobody(tconn::endpoint::loopback_v6(0));
  EXPECT_EQ(fetch_banner(nobody.where(), 10s).how, ending::refused);
}

TEST(FetchBannerOnLoopback, tells_a_server_that_does_not_greet_from_one_that_does_not_answer) {
  tconn::testing::listening_server const server;
  EXPECT_EQ(fetch_banner(server.where(), 100ms).how, ending::no_greeting);
  EXPECT_EQ(tconn::testing::what_is_read(server.accept()), "EOF");  // and hangs up
}

TEST(FetchBannerOnLoopback, tells_that_the_server_has_reset_the_connection) {
  tconn::testing::resetting_server const server(tconn::endpoint::loopback_v4(0), 300ms);
  EXPECT_EQ(fetch_banner(server.where(), 10s).how, ending::lost);
}

TEST(FetchBannerOnLoopback, waits_for_a_server_that_answers_late) {
  tconn::testing::late_server server(150ms);
  auto const greets = std::async(std::launch::async, [&] {
    auto const client = server.accept(10s);
    return client && tconn::testing::send_text(client, "220 better late\r\n");
  });
  EXPECT_EQ(fetch_banner(server.where(), 10s).text, "220 better late");
}

TEST(FetchBannerOnLoopback, works_with_Unix_sockets_too) {
  tconn::testing::unix_name const name;
  std::optional<tconn::testing::black_hole> server;
  try {
    server.emplace(name.where());
  } catch (std::system_error const& none) {
    if (none.code() == std::errc::address_family_not_supported) GTEST_SKIP() << none.what();
    throw;
  }
  EXPECT_EQ(fetch_banner(server->where(), 20ms).how, ending::no_answer);
}

}  // namespace

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}
