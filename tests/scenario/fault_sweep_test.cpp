// SPDX-License-Identifier: MIT
// Every system call of every course fails once, with each plausible error: the outcome is a promised one, nothing is
// left open, a borrowed descriptor is as it was, and the deadline is kept.
#include "support/simulation.hpp"

namespace {

using namespace support;
using tconn::aftermath;
using tconn::on_timeout;
using tconn::testing::fault_plan;
using tconn::testing::faulty;

struct course {
  char const* name;
  std::vector<tconn::testing::event> script;
};
course const courses[] = {{"silence", {}},
                          {"in time", {syn_ack(5ms)}},
                          {"at once", {syn_ack(0ms)}},
                          {"refused", {rst(5ms)}},
                          {"late", {syn_ack(10ms - 1us)}},
                          {"in the gap", {syn_ack(10ms + 1us)}},
                          {"false alarm", {false_alarm(3ms), syn_ack(6ms)}}};
int const errors[] = {EINTR,    ENOMEM,      EMFILE,   EBADF,   EAGAIN,    ECONNREFUSED,
                      ENOTCONN, EINPROGRESS, EALREADY, EISCONN, ETIMEDOUT, ENOPROTOOPT};

// What must hold of any failure, and of any success.
template <class Result>
void check(Result const& result, world const& net, fault_plan const& plan) {
  SCOPED_TRACE("call " + std::to_string(plan.fail_at) + " (" + std::string(plan.hit) + ") answers " +
               std::to_string(plan.error) + '\n' + net.log());
  EXPECT_EQ(net.stray_closes(), 0);
  EXPECT_LE(net.elapsed(), 11ms) << "the deadline was not kept";
  if (result) return;
  auto const& failure = result.error();
  EXPECT_TRUE(failure.code) << "a failure without a reason";
  bool const was_interrupted = failure.code == std::errc::interrupted;
  EXPECT_FALSE(was_interrupted && (plan.hit == "wait" || plan.hit == "start_connect")) << "a signal ended the attempt";
  // What is told is what the wire shows.
  auto const sent = [&](char const* packet) { return net.wire().find(packet) != std::string::npos; };
  switch (failure.aftermath) {
    case aftermath::nothing_sent: EXPECT_FALSE(sent("> FIN") || sent("> ACK")); break;  // a late SYN-ACK meets a RST
    case aftermath::kept: EXPECT_FALSE(sent("> FIN") || sent("> RST")); break;
    case aftermath::none:  // but if shutdown() itself says that there is no connection, it is believed
      EXPECT_TRUE(!sent("> FIN") || (plan.hit == "shut_both" && plan.error == ENOTCONN));
      break;
    case aftermath::peer_sees_close: EXPECT_TRUE(sent("> ACK") && sent("> FIN") && !sent("> RST")); break;
    case aftermath::peer_sees_reset: EXPECT_TRUE(sent("> ACK") && sent("> RST")); break;
    default: break;
  }
  if (failure.handshake == tconn::handshake::completed) {
    EXPECT_TRUE(sent("> ACK"));
  }
  if (failure.handshake == tconn::handshake::in_flight && failure.aftermath != aftermath::kept) {
    EXPECT_TRUE(sent("> SYN") && !sent("> ACK"));
  }
  if (failure.code == tconn::errc::deadline_exceeded) {
    EXPECT_GE(net.elapsed(), 10ms) << "early";
  }
}

/// Plays every course under every policy, once for each call that can fail and each error; gives the number of faults.
template <class Play>
int sweep(Play const& play) {
  int faults = 0;
  for (auto const& [name, script] : courses) {
    SCOPED_TRACE(name);
    for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
      for (int const error : errors) {
        for (int n = 1;; ++n, ++faults) {
          world net;
          net.calls_take(1us);
          net.on_syn(at("192.0.2.1:80"), script);
          fault_plan plan{.fail_at = n, .error = error};
          play(net, how, plan);
          if (plan.hit.empty()) break;
          if (n == 200) {
            ADD_FAILURE() << "the sweep does not end";
            return faults;
          }
        }
      }
    }
  }
  return faults;
}

TEST(FaultSweep, of_an_owned_connect_leaves_nothing_open_and_keeps_the_deadline) {
  int const faults = sweep([](world& net, on_timeout how, fault_plan& plan) {
    {
      tconn::connect_options const options{
          .on_timeout = how, .local = at("192.0.2.9:0"), .interface_name = "eth0", .no_delay = true};
      auto const result = tconn::timed_connect(at("192.0.2.1:80"), 10ms, options, faulty{simulated{&net}, plan});
      check(result, net, plan);
      if (result) {
        auto const& s = net.socket_at(result->native_handle());
        EXPECT_EQ(s.state, tconn::tcp_state::established) << "success without a connection\n" << net.log();
        EXPECT_TRUE(s.blocking) << net.log();
        EXPECT_TRUE(plan.hit.substr(0, 4) != "bind" && plan.hit != "set_option") << "an option was ignored in silence";
      } else if (!result.error().pending) {
        EXPECT_EQ(net.open_sockets(), 0U) << net.log();
      }
    }
    EXPECT_EQ(net.open_sockets(), 0U) << "leaked\n" << net.log();
  });
  EXPECT_GT(faults, 1000);
}

TEST(FaultSweep, of_a_borrowed_connect_gives_the_descriptor_back_as_it_was) {
  int const faults = sweep([](world& net, on_timeout how, fault_plan& plan) {
    auto const mine = net.lend();
    auto const result =
        tconn::timed_connect(mine, at("192.0.2.1:80"), 10ms, {.on_timeout = how}, faulty{simulated{&net}, plan});
    check(result, net, plan);
    if (result) {
      EXPECT_EQ(net.socket_at(mine).state, tconn::tcp_state::established) << net.log();
    }
    EXPECT_EQ(net.open_sockets(), 1U) << "closed\n" << net.log();
    // The one call whose failure cannot be mended is the restoring itself.
    if (plan.hit != "set_blocking") {
      EXPECT_TRUE(net.is_blocking(mine)) << plan.hit << '\n' << net.log();
    }
    if (plan.hit == "set_blocking") {
      EXPECT_FALSE(result) << "a mode that was not given back was told as success\n" << net.log();
    }
  });
  EXPECT_GT(faults, 1000);
}

TEST(FaultSweep, of_either_connect_on_another_posix_system_leaves_nothing_open_and_tells_no_lie) {
  int const faults = sweep([](world& net, on_timeout how, fault_plan& plan) {
    net.is_plain_posix();
    auto const to = at("192.0.2.1:80");
    {
      auto const result = tconn::timed_connect(to, 10ms, {.on_timeout = how}, faulty{simulated{&net}, plan});
      check(result, net, plan);
    }
    EXPECT_EQ(net.open_sockets(), 0U) << "leaked\n" << net.log();
  });
  EXPECT_GT(faults, 1000);
  int const borrowed_faults = sweep([](world& net, on_timeout how, fault_plan& plan) {
    net.is_plain_posix();
    auto const mine = net.lend();
    auto const to = at("192.0.2.1:80");
    auto const result = tconn::timed_connect(mine, to, 10ms, {.on_timeout = how}, faulty{simulated{&net}, plan});
    check(result, net, plan);
    EXPECT_EQ(net.open_sockets(), 1U) << "closed\n" << net.log();
    EXPECT_FALSE(net.socket_at(mine).lingers) << "the owner's close would send a RST";
  });
  EXPECT_GT(borrowed_faults, 1000);
}

TEST(FaultSweep, of_a_pending_connection_leaves_nothing_open_and_keeps_the_deadline) {
  int const faults = sweep([](world& net, on_timeout how, fault_plan& plan) {
    {
      faulty const sys{simulated{&net}, plan};
      auto started = tconn::start_connect(at("192.0.2.1:80"), {}, sys);
      if (!started) {
        check(started, net, plan);
        return;
      }
      auto const result = started->wait(world::start + 10ms, how, sys);
      check(result, net, plan);
      bool const is_kept = !result && result.error().aftermath == aftermath::kept;
      EXPECT_EQ(static_cast<bool>(*started), is_kept) << net.log();
    }
    EXPECT_EQ(net.open_sockets(), 0U) << "leaked\n" << net.log();
  });
  EXPECT_GT(faults, 1000);
}

TEST(FaultSweep, a_state_that_cannot_be_read_is_unknown_and_never_guessed) {
  world net;  // the second reading, after the decision, is the one that tells
  fault_plan plan{.fail_at = 2, .error = ENOPROTOOPT, .call = "tcp"};
  auto const result = tconn::timed_connect(at("192.0.2.1:80"), 10ms, {}, faulty{simulated{&net}, plan});
  EXPECT_EQ(result.error().handshake, tconn::handshake::unknown) << net.log();
  EXPECT_EQ(result.error().aftermath, aftermath::unknown) << net.log();
  EXPECT_EQ(net.open_sockets(), 0U);
}

}  // namespace
