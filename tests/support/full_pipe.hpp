// SPDX-License-Identifier: MIT
// A connected pair of which one end is not ready: what it has sent fills all there is.
#pragma once

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace support {

class full_pipe : public testing::Test {
 protected:
  full_pipe() {
    listener const server;
    writer = tconn::socket(open_socket(AF_INET));
    int const small = 4096;
    for (auto const handle : {server.descriptor(), writer.native_handle()}) {
      tconn::detail::platform::set_int(handle, SOL_SOCKET, SO_SNDBUF, small);
      tconn::detail::platform::set_int(handle, SOL_SOCKET, SO_RCVBUF, small);
    }
    auto const where = server.where();
    tconn::detail::platform::connect(writer.native_handle(), where.data(), where.size());
    reader = server.accept();
    for (auto const handle : {reader.native_handle(), writer.native_handle()})
      tconn::detail::platform::set_blocking(handle, false);
    char const bytes[4096] = {};
    // What is on its way makes room a moment later.
    while (is_ready(tconn::detail::platform::writable(writer.native_handle()), 100ms))
      ::send(writer.native_handle(), bytes, sizeof bytes, no_signal);
  }

  /// Reads until there is room again.
  void drain() {
    std::vector<char> bytes(1 << 20);
    while (!is_ready(tconn::detail::platform::writable(writer.native_handle()), 1ms))
      ::recv(reader.native_handle(), bytes.data(), static_cast<byte_count>(bytes.size()), 0);
  }

  tconn::socket writer{};
  tconn::socket reader{};
};

}  // namespace support
