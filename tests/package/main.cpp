// SPDX-License-Identifier: MIT
// Listens on a port of its own, connects to it, and tells what came of it.
#include <timed_connect/timed_connect.hpp>

#include <sys/socket.h>

#include <chrono>
#include <cstdio>

int main() {
  int const server = ::socket(AF_INET, SOCK_STREAM, 0);
  auto const any_port = tconn::endpoint::loopback_v4(0);
  sockaddr_storage storage{};
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t length = sizeof storage;
  if (::bind(server, any_port.data(), any_port.size()) != 0 || ::listen(server, 1) != 0) return 2;
  if (::getsockname(server, address, &length) != 0) return 2;

  auto const result = tconn::timed_connect(tconn::endpoint(address, length), std::chrono::seconds{1});
  std::puts(result ? "connected" : result.error().message().c_str());
  return result ? 0 : 1;
}
