// SPDX-License-Identifier: MIT
// What all actions of a client have in common.
#include "client.hpp"

#include "support/loopback.hpp"

#include "server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace soak {

using namespace std::chrono_literals;

namespace {

/// Whether an attempt at this place can fail so.
bool is_plausible(std::error_code const& code, place const& at) {
  if (code == tconn::errc::deadline_exceeded || code == tconn::errc::cancelled) return true;
  bool const is_refused = code == std::errc::connection_refused;
  switch (at.manner) {
    case manner::live:
    case manner::slow: return false;
    case manner::full: return at.where.family() == AF_UNIX && code == std::errc::resource_unavailable_try_again;
    case manner::vanishing: return is_refused || code == std::errc::connection_reset;
    case manner::refusing: break;
  }
  return is_refused || (at.where.family() == AF_UNIX && code == std::errc::no_such_file_or_directory);
}

/// Whether an attempt that has begun can have ended with nothing left to give up: its server was not there, or went away,
/// or a Unix socket had to wait. Elsewhere a SYN is on its way.
bool may_leave_nothing(place const& at) {
  return at.where.family() == AF_UNIX || at.manner == manner::vanishing || at.manner == manner::refusing;
}

}  // namespace

client::maybe_cancelled::maybe_cancelled(client& whose) : slot_(whose.slot_) {
  if (!whose.chosen_.one_in(3)) return;
  slot_.put(&made_.emplace());
}

void client::run() {
  while (!all_.over && !all_.book.is_full()) {
    switch (chosen_.below(16)) {
      case 0: batch(); break;
      case 1:
      case 2: race(); break;
      case 3:
      case 4: retry(); break;
      case 5:
      case 6:
      case 7: connect_borrowed(); break;
      case 8:
      case 9:
      case 10: start(); break;
      default: connect_owned(); break;
    }
  }
}

// TCP has many addresses, and Unix few.
place const& client::some_place() {
  bool const wants_unix = chosen_.one_in(5);
  for (;;) {
    auto const& drawn = all_.places[chosen_.below(all_.places.size())];
    if ((drawn.where.family() == AF_UNIX) == wants_unix) return drawn;
  }
}

tconn::on_timeout client::some_policy() {
  constexpr tconn::on_timeout all[] = {tconn::on_timeout::close, tconn::on_timeout::reset, tconn::on_timeout::keep};
  return chosen_.one_of(all);
}

tconn::on_timeout client::some_end() { return chosen_.one_in(2) ? tconn::on_timeout::close : tconn::on_timeout::reset; }

// A handshake on the line takes up to 4 ms, so most deadlines are there.
std::chrono::microseconds client::some_time() {
  switch (chosen_.below(8)) {
    case 0: return 0us;
    case 1: return -1000us;
    case 2: return chosen_.between(1us, 60us);
    case 3: return chosen_.between(5000us, 40'000us);
    default: return chosen_.between(50us, 5000us);
  }
}

client::time_limit client::some_limit() {
  auto const time = some_time();
  auto const end = clock::now() + time;
  switch (chosen_.below(3)) {
    case 0: return {time, end};
    case 1: return {tconn::deadline::after(time), end};
    default: return {end, end};
  }
}

tconn::connect_options client::some_options(maybe_cancelled const& cancel) {
  tconn::connect_options options;
  options.on_timeout = some_policy();
  options.accept_late = chosen_.one_in(2);
  options.nonblocking = chosen_.one_in(2);
  options.cancel = cancel.get();
  return options;
}

void client::wrong(attempt const& one, std::string const& what) {
  all_.troubles.add(all_.places[one.place].name + ": " + what);
}

void client::hold_to(time_limit const& limit, std::error_code const& code) {
  if (code == tconn::errc::deadline_exceeded && clock::now() < limit.end)
    all_.troubles.add("a deadline came too early");
}

identity client::identity_of(tconn::socket const& connected) {
  return all_.net.identity_of(support::local_name(connected.native_handle())).value_or(0);
}

// Of a call that makes one attempt: none, where it was refused before it had a socket.
void client::conclude(attempts const& made, tconn::connect_result& result, bool nonblocking) {
  if (made.list().size() == 1) return conclude(made.list().front(), result, nonblocking);
  if (result || !made.list().empty() || result.error().handshake != tconn::handshake::not_started)
    all_.troubles.add("one call, " + std::to_string(made.list().size()) + " attempts");
}

void client::conclude(attempt const& one, tconn::connect_result& result, bool nonblocking) {
  bool const is_kept = !result && result.error().aftermath == tconn::aftermath::kept;
  bool const is_pending = !result && result.error().pending.has_value();
  if (is_pending != is_kept) wrong(one, "kept, and not there");
  if (is_pending) return go_on(one, std::move(*result.error().pending), nonblocking);
  settle(one, result, nonblocking);
}

// What has come to its end.
void client::settle(attempt const& one, tconn::connect_result& result, bool nonblocking) {
  if (result) {
    int const handle = result->native_handle();
    if (support::is_nonblocking(handle) != nonblocking) wrong(one, "handed over in the wrong mode");
    if (::fcntl(handle, F_GETFD) != FD_CLOEXEC) wrong(one, "handed over without FD_CLOEXEC");
    return use(one, std::move(*result));
  }
  auto const& failure = result.error();
  tell(one, failure.code, failure.handshake, failure.aftermath);
}

void client::go_on(attempt const& one, tconn::pending_connection pending, bool nonblocking) {
  for (auto rounds = 1 + chosen_.below(4); rounds != 0; --rounds) {
    std::optional<tconn::connect_result> outcome;
    auto const how = some_policy();
    switch (chosen_.below(5)) {
      case 0: {  // goes elsewhere, and comes back
        tconn::pending_connection elsewhere = std::move(pending);
        // NOLINTNEXTLINE(bugprone-use-after-move): it must be empty
        if (pending) wrong(one, "an attempt in two places");
        pending = std::move(elsewhere);
        break;
      }
      case 1: {
        pollfd entry{pending.native_handle(), POLLOUT, 0};
        ::poll(&entry, 1, static_cast<int>(chosen_.below(4)));
        [[fallthrough]];
      }
      case 2: outcome = pending.try_finish(); break;
      default: {
        // A server that was full answers when the kernel repeats the SYN.
        auto limit = some_limit();
        if (chosen_.one_in(64) && !all_.over) limit = {1200ms, clock::now() + 1200ms};
        outcome = by_some_strategy([&](auto sys) { return pending.wait(limit.until, how, sys); });
        if (!*outcome) hold_to(limit, outcome->error().code);
      }
    }
    bool const is_kept = !outcome || (!*outcome && outcome->error().aftermath == tconn::aftermath::kept);
    if (is_kept != static_cast<bool>(pending)) wrong(one, "kept, and not there");
    if (!is_kept) return settle(one, *outcome, nonblocking);
  }
  if (chosen_.one_in(4)) return all_.book.tell(one.who, told::let_go);  // by its destructor
  auto const left = pending.abandon(some_end());
  auto const state = left == tconn::aftermath::nothing_sent ? tconn::handshake::in_flight
                     : left == tconn::aftermath::none       ? tconn::handshake::failed
                                                            : tconn::handshake::completed;
  tell(one, tconn::errc::cancelled, state, left);
}

// Both ends must have the connection: it carries a byte, and maybe one back. Who closes a connection to a full server
// by RST might have it thrown away before that server has room for it.
void client::use(attempt const& one, tconn::socket connected) {
  auto const how = all_.places[one.place].manner;
  if (identity_of(connected) != one.who) wrong(one, "connected, and it is another's");
  bool const wants_echo = how != manner::full && chosen_.one_in(4);
  char const byte = wants_echo ? server::echo_wanted : 'q';
  bool const is_sent = ::send(connected.native_handle(), &byte, 1, MSG_NOSIGNAL) == 1;
  if (!is_sent || (wants_echo && !is_echoed(one, connected))) return all_.book.tell(one.who, told::connected_lost);
  bool const by_reset = how != manner::full && chosen_.one_in(2);
  linger const at_once{1, 0};
  if (by_reset) ::setsockopt(connected.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  connected.close();
  all_.book.tell(one.who, by_reset ? told::connected_reset : told::connected_closed);
}

bool client::is_echoed(attempt const& one, tconn::socket const& connected) {
  for (auto const end = clock::now() + 20s; clock::now() < end;) {
    if (!support::is_readable(connected.native_handle(), 1000ms)) continue;
    char byte = 0;
    return ::recv(connected.native_handle(), &byte, 1, 0) == 1;
  }
  wrong(one, "connected, and the server says nothing");
  return false;
}

void client::tell(attempt const& one, std::error_code const& code, tconn::handshake state, tconn::aftermath left) {
  using tconn::aftermath;
  using tconn::handshake;
  auto const& at = all_.places[one.place];
  if (!is_plausible(code, at)) wrong(one, "an error that cannot be: " + code.message());
  auto const note = [&](told what, bool is_coherent) {
    all_.book.tell(one.who, what);
    if (!is_coherent)
      wrong(one, "handshake " + std::string(to_string(state)) + " with aftermath " + std::string(to_string(left)));
  };
  switch (left) {
    case aftermath::none: {
      bool const is_not_begun = state == handshake::not_started && code == tconn::errc::cancelled;
      bool const is_begun = state != handshake::not_started && code != std::errc::connection_refused;
      return note(is_begun ? told::ended_by_peer : told::not_begun,
                  state != handshake::in_flight && (may_leave_nothing(at) || is_not_begun));
    }
    case aftermath::nothing_sent:
      return note(told::silence, state == handshake::in_flight && at.where.family() != AF_UNIX);
    case aftermath::peer_sees_close: return note(told::peer_sees_close, state == handshake::completed);
    case aftermath::peer_sees_reset: return note(told::peer_sees_reset, state == handshake::completed);
    case aftermath::unknown: return note(told::unknown, true);
    case aftermath::kept: break;
  }
  note(told::let_go, false);
}

// The failures are in the order of the attempts. One that was refused before it had a socket can only be the last.
void client::tell_all(attempts const& made, std::vector<tconn::attempt_failure> const& failures) {
  if (made.list().size() > failures.size())
    all_.troubles.add(std::to_string(made.list().size()) + " attempts, and " + std::to_string(failures.size()) +
                      " told");
  for (std::size_t i = 0; i < failures.size(); ++i) {
    auto const& failure = failures[i];
    if (i < made.list().size()) {
      auto const& one = made.list()[i];
      if (all_.places[one.place].where != failure.where) wrong(one, "told of " + failure.where.to_string());
      tell(one, failure.code, failure.handshake, failure.aftermath);
    } else if (failure.handshake != tconn::handshake::not_started) {
      all_.troubles.add("told of an attempt that was not made");
    }
  }
}

void client::tell_others(attempts const& made, identity winner, told what) {
  for (auto const& one : made.list()) {
    if (one.who != winner) all_.book.tell(one.who, what);
  }
}

}  // namespace soak
