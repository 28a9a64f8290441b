// SPDX-License-Identifier: MIT
// What must hold of every outcome in a simulated world, whatever fails there: the failure has a reason that somebody gave,
// what is told is what the wire shows, the deadline is kept, a signal ends nothing, and what cannot matter does not. A
// sweep plays something under every policy, with each fault and each pair of faults, and holds it against that.
#pragma once

#include <timed_connect/testing/world.hpp>
#include <timed_connect/timed_connect.hpp>

#include "support/counts.hpp"
#include "support/error_numbers.hpp"
#include "support/faults.hpp"
#include "support/printing.hpp"
#include "support/slow_machinery.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace support {

/// What does not hold, a line each.
class complaints {
 public:
  void unless(bool holds, std::string_view otherwise) {
    if (holds) return;
    text_ += otherwise;
    text_ += '\n';
  }
  std::string const& text() const { return text_; }

 private:
  std::string text_{};
};

/// Something that is played with faults: in which world, under which policy.
struct scene {
  tconn::testing::world& net;
  faults& plan;
  tconn::on_timeout how;
  bool accept_late;
  complaints& found;
  std::size_t sent_before = 0;     ///< How long the world's wire was when it began.
  std::vector<int> verdicts = {};  ///< What is told without any fault.

  faulted sys() const { return {net, plan}; }
};

// ---- one failure ----

/// What was sent to an endpoint. A Unix socket sends nothing to shake hands.
class packets_to {
 public:
  packets_to(tconn::testing::world const& net, tconn::endpoint const& to) : net_(net), to_(to.to_string()) {}

  bool have(std::string const& packet, std::size_t from = 0) const {
    return net_.wire().find(packet + ' ' + to_ + '\n', from) != std::string::npos;
  }
  bool has_syn(std::size_t from = 0) const { return have("> SYN", from); }
  std::size_t last_syn() const {
    auto const at = net_.wire().rfind("> SYN " + to_ + '\n');
    return at == std::string::npos ? 0 : at;
  }
  bool has_ack() const { return have("> ACK") || is_connected_at_once(); }
  /// A Unix socket is.
  bool is_connected_at_once() const { return is_unix() && net_.log().find(' ' + to_ + " = 0\n") != std::string::npos; }
  bool is_unix() const { return to_.starts_with("unix:"); }
  /// The peer has heard of us: the handshake is complete, or half open.
  bool has_answer() const { return has_ack() || have("> SYN-ACK"); }

 private:
  tconn::testing::world const& net_;
  std::string to_;
};

/// Whether the latest socket of a world has connected to itself. Then nobody else has heard of it.
inline bool is_to_itself(scene const& played) {
  auto const& log = played.net.log();
  auto const at = log.rfind("start_connect ");
  if (at == log.npos) return false;
  auto const& s = played.net.socket_at(
      static_cast<tconn::native_handle>(std::stoi(log.substr(at + std::string_view("start_connect ").size(), 8))));
  return s.local.port() != 0 && s.local == s.target;
}

/// What is told is what the wire shows.
inline void check_aftermath(tconn::attempt_failure const& told, scene const& played) {
  using tconn::aftermath;
  using tconn::handshake;
  if (is_to_itself(played)) return;
  auto& found = played.found;
  packets_to const sent(played.net, told.where);
  auto const begun = sent.last_syn();  // a self-connect may have been ended before
  bool const fin = sent.have("> FIN", begun);
  bool const rst = sent.have("> RST", begun);
  // What a call says instead of failing is believed: that there was no connection any more when it was shut, that the
  // abort has forgotten the target, that a Unix socket has no peer when it is asked again.
  auto const& plan = played.plan;
  bool const was_gone = plan.have_hit("shut_both", ENOTCONN) ||
                        (sent.is_unix() && plan.hits().size() == 2 && plan.have_hit("peer_name", ENOTCONN));
  bool const is_forgotten = plan.have_hit("target_name", ENOTCONN) && sent.have("< RST");
  // Without recv() the kernel makes a RST of what is unread; and without disconnect() the RST is left to close(), before
  // which the peer may send its own.
  bool const is_unread = plan.have_hit("discard_received");
  bool const is_reset_by_peer = plan.have_hit("disconnect") && sent.have("< RST");
  switch (told.aftermath) {
    case aftermath::none: found.unless(!fin || was_gone, "told none"); break;
    case aftermath::nothing_sent:  // but a late SYN-ACK meets a RST
      found.unless(!fin && (!sent.has_answer() || is_forgotten), "told nothing_sent");
      break;
    case aftermath::peer_sees_close:
      found.unless(sent.has_answer() && fin && (!rst || is_unread), "told peer_sees_close");
      break;
    case aftermath::peer_sees_reset:
      found.unless(sent.has_answer() && (rst || is_reset_by_peer), "told peer_sees_reset");
      break;
    case aftermath::kept: found.unless(!fin && !rst, "told kept"); break;
    case aftermath::unknown: break;
  }
  bool const is_kept = told.aftermath == aftermath::kept;
  if (told.handshake == handshake::completed) found.unless(sent.has_ack(), "told completed");
  if (told.handshake == handshake::in_flight && !is_kept)
    found.unless(sent.has_syn() && (!sent.has_ack() || is_forgotten), "told in_flight");
  bool const has_begun = sent.has_syn(played.sent_before) || sent.is_connected_at_once();
  if (told.handshake == handshake::not_started)
    found.unless(!has_begun && told.aftermath == aftermath::none, "told not_started");
}

/// Whether this is an error that somebody has given: a call that was to fail, the peer, or the search for one.
inline bool has_source(std::error_code const& code, scene const& played) {
  auto const& plan = played.plan;
  if (code == tconn::errc::deadline_exceeded || code == tconn::errc::cancelled) return true;
  if (code == tconn::errc::self_connect) return is_to_itself(played);
  bool const lacks_option = plan.have_answered(ENOPROTOOPT) || plan.have_answered(EPROTONOSUPPORT);
  if (code == tconn::errc::invalid_option) return lacks_option;
  if (code.category() != tconn::native_category() || code.value() == EINTR) return false;
  std::string const answer = code.value() == ENOTCONN ? " = " + code.message() : std::string();
  bool const is_peers = played.net.wire().find("< ") != std::string::npos &&
                        (code.value() == ECONNREFUSED || code.value() == ECONNRESET || code.value() == EHOSTUNREACH);
  // Left by our own abort of a self-connect, where connect() says that it has begun anew and has not.
  bool const is_ours = code.value() == ECONNRESET && played.net.wire().find("> RST") != std::string::npos &&
                       plan.have_hit("start_connect");
  bool const is_worlds = !answer.empty() && played.net.log().find(answer) != std::string::npos;
  bool const is_verdict =
      std::find(played.verdicts.begin(), played.verdicts.end(), code.value()) != played.verdicts.end();
  // What connect() calls connected, and is over, was ended.
  bool const is_ended = code.value() == tconn::native_error::shut_down && plan.have_answered(EISCONN);
  return is_peers || is_ours || is_worlds || is_verdict || is_ended || plan.have_answered(code.value());
}

/// What holds of any failure, of a call that began so long after its world.
inline void check_failure(tconn::attempt_failure const& told, scene const& played, std::chrono::nanoseconds limit,
                          std::chrono::nanoseconds began = {}) {
  auto& found = played.found;
  found.unless(static_cast<bool>(told.code), "a failure without a reason");
  found.unless(has_source(told.code, played), "nobody has said: " + told.code.message());
  found.unless(told.elapsed <= played.net.elapsed() - began, "told more time than has passed");
  if (told.code == tconn::errc::deadline_exceeded)
    found.unless(played.net.elapsed() >= limit && told.elapsed >= limit - began, "early");
  check_aftermath(told, played);
}

template <class Owner>
void check_failure(tconn::basic_connect_failure<Owner> const& told, scene const& played, std::chrono::nanoseconds limit,
                   std::chrono::nanoseconds began = {}) {
  check_failure(tconn::detail::remembered(told), played, limit, began);
}

/// What holds of a connected socket.
inline void check_connected(tconn::native_handle handle, scene const& played) {
  auto const& s = played.net.socket_at(handle);
  packets_to const sent(played.net, s.target);
  bool const is_connected = s.state == tconn::tcp_state::established || sent.have("< RST");  // since it was found to be
  played.found.unless(s.open && is_connected && sent.has_ack(), "success without a connection");
  played.found.unless(!(s.local == s.target), "connected to itself");
}

// ---- a sweep ----

/// Calls whose failure changes nothing about whether there is a connection, or which error is told.
inline bool is_harmless(faults::hit const& one) {
  constexpr std::array<std::string_view, 10> calls{
      "discard_report", "discard_received", "shut_receive", "shut_both",  "disconnect",
      "reset_on_close", "mark_arrivals",    "has_arrived",  "open_queue", "watch"};
  bool const is_listed = std::find(calls.begin(), calls.end(), one.call) != calls.end();
  bool const is_signal = one.error == EINTR && (one.call == "wait" || one.call == "start_connect" ||
                                                one.call == "take_ready" || one.call == "disconnect");
  return is_listed || is_signal;
}

/// How much of a sweep is played.
struct extent {
  choice singles = choice::all;
  choice pairs = choice::all;
  std::size_t every_first = 1;  ///< Of the first faults of pairs only every n-th.
};

/// Less on slow machinery.
inline extent affordable(extent wanted) {
  if (is_optimised && !is_under_valgrind()) return wanted;
  return {choice::distinct, choice::distinct, wanted.every_first * 41};
}

/// Plays a course under each policy, with no fault, with each single fault, and with each pair. `play` gives the error of
/// the outcome.
class sweep {
 public:
  explicit sweep(std::string what, extent of = {}) : what_(std::move(what)), of_(affordable(of)) {}
  sweep(sweep const&) = delete;
  sweep& operator=(sweep const&) = delete;
  ~sweep() {
    tell_count(std::to_string(pairs_) + " pairs of faults, " + std::to_string(singles_) + " single ones: " + what_);
  }

  template <class Play>
  void run(std::string const& name, bool is_narrow, Play const& play) {
    using tconn::on_timeout;
    for (auto const how : {on_timeout::close, on_timeout::reset, on_timeout::keep}) {
      for (bool const accept_late : {true, false}) {
        std::string const title = name + ", " + std::string(to_string(how)) + (accept_late ? "" : ", late refused");
        std::error_code undisturbed;
        auto const once = [&](faults& plan) {
          tconn::testing::world net;
          net.calls_take(std::chrono::microseconds{1});
          complaints found;
          scene const played{net, plan, how, accept_late, found};
          std::error_code const code = play(played);
          found.unless(net.blocked() == 0, "it has blocked");
          found.unless(net.stray_closes() == 0, "a descriptor was closed twice");
          if (plan.hits().empty()) undisturbed = code;
          bool const is_the_same =
              is_narrow || code == undisturbed || !std::all_of(plan.hits().begin(), plan.hits().end(), is_harmless);
          found.unless(is_the_same,
                       "harmless, but told " + code.message() + " in the place of " + undisturbed.message());
          if (!found.text().empty()) ADD_FAILURE() << title << ": " << plan.text() << '\n' << found.text() << net.log();
        };
        faults none(choice::all);
        once(none);
        singles_ += play_with_each_fault(of_.singles, once);
        pairs_ += play_with_each_pair_of_faults(of_.pairs, of_.every_first, turn_, once);
        if (testing::Test::HasFailure()) return;
      }
    }
  }

 private:
  std::string what_;
  extent of_;
  std::size_t turn_ = 0;
  long singles_ = 0;
  long pairs_ = 0;
};

}  // namespace support
