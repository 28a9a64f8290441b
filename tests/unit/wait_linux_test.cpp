// SPDX-License-Identifier: MIT
// Waits that a signal ends, and descriptors that cannot be waited for.
#include <timed_connect/wait.hpp>

#include "support/full_pipe.hpp"
#include "support/strategies.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <signal.h>
#include <atomic>
#include <thread>

namespace {

using namespace std::chrono_literals;
namespace native_error = tconn::native_error;

template <class Strategy>
class InterruptedWait : public support::full_pipe {
 protected:
  Strategy sys{};
};
TYPED_TEST_SUITE(InterruptedWait, support::strategies, support::strategy_names);

extern "C" void on_user_signal(int) {}

TYPED_TEST(InterruptedWait, is_ended_by_a_signal_and_tells_so) {
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

TEST(Selecting, cannot_wait_on_a_descriptor_beyond_FD_SETSIZE) {
  EXPECT_TRUE(tconn::selecting::can_wait_on(FD_SETSIZE - 1));
  EXPECT_FALSE(tconn::selecting::can_wait_on(FD_SETSIZE));
  EXPECT_FALSE(tconn::selecting::can_wait_on(tconn::no_handle));
  EXPECT_TRUE(tconn::polling::can_wait_on(1 << 20));
}

TEST(Timespec, has_seconds_and_the_rest) {
  auto const time = tconn::detail::to_timespec(1500ms);
  EXPECT_EQ(time.tv_sec, 1);
  EXPECT_EQ(time.tv_nsec, 500'000'000);
}

}  // namespace
