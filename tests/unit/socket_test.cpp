// SPDX-License-Identifier: MIT
#include <timed_connect/socket.hpp>

#include "support/loopback.hpp"

#include <timed_connect/testing/simulated.hpp>

#include <gtest/gtest.h>

namespace {

using tconn::socket;

tconn::native_handle fresh() { return support::open_socket(AF_INET); }
bool is_open(tconn::native_handle handle) {
  int family = 0;
  int type = 0;
  return tconn::detail::platform::kind(handle, family, type) == 0;
}

static_assert(sizeof(socket) == sizeof(tconn::native_handle));
static_assert(!std::is_copy_constructible_v<socket> && std::is_nothrow_move_constructible_v<socket>);

TEST(Socket, closes_its_descriptor_when_it_goes) {
  tconn::native_handle const descriptor = fresh();
  {
    socket const owner(descriptor);
    EXPECT_TRUE(static_cast<bool>(owner));
    EXPECT_EQ(owner.native_handle(), descriptor);
  }
  EXPECT_FALSE(is_open(descriptor));
}

TEST(Socket, release_gives_the_descriptor_away) {
  tconn::native_handle const descriptor = fresh();
  {
    socket owner(descriptor);
    EXPECT_EQ(owner.release(), descriptor);
    EXPECT_FALSE(static_cast<bool>(owner));
  }
  EXPECT_TRUE(is_open(descriptor));
  support::close_handle(descriptor);
}

TEST(Socket, close_closes_once) {
  tconn::native_handle const descriptor = fresh();
  socket owner(descriptor);
  owner.close();
  EXPECT_FALSE(is_open(descriptor));
  tconn::native_handle const reused = fresh();  // takes the same number
  owner.close();
  EXPECT_TRUE(is_open(reused));
  support::close_handle(reused);
}

TEST(Socket, moves_its_descriptor_and_closes_the_one_that_it_replaces) {
  tconn::native_handle const first = fresh();
  tconn::native_handle const second = fresh();
  socket owner(first);
  socket other(second);
  owner = std::move(other);
  EXPECT_FALSE(is_open(first));
  EXPECT_TRUE(is_open(second));
  EXPECT_FALSE(static_cast<bool>(other));  // NOLINT(bugprone-use-after-move): an empty socket is what is promised
  auto& self = owner;
  owner = std::move(self);
  EXPECT_EQ(owner.native_handle(), second);
  socket const last(std::move(owner));
  EXPECT_EQ(last.native_handle(), second);
}

TEST(Socket, is_closed_by_the_system_that_has_opened_it_wherever_it_was_moved) {
  using tconn::testing::simulated;
  tconn::testing::world here;
  tconn::testing::world there;
  {
    tconn::basic_socket<simulated> owner(here.lend(), simulated{&here});
    owner = tconn::basic_socket<simulated>(there.lend(), simulated{&there});
    EXPECT_EQ(here.open_sockets(), 0U);
    EXPECT_EQ(there.open_sockets(), 1U);
  }
  EXPECT_EQ(there.open_sockets(), 0U);
}

}  // namespace
