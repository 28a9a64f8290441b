// SPDX-License-Identifier: MIT
// Connect within a quarter of a second, or say exactly what is left behind. Usage: quickstart [ENDPOINT]
#include <timed_connect/connect.hpp>

#include <cstdio>

int main(int count, char** arguments) {
  using namespace std::chrono_literals;
  auto const to = tconn::endpoint::parse(count > 1 ? arguments[1] : "127.0.0.1:1");
  if (!to) return std::printf("%s\n", to.error().message().c_str()), 2;

  auto const result = tconn::timed_connect(*to, 250ms, {.on_timeout = tconn::on_timeout::reset});
  if (result) {
    std::printf("connected: descriptor %d\n", static_cast<int>(result->native_handle()));
  } else {
    std::printf("%s\n", result.error().message().c_str());  // address, reason, time, SYNs, what is left behind
  }
  return count > 1 && !result ? 1 : 0;
}
