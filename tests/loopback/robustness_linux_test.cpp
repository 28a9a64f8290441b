// SPDX-License-Identifier: MIT
// Promise 12 and what goes with it: signals, threads, pthread_cancel, and ten thousand connects that leave nothing
// behind.
#include <timed_connect/timed_connect.hpp>

#include "support/cancelled_thread.hpp"
#include "support/cancelled_wait.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/time.h>
#include <atomic>
#include <csignal>
#include <fstream>

namespace {

using namespace support;
using tconn::errc;
using tconn::on_timeout;
using tconn::timed_connect;

/// Interrupts every system call of this thread, twice in a millisecond.
class signal_storm {
 public:
  signal_storm() {
    signals_ = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { ++signals_; };  // and no SA_RESTART
    ::sigaction(SIGALRM, &action, &before_);
    itimerval const often{{0, 500}, {0, 500}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  signal_storm(signal_storm const&) = delete;
  signal_storm& operator=(signal_storm const&) = delete;
  ~signal_storm() {
    itimerval const never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::signal(SIGALRM, SIG_IGN);  // drops one that is still on its way
    ::sigaction(SIGALRM, &before_, nullptr);
  }
  static int count() { return signals_; }

 private:
  static inline std::atomic<int> signals_{0};
  struct sigaction before_ {};
};

TEST(SignalStorm, moves_no_deadline_and_hides_no_success) {
  full_listener black_hole;
  listener const server;
  temporary_path const path("x.sock");
  full_listener const full_unix(path.where());
  for (auto const& where : {black_hole.where(), full_unix.where()}) {
    signal_storm const storm;
    auto const began = steady::now();
    auto const result = timed_connect(where, 60ms);
    auto const took = steady::now() - began;
    EXPECT_EQ(result.error().code, errc::deadline_exceeded) << told(result);
    EXPECT_GE(took, 60ms);
    EXPECT_LT(took, 60ms + 5s);
    EXPECT_GE(signal_storm::count(), 10) << "the storm did not happen";
  }
  signal_storm const storm;
  for (int n = 0; n < 200; ++n) {
    auto const client = timed_connect(server.where(), 5s);
    ASSERT_TRUE(client) << told(client);
    server.accept();
  }
  auto kept = timed_connect(black_hole.where(), 10ms, {.on_timeout = on_timeout::keep});
  ASSERT_TRUE(!kept && kept.error().pending) << told(kept);
  black_hole.open();
  auto const resumed = kept.error().pending->wait(10s);
  EXPECT_TRUE(resumed) << told(resumed);
}

struct cancelled_call {
  full_listener black_hole{};
  tconn::socket borrowed{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::atomic<int> waits{0};
  bool borrow = false;
};

void* wait_for_ever(void* argument) {
  auto& call = *static_cast<cancelled_call*>(argument);
  auto const where = call.black_hole.where();
  telling<tconn::native_system> const sys(&call.waits);
  if (call.borrow)
    static_cast<void>(timed_connect(call.borrowed.native_handle(), where, tconn::deadline::never(), {}, sys));
  else
    static_cast<void>(timed_connect(where, tconn::deadline::never(), {}, sys));
  return nullptr;
}

TEST(PthreadCancel, in_the_middle_of_a_wait_leaves_nothing_open_and_gives_a_borrowed_descriptor_back) {
  if (!a_cancelled_thread_ends) GTEST_SKIP() << two_unwinders;
  if (!a_cancelled_thread_destroys()) GTEST_SKIP() << "a cancelled thread runs no destructors here";
  for (bool const borrow : {false, true}) {
    cancelled_call call;
    call.borrow = borrow;
    pthread_t thread{};
    ASSERT_EQ(::pthread_create(&thread, nullptr, wait_for_ever, &call), 0);
    ASSERT_TRUE(eventually([&] { return call.waits > 0; }));
    ::pthread_cancel(thread);
    void* ended = nullptr;
    ::pthread_join(thread, &ended);
    EXPECT_EQ(ended, PTHREAD_CANCELED);
    EXPECT_FALSE(is_nonblocking(call.borrowed.native_handle()));
  }
}

std::atomic<bool> told_after_cancel{false};

void* give_up_while_cancelled(void* argument) {
  auto const& server = *static_cast<listener*>(argument);
  auto attempt = tconn::start_connect(server.where());
  ::pthread_cancel(::pthread_self());
  auto const left = attempt->abandon(on_timeout::reset);  // connect() is a cancellation point
  told_after_cancel = left == tconn::aftermath::peer_sees_reset;
  ::pthread_testcancel();
  return nullptr;
}

TEST(PthreadCancel, does_not_act_in_the_middle_of_giving_up) {
  if (!a_cancelled_thread_ends) GTEST_SKIP() << two_unwinders;
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  listener server;
  pthread_t thread{};
  ASSERT_EQ(::pthread_create(&thread, nullptr, give_up_while_cancelled, &server), 0);
  void* ended = nullptr;
  ::pthread_join(thread, &ended);
  EXPECT_EQ(ended, PTHREAD_CANCELED);
  EXPECT_TRUE(told_after_cancel);
}

void* destroy_while_cancelled(void* argument) {
  auto const& server = *static_cast<listener*>(argument);
  {
    auto const attempt = tconn::start_connect(server.where());
    auto const connected = timed_connect(server.where(), 2s);
    ::pthread_cancel(::pthread_self());
  }  // close() is a cancellation point, and these destructors are noexcept
  ::pthread_testcancel();
  return nullptr;
}

TEST(PthreadCancel, does_not_act_inside_a_destructor) {
  if (!a_cancelled_thread_ends) GTEST_SKIP() << two_unwinders;
  listener server;
  pthread_t thread{};
  ASSERT_EQ(::pthread_create(&thread, nullptr, destroy_while_cancelled, &server), 0);
  void* ended = nullptr;
  ::pthread_join(thread, &ended);
  EXPECT_EQ(ended, PTHREAD_CANCELED);
}

long resident_kilobytes() {
  long size = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

TEST(TenThousandConnects, half_of_them_late_leave_no_descriptor_no_memory_and_no_changed_flag) {
  if (!tells_what_is_left()) GTEST_SKIP() << needs_a_kernel;
  listener const server;
  full_listener const black_hole;
  auto const silent = black_hole.where();
  tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int const flags = ::fcntl(mine.native_handle(), F_GETFL);
  int const next_descriptor = ::dup(mine.native_handle());
  ::close(next_descriptor);
  on_timeout const policies[] = {on_timeout::close, on_timeout::reset, on_timeout::keep};
  long before = 0;
  for (int n = 0; n < 5000; ++n) {
    if (n == 500) before = resident_kilobytes();  // the first ones warm everything up
    auto const how = policies[n % 3];
    ASSERT_TRUE(timed_connect(server.where(), 10s, {.on_timeout = how})) << n;
    server.accept();
    auto const limit = n % 2 == 0 ? 0us : 20us;
    auto const late = n % 5 == 0 ? timed_connect(mine.native_handle(), silent, limit,
                                                 {.on_timeout = n % 2 == 0 ? on_timeout::close : on_timeout::reset})
                                       .error()
                                       .code
                                 : timed_connect(silent, limit, {.on_timeout = how}).error().code;
    ASSERT_EQ(late, errc::deadline_exceeded) << n << ": " << late.message();
    ASSERT_EQ(::fcntl(mine.native_handle(), F_GETFL), flags) << n;
  }
  int const next_now = ::dup(mine.native_handle());
  ::close(next_now);
  EXPECT_EQ(next_now, next_descriptor) << "descriptors were left open";
  EXPECT_LT(resident_kilobytes() - before, 4096);
}

}  // namespace
