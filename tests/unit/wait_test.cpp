// SPDX-License-Identifier: MIT
#include <timed_connect/cancellation.hpp>
#include <timed_connect/wait.hpp>

#include "support/loopback.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <atomic>

namespace {

using namespace std::chrono_literals;
using tconn::time_point;
namespace native_error = tconn::native_error;

template <class Strategy>
class WaitingStrategy : public testing::Test {
 protected:
  Strategy sys{};
  // A socket that was never connected is "ready"; one half of a pair whose buffer is full is not.
  WaitingStrategy() {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) != 0) return;
    writer = tconn::socket(both[0]);
    reader = tconn::socket(both[1]);
    char bytes[4096] = {};
    while (::send(writer.native_handle(), bytes, sizeof bytes, 0) > 0) {
    }
  }
  tconn::socket writer{};
  tconn::socket reader{};
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
int wait_to_the_end(Strategy const& sys, int handle, time_point until) {
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
  tconn::socket const idle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto entry = tconn::detail::platform::writable(idle.native_handle());
  EXPECT_EQ(this->sys.wait(&entry, 1, tconn::detail::long_past), 0);
  EXPECT_EQ(this->sys.wait(&entry, 1, tconn::detail::never), 0);
}

TYPED_TEST(WaitingStrategy, waits_for_ever_until_there_is_something) {
  std::thread drain([this] {
    std::this_thread::sleep_for(30ms);
    std::vector<char> bytes(1 << 20);
    while (::recv(this->reader.native_handle(), bytes.data(), bytes.size(), 0) > 0) {
    }
  });
  auto const began = this->sys.now();
  EXPECT_EQ(wait_to_the_end(this->sys, this->writer.native_handle(), tconn::detail::never), 0);
  EXPECT_GE(this->sys.now() - began, 25ms);
  drain.join();
}

TYPED_TEST(WaitingStrategy, only_waits_when_there_is_no_handle) {
  std::vector<tconn::poll_entry> none;
  auto const until = this->sys.now() + 3ms;
  EXPECT_EQ(wait_to_the_end(this->sys, none, until), native_error::timed_out);
  EXPECT_GE(this->sys.now(), until);
}

TYPED_TEST(WaitingStrategy, does_not_wait_for_a_descriptor_that_is_not_open) {
  int const closed = ::dup(this->writer.native_handle());
  ::close(closed);
  auto entry = tconn::detail::platform::writable(closed);
  int const woken = this->sys.wait(&entry, 1, tconn::detail::never);
  EXPECT_TRUE(woken == native_error::bad_handle || (woken == 0 && entry.revents != 0)) << woken;
}

TYPED_TEST(WaitingStrategy, says_which_of_many_handles_is_ready) {
  tconn::socket const idle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
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
    entries[at] = which == 1 ? platform::readable(requested.native_handle()) : platform::writable(idle.native_handle());
    EXPECT_EQ(wait_to_the_end(this->sys, entries, tconn::detail::never), 0);
    for (std::size_t i = 0; i < entries.size(); ++i)
      EXPECT_EQ(entries[i].revents != 0, i == at) << i << " of " << which;
  }
}

extern "C" void on_user_signal(int) {}

TYPED_TEST(WaitingStrategy, is_ended_by_a_signal_and_tells_so) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = on_user_signal;
  ::sigaction(SIGUSR1, &action, &before);
  std::atomic<bool> is_over = false;
  std::thread send([&, self = ::pthread_self()] {
    while (!is_over) {
      ::pthread_kill(self, SIGUSR1);
      std::this_thread::sleep_for(1ms);
    }
  });
  auto entry = tconn::detail::platform::writable(this->writer.native_handle());
  EXPECT_EQ(this->sys.wait(&entry, 1, this->sys.now() + 30s), native_error::interrupted);
  is_over = true;
  send.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(Spinning, tells_of_a_look_that_fails) {
  tconn::poll_entry* volatile nowhere = nullptr;  // g++ would see that it is null
  EXPECT_EQ(tconn::spinning{}.wait(nowhere, 1, tconn::detail::never), EFAULT);
}

TEST(LeftUntil, is_nothing_for_the_past_and_negative_for_ever) {
  EXPECT_EQ(tconn::detail::left_until(tconn::detail::never), -1ns);
  EXPECT_EQ(tconn::detail::left_until(tconn::detail::long_past), 0ns);
  EXPECT_EQ(tconn::detail::left_until(tconn::native_system{}.now() - 1ns), 0ns);
  auto const time = tconn::detail::to_timespec(1500ms);
  EXPECT_EQ(time.tv_sec, 1);
  EXPECT_EQ(time.tv_nsec, 500'000'000);
}

TEST(LeftUntil, is_at_most_what_the_systems_call_can_take) {
  auto const most = tconn::detail::platform::longest_wait;
  EXPECT_EQ(tconn::detail::left_until(tconn::native_system{}.now() + 2 * most), most);
}

TEST(Selecting, cannot_wait_on_a_descriptor_beyond_FD_SETSIZE) {
  EXPECT_TRUE(tconn::selecting::can_wait_on(FD_SETSIZE - 1));
  EXPECT_FALSE(tconn::selecting::can_wait_on(FD_SETSIZE));
  EXPECT_FALSE(tconn::selecting::can_wait_on(tconn::no_handle));
  EXPECT_TRUE(tconn::polling::can_wait_on(1 << 20));
}

static_assert(tconn::system_calls<tconn::polling> && tconn::system_calls<tconn::selecting> &&
              tconn::system_calls<tconn::spinning>);
static_assert(std::is_same_v<tconn::native_system, tconn::polling>);

}  // namespace
