// SPDX-License-Identifier: MIT
// Promise 14: the core path allocates nothing. This program's operator new counts, and fails when it is told to.
#include <timed_connect/timed_connect.hpp>

#include "support/descriptors.hpp"
#include "support/loopback.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

namespace {
constexpr long without_end = -1;
std::atomic<long> allocations{0};
std::atomic<long> until_memory_runs_out{without_end};
}  // namespace

// Not inlined: seen through, they look to g++ like free() of what came from new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (until_memory_runs_out != without_end && until_memory_runs_out-- == 0) {
    until_memory_runs_out = without_end;
    throw std::bad_alloc();
  }
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
  tconn::socket const mine(open_socket(AF_INET));
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

/// Makes a call with memory that runs out at the first allocation, then at the second, and so on until it no longer does.
/// Gives how often it ran out.
template <class Call>
long times_out_of_memory(Call&& call) {
  call();  // std::system_category() and the like come into being
  constexpr long too_many = 2000;
  auto const open_before = open_descriptors();
  for (long at = 0; at < too_many; ++at) {
    bool has_run_out = false;
    until_memory_runs_out = at;
    try {
      call();
    } catch (std::bad_alloc const&) {
      has_run_out = true;
    }
    until_memory_runs_out = without_end;
    EXPECT_EQ(open_descriptors(), open_before) << at;
    if (!has_run_out) return at;
  }
  ADD_FAILURE() << "it has never had enough memory";
  return 0;
}

TEST(Allocation, that_fails_leaves_no_descriptor_open) {
  listener const server;
  full_listener const black_hole;
  closed_port const nobody;
  if (!counts_allocations()) GTEST_SKIP() << "operator new is somebody else's here, valgrind's say";
  std::vector<tconn::endpoint> many;
  for (int i = 0; i < 30; ++i) many.insert(many.end(), {server.where(), nobody.where(), black_hole.where()});
  auto const few = std::span(many).first(6);
  // A queue is waited for, or all are listed; and what has failed while memory ran out is given up all the same.
  EXPECT_GT(times_out_of_memory([&] { static_cast<void>(tconn::timed_connect_all(many, 2ms)); }), 10);
  EXPECT_GT(times_out_of_memory([&] { static_cast<void>(tconn::timed_connect_all(few, 2ms)); }), 5);
  EXPECT_GT(times_out_of_memory([&] {
              static_cast<void>(tconn::timed_connect_any(few.last(2), 2ms, {.stagger = 0ns, .hedge_after = 500us}));
            }),
            2);
  EXPECT_GT(times_out_of_memory([&] { static_cast<void>(tconn::timed_connect_retry(nobody.where(), 2ms)); }), 0);
}

}  // namespace
