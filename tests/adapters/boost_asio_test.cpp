// SPDX-License-Identifier: MIT
// Asio as a part of Boost, of a version without cancellation slots.
#include <timed_connect/adapters/boost_asio.hpp>

#include "adapters/asio_promises.hpp"

#include <boost/asio.hpp>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>

namespace {

namespace adapter = tconn::adapters::boost_asio;

/// The names.
struct boost_asio_names {
  using context = ::boost::asio::io_context;
  using tcp_socket = ::boost::asio::ip::tcp::socket;
  using udp_socket = ::boost::asio::ip::udp::socket;
  using local_socket = ::boost::asio::local::stream_protocol::socket;
  using pool = ::boost::asio::thread_pool;
  static constexpr auto& use_future = ::boost::asio::use_future;
  template <class... Arguments>
  static auto connect(Arguments&&... arguments) {
    return adapter::async_timed_connect(std::forward<Arguments>(arguments)...);
  }
  template <class Socket>
  static std::error_code hand_over(tconn::socket&& connected, Socket& to) {
    return adapter::hand_over(std::move(connected), to);
  }
  static auto buffer(char* bytes, std::size_t count) { return ::boost::asio::buffer(bytes, count); }
  static auto strand(context& of) { return ::boost::asio::make_strand(of); }
};

class boost_asio_loop {
 public:
  void connect(tconn::endpoint const& to, tconn::deadline limit, tconn::connect_options const& options,
               promises::handler call) {
    adapter::async_timed_connect(context_, to, limit, options, std::move(call));
  }
  void wait(tconn::pending_connection attempt, tconn::deadline limit, tconn::on_timeout how, promises::handler call) {
    adapter::async_wait(context_, std::move(attempt), limit, how, std::move(call));
  }
  void run() {
    context_.restart();
    context_.run();
  }
  void run_for(std::chrono::milliseconds time) { context_.run_for(time); }

 private:
  ::boost::asio::io_context context_{1};
};

}  // namespace

namespace promises {
INSTANTIATE_TYPED_TEST_SUITE_P(BoostAsio, EventLoop, boost_asio_loop);
INSTANTIATE_TYPED_TEST_SUITE_P(BoostAsio, AsioTokens, boost_asio_names);
}  // namespace promises

#if defined(BOOST_ASIO_HAS_CO_AWAIT)  // not with every compiler
namespace {

using namespace support;

TEST(BoostAsioAwaitable, is_resumed_with_the_result) {
  listener const server;
  ::boost::asio::io_context context(1);
  int done = 0;
  auto const body = [&]() -> ::boost::asio::awaitable<void> {
    auto const client =
        co_await adapter::async_timed_connect(context, server.where(), 5s, {}, ::boost::asio::use_awaitable);
    EXPECT_TRUE(client) << told(client);
    ++done;
  };
  ::boost::asio::co_spawn(context, body, ::boost::asio::detached);
  context.run();
  EXPECT_EQ(done, 1);
}

}  // namespace
#endif
