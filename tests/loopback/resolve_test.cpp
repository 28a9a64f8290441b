// SPDX-License-Identifier: MIT
// Names that need no name server: the thread of a lookup, its end and the caller's, in any order.
#include <timed_connect/resolve.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/loopback.hpp"
#include "support/printing.hpp"
#include "support/threads.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/resource.h>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace support;
using tconn::errc;
using tconn::host;
using tconn::timed_connect;
using tconn::detail::lookup_job;

class ResolveLocalhost : public testing::Test {
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
    EXPECT_EQ(lookup_job::abandoned(), 0);
  }
  decltype(thread_count()) threads{};
  listener const server{};
  std::string const port = std::to_string(server.where().port());
};

TEST_F(ResolveLocalhost, connects_as_soon_as_the_answer_is_there) {
  auto const began = steady::now();
  auto const result = timed_connect({"localhost", port}, 10s);
  ASSERT_TRUE(result) << told(result);
  EXPECT_LT(steady::now() - began, 5s);
  EXPECT_EQ(peer_name(result->native_handle()), server.where());
}

TEST_F(ResolveLocalhost, connects_by_every_strategy) {
  EXPECT_TRUE(timed_connect({"localhost", port}, 10s, {}, tconn::selecting{}));
  EXPECT_TRUE(timed_connect({"localhost", port}, 10s, {}, tconn::spinning{}));
}

/// Counts how often it has waited.
struct counting_waits : tconn::polling {
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    ++*waits;
    return tconn::polling::wait(entries, count, until);
  }
  int* waits;
};

TEST_F(ResolveLocalhost, sleeps_until_the_answer_is_there) {
  int waits = 0;
  EXPECT_TRUE(tconn::resolve({"localhost", port}, 10s, nullptr, counting_waits{{}, &waits}));
  EXPECT_LE(waits, 2);
}

TEST_F(ResolveLocalhost, reads_what_a_person_has_typed) {
  std::string const text = "localhost:" + port;
  EXPECT_TRUE(timed_connect(*host::parse(text), 10s));
}

TEST_F(ResolveLocalhost, with_any_deadline_has_one_outcome_and_leaves_nothing) {
  int connected = 0;
  int late = 0;
  for (int i = 0; i < 400; ++i) {
    auto const result = timed_connect({"localhost", port}, std::chrono::microseconds{i * 2});
    connected += result ? 1 : 0;
    late += !result && result.error().code == errc::deadline_exceeded ? 1 : 0;
    if (result) server.accept();
    EXPECT_TRUE(eventually([] { return lookup_job::abandoned() < lookup_job::most_abandoned; }));
  }
  EXPECT_EQ(connected + late, 400);
  EXPECT_TRUE(eventually([] { return lookup_job::abandoned() == 0; }));
}

TEST_F(ResolveLocalhost, from_many_threads_at_once_has_one_outcome_each) {
  std::vector<std::thread> callers;
  callers.reserve(8);
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      for (int tries = 0; tries < 20; ++tries) {
        auto const result = timed_connect({"localhost", port}, std::chrono::microseconds{100 * (i + 1)});
        EXPECT_TRUE(result || result.error().code == errc::deadline_exceeded ||
                    result.error().code == errc::resolver_busy)
            << told(result);
      }
    });
  }
  for (auto& one : callers) one.join();
  EXPECT_TRUE(eventually([] { return lookup_job::abandoned() == 0; }));
}

TEST_F(ResolveLocalhost, without_a_descriptor_for_the_event_tells_why) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit const none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  auto const result = timed_connect({"localhost", port}, 10s);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::too_many_files_open);
}

TEST_F(ResolveLocalhost, without_a_descriptor_for_the_files_of_the_resolver_tells_why) {
  tconn::socket event(::dup(server.descriptor()));  // holds the place of the event's
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit const full{static_cast<rlim_t>(event.native_handle()) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
  addrinfo* found = nullptr;
  int const error = ::getaddrinfo("localhost", port.c_str(), nullptr, &found);
  if (error == 0) ::freeaddrinfo(found);
  event.close();
  auto const result = timed_connect({"localhost", port}, 10s);
  ::setrlimit(RLIMIT_NOFILE, &before);
  if (error != EAI_SYSTEM) GTEST_SKIP() << "this resolver leaves no reason in errno: " << ::gai_strerror(error);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::too_many_files_open);
}

TEST_F(ResolveLocalhost, without_a_thread_tells_why_and_counts_nothing) {
  pthread_attr_t before;
  pthread_attr_t huge;
  ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
  ::pthread_attr_init(&huge);
  ::pthread_attr_setstacksize(&huge, ~std::size_t{0} / 16 * 15);  // of all that can be addressed
  ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);
  auto const result = timed_connect({"localhost", port}, 10s);
  ::pthread_setattr_default_np(&before);
  ::pthread_attr_destroy(&huge);
  ::pthread_attr_destroy(&before);
  ASSERT_FALSE(result) << "there was a thread all the same";
  EXPECT_EQ(result.error().code.category(), std::system_category()) << told(result);  // EAGAIN; EINVAL under valgrind
  EXPECT_EQ(result.error().handshake, tconn::handshake::not_started);
}

}  // namespace
