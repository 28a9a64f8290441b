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

tconn::testing::simulated_socket const& connected(world& net, simulated const& sys, tconn::endpoint const& to) {
  auto const mine = net.lend(AF_INET, /*blocking*/ false);
  EXPECT_EQ(sys.start_connect(mine, to), EINPROGRESS);
  net.deliver(mine, tconn::testing::happening::syn_ack);
  return net.socket_at(mine);
}

TEST(World, interrupts_a_connect_of_TCP_that_is_in_flight_all_the_same) {
  world net;
  simulated const sys(&net);
  auto const to = at("192.0.2.1:80");
  net.on_syn(to, {syn_ack(1ms)});
  auto const mine = net.lend(AF_INET, /*blocking*/ false);
  for (int const answered : {EINTR, EALREADY}) {
    if (answered == EINTR) net.interrupt_next_connect();
    EXPECT_EQ(sys.start_connect(mine, to), answered);
  }
  net.interrupt_next_connect();
  EXPECT_EQ(sys.start_connect(mine, to), EINTR) << "a second connect() waits as well";
  net.pass(1ms);
  net.interrupt_next_connect();
  EXPECT_EQ(sys.start_connect(mine, to), 0) << "it has nothing to wait for";
  EXPECT_EQ(net.wire(), "+0ms > SYN 192.0.2.1:80\n+1ms < SYN-ACK 192.0.2.1:80\n+1ms > ACK 192.0.2.1:80\n");
}

TEST(World, interrupts_a_connect_of_a_Unix_socket_before_it_has_begun) {
  world net;
  simulated const sys(&net);
  auto const to = at("unix:/run/x.sock");
  net.backlog_full_until(to, 0ms);
  auto const mine = net.lend(AF_UNIX, /*blocking*/ false);
  net.interrupt_next_connect();
  EXPECT_EQ(sys.start_connect(mine, to), EINTR);
  EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::closed);
  EXPECT_EQ(sys.start_connect(mine, to), 0);
}

// CLOSE_WAIT: tcp(7), and tcp_input.c, tcp_fin() and tcp_reset().
TEST(World, leaves_a_connection_that_the_peer_has_ended_connected_for_us) {
  world net;
  simulated const sys(&net);
  auto const to = at("192.0.2.1:80");
  auto const& s = connected(net, sys, to);
  net.deliver(s.handle, tconn::testing::happening::fin);
  auto entry = tconn::detail::platform::writable(s.handle);
  EXPECT_EQ(sys.wait(&entry, 1, net.now()), 0);
  int error = -1;
  EXPECT_EQ(sys.connect_error(s.handle, error), 0);
  EXPECT_EQ(error, 0);
  tconn::endpoint peer;
  EXPECT_EQ(sys.name(s.handle, tconn::name_of::peer, AF_INET, peer), 0);
  EXPECT_EQ(peer, to);
  tconn::tcp_facts facts;
  EXPECT_EQ(sys.tcp(s.handle, facts), 0);
  EXPECT_EQ(facts.state, tconn::tcp_state::established);
  EXPECT_NE(sys.discard_received(s.handle), 0) << "a FIN is nothing to be read";
  sys.close(s.handle);
  EXPECT_TRUE(net.wire().ends_with("+0ms < FIN 192.0.2.1:80\n+0ms > FIN 192.0.2.1:80\n")) << net.wire();
}

TEST(World, says_EPIPE_of_a_connection_that_is_reset_after_the_peers_FIN_and_before_ours) {
  for (bool const is_ended_by_us : {false, true}) {
    world net;
    simulated const sys(&net);
    auto const& s = connected(net, sys, at("192.0.2.1:80"));
    net.deliver(s.handle, tconn::testing::happening::fin);
    if (is_ended_by_us) sys.shut(s.handle, tconn::shut_direction::both);
    net.deliver(s.handle, tconn::testing::happening::rst);
    EXPECT_EQ(s.error, is_ended_by_us ? ECONNRESET : EPIPE);
    EXPECT_EQ(s.state, tconn::tcp_state::closed);
  }
}

TEST(World, takes_another_port_for_another_attempt_unless_one_was_asked_for) {
  for (bool const is_bound : {false, true}) {
    world net;
    simulated const sys(&net);
    auto const mine = net.lend(AF_INET, /*blocking*/ false);
    if (is_bound) sys.bind(mine, at("192.0.2.7:9"));
    for (int const port : {40001, 40002}) {
      EXPECT_EQ(sys.start_connect(mine, at("192.0.2.1:80")), EINPROGRESS);
      EXPECT_EQ(net.socket_at(mine).local.port(), is_bound ? 9 : port);
      sys.disconnect(mine);
    }
  }
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
