// SPDX-License-Identifier: MIT
// What README.md shows. Usage: quickstart [ENDPOINT]
#include <timed_connect/connect.hpp>

#include <cstdio>

int main(int count, char** arguments) {
  using namespace std::chrono_literals;
  auto const to = tconn::endpoint::parse(count > 1 ? arguments[1] : "127.0.0.1:1");
  if (!to) return std::puts(to.error().message().c_str()), 2;
  auto const result = tconn::timed_connect(*to, 250ms, {.on_timeout = tconn::on_timeout::reset});
  std::puts(result ? "connected" : result.error().message().c_str());
}
