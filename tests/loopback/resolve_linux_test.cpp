// SPDX-License-Identifier: MIT
// A lookup for which a descriptor or a thread is missing.
#include <timed_connect/resolve.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/localhost.hpp"
#include "support/printing.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/resource.h>
#include <cstddef>

namespace {

using namespace support;
using tconn::timed_connect;

class LookupWithout : public support::localhost {};

TEST_F(LookupWithout, a_descriptor_for_the_files_of_the_resolver_tells_why) {
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

TEST_F(LookupWithout, a_thread_tells_why_and_counts_nothing) {
  pthread_attr_t before;
  pthread_attr_t huge;
  ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
  ::pthread_attr_init(&huge);
  ::pthread_attr_setstacksize(&huge, ~std::size_t{0} / 16 * 15);  // of all that can be addressed
  ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);
  pthread_attr_t taken;
  ASSERT_EQ(::pthread_getattr_default_np(&taken), 0);
  std::size_t size = 0;
  ::pthread_attr_getstacksize(&taken, &size);
  bool const has_bound = size < ~std::size_t{0} / 16 * 15 - 65536;  // to whole pages
  ::pthread_attr_destroy(&taken);
  auto const result = timed_connect({"localhost", port}, 10s);
  ::pthread_setattr_default_np(&before);
  ::pthread_attr_destroy(&huge);
  ::pthread_attr_destroy(&before);
  if (has_bound) GTEST_SKIP() << "this library of C makes the stack smaller, and a thread always finds room";
  ASSERT_FALSE(result) << "there was a thread all the same";
  EXPECT_EQ(result.error().code.category(), std::system_category()) << told(result);  // EAGAIN; EINVAL under valgrind
  EXPECT_EQ(result.error().handshake, tconn::handshake::not_started);
}

}  // namespace
