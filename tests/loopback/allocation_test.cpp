// SPDX-License-Identifier: MIT
// Promise 14: the core path allocates nothing. This program's operator new counts.
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> allocations{0};
}

// Not inlined: seen through, they look to g++ like free() of what came from new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace support;
using tconn::on_timeout;
using tconn::timed_connect;

bool counts_allocations() {
  auto const before = allocations.load();
  std::string const text = tconn::connect_failure{}.message();
  return !text.empty() && allocations.load() > before;
}

TEST(Allocation, does_not_happen_on_any_path_of_a_connect) {
  listener const server;
  full_listener const black_hole;
  closed_port const nobody;
  tconn::socket const mine(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto const live = server.where();
  auto const silent = black_hole.where();
  auto const refused = nobody.where();
  auto const local = *tconn::endpoint::parse("127.0.0.1:0");
  if (!counts_allocations()) GTEST_SKIP() << "operator new is somebody else's here, valgrind's say";
  static_cast<void>(timed_connect(refused, 1s));  // std::system_category() and the like come into being
  auto const before = allocations.load();
  for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
    static_cast<void>(timed_connect(live, 1s, {.on_timeout = how, .local = local, .no_delay = true}));
    static_cast<void>(timed_connect(silent, 1ms, {.on_timeout = how}));
    static_cast<void>(timed_connect(refused, 1s, {.on_timeout = how}));
    static_cast<void>(timed_connect(mine.native_handle(), silent, 1ms, {.on_timeout = how}));
    static_cast<void>(timed_connect(tconn::endpoint{}, 1ms));
    auto attempt = tconn::start_connect(silent);
    static_cast<void>(attempt->try_finish());
    static_cast<void>(attempt->wait(1ms, how));
  }
  EXPECT_EQ(allocations.load(), before);
}

}  // namespace
