// SPDX-License-Identifier: MIT
// Two connects in a loop of libevent's: one that succeeds, and one to a server whose accept queue is full.
#include <timed_connect/adapters/libevent.hpp>
#include <timed_connect/testing/loopback.hpp>

#include <event2/event.h>
#include <cstdio>

int main() {  // NOLINT(bugprone-exception-escape): without a server the example ends
  using namespace std::chrono_literals;
  tconn::testing::listening_server const server;
  tconn::testing::black_hole const overloaded;
  event_base* const base = event_base_new();
  int connected = 0;
  int late = 0;
  {
    auto const tell = [&](tconn::connect_result result) {
      std::printf("%s\n", result ? "connected" : result.error().message().c_str());
      connected += result ? 1 : 0;
      late += !result && result.error().code == tconn::errc::deadline_exceeded ? 1 : 0;
    };
    tconn::adapters::event_connect const one(base, server.where(), 2s, {}, tell);
    tconn::adapters::event_connect const other(base, overloaded.where(), 100ms, {}, tell);
    event_base_dispatch(base);
  }
  event_base_free(base);
  return connected == 1 && late == 1 ? 0 : 1;
}
