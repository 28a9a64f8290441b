// SPDX-License-Identifier: MIT
// Includes and calls the library; that nobody listens on port 1 makes the outcome known.
#include <timed_connect/connect.hpp>

#include <chrono>

int main() {
  auto const outcome = tconn::timed_connect(tconn::endpoint::loopback_v4(1), std::chrono::milliseconds{0});
  return outcome.has_value() ? 1 : 0;
}
