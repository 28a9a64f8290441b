// SPDX-License-Identifier: MIT
// Coroutines over the loop that comes with them.
#include <timed_connect/adapters/coroutine.hpp>

#include "adapters/event_loop_promises.hpp"

#include <sys/resource.h>
#include <chrono>
#include <coroutine>
#include <list>
#include <optional>
#include <thread>
#include <utility>

namespace {

using tconn::adapters::poll_loop;
using tconn::adapters::task;

class coroutine_loop {
 public:
  static constexpr bool tells_at_once = true;
  void connect(tconn::endpoint const& to, tconn::deadline limit, tconn::connect_options const& options,
               promises::handler call) {
    tasks_.push_back(begin(loop_, to, limit, options, std::move(call)));
  }
  void wait(tconn::pending_connection attempt, tconn::deadline limit, tconn::on_timeout how, promises::handler call) {
    tasks_.push_back(resume(loop_, std::move(attempt), limit, how, std::move(call)));
  }
  void run() {
    loop_.run();
    for (auto const& one : tasks_) EXPECT_TRUE(one.done());
  }
  void run_for(std::chrono::milliseconds time) {
    for (auto const end = tconn::deadline::after(time); std::chrono::steady_clock::now() < end.until({});)
      loop_.run_once(end);
  }

 private:
  static task begin(poll_loop& loop, tconn::endpoint to, tconn::deadline limit, tconn::connect_options options,
                    promises::handler call) {
    call(co_await tconn::adapters::connect(loop, to, limit, options));
  }
  static task resume(poll_loop& loop, tconn::pending_connection attempt, tconn::deadline limit, tconn::on_timeout how,
                     promises::handler call) {
    call(co_await tconn::adapters::wait(loop, std::move(attempt), limit, how));
  }

  poll_loop loop_{};
  std::list<task> tasks_{};
};

}  // namespace

namespace promises {
INSTANTIATE_TYPED_TEST_SUITE_P(Coroutine, EventLoop, coroutine_loop);
}  // namespace promises

namespace {

using namespace support;
using tconn::testing::late_server;

TEST(CoroutineTask, is_destroyed_alone_and_gives_its_attempt_up_while_others_go_on) {
  full_listener server;
  auto const descriptors = open_descriptors();
  poll_loop loop;
  std::optional<tconn::connect_result> result;
  auto const connect = [&]() -> task { result.emplace(co_await tconn::adapters::connect(loop, server.where(), 20s)); };
  std::optional<task> given_up(connect());
  auto const other = connect();
  EXPECT_EQ(open_descriptors(), descriptors + 2);
  given_up.reset();
  EXPECT_EQ(open_descriptors(), descriptors + 1);
  server.open();
  loop.run();
  EXPECT_TRUE(other.done());
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result) << told(*result);
  EXPECT_TRUE(server.accept());
  EXPECT_FALSE(server.accept(0ms)) << "the server has seen what was given up";
}

TEST(CoroutineTask, may_destroy_another_that_is_resumed_at_the_same_time) {
  full_listener const server;
  poll_loop loop;
  std::optional<task> second;
  int resumed = 0;
  auto const limit = tconn::deadline::after(10ms);
  auto const destroy_the_other = [&]() -> task {
    static_cast<void>(co_await tconn::adapters::connect(loop, server.where(), limit));
    ++resumed;
    second.reset();
  };
  auto const only_wait = [&]() -> task {
    static_cast<void>(co_await tconn::adapters::connect(loop, server.where(), limit));
    ++resumed;
  };
  auto const first = destroy_the_other();
  second.emplace(only_wait());
  loop.run();
  EXPECT_EQ(resumed, 1);
  EXPECT_TRUE(first.done());
}

/// A coroutine as others have them: what it throws comes out where it is resumed.
struct throwing_task {
  struct promise_type {
    throwing_task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() { throw; }
  };
  std::coroutine_handle<promise_type> handle;
};

TEST(CoroutineLoop, goes_on_with_the_others_after_what_one_has_thrown) {
  full_listener const server;
  poll_loop loop;
  int resumed = 0;
  auto const limit = tconn::deadline::after(10ms);
  auto const connect_and_throw = [&]() -> throwing_task {
    static_cast<void>(co_await tconn::adapters::connect(loop, server.where(), limit));
    ++resumed;
    throw int{resumed};
  };
  throwing_task const all[] = {connect_and_throw(), connect_and_throw(), connect_and_throw()};
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(loop.has_waiters());
    try {
      loop.run();
      ADD_FAILURE() << "nothing was thrown";
    } catch (int thrown) {
      EXPECT_EQ(thrown, i);
    }
  }
  EXPECT_FALSE(loop.has_waiters());
  loop.run();
  for (auto const& one : all) one.handle.destroy();
}

TEST(CoroutineLoop, waits_for_nobody_only_as_long_as_it_is_told_to) {
  poll_loop loop;
  loop.run_once();
  auto const began = steady::now();
  loop.run_once(tconn::deadline::after(20ms));
  EXPECT_GE(steady::now() - began, 20ms);
}

TEST(CoroutineTask, that_is_destroyed_with_a_connection_that_it_has_not_been_told_of_ends_that_by_FIN) {
  late_server server(10ms);
  auto kept = tconn::timed_connect(server.where(), 0ms, {.on_timeout = tconn::on_timeout::keep});
  auto resumed = std::move(kept.error().pending.value());
  auto const peer = server.accept();
  ASSERT_TRUE(send_text(peer, "unread data would make a RST of it"));
  full_listener const silent;
  poll_loop loop;
  std::optional<task> second;
  auto const destroy_the_other = [&]() -> task {
    static_cast<void>(co_await tconn::adapters::connect(loop, silent.where(), 1us));
    second.reset();
  };
  auto const resume = [&]() -> task {
    static_cast<void>(co_await tconn::adapters::wait(loop, std::move(resumed), 20s));
    ADD_FAILURE() << "it was destroyed";
  };
  auto const first = destroy_the_other();
  second.emplace(resume());
  std::this_thread::sleep_for(1ms);
  loop.run();
  EXPECT_TRUE(first.done());
  EXPECT_EQ(how_it_ended(peer), "FIN");
}

TEST(CoroutineTask, that_is_moved_is_destroyed_once) {
  full_listener const server;
  auto const descriptors = open_descriptors();
  poll_loop loop;
  auto const connect = [&]() -> task {
    static_cast<void>(co_await tconn::adapters::connect(loop, server.where(), 20s));
  };
  auto one = connect();
  auto other = std::move(one);
  EXPECT_FALSE(other.done());
  one = connect();
  EXPECT_EQ(open_descriptors(), descriptors + 2);
  one = std::move(other);
  EXPECT_EQ(open_descriptors(), descriptors + 1);
  one = connect();
  EXPECT_EQ(open_descriptors(), descriptors + 1);
}

TEST(CoroutineLoop, returns_at_once_where_nobody_waits) {
  poll_loop loop;
  loop.run();
  EXPECT_FALSE(loop.has_waiters());
}

TEST(CoroutineLoop, that_cannot_wait_ends_all_who_do) {
  full_listener const server;
  poll_loop loop;
  std::optional<tconn::connect_result> result;
  auto const connect = [&]() -> task { result.emplace(co_await tconn::adapters::connect(loop, server.where(), 20s)); };
  auto const waits = connect();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 0;  // poll() refuses more entries than this
  ::setrlimit(RLIMIT_NOFILE, &none);
  auto const began = steady::now();
  loop.run();
  EXPECT_LT(steady::now() - began, 10s);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, std::errc::invalid_argument) << told(*result);
  EXPECT_EQ(result->error().aftermath, tconn::aftermath::nothing_sent);
}

}  // namespace
