// SPDX-License-Identifier: MIT
// A server at "localhost", a name that needs no name server; and a look whether a lookup has left a thread.
#pragma once

#include <timed_connect/resolve.hpp>

#include "support/loopback.hpp"
#include "support/threads.hpp"

#include <gtest/gtest.h>

#include <string>

namespace support {

class localhost : public testing::Test {
 protected:
  void SetUp() override {
    addrinfo* found = nullptr;
    if (::getaddrinfo("localhost", nullptr, nullptr, &found) != 0) GTEST_SKIP() << "this host does not know localhost";
    ::freeaddrinfo(found);
    threads = settled_thread_count();
  }
  /// A thread lives a moment longer than its answer, and the descriptor of its event with it.
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return thread_count() <= threads; })) << "a thread is left";
    EXPECT_EQ(tconn::detail::lookup_job::abandoned(), 0);
  }
  decltype(thread_count()) threads{};
  listener const server{};
  std::string const port = std::to_string(server.where().port());
};

}  // namespace support
