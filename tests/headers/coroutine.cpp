// SPDX-License-Identifier: MIT
// A program with coroutines, which may be compiled without exceptions and run-time types.
#include <timed_connect/adapters/coroutine.hpp>

tconn::adapters::task use_coroutines(tconn::adapters::poll_loop& loop, tconn::endpoint to) {
  auto late = co_await tconn::adapters::connect(loop, to, std::chrono::milliseconds{1});
  if (late || !late.error().pending) co_return;
  auto const again =
      co_await tconn::adapters::wait(loop, std::move(*late.error().pending), std::chrono::milliseconds{1});
  static_cast<void>(again);
}

void run_coroutines() {
  tconn::adapters::poll_loop loop;
  auto const one = use_coroutines(loop, tconn::endpoint::loopback_v4(1));
  loop.run();
}
