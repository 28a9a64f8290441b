// SPDX-License-Identifier: MIT
// What every event loop must keep that drives a connect, whoever has written the loop. A `Loop` has connect(), wait() for
// an attempt that was kept, run() until nothing is under way, and run_for() a time; if it goes, so does what is under way.
// One that can end a connect in its own way has cancel_all() too.
#pragma once

#include <timed_connect/testing/late_server.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace promises {

using namespace support;
using tconn::aftermath;
using tconn::connect_options;
using tconn::connect_result;
using tconn::endpoint;
using tconn::errc;
using tconn::handshake;
using tconn::on_timeout;
using tconn::testing::late_server;

/// What the loops of the tests call back.
using handler = std::function<void(connect_result)>;

/// Takes one outcome, and counts how often it was told.
class outcome {
 public:
  handler takes() {
    return [this](connect_result result) {
      told_.emplace(std::move(result));
      ++calls_;
      at_ = steady::now();
    };
  }
  int calls() const { return calls_; }
  steady::time_point at() const { return at_; }
  connect_result& operator*() { return *told_; }
  connect_result* operator->() { return &*told_; }

 private:
  std::optional<connect_result> told_{};
  int calls_ = 0;
  steady::time_point at_{};
};

/// Whether a connect that is over at once is told at once, as a coroutine can be.
template <class Loop>
constexpr bool tells_at_once = requires {
  Loop::tells_at_once;
};

template <class Loop>
class EventLoop : public testing::Test {
 protected:
  /// Runs one connect to its end, which must be told once, and not before the loop runs.
  static connect_result connect(endpoint const& to, tconn::deadline limit, connect_options const& options = {}) {
    Loop loop;
    outcome told;
    loop.connect(to, limit, options, told.takes());
    EXPECT_TRUE(told.calls() == 0 || tells_at_once<Loop>) << "told by what began it";
    loop.run();
    EXPECT_EQ(told.calls(), 1);
    return std::move(*told);
  }
  static connect_result wait(tconn::pending_connection attempt, tconn::deadline limit, on_timeout how) {
    Loop loop;
    outcome told;
    loop.wait(std::move(attempt), limit, how, told.takes());
    EXPECT_TRUE(told.calls() == 0 || tells_at_once<Loop>) << "told by what began it";
    loop.run();
    EXPECT_EQ(told.calls(), 1);
    return std::move(*told);
  }
  static tconn::pending_connection kept(endpoint const& to, connect_options options = {}) {
    options.on_timeout = on_timeout::keep;
    auto result = tconn::timed_connect(to, 0ms, options);
    return std::move(result.error().pending.value());
  }
};
TYPED_TEST_SUITE_P(EventLoop);

TYPED_TEST_P(EventLoop, hands_over_a_connected_socket_in_the_mode_that_is_asked_for) {
  for (auto const& own : {endpoint::loopback_v4(0), endpoint::loopback_v6(0)}) {
    listener const server(own);
    for (bool const nonblocking : {false, true}) {
      auto const client = this->connect(server.where(), 5s, {.nonblocking = nonblocking});
      ASSERT_TRUE(client) << told(client);
      EXPECT_EQ(is_nonblocking(client->native_handle()), nonblocking);
      EXPECT_TRUE(carries_a_byte(*client, server.accept()));
    }
  }
}

TYPED_TEST_P(EventLoop, tells_a_refusal) {
  closed_port const nobody;
  auto const refused = this->connect(nobody.where(), 5s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::connection_refused) << told(refused);
  EXPECT_EQ(refused.error().where, nobody.where());
}

TYPED_TEST_P(EventLoop, tells_a_refusal_that_comes_in_flight) {
  std::optional<full_listener> server(std::in_place);
  TypeParam loop;
  outcome told;
  loop.connect(server->where(), 10s, {}, told.takes());
  server.reset();  // the next SYN, up to a second later, is answered with RST
  loop.run();
  ASSERT_EQ(told.calls(), 1);
  ASSERT_FALSE(*told);
  EXPECT_EQ(told->error().code, std::errc::connection_refused) << support::told(*told);
  EXPECT_EQ(told->error().handshake, handshake::failed);
  EXPECT_LT(told->error().elapsed, 9s) << "only the last look has found it";
}

TYPED_TEST_P(EventLoop, tells_bad_input_before_anything_is_sent) {
  EXPECT_EQ(this->connect(endpoint(), 5s).error().code, errc::invalid_endpoint);
  listener const server;
  auto const bad = this->connect(server.where(), 5s, {.syn_count = -1});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, errc::invalid_option);
  EXPECT_FALSE(server.accept(0ms));
}

TYPED_TEST_P(EventLoop, gives_up_at_the_deadline_as_the_policy_says) {
  full_listener server;
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
    SCOPED_TRACE(testing::PrintToString(how));
    auto const began = steady::now();
    auto const late = this->connect(server.where(), 30ms, {.on_timeout = how});
    EXPECT_GE(steady::now() - began, 30ms);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
    EXPECT_GE(late.error().elapsed, 30ms);
    EXPECT_EQ(late.error().handshake, handshake::in_flight);
    EXPECT_EQ(late.error().aftermath, how == on_timeout::keep ? aftermath::kept : aftermath::nothing_sent);
    EXPECT_EQ(late.error().pending.has_value(), how == on_timeout::keep);
  }
  server.open();
  EXPECT_FALSE(server.accept(1200ms)) << "the server has seen what was given up";
}

TYPED_TEST_P(EventLoop, has_its_last_look_after_the_deadline) {
  listener const server;
  auto const late = this->connect(server.where(), 0ms);
  EXPECT_TRUE(late) << told(late);
  EXPECT_TRUE(server.accept());
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    SCOPED_TRACE(testing::PrintToString(how));
    bool const is_reset = how == on_timeout::reset;
    auto const refused = this->connect(server.where(), 0ms, {.on_timeout = how, .accept_late = false});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::deadline_exceeded) << told(refused);
    EXPECT_EQ(refused.error().aftermath, is_reset ? aftermath::peer_sees_reset : aftermath::peer_sees_close);
    EXPECT_EQ(how_it_ended(server.accept()), is_reset ? "RST" : "FIN");
  }
}

TYPED_TEST_P(EventLoop, is_never_early_however_short_the_time_is) {
  full_listener const server;
  for (auto const limit : {1us, 100us, 999us, 1000us, 1001us, 2500us, 7300us}) {
    for (int round = 0; round < 10; ++round) {
      auto const began = steady::now();
      auto const late = this->connect(server.where(), limit);
      ASSERT_GE(steady::now() - began, limit);
      ASSERT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
      ASSERT_GE(late.error().elapsed, limit);
      auto attempt = this->kept(server.where());
      auto const resumed = steady::now();
      auto const late_again = this->wait(std::move(attempt), limit, on_timeout::close);
      ASSERT_GE(steady::now() - resumed, limit);
      ASSERT_EQ(late_again.error().code, errc::deadline_exceeded) << told(late_again);
    }
  }
}

TYPED_TEST_P(EventLoop, resumes_what_was_kept) {
  full_listener server;
  auto late = this->connect(server.where(), 5ms, {.on_timeout = on_timeout::keep});
  ASSERT_FALSE(late);
  ASSERT_TRUE(late.error().pending) << told(late);
  auto const began = steady::now();
  late = this->wait(std::move(*late.error().pending), 20ms, on_timeout::keep);
  EXPECT_GE(steady::now() - began, 20ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
  EXPECT_GE(late.error().elapsed, 20ms);
  ASSERT_TRUE(late.error().pending) << told(late);
  server.open();
  auto const client = this->wait(std::move(*late.error().pending), 10s, on_timeout::close);
  ASSERT_TRUE(client) << told(client);
  EXPECT_FALSE(is_nonblocking(client->native_handle()));
  EXPECT_TRUE(carries_a_byte(*client, server.accept()));
}

TYPED_TEST_P(EventLoop, gives_up_what_it_has_resumed_as_the_policy_says) {
  full_listener const server;
  for (auto const how : {on_timeout::close, on_timeout::reset}) {
    auto const descriptors = open_descriptors();
    auto const late = this->wait(this->kept(server.where()), 10ms, how);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
    EXPECT_EQ(late.error().aftermath, aftermath::nothing_sent);
    EXPECT_FALSE(late.error().pending);
    EXPECT_EQ(open_descriptors(), descriptors);
  }
  auto const began = steady::now();
  auto const bad = this->wait(this->kept(server.where()), 20s, static_cast<on_timeout>(7));
  EXPECT_LT(steady::now() - began, 10s);
  EXPECT_EQ(bad.error().code, errc::invalid_option);
  EXPECT_TRUE(bad.error().pending) << "an attempt is lost";
  auto taken = this->kept(server.where());
  taken.abandon(on_timeout::close);
  EXPECT_EQ(this->wait(std::move(taken), 10s, on_timeout::close).error().code, std::errc::bad_file_descriptor);
}

TYPED_TEST_P(EventLoop, is_cancelled_by_the_options) {
  full_listener const server;
  tconn::cancellation cancel;
  auto resumed = this->kept(server.where(), {.cancel = &cancel});
  auto const descriptors = open_descriptors();
  {
    TypeParam loop;
    std::vector<outcome> told(3);
    loop.connect(server.where(), 20s, {.cancel = &cancel}, told[0].takes());
    loop.connect(server.where(), tconn::deadline::never(), {.on_timeout = on_timeout::keep, .cancel = &cancel},
                 told[1].takes());
    loop.wait(std::move(resumed), 20s, on_timeout::close, told[2].takes());
    std::thread canceller([&] {
      std::this_thread::sleep_for(20ms);
      cancel.request();
    });
    auto const began = steady::now();
    loop.run();
    EXPECT_LT(steady::now() - began, 10s);
    canceller.join();
    for (auto& one : told) {
      ASSERT_EQ(one.calls(), 1);
      ASSERT_FALSE(*one);
      EXPECT_EQ(one->error().code, errc::cancelled) << support::told(*one);
      EXPECT_EQ(one->error().handshake, handshake::in_flight);
    }
    EXPECT_EQ(told[0]->error().aftermath, aftermath::nothing_sent);
    EXPECT_TRUE(told[1]->error().pending);
    EXPECT_EQ(told[2]->error().aftermath, aftermath::nothing_sent);
  }
  EXPECT_EQ(open_descriptors() + 1, descriptors);
  EXPECT_EQ(this->connect(server.where(), 5s, {.cancel = &cancel}).error().code, errc::cancelled);
}

TYPED_TEST_P(EventLoop, is_cancelled_though_it_has_its_connection_at_the_same_moment) {
  for (bool const is_resumed : {false, true}) {
    late_server server(10ms);
    tconn::cancellation cancel;
    connect_options const options{.on_timeout = on_timeout::reset, .cancel = &cancel};
    TypeParam loop;
    outcome told;
    if (is_resumed)
      loop.wait(this->kept(server.where(), options), 20s, on_timeout::reset, told.takes());
    else
      loop.connect(server.where(), 20s, options, told.takes());
    auto const peer = server.accept();
    ASSERT_TRUE(peer);
    cancel.request();
    loop.run();
    ASSERT_EQ(told.calls(), 1);
    ASSERT_FALSE(*told);
    EXPECT_EQ(told->error().code, errc::cancelled) << support::told(*told);
    EXPECT_EQ(told->error().aftermath, aftermath::peer_sees_reset);
    EXPECT_EQ(how_it_ended(peer), "RST");
  }
}

TYPED_TEST_P(EventLoop, that_was_busy_at_the_deadline_takes_what_is_there) {
  late_server server(10ms);
  TypeParam loop;
  outcome told;
  auto const began = steady::now();
  loop.connect(server.where(), 1s, {.accept_late = false}, told.takes());
  auto const peer = server.accept();
  std::this_thread::sleep_until(began + 1020ms);
  loop.run();
  ASSERT_EQ(told.calls(), 1);
  ASSERT_TRUE(*told) << support::told(*told);
  EXPECT_TRUE(carries_a_byte(**told, peer));
}

TYPED_TEST_P(EventLoop, tells_that_the_loop_cannot_watch) {
  if (tells_at_once<TypeParam>) return;  // poll() can watch everything
  full_listener const server;
  tconn::cancellation const cancel;
  auto const before = ::fcntl(cancel.native_handle(), F_DUPFD_CLOEXEC, 0);
  int const file = ::open("/", O_PATH | O_CLOEXEC);  // a descriptor that nobody can wait for
  ::dup3(file, cancel.native_handle(), O_CLOEXEC);
  auto const began = steady::now();
  auto const failed = this->connect(server.where(), 20s, {.cancel = &cancel});
  EXPECT_LT(steady::now() - began, 10s);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, std::errc::bad_file_descriptor) << told(failed);
  EXPECT_EQ(failed.error().aftermath, aftermath::nothing_sent);
  ::dup3(before, cancel.native_handle(), O_CLOEXEC);
  ::close(before);
  ::close(file);
}

TYPED_TEST_P(EventLoop, that_goes_first_leaves_no_descriptor_and_calls_nobody) {
  full_listener server;
  tconn::cancellation const cancel;
  temporary_path const path("socket");
  full_listener const local(path.where());
  auto resumed = this->kept(server.where());
  auto const descriptors = open_descriptors();
  std::vector<outcome> told(4);
  {
    TypeParam loop;
    loop.connect(server.where(), 20s, {.cancel = &cancel}, told[0].takes());
    loop.connect(server.where(), 20s, {.on_timeout = on_timeout::keep}, told[1].takes());
    loop.wait(std::move(resumed), 20s, on_timeout::keep, told[2].takes());
    loop.connect(path.where(), 20s, {}, told[3].takes());
    loop.run_for(20ms);
    EXPECT_GT(open_descriptors(), descriptors);
  }
  EXPECT_EQ(open_descriptors(), descriptors - 1);
  for (auto const& one : told) EXPECT_EQ(one.calls(), 0);
  server.open();
  EXPECT_FALSE(server.accept(1200ms)) << "the server has seen what was given up";
}

TYPED_TEST_P(EventLoop, that_goes_before_it_has_told_of_a_resumed_connection_ends_that_by_FIN) {
  if (tells_at_once<TypeParam>) return;
  auto const descriptors = open_descriptors();
  {
    late_server server(10ms);
    auto resumed = this->kept(server.where());
    auto const peer = server.accept();
    ASSERT_TRUE(send_text(peer, "unread data would make a RST of it"));
    outcome told;
    {
      TypeParam loop;
      loop.wait(std::move(resumed), 0ms, on_timeout::reset, told.takes());
    }
    EXPECT_EQ(told.calls(), 0);
    EXPECT_EQ(how_it_ended(peer), "FIN");
  }
  EXPECT_LE(open_descriptors(), descriptors);
}

TYPED_TEST_P(EventLoop, that_goes_before_it_has_told_of_a_connection_ends_that_by_FIN) {
  if (tells_at_once<TypeParam>) return;
  listener const server;
  auto const descriptors = open_descriptors();
  outcome told;
  tconn::socket peer;
  {
    TypeParam loop;
    loop.connect(server.where(), 20s, {.on_timeout = on_timeout::reset}, told.takes());
    peer = server.accept();
    ASSERT_TRUE(send_text(peer, "unread data would make a RST of it"));
  }
  EXPECT_EQ(told.calls(), 0);
  EXPECT_EQ(how_it_ended(peer), "FIN");
  peer.close();
  EXPECT_LE(open_descriptors(), descriptors);
}

TYPED_TEST_P(EventLoop, drives_several_each_with_its_own_deadline) {
  auto const descriptors = open_descriptors();
  {
    full_listener full;
    listener const server;
    TypeParam loop;
    std::vector<outcome> told(4);
    auto const began = steady::now();
    loop.connect(full.where(), 60ms, {}, told[0].takes());
    loop.connect(full.where(), 20ms, {}, told[1].takes());
    loop.connect(server.where(), 20s, {}, told[2].takes());
    loop.connect(full.where(), 20s, {}, told[3].takes());
    full.open();
    loop.run();
    for (auto const& one : told) ASSERT_EQ(one.calls(), 1);
    EXPECT_GE(told[0].at() - began, 60ms);
    EXPECT_GE(told[1].at() - began, 20ms);
    EXPECT_LT(told[1].at(), told[0].at());
    EXPECT_LT(told[2].at(), told[1].at());
    EXPECT_FALSE(*told[0]);
    EXPECT_FALSE(*told[1]);
    EXPECT_TRUE(*told[2]);
    ASSERT_TRUE(*told[3]) << support::told(*told[3]);
    EXPECT_TRUE(carries_a_byte(**told[3], full.accept()));
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

TYPED_TEST_P(EventLoop, waits_for_a_Unix_socket_with_a_full_backlog) {
  temporary_path const path("socket");
  full_listener server(path.where());
  auto const began = steady::now();
  auto const late = this->connect(path.where(), 30ms, {.on_timeout = on_timeout::keep});
  EXPECT_GE(steady::now() - began, 30ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::deadline_exceeded) << told(late);
  EXPECT_EQ(late.error().handshake, handshake::not_started);
  EXPECT_EQ(late.error().aftermath, aftermath::none);
  EXPECT_FALSE(late.error().pending);
  std::thread opener([&] {
    std::this_thread::sleep_for(20ms);
    server.open();
  });
  auto const client = this->connect(path.where(), 20s);
  opener.join();
  ASSERT_TRUE(client) << told(client);
  EXPECT_TRUE(carries_a_byte(*client, server.accept()));
}

TYPED_TEST_P(EventLoop, tries_again_when_it_was_connected_to_itself) {
  closed_port const nobody;
  int sockets = 0;
  auto const bind_to_it = [&](tconn::native_handle handle, endpoint const& to) {
    int const yes = 1;
    ::setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ++sockets;
    return std::error_code(::bind(handle, to.data(), to.size()) == 0 ? 0 : last_error(), tconn::native_category());
  };
  auto const at = [] {
    closed_port const free;
    return free.where();
  }();
  auto const itself = this->connect(at, 5s, {.before_connect = bind_to_it});
  ASSERT_FALSE(itself);
  EXPECT_EQ(itself.error().code, errc::self_connect) << told(itself);
  EXPECT_EQ(sockets, 8);
}

TYPED_TEST_P(EventLoop, lets_a_handler_begin_the_next_one) {
  listener const server;
  closed_port const nobody;
  TypeParam loop;
  outcome first;
  outcome second;
  loop.connect(nobody.where(), 5s, {}, [&](connect_result result) {
    first.takes()(std::move(result));
    loop.connect(server.where(), 5s, {}, second.takes());
  });
  loop.run();
  ASSERT_EQ(first.calls(), 1);
  ASSERT_EQ(second.calls(), 1);
  EXPECT_FALSE(*first);
  EXPECT_TRUE(*second) << told(*second);
}

REGISTER_TYPED_TEST_SUITE_P(EventLoop, hands_over_a_connected_socket_in_the_mode_that_is_asked_for, tells_a_refusal,
                            tells_a_refusal_that_comes_in_flight, tells_bad_input_before_anything_is_sent,
                            gives_up_at_the_deadline_as_the_policy_says, has_its_last_look_after_the_deadline,
                            is_never_early_however_short_the_time_is, resumes_what_was_kept,
                            gives_up_what_it_has_resumed_as_the_policy_says, is_cancelled_by_the_options,
                            is_cancelled_though_it_has_its_connection_at_the_same_moment,
                            that_was_busy_at_the_deadline_takes_what_is_there, tells_that_the_loop_cannot_watch,
                            that_goes_before_it_has_told_of_a_resumed_connection_ends_that_by_FIN,
                            that_goes_first_leaves_no_descriptor_and_calls_nobody,
                            that_goes_before_it_has_told_of_a_connection_ends_that_by_FIN,
                            drives_several_each_with_its_own_deadline, waits_for_a_Unix_socket_with_a_full_backlog,
                            tries_again_when_it_was_connected_to_itself, lets_a_handler_begin_the_next_one);

template <class Loop>
class OwnCancellation : public EventLoop<Loop> {};
TYPED_TEST_SUITE_P(OwnCancellation);

TYPED_TEST_P(OwnCancellation, ends_what_is_under_way_as_the_policy_says) {
  full_listener const server;
  auto resumed = this->kept(server.where());
  TypeParam loop;
  std::vector<outcome> told(3);
  loop.connect(server.where(), 20s, {.on_timeout = on_timeout::reset}, told[0].takes());
  loop.connect(server.where(), 20s, {.on_timeout = on_timeout::keep}, told[1].takes());
  loop.wait(std::move(resumed), 20s, on_timeout::close, told[2].takes());
  loop.cancel_all();
  auto const began = steady::now();
  loop.run();
  EXPECT_LT(steady::now() - began, 10s);
  for (auto& one : told) {
    ASSERT_EQ(one.calls(), 1);
    ASSERT_FALSE(*one);
    EXPECT_EQ(one->error().code, errc::cancelled) << support::told(*one);
  }
  EXPECT_TRUE(told[1]->error().pending);
}

REGISTER_TYPED_TEST_SUITE_P(OwnCancellation, ends_what_is_under_way_as_the_policy_says);

}  // namespace promises
