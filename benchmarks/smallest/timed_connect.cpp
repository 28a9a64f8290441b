// SPDX-License-Identifier: MIT
// The smallest client of the library: connects to an endpoint, such as 127.0.0.1:80, within a second.
#include <timed_connect/connect.hpp>

int main(int count, char** arguments) {
  using namespace std::chrono_literals;
  if (count != 2) return 2;
  auto const to = tconn::endpoint::parse(arguments[1]);
  if (!to) return 2;
  auto const result = tconn::timed_connect(*to, 1s);
  if (result) return 0;
  return result.error().code == tconn::errc::deadline_exceeded ? 124 : 1;
}
