// SPDX-License-Identifier: MIT
// expect: nodiscard|warn_unused|ignoring return value
#include <timed_connect/connect.hpp>

int main() {
#ifdef CONTROL
  auto const result =
#endif
      tconn::timed_connect(tconn::endpoint::loopback_v4(1), std::chrono::milliseconds{1});
#ifdef CONTROL
  return result ? 1 : 0;
#endif
}
