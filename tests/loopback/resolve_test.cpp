// SPDX-License-Identifier: MIT
// Names that need no name server: the thread of a lookup, its end and the caller's, in any order.
#include <timed_connect/resolve.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/localhost.hpp"
#include "support/loopback.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace support;
using tconn::errc;
using tconn::host;
using tconn::timed_connect;
using tconn::detail::lookup_job;

class ResolveLocalhost : public support::localhost {};

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
  if (!no_more_descriptors::is_possible) GTEST_SKIP() << "descriptors cannot be limited here";
  std::optional<no_more_descriptors> limited(std::in_place);
  auto const result = timed_connect({"localhost", port}, 10s);
  limited.reset();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, std::errc::too_many_files_open);
}

}  // namespace
