// SPDX-License-Identifier: MIT
// The simulated world's own notices: what every scenario ends by checking would be worth nothing if they were silent.
#include "support/simulation.hpp"

namespace {

using namespace support;

TEST(World, counts_a_close_of_what_is_not_open) {
  world net;
  simulated const sys(&net);
  auto const mine = net.lend();
  sys.close(mine);
  EXPECT_EQ(net.stray_closes(), 0);
  sys.close(mine);
  sys.close(mine + 1);
  EXPECT_EQ(net.stray_closes(), 2);
}

TEST(World, counts_a_wait_that_nothing_can_end_and_returns_from_it) {
  world net;
  simulated const sys(&net);
  EXPECT_NE(sys.wait(nullptr, 0, tconn::detail::never), 0);
  EXPECT_EQ(net.blocked(), 1);
  EXPECT_EQ(net.elapsed(), 0ns);
}

TEST(World, tells_of_each_packet_as_it_comes_and_goes) {
  world net;
  std::string packets;
  net.on_packet = [&](tconn::native_handle handle, std::string_view what) {
    packets += std::to_string(handle) + ' ' + std::string(what) + ", ";
  };
  net.on_syn(at("192.0.2.1:80"), {syn_ack(1ms)});
  net.on_syn(at("192.0.2.2:80"), {rst(2ms)});
  EXPECT_TRUE(tconn::timed_connect(at("192.0.2.1:80"), 5ms, {}, simulated{&net}));
  EXPECT_FALSE(tconn::timed_connect(at("192.0.2.2:80"), 5ms, {}, simulated{&net}));
  EXPECT_EQ(packets, "3 > SYN, 3 < SYN-ACK, 3 > ACK, 3 > FIN, 4 > SYN, 4 < RST, ");
}

TEST(World, counts_a_connect_of_a_blocking_socket) {
  world net;
  simulated const sys(&net);
  EXPECT_EQ(sys.start_connect(net.lend(AF_INET, /*blocking*/ true), at("192.0.2.1:80")), EINPROGRESS);
  EXPECT_EQ(net.blocked(), 1);
}

TEST(World, takes_local_ports_of_both_families_in_the_order_that_was_given) {
  for (char const* const text : {"192.0.2.1:80", "[2001:db8::1]:80"}) {
    world net;
    net.ephemeral_ports({50001, 50002});
    auto const to = at(text);
    net.on_syn(to, {syn_ack(1ms)});
    for (int const expected : {50001, 50002, 40001}) {
      auto const connected = tconn::timed_connect(to, 10ms, {}, simulated{&net});
      ASSERT_TRUE(connected);
      EXPECT_EQ(net.socket_at(connected->native_handle()).local.port(), expected) << text;
      EXPECT_EQ(net.socket_at(connected->native_handle()).local.family(), to.family());
    }
  }
}

TEST(World, does_not_wait_for_what_is_not_open) {
  world net;
  simulated const sys(&net);
  auto const mine = net.lend();
  sys.close(mine);
  auto entry = tconn::detail::platform::writable(mine);
  EXPECT_EQ(sys.wait(&entry, 1, net.now() + 10ms), 0);
  EXPECT_NE(entry.revents, 0);
  EXPECT_EQ(net.elapsed(), 0ns);
}

TEST(World, plays_each_script_once_and_the_last_one_for_ever) {
  world net;
  auto const to = at("192.0.2.1:80");
  auto const connects = [&] { return tconn::timed_connect(to, 10ms, {}, simulated{&net}).has_value(); };
  EXPECT_FALSE(connects()) << "a peer without a script is silent";
  net.on_syn(to, {rst(1ms)});
  EXPECT_FALSE(connects());
  EXPECT_FALSE(connects());
  net.on_syn(to, {syn_ack(1ms)});
  net.on_syn(to, {rst(1ms)});
  EXPECT_TRUE(connects()) << "a script that was played before was played once more";
  EXPECT_FALSE(connects());
  EXPECT_FALSE(connects());
}

}  // namespace
