// SPDX-License-Identifier: MIT
// The race with real sockets: who wins, and what the servers of the losers see.
#include <timed_connect/race.hpp>
#include <timed_connect/retry.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::closed_port;
using support::full_listener;
using support::listener;
using support::open_descriptors;
using support::told;
using tconn::on_timeout;
using tconn::timed_connect_any;

TEST(Any, connects_to_the_one_that_lives_among_the_dead_and_the_refused) {
  listener const server;
  full_listener const dead;
  closed_port const nobody;
  auto const before = open_descriptors();
  auto const result = timed_connect_any({dead.where(), nobody.where(), nobody.where(), dead.where(), server.where()},
                                        30s, {.stagger = 20ms});
  ASSERT_TRUE(result) << told(result);
  EXPECT_EQ(support::peer_name(result->native_handle()), server.where());
  EXPECT_EQ(open_descriptors(), before + 1);
  EXPECT_EQ(support::what_is_read(server.accept(), 0ms), "silence");
}

TEST(Any, leaves_no_descriptor_open_when_all_fail) {
  full_listener const dead;
  closed_port const nobody;
  auto const before = open_descriptors();
  auto const result = timed_connect_any({nobody.where(), dead.where(), dead.where()}, 50ms, {.stagger = 10ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_EQ(result.error().attempts.size(), 3U);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Any, gives_up_a_loser_whose_handshake_is_complete_by_its_policy) {
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    full_listener slow;
    full_listener quick;
    // Both answer the kernel's second SYN, a second after the first, and both are connected when the race looks.
    std::thread opener([&] {
      std::this_thread::sleep_for(300ms);
      slow.open();
      quick.open();
    });
    auto const result = timed_connect_any({slow.where(), quick.where()}, 30s, {.stagger = 0ms, .losers = how});
    opener.join();
    ASSERT_TRUE(result) << told(result);
    bool const is_slow = support::peer_name(result->native_handle()) == slow.where();
    auto const lost = (is_slow ? quick : slow).accept(200ms);
    if (!lost) continue;  // its SYN was not answered in time, and nobody is there
    EXPECT_EQ(support::how_it_ended(lost), how == on_timeout::close ? "FIN" : "RST");
  }
}

TEST(Retry, connects_once_somebody_listens) {
  closed_port const server;
  std::thread starts([&] {
    std::this_thread::sleep_for(100ms);
    server.listen();
  });
  auto const result = tconn::timed_connect_retry(server.where(), 30s);
  starts.join();
  ASSERT_TRUE(result) << told(result);
}

TEST(Retry, ends_at_the_deadline_when_nobody_does) {
  closed_port const nobody;
  auto const before = open_descriptors();
  auto const result = tconn::timed_connect_retry(nobody.where(), 200ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, tconn::errc::deadline_exceeded);
  EXPECT_GE(result.error().elapsed, 200ms);
  ASSERT_FALSE(result.error().attempts.empty());
  EXPECT_EQ(result.error().attempts.front().code, std::errc::connection_refused);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
