// SPDX-License-Identifier: MIT
// A cancellation as an eventfd: with signals, with pthread_cancel(), and in other programs.
#include <timed_connect/cancellation.hpp>

#include "support/cancelled_thread.hpp"
#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <cstdint>
#include <optional>
#include <utility>

namespace {

using namespace std::chrono_literals;
using support::is_readable;
using tconn::cancellation;

cancellation* of_the_handler = nullptr;

TEST(Cancellation, may_be_requested_by_a_signal_handler) {
  cancellation cancel;
  of_the_handler = &cancel;
  struct sigaction acts {};
  struct sigaction before {};
  acts.sa_handler = [](int) { of_the_handler->request(); };
  ASSERT_EQ(::sigaction(SIGUSR1, &acts, &before), 0);
  ::raise(SIGUSR1);
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(is_readable(cancel.native_handle(), 0ms));
}

TEST(Cancellation, leaves_errno_alone_even_when_its_descriptor_cannot_be_written) {
  cancellation cancel;
  std::uint64_t const most = UINT64_MAX - 1;  // of an eventfd: the next one would block
  ASSERT_EQ(::write(cancel.native_handle(), &most, sizeof most), static_cast<ssize_t>(sizeof most));
  errno = 77;
  cancel.request();
  EXPECT_EQ(errno, 77);
}

TEST(Cancellation, is_requested_to_the_end_by_a_thread_that_pthread_cancel_is_about_to_end) {
  if (!support::a_cancelled_thread_ends) GTEST_SKIP() << support::two_unwinders;
  struct asked {
    cancellation cancel{};
    bool has_returned = false;
  } call;
  auto const request = [](void* argument) -> void* {
    auto& its = *static_cast<asked*>(argument);
    ::pthread_cancel(::pthread_self());  // acts at the next cancellation point, and write() is one
    its.cancel.request();
    its.has_returned = true;
    ::pthread_testcancel();
    return nullptr;
  };
  pthread_t thread{};
  ASSERT_EQ(::pthread_create(&thread, nullptr, request, &call), 0);
  void* ended = nullptr;
  ::pthread_join(thread, &ended);
  EXPECT_TRUE(call.has_returned);
  EXPECT_EQ(ended, PTHREAD_CANCELED) << "request() has left it disabled";
}

TEST(Cancellation, keeps_its_descriptor_from_other_programs_and_gives_it_back) {
  tconn::native_handle was = tconn::no_handle;
  {
    cancellation const cancel;
    was = cancel.native_handle();
    EXPECT_NE(::fcntl(was, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(::fcntl(was, F_GETFD), -1);
}

TEST(Cancellation, that_has_no_descriptor_closes_nobody_elses) {
  int const first = ::dup(0);  // there may be none
  int const input = first >= 0 ? 0 : ::open("/dev/null", O_RDONLY);
  ASSERT_EQ(input, 0);
  {
    std::optional<support::no_more_descriptors> limited(std::in_place);
    cancellation const cancel;
    limited.reset();
  }
  EXPECT_NE(::fcntl(input, F_GETFD), -1);
  ::close(first);
}

/// The platform's own way, for systems without eventfd.
TEST(PosixEvent, is_readable_once_it_is_raised_and_not_inherited) {
  using posix = tconn::detail::posix_platform;
  tconn::native_handle watched = tconn::no_handle;
  tconn::native_handle raised = tconn::no_handle;
  ASSERT_EQ(posix::open_event(watched, raised), 0);
  tconn::socket const close_watched(watched);
  tconn::socket const close_raised(raised);
  EXPECT_FALSE(is_readable(watched, 0ms));
  posix::raise_event(raised);
  EXPECT_TRUE(is_readable(watched, 0ms));
  EXPECT_NE(::fcntl(watched, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(raised, F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
