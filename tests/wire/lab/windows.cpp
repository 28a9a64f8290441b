// SPDX-License-Identifier: MIT
// The table. Reading a row: between which two calls what comes; then, for each policy, the packets, what is told, and
// what the descriptor can do. Seen from the client: `>` goes out, `<` comes in.
#include "cells.hpp"

#include <array>

namespace wire {
namespace {

using namespace std::chrono_literals;

constexpr expectation success(char const* packets) { return {packets, "connected", "carries bytes", "carries bytes"}; }

/// Given up in flight: in silence, and the descriptor is free again.
constexpr expectation silent(char const* packets) {
  return {packets, "deadline exceeded; in_flight, nothing_sent, 0 repeated", "closed", "connects anew"};
}
/// Given up when the handshake was complete.
constexpr expectation ended(char const* packets) {
  return {packets, "deadline exceeded; completed, peer_sees_close, 0 repeated", "closed",
          "connects anew once disconnected"};
}
constexpr expectation cut(char const* packets) {
  return {packets, "deadline exceeded; completed, peer_sees_reset, 0 repeated", "closed", "connects anew"};
}
/// Given up between the halves of a simultaneous open: only a RST decides, whatever the policy.
constexpr expectation cut_half_open(char const* packets) {
  return {packets, "deadline exceeded; in_flight, peer_sees_reset, 0 repeated", "closed", "connects anew"};
}
/// Over before it could be given up.
constexpr expectation over(char const* packets, char const* handshake) {
  return {packets, handshake, "closed", "connects anew"};
}
constexpr char const* failed = "deadline exceeded; failed, none, 0 repeated";
constexpr char const* not_known = "deadline exceeded; unknown, unknown, 0 repeated";
constexpr char const* lost_again = "deadline exceeded; completed, none, 0 repeated";

constexpr expectation kept(char const* packets, char const* afterwards = "resumes: carries bytes") {
  return {packets, "deadline exceeded; in_flight, kept, 0 repeated", afterwards, afterwards};
}
constexpr expectation kept_completed(char const* packets, char const* afterwards = "resumes: carries bytes") {
  return {packets, "deadline exceeded; completed, kept, 0 repeated", afterwards, afterwards};
}
constexpr expectation kept_failed(char const* packets, char const* afterwards) {
  return {packets, "deadline exceeded; failed, kept, 0 repeated", afterwards, afterwards};
}
/// The wait or the last look has found the error.
constexpr expectation refused(char const* packets) {
  return over(packets, "Connection refused; failed, none, 0 repeated");
}
constexpr expectation unreachable(char const* packets) {
  return over(packets, "No route to host; failed, none, 0 repeated");
}
constexpr expectation reset_by_peer(char const* packets) {
  return over(packets, "Connection reset by peer; failed, none, 0 repeated");
}

/// Keeping takes no step that could fall on one side or the other of this moment.
constexpr expectation no_such_moment{};

constexpr char const* handshake = "> SYN, < SYN-ACK, > ACK";
constexpr char const* handshake_close = "> SYN, < SYN-ACK, > ACK, > FIN-ACK, < ACK";
constexpr char const* handshake_reset = "> SYN, < SYN-ACK, > ACK, > RST-ACK";
constexpr char const* answered_too_late = "> SYN, < SYN-ACK, > RST";
constexpr char const* refusal = "> SYN, < RST-ACK";
constexpr char const* made_and_lost = "> SYN, < SYN-ACK, > ACK, < RST";
constexpr char const* icmp = "> SYN, < unreachable";
constexpr char const* spoken = "> SYN, < SYN-ACK, > ACK, < PSH-ACK(5), > ACK";
constexpr char const* spoken_close = "> SYN, < SYN-ACK, > ACK, < PSH-ACK(5), > ACK, > FIN-ACK, < ACK";
constexpr char const* spoken_reset = "> SYN, < SYN-ACK, > ACK, < PSH-ACK(5), > ACK, > RST-ACK";
constexpr char const* repeated = "> SYN, < SYN-ACK, > ACK, < SYN-ACK, > ACK";
constexpr char const* half_open = "> SYN, < SYN, > SYN-ACK";
constexpr char const* both_open = "> SYN, < SYN, > SYN-ACK, < SYN-ACK, > ACK";

constexpr auto in_time = 10s;                  // nobody waits for it
constexpr auto after_the_second_SYN = 2000ms;  // which the kernel sends a second after the first; the third after three

constexpr std::array all{
    // ---- the SYN-ACK ----
    window{"silence", "", silent("> SYN"), silent("> SYN"), kept("> SYN, > SYN"), {.afterwards = after_the_second_SYN}},
    window{"SYN-ACK in time",
           "on SYN: after 1ms send SYN-ACK",
           success(handshake),
           success(handshake),
           success(handshake),
           {.limit = in_time}},
    window{"SYN-ACK before the last look", "before last_look: send SYN-ACK", success(handshake), success(handshake),
           success(handshake)},
    window{"SYN-ACK before the last look, refusing late",
           "before last_look: send SYN-ACK",
           ended(handshake_close),
           cut(handshake_reset),
           kept_completed(handshake),
           {.accept_late = false}},
    window{"SYN-ACK in the gap, before the SYNs are counted", "before tcp: send SYN-ACK", ended(handshake_close),
           cut(handshake_reset), kept_completed(handshake)},
    window{"SYN-ACK in the gap, before the decision", "before shut_receive: send SYN-ACK", ended(handshake_close),
           cut(handshake_reset), no_such_moment},
    window{"SYN-ACK after the decision, before the state is read", "before tcp 2: send SYN-ACK",
           silent(answered_too_late), silent(answered_too_late), no_such_moment},
    window{"SYN-ACK after the decision, before the last call", "before LAST: send SYN-ACK", silent(answered_too_late),
           silent(answered_too_late), no_such_moment},
    window{"SYN-ACK after the return", "after return: send SYN-ACK", silent(answered_too_late),
           silent(answered_too_late), kept(handshake)},

    // ---- the peer speaks first, as SSH, SMTP and MySQL servers do ----
    window{"peer speaks in time",
           "before wait: send SYN-ACK, data",
           success(spoken),
           success(spoken),
           success(spoken),
           {.limit = in_time}},
    window{"peer speaks before the last look", "before last_look: send SYN-ACK, data", success(spoken), success(spoken),
           success(spoken)},
    window{"peer speaks before the last look, refusing late",
           "before last_look: send SYN-ACK, data",
           ended(spoken_close),
           cut(spoken_reset),
           kept_completed(spoken),
           {.accept_late = false}},
    window{"peer speaks in the gap, before the SYNs are counted", "before tcp: send SYN-ACK, data", ended(spoken_close),
           cut(spoken_reset), kept_completed(spoken)},
    window{"peer speaks in the gap, before the decision", "before shut_receive: send SYN-ACK, data",
           ended(spoken_close), cut(spoken_reset), no_such_moment},
    window{"peer speaks around the decision", "before shut_receive: send SYN-ACK\nbefore tcp 2: send data",
           ended(spoken_close), cut(spoken_reset), no_such_moment},

    window{"peer speaks after our end of it", "before shut_receive: send SYN-ACK\nafter return: send data",
           ended("> SYN, < SYN-ACK, > ACK, > FIN-ACK, < ACK, < PSH-ACK(5), > RST"),
           cut("> SYN, < SYN-ACK, > ACK, > RST-ACK, < PSH-ACK(5), > RST"), no_such_moment},

    // ---- RST as the answer to the SYN ----
    window{"RST in time",
           "before wait: send RST",
           refused(refusal),
           refused(refusal),
           refused(refusal),
           {.limit = in_time}},
    window{"RST before the last look", "before last_look: send RST", refused(refusal), refused(refusal),
           refused(refusal)},
    window{"RST in the gap, before the SYNs are counted", "before tcp: send RST", over(refusal, failed),
           over(refusal, failed), kept_failed(refusal, "resumes: Connection refused")},
    window{"RST in the gap, before the decision", "before shut_receive: send RST", over(refusal, failed),
           over(refusal, failed), no_such_moment},
    window{"RST after the decision, before the state is read", "before tcp 2: send RST", silent(refusal),
           silent(refusal), no_such_moment},
    window{"RST after the decision, before the last call", "before LAST: send RST", silent(refusal), silent(refusal),
           no_such_moment},
    window{"RST after the return", "after return: send RST", silent(refusal), silent(refusal),
           kept(refusal, "resumes: Connection refused")},

    // ---- a handshake, and then RST ----
    window{"connection made and lost in time",
           "before wait: send SYN-ACK, RST",
           reset_by_peer(made_and_lost),
           reset_by_peer(made_and_lost),
           reset_by_peer(made_and_lost),
           {.limit = in_time}},
    window{"connection made and lost before the last look", "before last_look: send SYN-ACK, RST",
           reset_by_peer(made_and_lost), reset_by_peer(made_and_lost), reset_by_peer(made_and_lost)},
    window{"connection made before the last look and lost while it is looked at",
           "before last_look: send SYN-ACK\nbefore peer_name: send RST", reset_by_peer(made_and_lost),
           reset_by_peer(made_and_lost), reset_by_peer(made_and_lost)},
    window{"connection made and lost in the gap, before the SYNs are counted", "before tcp: send SYN-ACK, RST",
           over(made_and_lost, failed), over(made_and_lost, failed),
           kept_failed(made_and_lost, "resumes: Connection reset by peer")},
    window{"connection made and lost in the gap, before the decision", "before shut_receive: send SYN-ACK, RST",
           over(made_and_lost, failed), over(made_and_lost, failed), no_such_moment},
    window{"connection made before and lost after the decision",
           "before shut_receive: send SYN-ACK\nbefore tcp 2: send RST", over(made_and_lost, lost_again),
           over(made_and_lost, lost_again), no_such_moment},
    window{"connection made in the gap and lost after the return", "before tcp: send SYN-ACK\nafter return: send RST",
           ended("> SYN, < SYN-ACK, > ACK, > FIN-ACK, < ACK, < RST"), cut("> SYN, < SYN-ACK, > ACK, > RST-ACK, < RST"),
           kept_completed(made_and_lost, "resumes: Connection reset by peer")},

    // ---- ICMP ----
    window{"ICMP unreachable in time",
           "before wait: send unreachable",
           unreachable(icmp),
           unreachable(icmp),
           unreachable(icmp),
           {.limit = in_time}},
    window{"ICMP unreachable before the last look", "before last_look: send unreachable", unreachable(icmp),
           unreachable(icmp), unreachable(icmp)},
    window{"ICMP unreachable in the gap, before the SYNs are counted", "before tcp: send unreachable",
           over(icmp, failed), over(icmp, failed), kept_failed(icmp, "resumes: No route to host")},
    window{"ICMP unreachable in the gap, before the decision", "before shut_receive: send unreachable",
           over(icmp, failed), over(icmp, failed), no_such_moment},
    window{"ICMP unreachable after the decision, before the state is read", "before tcp 2: send unreachable",
           silent(icmp), silent(icmp), no_such_moment},
    window{"ICMP unreachable after the decision, before the last call", "before LAST: send unreachable", silent(icmp),
           silent(icmp), no_such_moment},
    window{"ICMP unreachable after the return", "after return: send unreachable", silent(icmp), silent(icmp),
           kept(icmp, "resumes: No route to host")},

    // ---- loss and repetition ----
    window{"first SYN lost, the second answered",
           "on SYN 1: lose\non SYN 2: send SYN-ACK",
           success("> SYN lost, > SYN, < SYN-ACK, > ACK"),
           success("> SYN lost, > SYN, < SYN-ACK, > ACK"),
           success("> SYN lost, > SYN, < SYN-ACK, > ACK"),
           {.limit = in_time}},
    window{"first SYN lost, the second unanswered",
           "on SYN 1: lose",
           {"> SYN lost, > SYN", "deadline exceeded; in_flight, nothing_sent, 1 repeated", "closed", "connects anew"},
           {"> SYN lost, > SYN", "deadline exceeded; in_flight, nothing_sent, 1 repeated", "closed", "connects anew"},
           {"> SYN lost, > SYN", "deadline exceeded; in_flight, kept, 1 repeated", "resumes: carries bytes",
            "resumes: carries bytes"},
           {.limit = after_the_second_SYN}},
    window{"SYN-ACK repeated in time",
           "before wait: send SYN-ACK, SYN-ACK",
           success(repeated),
           success(repeated),
           success(repeated),
           {.limit = in_time}},
    window{"SYN-ACK repeated around the decision", "before shut_receive: send SYN-ACK\nbefore tcp 2: send SYN-ACK",
           ended("> SYN, < SYN-ACK, > ACK, < SYN-ACK, > ACK, > FIN-ACK, < ACK"),
           cut("> SYN, < SYN-ACK, > ACK, < SYN-ACK, > ACK, > RST-ACK"), no_such_moment},
    window{"SYN-ACK repeated after the return", "after return: send SYN-ACK, SYN-ACK",
           silent("> SYN, < SYN-ACK, > RST, < SYN-ACK, > RST"), silent("> SYN, < SYN-ACK, > RST, < SYN-ACK, > RST"),
           kept(repeated)},

    // ---- both sides open at the same time (RFC 9293, 3.5) ----
    window{"simultaneous open in time",
           "before wait: send SYN\non SYN-ACK: send SYN-ACK",
           success(both_open),
           success(both_open),
           success(both_open),
           {.limit = in_time}},
    window{"simultaneous open, complete before the last look", "before last_look: send SYN\non SYN-ACK: send SYN-ACK",
           success(both_open), success(both_open), success(both_open)},
    window{"simultaneous open in the gap, complete before the decision",
           "before shut_receive: send SYN\non SYN-ACK: send SYN-ACK",
           ended("> SYN, < SYN, > SYN-ACK, < SYN-ACK, > ACK, > FIN-ACK, < ACK"),
           cut("> SYN, < SYN, > SYN-ACK, < SYN-ACK, > ACK, > RST-ACK"), no_such_moment},
    window{"simultaneous open begun before, complete after the decision",
           "before tcp: send SYN\nbefore tcp 2: send ACK", ended("> SYN, < SYN, > SYN-ACK, < ACK, > FIN-ACK, < ACK"),
           cut("> SYN, < SYN, > SYN-ACK, < ACK, > RST-ACK"), no_such_moment},
    window{"simultaneous open begun before the last look, given up half open",
           "before last_look: send SYN\nafter return: send ACK",
           cut_half_open("> SYN, < SYN, > SYN-ACK, > RST-ACK, < ACK, > RST"),
           cut_half_open("> SYN, < SYN, > SYN-ACK, > RST-ACK, < ACK, > RST"),
           kept("> SYN, < SYN, > SYN-ACK, < ACK"),
           {}},
    window{"simultaneous open begun before the decision, given up half open",
           "before shut_receive: send SYN\nafter return: send ACK",
           cut_half_open("> SYN, < SYN, > SYN-ACK, > RST-ACK, < ACK, > RST"),
           cut_half_open("> SYN, < SYN, > SYN-ACK, > RST-ACK, < ACK, > RST"), no_such_moment},
    window{"simultaneous open begun before the last look, reset half open before the decision",
           "before last_look: send SYN\nbefore shut_receive: send RST", over("> SYN, < SYN, > SYN-ACK, < RST", failed),
           over("> SYN, < SYN, > SYN-ACK, < RST", failed), no_such_moment},
    window{"simultaneous open begun before the last look, reset half open after the decision",
           "before last_look: send SYN\nbefore tcp 2: send RST", over("> SYN, < SYN, > SYN-ACK, < RST", failed),
           over("> SYN, < SYN, > SYN-ACK, < RST", failed), no_such_moment},
    window{"simultaneous open begun before and reset after the decision",
           "before shut_receive: send SYN\nbefore tcp 2: send RST", over("> SYN, < SYN, > SYN-ACK, < RST", failed),
           over("> SYN, < SYN, > SYN-ACK, < RST", failed), no_such_moment},
    window{"simultaneous open begun before the last look, complete before its RST",
           "before last_look: send SYN\nbefore mark_arrivals: send ACK",
           cut("> SYN, < SYN, > SYN-ACK, < ACK, > RST-ACK"), cut("> SYN, < SYN, > SYN-ACK, < ACK, > RST-ACK"),
           no_such_moment},
    window{"simultaneous open begun before the last look, complete right before its RST",
           "before last_look: send SYN\nbefore disconnect: send ACK",
           over("> SYN, < SYN, > SYN-ACK, < ACK, > RST-ACK", not_known),
           over("> SYN, < SYN, > SYN-ACK, < ACK, > RST-ACK", not_known), no_such_moment},
    window{"simultaneous open begun before the last look, reset before its RST",
           "before last_look: send SYN\nbefore mark_arrivals: send RST", over("> SYN, < SYN, > SYN-ACK, < RST", failed),
           over("> SYN, < SYN, > SYN-ACK, < RST", failed), no_such_moment},
    window{"simultaneous open begun before the last look, complete and reset before its RST",
           "before last_look: send SYN\nbefore mark_arrivals: send ACK, RST",
           over("> SYN, < SYN, > SYN-ACK, < ACK, < RST", lost_again),
           over("> SYN, < SYN, > SYN-ACK, < ACK, < RST", lost_again), no_such_moment},
    window{"simultaneous open begun before the last look, reset right before its RST",
           "before last_look: send SYN\nbefore disconnect: send RST", over("> SYN, < SYN, > SYN-ACK, < RST", not_known),
           over("> SYN, < SYN, > SYN-ACK, < RST", not_known), no_such_moment},
    window{"simultaneous open begun after the return",
           "after return: send SYN",
           silent("> SYN, < SYN, > RST-ACK"),
           silent("> SYN, < SYN, > RST-ACK"),
           kept(half_open),
           {.resume = "send ACK"}},
};

}  // namespace

std::span<window const> windows() { return all; }

}  // namespace wire
