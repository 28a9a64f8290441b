// SPDX-License-Identifier: MIT
// Every system call of every course of one connect fails, with each error that it may answer, and every two of them fail:
// the outcome is a promised one, nothing is left open, a borrowed descriptor is as it was, and the deadline is kept.
// What may fail stands in support/faults.hpp, what must hold in support/promises.hpp.
#include "support/promises.hpp"
#include "support/simulation.hpp"

#include <chrono>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace support;
using tconn::aftermath;
using tconn::on_timeout;
using tconn::testing::fault_plan;
using tconn::testing::faulty;

auto const server = at("192.0.2.1:80");
constexpr auto limit = 10ms;
constexpr auto some_calls = 60us;  // at 1 us each, after the deadline

/// What the peer does.
struct course {
  char const* name;
  std::vector<tconn::testing::event> script;
  bool is_narrow = false;  ///< The outcome depends on the microsecond in which a call is made.
  std::vector<std::uint16_t> ports{};
};

course const courses[] = {{"silence", {}},
                          {"in time", {syn_ack(5ms)}},
                          {"at once", {syn_ack(0ms)}},
                          {"refused", {rst(5ms)}},
                          {"refused at once", {rst(0ms)}},
                          {"unreachable", {unreachable(5ms)}},
                          {"reset just now", {syn_ack(5ms), rst(5ms)}},
                          {"half open", {syn(5ms)}},
                          {"half open until late", {syn(5ms), syn_ack(10ms + 3us)}, true},
                          {"late", {syn_ack(10ms - 1us)}, true},
                          {"late, and speaks", {syn_ack(10ms - 1us), data(10ms - 1us)}, true},
                          {"before the decision", {syn_ack(10ms + 1us)}, true},
                          {"around the decision", {syn_ack(10ms + 2us)}, true},
                          {"after the decision", {syn_ack(10ms + 3us)}, true},
                          {"reset after the decision", {syn_ack(10ms + 1us), rst(10ms + 4us)}, true},
                          {"false alarm", {false_alarm(3ms), syn_ack(6ms)}},
                          {"to itself, and then in time", {syn_ack(5ms)}, true, {80, 40000}}};

/// Plays a connect in every course. `prepare` makes the world what it is to be.
template <class Play>
void sweep_courses(std::string const& what, Play const& play) {
  sweep all(what);
  for (auto const& one : courses) {
    all.run(one.name, one.is_narrow, [&](scene const& played) {
      played.net.on_syn(server, one.script);
      played.net.ephemeral_ports(one.ports);
      return play(played);
    });
  }
}

void check_time(scene const& played, std::chrono::nanoseconds end) {
  played.found.unless(played.net.elapsed() <= end + some_calls, "the deadline was not kept");
}

void check_nothing_is_open(scene const& played) { played.found.unless(played.net.open_sockets() == 0, "leaked"); }

/// Calls without which there must be no success.
void check_success(tconn::native_handle handle, scene const& played) {
  check_connected(handle, played);
  for (auto const* const call : {"kind", "blocking", "set_nonblocking", "set_blocking"})
    played.found.unless(!played.plan.have_hit(call), "success though this has failed: " + std::string(call));
}

/// What holds of a connect with a socket of its own; `pending`, whether there is an attempt that was kept.
template <class Result>
std::error_code check_owned(Result const& result, scene const& played, bool pending,
                            std::chrono::nanoseconds began = 0ms) {
  auto& net = played.net;
  auto& found = played.found;
  if (result) {
    check_success(result->native_handle(), played);
    found.unless(net.is_blocking(result->native_handle()), "handed over non-blocking");
    found.unless(net.open_sockets() == 1, "something else is left open");
    return {};
  }
  bool const is_kept = result.error().aftermath == aftermath::kept;
  check_failure(result.error(), played, limit, began);
  found.unless(pending == is_kept, "told kept, and it is not; or it is, and not told");
  found.unless(!is_kept || played.how == on_timeout::keep, "kept against the policy");
  found.unless(net.open_sockets() == (is_kept ? 1U : 0U), "left open");
  return result.error().code;
}

std::error_code connect_owned(scene const& played, tconn::endpoint const& to, tconn::connect_options options = {},
                              std::chrono::nanoseconds end = limit) {
  options.on_timeout = played.how;
  options.accept_late = played.accept_late;
  auto const code = [&] {
    auto const result = tconn::timed_connect(to, limit, options, played.sys());
    check_time(played, end);
    return check_owned(result, played, !result && result.error().pending);
  }();
  check_nothing_is_open(played);
  return code;
}

/// A borrowed descriptor is open, and in the mode in which it came.
void check_is_back(tconn::native_handle mine, bool was_blocking, scene const& played) {
  auto& net = played.net;
  auto& found = played.found;
  found.unless(net.open_sockets() == 1 && net.socket_at(mine).open, "closed, or something else is left open");
  // The one call whose failure cannot be mended is the restoring itself.
  bool const is_stuck = played.plan.have_hit(tconn::testing::mode_call_name(was_blocking));
  found.unless(net.is_blocking(mine) == was_blocking || is_stuck, "not in the mode in which it came");
  found.unless(!net.socket_at(mine).lingers, "its owner's close() would send a RST");
  // The peer's RST may come after the last look at it.
  bool const may_hold_an_error =
      played.how == on_timeout::keep || !played.plan.hits().empty() || net.wire().find("< RST") != std::string::npos;
  found.unless(net.socket_at(mine).error == 0 || may_hold_an_error, "SO_ERROR is left behind");
}

/// The same with a borrowed descriptor, which must be as it was.
std::error_code connect_borrowed(scene const& played, tconn::native_handle mine, tconn::endpoint const& to,
                                 tconn::connect_options options = {}, std::chrono::nanoseconds end = limit) {
  auto& net = played.net;
  auto& found = played.found;
  options.on_timeout = played.how;
  options.accept_late = played.accept_late;
  bool const was_blocking = net.is_blocking(mine);
  scene from_here = played;
  from_here.sent_before = net.wire().size();
  auto const result = tconn::timed_connect(mine, to, limit, options, played.sys());
  check_time(played, end);
  check_is_back(mine, was_blocking, played);
  if (result) {
    check_success(mine, played);
    return {};
  }
  found.unless(!result.error().pending, "its owner's attempt is in failure.pending");
  check_failure(result.error(), from_here, limit);
  return result.error().code;
}

TEST(FaultSweep, of_an_owned_connect_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("connect", [](scene const& played) { return connect_owned(played, server); });
}

TEST(FaultSweep, of_an_owned_connect_with_options_ignores_none_in_silence) {
  auto const agree = [](tconn::native_handle, tconn::endpoint const&) { return std::error_code(); };
  tconn::connect_options const options{
      .local = at("192.0.2.9:0"), .interface_name = "eth0", .no_delay = true, .before_connect = agree};
  sweep_courses("connect with options", [&](scene const& played) {
    auto const code = connect_owned(played, server, options);
    auto const& plan = played.plan;
    bool const is_set = !plan.have_hit("set_option") && !plan.have_hit("bind_to_interface") &&
                        (!plan.have_hit("bind") || plan.have_hit("bind", EADDRNOTAVAIL));
    played.found.unless(code || is_set, "an option was ignored in silence");
    return code;
  });
}

TEST(FaultSweep, of_a_borrowed_blocking_descriptor_gives_it_back_as_it_was) {
  sweep_courses("connect of a borrowed blocking descriptor", [](scene const& played) {
    return connect_borrowed(played, played.net.lend(AF_INET, /*blocking*/ true), server);
  });
}

TEST(FaultSweep, of_a_borrowed_nonblocking_descriptor_gives_it_back_as_it_was_whatever_a_hook_does) {
  sweep_courses("connect of a borrowed non-blocking descriptor", [](scene const& played) {
    auto const make_blocking = [&](tconn::native_handle handle, tconn::endpoint const&) {
      simulated{&played.net}.set_blocking(handle, true);
      return std::error_code();
    };
    auto const mine = played.net.lend(AF_INET, /*blocking*/ false);
    return connect_borrowed(played, mine, server, {.before_connect = make_blocking});
  });
}

TEST(FaultSweep, of_a_borrowed_descriptor_in_flight_gives_it_back_as_it_was) {
  sweep_courses("connect of a borrowed descriptor that is in flight", [](scene const& played) {
    auto const mine = played.net.lend(AF_INET, /*blocking*/ false);
    simulated{&played.net}.start_connect(mine, server);
    return connect_borrowed(played, mine, server);
  });
}

TEST(FaultSweep, of_a_borrowed_descriptor_that_is_somebody_elses_leaves_it_alone) {
  auto const other = at("192.0.2.7:80");
  sweep all("connect of a borrowed descriptor that is on its way elsewhere");
  for (bool const is_connected : {false, true}) {
    all.run(is_connected ? "connected" : "in flight", /*is_narrow*/ true, [&](scene const& played) {
      auto& net = played.net;
      if (is_connected) net.on_syn(other, {syn_ack(0ms)});
      auto const mine = net.lend();
      simulated{&net}.set_blocking(mine, false);
      simulated{&net}.start_connect(mine, other);
      simulated{&net}.set_blocking(mine, true);
      auto const wire = net.wire();
      auto const result = tconn::timed_connect(mine, server, limit, {.on_timeout = played.how}, played.sys());
      check_time(played, limit);
      check_is_back(mine, /*was_blocking*/ true, played);
      bool const believes_both = played.plan.have_hit("target_name") && played.plan.have_hit("start_connect");
      played.found.unless(!result || believes_both, "told as a success");
      // Where SO_PEERNAME is silent, or connect() says what is not so, nobody can know whose it is.
      bool const is_misled = played.plan.have_hit("target_name") || played.plan.have_hit("start_connect");
      played.found.unless(is_misled || net.wire() == wire, "touched");
      return result ? std::error_code() : result.error().code;
    });
  }
}

TEST(FaultSweep, on_another_posix_system_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("connect on plain POSIX", [](scene const& played) {
    played.net.is_plain_posix();
    return connect_owned(played, server);
  });
}

TEST(FaultSweep, of_a_borrowed_descriptor_on_another_posix_system_gives_it_back_as_it_was) {
  sweep_courses("connect of a borrowed descriptor on plain POSIX", [](scene const& played) {
    played.net.is_plain_posix();
    return connect_borrowed(played, played.net.lend(), server);
  });
}

/// Begins an attempt, and plays on with it.
template <class Play>
std::error_code start(scene const& played, Play const& play) {
  auto const code = [&] {
    auto started = tconn::start_connect(server, {.accept_late = played.accept_late}, played.sys());
    return started ? play(*started) : check_owned(started, played, /*pending*/ false);
  }();
  check_nothing_is_open(played);
  return code;
}

TEST(FaultSweep, of_a_pending_connection_that_is_waited_for_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("start_connect(), wait()", [](scene const& played) {
    return start(played, [&](auto& pending) {
      auto const began = played.net.elapsed();
      auto const result = pending.wait(world::start + limit, played.how, played.sys());
      check_time(played, limit);
      return check_owned(result, played, static_cast<bool>(pending), began);
    });
  });
}

TEST(FaultSweep, of_a_pending_connection_that_is_polled_and_abandoned_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("start_connect(), try_finish(), abandon()", [](scene const& played) {
    return start(played, [&](auto& pending) {
      for (; played.net.elapsed() < 2 * limit; played.net.pass(4ms)) {
        auto const began = played.net.elapsed();
        auto const result = pending.try_finish(played.sys());
        // An attempt that try_finish() cannot see to its end is kept, whatever the policy.
        if (result) return check_owned(*result, played, static_cast<bool>(pending), began);
      }
      tconn::attempt_failure told{.where = server, .handshake = tconn::handshake::unknown};
      told.aftermath = pending.abandon(played.how);
      check_aftermath(told, played);
      return tconn::make_error_code(tconn::errc::deadline_exceeded);
    });
  });
}

TEST(FaultSweep, of_an_attempt_that_was_kept_and_is_resumed_leaves_nothing_open_and_tells_no_lie) {
  sweep_courses("connect, keep, wait()", [](scene const& played) {
    tconn::connect_options const options{.on_timeout = on_timeout::keep, .accept_late = played.accept_late};
    auto const code = [&] {
      auto first = tconn::timed_connect(server, limit / 2, options, played.sys());
      if (first || !first.error().pending) return first ? std::error_code() : first.error().code;
      auto const began = played.net.elapsed();
      auto const result = first.error().pending->wait(world::start + limit, played.how, played.sys());
      check_time(played, limit);
      return check_owned(result, played, static_cast<bool>(*first.error().pending), began);
    }();
    check_nothing_is_open(played);
    return code;
  });
}

TEST(FaultSweep, of_a_full_unix_backlog_leaves_nothing_open_and_tells_no_lie) {
  auto const path = at("unix:/run/server");
  sweep all("connect of a Unix socket, owned and borrowed");
  for (auto const full_until : {0ms, 3ms, 10ms, 20ms}) {
    for (bool const is_borrowed : {false, true}) {
      auto const name = "full for " + std::to_string(full_until.count()) + (is_borrowed ? " ms, borrowed" : " ms");
      all.run(name, /*is_narrow*/ full_until == limit, [&](scene const& played) {
        played.net.backlog_full_until(path, full_until);
        return is_borrowed ? connect_borrowed(played, played.net.lend(AF_UNIX), path) : connect_owned(played, path);
      });
    }
  }
  all.run("nobody", /*is_narrow*/ false, [&](scene const& played) {
    scene refused = played;
    refused.verdicts = {ECONNREFUSED};
    return connect_owned(refused, path);
  });
}

TEST(FaultSweep, of_a_cancelled_connect_ends_at_once_leaves_nothing_open_and_tells_no_lie) {
  sweep all("connect, cancelled");
  for (bool const is_borrowed : {false, true}) {
    for (auto const answer : {4ms, 5ms, 6ms}) {
      auto const name = "answered after " + std::to_string(answer.count()) + (is_borrowed ? " ms, borrowed" : " ms");
      all.run(name, /*is_narrow*/ answer == 5ms, [&](scene const& played) {
        tconn::cancellation cancel;
        played.net.at(5ms, [&] { cancel.request(); });
        played.net.on_syn(server, {syn_ack(answer)});
        tconn::connect_options const options{.cancel = &cancel};
        return is_borrowed ? connect_borrowed(played, played.net.lend(), server, options, 5ms)
                           : connect_owned(played, server, options, 5ms);
      });
    }
  }
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
