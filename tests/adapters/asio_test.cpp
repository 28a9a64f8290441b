// SPDX-License-Identifier: MIT
// Asio without Boost.
#include <timed_connect/adapters/asio.hpp>

#include "adapters/asio_promises.hpp"

#include <asio.hpp>
#include <asio/experimental/deferred.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

namespace {

namespace adapter = tconn::adapters::asio;

/// The names.
struct asio_names {
  using context = ::asio::io_context;
  using tcp_socket = ::asio::ip::tcp::socket;
  using udp_socket = ::asio::ip::udp::socket;
  using local_socket = ::asio::local::stream_protocol::socket;
  using pool = ::asio::thread_pool;
  static constexpr auto& use_future = ::asio::use_future;
  template <class... Arguments>
  static auto connect(Arguments&&... arguments) {
    return adapter::async_timed_connect(std::forward<Arguments>(arguments)...);
  }
  template <class Socket>
  static std::error_code hand_over(tconn::socket&& connected, Socket& to) {
    return adapter::hand_over(std::move(connected), to);
  }
  static auto buffer(char* bytes, std::size_t count) { return ::asio::buffer(bytes, count); }
  static auto strand(context& of) { return ::asio::make_strand(of); }
};

/// Each operation has a cancellation slot of its own.
class asio_loop {
 public:
  void connect(tconn::endpoint const& to, tconn::deadline limit, tconn::connect_options const& options,
               promises::handler call) {
    adapter::async_timed_connect(context_, to, limit, options,
                                 ::asio::bind_cancellation_slot(signals_.emplace_back().slot(), std::move(call)));
  }
  void wait(tconn::pending_connection attempt, tconn::deadline limit, tconn::on_timeout how, promises::handler call) {
    adapter::async_wait(context_, std::move(attempt), limit, how,
                        ::asio::bind_cancellation_slot(signals_.emplace_back().slot(), std::move(call)));
  }
  void cancel_all() {
    using type = ::asio::cancellation_type;
    constexpr type all[] = {type::terminal, type::partial, type::total};
    std::size_t next = 0;
    for (auto& one : signals_) one.emit(all[next++ % 3]);
  }
  void run() { context_.run(); }
  void run_for(std::chrono::milliseconds time) { context_.run_for(time); }

 private:
  std::list<::asio::cancellation_signal> signals_{};
  ::asio::io_context context_{1};
};

}  // namespace

namespace promises {
INSTANTIATE_TYPED_TEST_SUITE_P(Asio, EventLoop, asio_loop);
INSTANTIATE_TYPED_TEST_SUITE_P(Asio, OwnCancellation, asio_loop);
INSTANTIATE_TYPED_TEST_SUITE_P(Asio, AsioTokens, asio_names);
}  // namespace promises

namespace {

using namespace support;
using tconn::connect_result;

#if defined(ASIO_HAS_CO_AWAIT)  // not with every compiler
// What a deferred operation would have to copy, to be begun twice.
static_assert(!std::is_copy_constructible_v<tconn::detail::asio_operation<tconn::detail::standalone_asio>>);

TEST(AsioDeferred, is_begun_once) {
  listener const server;
  asio::io_context context(1);
  auto operation = adapter::async_timed_connect(context, server.where(), 5s, tconn::connect_options{},
                                                ::asio::experimental::deferred);
  int connected = 0;
  auto const count = [&](tconn::connect_result const& result) { connected += result ? 1 : 0; };
  std::move(operation)(count);
  context.run();
  EXPECT_EQ(connected, 1);
}

TEST(AsioAwaitable, is_resumed_with_the_result_and_counts_from_the_call) {
  listener const server;
  full_listener const full;
  ::asio::io_context context(1);
  int done = 0;
  auto const body = [&]() -> ::asio::awaitable<void> {
    auto const client = co_await adapter::async_timed_connect(context, server.where(), 5s, {}, ::asio::use_awaitable);
    EXPECT_TRUE(client) << told(client);
    auto const began = steady::now();
    auto begins_later = adapter::async_timed_connect(context, full.where(), 50ms, {}, ::asio::use_awaitable);
    std::this_thread::sleep_for(50ms);
    auto const late = co_await std::move(begins_later);
    EXPECT_EQ(late.error().code, tconn::errc::deadline_exceeded) << told(late);
    EXPECT_GE(steady::now() - began, 50ms);
    EXPECT_LT(steady::now() - began, 99ms) << "it counts from where it is awaited";
    ++done;
  };
  ::asio::co_spawn(context, body, ::asio::detached);
  context.run();
  EXPECT_EQ(done, 1);
}
#endif

TEST(AsioSlot, that_fires_after_the_connection_is_there_changes_nothing) {
  listener const server;
  ::asio::io_context context(1);
  ::asio::cancellation_signal signal;
  std::optional<connect_result> result;
  adapter::async_timed_connect(
      context, server.where(), 5s, {},
      ::asio::bind_cancellation_slot(signal.slot(), [&](connect_result told) { result.emplace(std::move(told)); }));
  signal.emit(::asio::cancellation_type::terminal);
  context.run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result) << told(*result);
}

}  // namespace
