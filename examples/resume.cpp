// SPDX-License-Identifier: MIT
// Keep the attempt at the deadline, do something else, and go on waiting for it: no second SYN, no place in the queue
// lost. The server here is one whose accept queue is full at first, so that the SYN stays unanswered.
#include <timed_connect/connect.hpp>
#include <timed_connect/testing/loopback.hpp>

#include <cstdio>

int main() {  // NOLINT(bugprone-exception-escape): without a server the example ends
  using namespace std::chrono_literals;
  tconn::testing::black_hole server;

  auto result = tconn::timed_connect(server.where(), 100ms, {.on_timeout = tconn::on_timeout::keep});
  if (result || !result.error().pending)
    return std::puts("a full accept queue should have kept the attempt waiting"), 1;
  std::printf("%s\n", result.error().message().c_str());
  tconn::pending_connection attempt = std::move(*result.error().pending);

  std::puts("the server makes room; meanwhile the program does something else ...");
  server.open();

  tconn::connect_result const finished = attempt.wait(5s);
  if (!finished) return std::printf("%s\n", finished.error().message().c_str()), 1;
  std::printf("connected after all: descriptor %d\n", static_cast<int>(finished->native_handle()));
}
