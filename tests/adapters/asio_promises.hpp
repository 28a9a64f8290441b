// SPDX-License-Identifier: MIT
// What both kinds of Asio must keep, beyond what every event loop must.
#pragma once

#include "adapters/event_loop_promises.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace promises {

/// `Asio` has the names.
template <class Asio>
class AsioTokens : public testing::Test {};
TYPED_TEST_SUITE_P(AsioTokens);

TYPED_TEST_P(AsioTokens, may_be_a_future) {
  listener const server;
  typename TypeParam::context context(1);
  auto later = TypeParam::connect(context, server.where(), 5s, connect_options{}, TypeParam::use_future);
  context.run();
  EXPECT_TRUE(later.get());
}

TYPED_TEST_P(AsioTokens, may_be_handlers_that_can_only_be_moved) {
  full_listener const server;
  typename TypeParam::context context(1);
  int called = 0;
  auto const connect = [&](auto&& call) {
    TypeParam::connect(context.get_executor(), server.where(), 5ms, connect_options{},
                       std::forward<decltype(call)>(call));
  };
  connect([&, moved = std::make_unique<int>(1)](connect_result const&) { called += *moved; });
  auto const copied = [&](connect_result const&) { called += 1; };
  connect(copied);
  context.run();
  EXPECT_EQ(called, 2);
}

TYPED_TEST_P(AsioTokens, run_in_several_threads_and_in_a_strand) {
  full_listener const server;
  listener const accepts;
  tconn::cancellation cancel;
  typename TypeParam::context context(4);
  std::atomic<int> connected{0};
  std::atomic<int> ended{0};
  auto const strand = TypeParam::strand(context);
  constexpr int rounds = 40;
  for (int i = 0; i < rounds; ++i) {
    auto const limit = std::chrono::microseconds{i * 200};
    auto const count = [&](connect_result const& result) {
      connected += result ? 1 : 0;
      ++ended;
    };
    TypeParam::connect(context, server.where(), limit, connect_options{.cancel = &cancel}, count);
    TypeParam::connect(strand, server.where(), 20s, connect_options{.cancel = &cancel}, count);
    TypeParam::connect(strand, accepts.where(), 20s, connect_options{}, count);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { context.run(); });
  std::this_thread::sleep_for(5ms);
  cancel.request();
  for (auto& one : threads) one.join();
  EXPECT_EQ(ended, 3 * rounds);
  EXPECT_EQ(connected, rounds);
}

TYPED_TEST_P(AsioTokens, run_in_a_pool_that_is_stopped_before_they_end) {
  full_listener const server;
  auto const descriptors = open_descriptors();
  std::atomic<int> called{0};
  {
    typename TypeParam::pool pool(2);
    for (int i = 0; i < 8; ++i)
      TypeParam::connect(pool, server.where(), 20s, connect_options{}, [&](connect_result const&) { ++called; });
    std::this_thread::sleep_for(5ms);
    pool.stop();
    pool.join();
  }
  EXPECT_EQ(called, 0);
  EXPECT_EQ(open_descriptors(), descriptors);
}

TYPED_TEST_P(AsioTokens, lead_to_a_socket_of_Asios_that_reads_and_writes) {
  temporary_path const path("socket");
  typename TypeParam::context context(1);
  auto const descriptors = open_descriptors();
  auto const talk = [&](endpoint const& own, auto socket) {
    listener const server(own);
    TypeParam::connect(context, server.where(), 5s, connect_options{}, [&](connect_result result) {
      ASSERT_TRUE(result) << told(result);
      auto const number = result->native_handle();
      EXPECT_FALSE(TypeParam::hand_over(std::move(*result), socket));
      EXPECT_FALSE(*result) << "it has two owners";
      EXPECT_EQ(socket.native_handle(), number);
    });
    context.restart();
    context.run();
    auto const peer = server.accept();
    char bytes[2] = {'h', 'i'};
    socket.write_some(TypeParam::buffer(bytes, 2));
    EXPECT_EQ(what_is_read(peer), "2 bytes");
    std::size_t read = 0;
    socket.async_read_some(TypeParam::buffer(bytes, 1), [&](auto const&, std::size_t count) { read = count; });
    send_text(peer, "x");
    context.restart();
    context.run();
    EXPECT_EQ(read, 1U);
    EXPECT_EQ(bytes[0], 'x');
  };
  talk(endpoint::loopback_v4(0), typename TypeParam::tcp_socket(context));
  talk(endpoint::loopback_v6(0), typename TypeParam::tcp_socket(context));
  talk(path.where(), typename TypeParam::local_socket(context));
  EXPECT_LE(open_descriptors(), descriptors + 3) << "more than the reactor's own";
}

TYPED_TEST_P(AsioTokens, lead_to_no_socket_of_another_protocol_and_then_it_has_its_owner_still) {
  listener const server;
  typename TypeParam::context context(1);
  auto client = tconn::timed_connect(server.where(), 5s);
  ASSERT_TRUE(client);
  typename TypeParam::local_socket local(context);
  EXPECT_EQ(TypeParam::hand_over(std::move(*client), local), std::errc::address_family_not_supported);
  typename TypeParam::udp_socket datagrams(context);
  EXPECT_EQ(TypeParam::hand_over(std::move(*client), datagrams), std::errc::wrong_protocol_type);
  ASSERT_TRUE(*client);
  typename TypeParam::tcp_socket open(context);
  auto other = tconn::timed_connect(server.where(), 5s);
  EXPECT_FALSE(TypeParam::hand_over(std::move(*other), open));
  EXPECT_TRUE(TypeParam::hand_over(std::move(*client), open)) << "one was open already";
  ASSERT_TRUE(*client);
  EXPECT_EQ(TypeParam::hand_over(tconn::socket(), local), std::errc::bad_file_descriptor);
  EXPECT_TRUE(carries_a_byte(*client, server.accept()));
}

REGISTER_TYPED_TEST_SUITE_P(AsioTokens, may_be_a_future, may_be_handlers_that_can_only_be_moved,
                            run_in_several_threads_and_in_a_strand, run_in_a_pool_that_is_stopped_before_they_end,
                            lead_to_a_socket_of_Asios_that_reads_and_writes,
                            lead_to_no_socket_of_another_protocol_and_then_it_has_its_owner_still);

}  // namespace promises
