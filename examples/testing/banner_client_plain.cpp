// SPDX-License-Identifier: MIT
// The timeouts of banner_client.hpp, tested in three ways without any framework: the tools are values, and what came of
// it is compared by assert().
#undef NDEBUG  // a build for speed would leave the assertions out
#include "banner_client.hpp"

#include <timed_connect/testing/faulty.hpp>
#include <timed_connect/testing/loopback.hpp>
#include <timed_connect/testing/simulated.hpp>

#include <cassert>
#include <chrono>
#include <cstdio>
#include <exception>

namespace {

using namespace std::chrono_literals;
using banner::ending;
using banner::fetch_banner;
using tconn::testing::simulated;

tconn::endpoint simulated_server() { return *tconn::endpoint::parse("192.0.2.1:25"); }
constexpr auto greets_at_once = [](auto const&, tconn::time_point) { return banner::report{ending::greeted, "220"}; };

/// Virtual time: ten seconds pass in microseconds, and to the nanosecond.
void test_in_the_simulated_world() {
  tconn::testing::world net;
  net.on_syn(simulated_server(), {tconn::testing::syn_ack(11s)});
  assert(fetch_banner(simulated_server(), 10s, simulated{&net}, greets_at_once).how == ending::no_answer);
  assert(net.elapsed() == 10s);
  assert(net.wire().starts_with("+0ms > SYN 192.0.2.1:25\n"));
  assert(net.open_sockets() == 0);
}

/// Every call that can fail does so once.
void test_with_faults() {
  int nth = 1;
  for (bool has_failed = true; has_failed; ++nth) {
    tconn::testing::world net;
    net.on_syn(simulated_server(), {tconn::testing::syn_ack(20ms)});
    tconn::testing::fault_plan plan{.fail_at = nth, .error = tconn::native_error::not_enough_memory};
    auto const told =
        fetch_banner(simulated_server(), 250ms, tconn::testing::faulty{simulated{&net}, plan}, greets_at_once);
    assert(told.how == ending::greeted || told.how == ending::failed);
    assert(net.open_sockets() == 0);
    assert(net.elapsed() <= 250ms);
    has_failed = !plan.hit.empty();
  }
  std::printf("%d calls were made to fail\n", nth - 2);
}

/// Real servers that misbehave.
void test_on_loopback() {
  tconn::testing::black_hole const silent;
  auto const began = std::chrono::steady_clock::now();
  assert(fetch_banner(silent.where(), 100ms).how == ending::no_answer);
  assert(std::chrono::steady_clock::now() - began >= 100ms);

  tconn::testing::refusing_port const nobody;
  assert(fetch_banner(nobody.where(), 10s).how == ending::refused);

  tconn::testing::listening_server const mute;
  assert(fetch_banner(mute.where(), 100ms).how == ending::no_greeting);

  tconn::testing::resetting_server const rude(tconn::endpoint::loopback_v4(0), 300ms);
  assert(fetch_banner(rude.where(), 10s).how == ending::lost);
}

}  // namespace

int main() try {
  test_in_the_simulated_world();
  test_with_faults();
  test_on_loopback();
  std::puts("all is well");
  return 0;
} catch (std::exception const& error) {
  std::puts(error.what());  // a server that cannot be made
  return 1;
}
