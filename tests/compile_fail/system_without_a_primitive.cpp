// SPDX-License-Identifier: MIT
// expect: system_calls|constraint
#include <timed_connect/connect.hpp>

struct incomplete {
  using owner = tconn::native_system;
};

int main() {
#ifdef CONTROL
  auto const result =
      tconn::timed_connect(tconn::endpoint::loopback_v4(1), std::chrono::milliseconds{1}, {}, tconn::polling{});
#else
  auto const result =
      tconn::timed_connect(tconn::endpoint::loopback_v4(1), std::chrono::milliseconds{1}, {}, incomplete{});
#endif
  return result ? 1 : 0;
}
