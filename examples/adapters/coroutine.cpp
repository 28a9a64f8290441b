// SPDX-License-Identifier: MIT
// Two coroutines in one thread, without any other library: one is connected, the other one keeps its attempt at the
// deadline and goes on with it once the server has made room. The servers are this program's own.
#include <timed_connect/adapters/coroutine.hpp>
#include <timed_connect/testing/loopback.hpp>

#include <cstdio>

namespace {

using namespace std::chrono_literals;
using tconn::adapters::poll_loop;
using tconn::adapters::task;

task visit(poll_loop& loop, tconn::endpoint to, bool& good) {
  auto const client = co_await tconn::adapters::connect(loop, to, 2s);
  std::printf("%s: %s\n", to.to_string().c_str(), client ? "connected" : client.error().message().c_str());
  good = client.has_value();
}

task insist(poll_loop& loop, tconn::testing::black_hole& server, bool& good) {
  auto late = co_await tconn::adapters::connect(loop, server.where(), 100ms, {.on_timeout = tconn::on_timeout::keep});
  if (late || !late.error().pending) co_return;
  std::printf("%s\n", late.error().message().c_str());
  server.open();
  auto const client = co_await tconn::adapters::wait(loop, std::move(*late.error().pending), 5s);
  std::puts(client ? "connected after all" : client.error().message().c_str());
  good = client.has_value();
}

}  // namespace

int main() {  // NOLINT(bugprone-exception-escape): without a server the example ends
  tconn::testing::listening_server const server;
  tconn::testing::black_hole overloaded;
  poll_loop loop;
  bool first = false;
  bool second = false;
  auto const one = visit(loop, server.where(), first);
  auto const other = insist(loop, overloaded, second);
  loop.run();
  return first && second ? 0 : 1;
}
