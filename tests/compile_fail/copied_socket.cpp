// SPDX-License-Identifier: MIT
// expect: deleted
#include <timed_connect/socket.hpp>

#include <utility>

int main() {
  tconn::socket owner;
#ifdef CONTROL
  tconn::socket const other = std::move(owner);
#else
  tconn::socket const other = owner;
#endif
  return other ? 1 : 0;
}
