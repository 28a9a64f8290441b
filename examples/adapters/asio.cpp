// SPDX-License-Identifier: MIT
// A connect in Asio's loop, whose socket then becomes one of Asio's; and one whose result is a future. The servers are this
// program's own: one that greets, and one whose accept queue is full.
#include <timed_connect/adapters/asio.hpp>
#include <timed_connect/testing/loopback.hpp>

#include <asio.hpp>
#include <cstdio>
#include <string>

int main() {  // NOLINT(bugprone-exception-escape): without a server the example ends
  using namespace std::chrono_literals;
  namespace adapter = tconn::adapters::asio;
  tconn::testing::listening_server const server;
  tconn::testing::black_hole const overloaded;
  asio::io_context context;
  int good = 0;

  asio::ip::tcp::socket client(context);
  std::string greeting;
  adapter::async_timed_connect(context, server.where(), 2s, {.no_delay = true}, [&](tconn::connect_result result) {
    if (!result) return static_cast<void>(std::puts(result.error().message().c_str()));
    if (adapter::hand_over(std::move(*result), client)) return;  // from here on it is a socket as any other
    tconn::testing::send_text(server.accept(), "hello\n");
    asio::async_read_until(client, asio::dynamic_buffer(greeting), '\n', [&](asio::error_code, std::size_t) {
      std::printf("the server says %s", greeting.c_str());
      good += greeting == "hello\n" ? 1 : 0;
    });
  });

  auto late = adapter::async_timed_connect(context, overloaded.where(), 100ms, {}, asio::use_future);

  context.run();
  auto const result = late.get();
  std::printf("%s\n", result ? "connected" : result.error().message().c_str());
  good += !result && result.error().code == tconn::errc::deadline_exceeded ? 1 : 0;
  return good == 2 ? 0 : 1;
}
