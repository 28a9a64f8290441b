// SPDX-License-Identifier: MIT
// connect_options::before_connect: asked before anything is sent, and what it does to the socket does no harm.
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::errc;
using tconn::handshake;

class Hooks : public Scenario {};

TEST_F(Hooks, see_the_socket_and_the_address_before_anything_is_sent) {
  net.on_syn(to, {syn_ack(1ms)});
  int calls = 0;
  auto hook = [&](tconn::native_handle handle, tconn::endpoint const& dialled) {
    ++calls;
    EXPECT_TRUE(net.socket_at(handle).open);
    EXPECT_EQ(dialled, to);
    EXPECT_EQ(net.wire(), "");
    return std::error_code{};
  };
  EXPECT_TRUE(connect(10ms, {.no_delay = true, .before_connect = hook}));
  EXPECT_EQ(calls, 1);
}

TEST_F(Hooks, veto_by_an_error) {
  auto veto = [](tconn::native_handle, tconn::endpoint const&) {
    return std::make_error_code(std::errc::operation_not_permitted);
  };
  auto const mine = lend();
  auto const owned = connect(10ms, {.before_connect = veto});
  auto const borrowed = connect_borrowed(mine, 10ms, {.before_connect = veto});
  EXPECT_EQ(owned.error().code, errc::refused_by_hook);
  EXPECT_EQ(borrowed.error().code, errc::refused_by_hook);
  EXPECT_EQ(borrowed.error().handshake, handshake::not_started);
  EXPECT_EQ(net.wire(), "");
  EXPECT_TRUE(net.is_blocking(mine));
}

struct hook_without_an_address {
  int* calls;
  void operator&() const = delete;
  std::error_code operator()(tconn::native_handle, tconn::endpoint const&) const {
    ++*calls;
    return {};
  }
};

TEST_F(Hooks, may_have_an_operator_for_their_address) {
  net.on_syn(to, {syn_ack(1ms)});
  int calls = 0;
  hook_without_an_address const hook{&calls};
  EXPECT_TRUE(connect(10ms, {.before_connect = hook}));
  EXPECT_EQ(calls, 1);
}

TEST_F(Hooks, are_asked_again_for_every_new_socket) {
  net.ephemeral_ports({80, 40000});
  net.on_syn(to, {syn_ack(1ms)});
  std::vector<tconn::native_handle> seen;
  auto hook = [&](tconn::native_handle handle, tconn::endpoint const&) {
    seen.push_back(handle);
    return std::error_code{};
  };
  EXPECT_TRUE(connect(10ms, {.before_connect = hook}));
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(Hooks, that_throw_leave_nothing_open) {
  auto throwing = [](tconn::native_handle, tconn::endpoint const&) -> std::error_code {
    throw std::runtime_error("hook");
  };
  EXPECT_THROW(static_cast<void>(connect(10ms, {.before_connect = throwing})), std::runtime_error);
}

TEST_F(Hooks, that_make_a_new_socket_blocking_do_not_cost_the_deadline) {
  auto makes_it_blocking = [&](tconn::native_handle handle, tconn::endpoint const&) {
    simulated{&net}.set_blocking(handle, true);
    return std::error_code{};
  };
  EXPECT_FALSE(connect(10ms, {.before_connect = makes_it_blocking}));
  EXPECT_EQ(net.blocked(), 0) << "connect() was called on a blocking socket";
}

}  // namespace
