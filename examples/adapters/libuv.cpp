// SPDX-License-Identifier: MIT
// Two connects in a loop of libuv's: one that succeeds, and one to a server whose accept queue is full.
#include <timed_connect/adapters/libuv.hpp>
#include <timed_connect/testing/loopback.hpp>

#include <uv.h>
#include <cstdio>

int main() {  // NOLINT(bugprone-exception-escape): without a server the example ends
  using namespace std::chrono_literals;
  tconn::testing::listening_server const server;
  tconn::testing::black_hole const overloaded;
  uv_loop_t loop;
  uv_loop_init(&loop);
  int connected = 0;
  int late = 0;
  {
    auto const tell = [&](tconn::connect_result result) {
      std::printf("%s\n", result ? "connected" : result.error().message().c_str());
      connected += result ? 1 : 0;
      late += !result && result.error().code == tconn::errc::deadline_exceeded ? 1 : 0;
    };
    tconn::adapters::uv_connect const one(&loop, server.where(), 2s, {}, tell);
    tconn::adapters::uv_connect const other(&loop, overloaded.where(), 100ms, {}, tell);
    uv_run(&loop, UV_RUN_DEFAULT);
  }
  uv_run(&loop, UV_RUN_DEFAULT);  // closes the handles of those that have gone
  return uv_loop_close(&loop) == 0 && connected == 1 && late == 1 ? 0 : 1;
}
