// SPDX-License-Identifier: MIT
// expect: deadline
#include <timed_connect/connect.hpp>

int main() {
#ifdef CONTROL
  auto const result = tconn::timed_connect(tconn::endpoint::loopback_v4(1), std::chrono::milliseconds{250});
#else
  auto const result = tconn::timed_connect(tconn::endpoint::loopback_v4(1), 250);
#endif
  return result ? 1 : 0;
}
