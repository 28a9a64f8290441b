// SPDX-License-Identifier: MIT
#include <timed_connect/cancellation.hpp>
#include <timed_connect/wait.hpp>

#include "support/full_pipe.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tconn::time_point;
namespace native_error = tconn::native_error;

template <class Strategy>
class WaitingStrategy : public support::full_pipe {
 protected:
  Strategy sys{};
};

TYPED_TEST_SUITE(WaitingStrategy, support::strategies, support::strategy_names);

// spinning answers "interrupted" each time it looks in vain; every strategy may.
template <class Strategy>
int wait_to_the_end(Strategy const& sys, std::vector<tconn::poll_entry>& entries, time_point until) {
  for (;;) {
    int const woken = sys.wait(entries.data(), entries.size(), until);
    if (woken != native_error::interrupted) return woken;
  }
}

template <class Strategy>
int wait_to_the_end(Strategy const& sys, tconn::native_handle handle, time_point until) {
  std::vector<tconn::poll_entry> one{tconn::detail::platform::writable(handle)};
  return wait_to_the_end(sys, one, until);
}

TYPED_TEST(WaitingStrategy, is_never_early_and_honours_less_than_a_millisecond) {
  for (auto const span : {0us, 1us, 100us, 700us, 2000us, 10'500us}) {
    auto const until = this->sys.now() + span;
    EXPECT_EQ(wait_to_the_end(this->sys, this->writer.native_handle(), until), native_error::timed_out);
    EXPECT_GE(this->sys.now(), until) << span.count() << " us";
    EXPECT_LT(this->sys.now(), until + 2s) << span.count() << " us";
  }
}

TYPED_TEST(WaitingStrategy, does_not_wait_for_a_moment_in_the_past) {
  auto entry = tconn::detail::platform::writable(this->writer.native_handle());
  EXPECT_EQ(this->sys.wait(&entry, 1, tconn::detail::long_past), native_error::timed_out);
  EXPECT_EQ(this->sys.wait(&entry, 1, this->sys.now()), native_error::timed_out);
}

TYPED_TEST(WaitingStrategy, reports_readiness_even_after_the_moment_has_passed) {
  auto const idle = this->reader.native_handle();  // has sent nothing
  auto entry = tconn::detail::platform::writable(idle);
  EXPECT_EQ(this->sys.wait(&entry, 1, tconn::detail::long_past), 0);
  EXPECT_EQ(this->sys.wait(&entry, 1, tconn::detail::never), 0);
}

TYPED_TEST(WaitingStrategy, waits_for_ever_until_there_is_something) {
  std::thread drains([this] {
    std::this_thread::sleep_for(30ms);
    this->drain();
  });
  auto const began = this->sys.now();
  EXPECT_EQ(wait_to_the_end(this->sys, this->writer.native_handle(), tconn::detail::never), 0);
  EXPECT_GE(this->sys.now() - began, 25ms);
  drains.join();
}

TYPED_TEST(WaitingStrategy, only_waits_when_there_is_no_handle) {
  std::vector<tconn::poll_entry> none;
  auto const until = this->sys.now() + 3ms;
  EXPECT_EQ(wait_to_the_end(this->sys, none, until), native_error::timed_out);
  EXPECT_GE(this->sys.now(), until);
}

TYPED_TEST(WaitingStrategy, does_not_wait_for_a_descriptor_that_is_not_open) {
  auto const closed = support::open_socket(AF_INET);
  support::close_handle(closed);
  auto entry = tconn::detail::platform::writable(closed);
  int const woken = this->sys.wait(&entry, 1, tconn::detail::never);
  EXPECT_TRUE(woken == support::no_such_handle || (woken == 0 && entry.revents != 0)) << woken;
}

TYPED_TEST(WaitingStrategy, takes_POLLIN_for_reading_alone) {
  tconn::poll_entry full{this->reader.native_handle(), POLLIN, 0};
  EXPECT_EQ(this->sys.wait(&full, 1, tconn::detail::never), 0);
  this->drain();
  std::vector<tconn::poll_entry> writable{{this->writer.native_handle(), POLLIN, 0}};
  EXPECT_EQ(wait_to_the_end(this->sys, writable, this->sys.now() + 5ms), native_error::timed_out);
}

TYPED_TEST(WaitingStrategy, says_which_of_many_handles_is_ready) {
  auto const idle = this->reader.native_handle();  // has sent nothing
  tconn::cancellation requested;
  tconn::cancellation const not_requested;
  requested.request();
  using tconn::detail::platform;
  for (int which = 0; which < 3; ++which) {
    std::vector<tconn::poll_entry> entries{platform::writable(this->writer.native_handle()),
                                           platform::readable(not_requested.native_handle()),
                                           platform::writable(this->writer.native_handle())};
    for (auto& entry : entries) entry.revents = 99;
    auto const at = static_cast<std::size_t>(which);
    entries[at] = which == 1 ? platform::readable(requested.native_handle()) : platform::writable(idle);
    EXPECT_EQ(wait_to_the_end(this->sys, entries, tconn::detail::never), 0);
    for (std::size_t i = 0; i < entries.size(); ++i)
      EXPECT_EQ(entries[i].revents != 0, i == at) << i << " of " << which;
  }
}

TEST(LeftUntil, is_nothing_for_the_past_and_negative_for_ever) {
  EXPECT_EQ(tconn::detail::left_until(tconn::detail::never), -1ns);
  EXPECT_EQ(tconn::detail::left_until(tconn::detail::long_past), 0ns);
  EXPECT_EQ(tconn::detail::left_until(tconn::native_system{}.now() - 1ns), 0ns);
}

TEST(LeftUntil, is_at_most_what_the_systems_call_can_take) {
  auto const most = tconn::detail::platform::longest_wait;
  EXPECT_EQ(tconn::detail::left_until(tconn::native_system{}.now() + 2 * most), most);
}

static_assert(tconn::system_calls<tconn::polling> && tconn::system_calls<tconn::selecting> &&
              tconn::system_calls<tconn::spinning>);
static_assert(std::is_same_v<tconn::native_system, tconn::polling>);

}  // namespace
