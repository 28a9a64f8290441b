// SPDX-License-Identifier: MIT
#include <timed_connect/cancellation.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::is_readable;
using tconn::cancellation;

TEST(Cancellation, is_not_requested_when_it_is_made) {
  cancellation const none;
  EXPECT_FALSE(none.requested());
  EXPECT_FALSE(none.error());
  EXPECT_FALSE(is_readable(none.native_handle(), 0ms));
}

TEST(Cancellation, once_requested_is_readable_for_ever_however_many_watch_it) {
  cancellation cancel;
  for (int requests = 0; requests < 3; ++requests) {
    cancel.request();
    EXPECT_TRUE(cancel.requested());
    for (int watchers = 0; watchers < 3; ++watchers) EXPECT_TRUE(is_readable(cancel.native_handle(), 0ms));
  }
}

TEST(Cancellation, wakes_up_the_threads_that_watch_it) {
  cancellation cancel;
  std::vector<std::thread> watchers;
  watchers.reserve(4);
  std::atomic<int> woken = 0;
  for (int i = 0; i < 4; ++i) watchers.emplace_back([&] { woken += is_readable(cancel.native_handle(), 10s) ? 1 : 0; });
  std::thread requester([&] { cancel.request(); });
  for (auto& one : watchers) one.join();
  requester.join();
  EXPECT_EQ(woken, 4);
}

TEST(Cancellation, may_be_requested_by_many_threads_at_the_same_time) {
  cancellation cancel;
  std::vector<std::thread> all;
  all.reserve(8);
  for (int i = 0; i < 8; ++i) all.emplace_back([&] { cancel.request(); });
  for (auto& one : all) one.join();
  EXPECT_TRUE(cancel.requested());
  EXPECT_TRUE(is_readable(cancel.native_handle(), 0ms));
}

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

TEST(Cancellation, tells_why_it_has_no_descriptor_and_can_be_requested_all_the_same) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit const none{0, before.rlim_max};
  int const first = ::dup(0);  // there may be none
  int const input = first >= 0 ? 0 : ::open("/dev/null", O_RDONLY);
  ASSERT_EQ(input, 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  {
    cancellation cancel;
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(cancel.error(), std::errc::too_many_files_open);
    EXPECT_EQ(cancel.native_handle(), tconn::no_handle);
    cancel.request();
    EXPECT_TRUE(cancel.requested());
  }
  EXPECT_NE(::fcntl(input, F_GETFD), -1);  // nobody else's descriptor was closed for it
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

static_assert(!std::is_copy_constructible_v<cancellation> && !std::is_move_constructible_v<cancellation>);

}  // namespace
