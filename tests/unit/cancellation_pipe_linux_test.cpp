// SPDX-License-Identifier: MIT
// A cancellation on a system that has nothing but POSIX, where it is the two ends of a pipe. For this file alone the
// library does not see that this is Linux, and is in a namespace of its own, so that nothing is defined twice.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <system_error>

#undef __linux__
#define v1 v1_on_posix
#include <timed_connect/cancellation.hpp>

namespace {

std::ptrdiff_t open_descriptors() {
  std::filesystem::directory_iterator const all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

bool is_readable(int descriptor) {
  pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(PosixCancellation, is_readable_once_requested_and_closes_both_ends_of_its_pipe) {
  auto const before = open_descriptors();
  {
    tconn::cancellation cancel;
    EXPECT_EQ(open_descriptors(), before + 2);
    EXPECT_FALSE(is_readable(cancel.native_handle()));
    cancel.request();
    EXPECT_TRUE(is_readable(cancel.native_handle()));
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
