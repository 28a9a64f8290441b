// SPDX-License-Identifier: MIT
// One attempt: is it connected, and how is it given up? Giving up decides first and tells after. Whoever reads the
// state and then closes can lie, because the handshake may complete in between. On Linux shutdown(SHUT_RD) decides
// under the kernel's own lock: it aborts a socket in SYN_SENT in silence and leaves an established one alone
// (af_inet.c, inet_shutdown). Whatever state is read after it is the one that the wire shows.
#pragma once

#include <timed_connect/options.hpp>
#include <timed_connect/system.hpp>

#include <string_view>

namespace tconn {
inline namespace v1 {

/// What the kernel said of the handshake once the attempt was given up.
enum class handshake {
  not_started,  ///< Nothing was ever in flight.
  in_flight,    ///< The SYN was unanswered.
  completed,    ///< The kernels had shaken hands: the server can accept the connection.
  failed,       ///< Refused, unreachable, reset, or the kernel gave up by itself.
  unknown,      ///< The system cannot tell.
};

/// What giving up left behind, on the wire and at the peer.
enum class aftermath {
  none,          ///< Nothing: there was nothing to give up.
  nothing_sent,  ///< Giving up sent nothing; the SYN is not repeated, and a SYN-ACK from now on is answered with RST.
  peer_sees_close,  ///< A FIN: the server can accept the connection and reads end of file.
  peer_sees_reset,  ///< A RST: the server may accept the connection and reads ECONNRESET.
  kept,             ///< The attempt goes on.
  unknown,          ///< The system cannot tell.
};

/// The enumerator's name.
constexpr std::string_view to_string(handshake state) {
  switch (state) {
    case handshake::not_started: return "not_started";
    case handshake::in_flight: return "in_flight";
    case handshake::completed: return "completed";
    case handshake::failed: return "failed";
    case handshake::unknown: break;
  }
  return "unknown";
}

/// The enumerator's name.
constexpr std::string_view to_string(aftermath left) {
  switch (left) {
    case aftermath::none: return "none";
    case aftermath::nothing_sent: return "nothing_sent";
    case aftermath::peer_sees_close: return "peer_sees_close";
    case aftermath::peer_sees_reset: return "peer_sees_reset";
    case aftermath::kept: return "kept";
    case aftermath::unknown: break;
  }
  return "unknown";
}

namespace detail {

/// What is told of an attempt that did not end in a connection.
struct left_behind {
  tconn::handshake handshake = tconn::handshake::not_started;
  tconn::aftermath aftermath = tconn::aftermath::none;
  unsigned syn_retransmits = 0;
};

/// What a readiness turns out to be: `broken` is a call that failed, `failed` an attempt that did.
enum class finding : unsigned char { connected, false_alarm, failed, broken };

struct verdict {
  finding is = finding::broken;
  int error = 0;
};

/// One connect on one socket, as the logic sees it. It owns nothing.
template <system_calls System>
struct attempt {
  System& sys;
  native_handle handle = no_handle;
  endpoint const& to;
  bool borrowed = false;

  /// After a readiness. SO_ERROR is read once; its 0 counts only with a peer, as poll() says "writable" of sockets that
  /// were never connected too.
  verdict look() const {
    int error = 0;
    if (int const unreadable = sys.connect_error(handle, error)) return {finding::broken, unreadable};
    if (error != 0) return {finding::failed, error};
    int const no_peer = confirm(/*may_be_older*/ borrowed && is_inet(to.family()));
    if (no_peer == 0) return {finding::connected};
    if (no_peer != native_error::not_connected) return {finding::broken, no_peer};
    tcp_facts facts;
    bool const in_flight = sys.tcp(handle, facts) == 0 && facts.state == tcp_state::syn_sent;
    return in_flight ? verdict{finding::false_alarm} : verdict{finding::broken, native_error::not_connected};
  }

  /// Whether there is a peer: 0 or the error. A connection that may be older than this call must have reached the
  /// endpoint that was asked for; if not, it is EISCONN.
  int confirm(bool may_be_older) const {
    endpoint peer;
    if (int const error = sys.name(handle, name_of::peer, to.family(), peer)) return error;
    return may_be_older && !to.reaches(peer) ? native_error::is_connected : 0;
  }

  /// Whether TCP has connected the socket to itself, which happens when the ephemeral port is the one asked for.
  bool is_self_connected() const {
    if (!is_inet(to.family())) return false;
    endpoint local;
    endpoint peer;
    return sys.name(handle, name_of::local, to.family(), local) == 0 && local.port() == to.port() &&
           sys.name(handle, name_of::peer, to.family(), peer) == 0 && local == peer;
  }

  /// How far it is, with nothing given up.
  left_behind state(tconn::aftermath left) const {
    tcp_facts facts;
    if (sys.tcp(handle, facts) != 0) return {tconn::handshake::unknown, left, 0};
    return {told(facts.state), left, facts.syn_retransmits};
  }

  /// Ends the attempt, by FIN (close) or RST (reset) if the handshake was complete and by silence if not, and tells
  /// which it was. The socket itself stays open. Copies of the descriptor, in a forked child say, hold nothing back.
  left_behind give_up(on_timeout how) const {
    if (to.family() == AF_UNIX) return give_up_unix();
    left_behind const before = state(tconn::aftermath::none);  // the abort resets the kernel's count of SYNs
    if (before.handshake == tconn::handshake::failed) return before;
    int const decided = sys.shut(handle, shut_direction::receive);
    left_behind after = state(tconn::aftermath::unknown);
    if (after.handshake == tconn::handshake::failed) {
      if (decided == 0)
        after = who_closed_it();
      else
        after.aftermath = tconn::aftermath::none;  // closed before we came to it
      after.syn_retransmits = before.syn_retransmits;
      return after;
    }
    tconn::aftermath const effect = end_connection(how);
    if (after.handshake == tconn::handshake::completed)
      after.aftermath = effect;
    else
      after.handshake = tconn::handshake::unknown;  // nothing was decided: a simultaneous open, or a failed call
    return after;
  }

 private:
  static constexpr tconn::handshake told(tcp_state state) {
    switch (state) {
      case tcp_state::closed: return tconn::handshake::failed;
      case tcp_state::syn_sent:
      case tcp_state::syn_received: return tconn::handshake::in_flight;
      case tcp_state::established: return tconn::handshake::completed;
      case tcp_state::unknown: break;
    }
    return tconn::handshake::unknown;
  }

  // Our shutdown has found the socket open, and now it is closed: by that shutdown, in SYN_SENT, or by a RST of the
  // peer since. Our abort forgets whom the socket was on its way to and a RST does not. (Multipath TCP never forgets;
  // but there our abort leaves no error.)
  left_behind who_closed_it() const {
    left_behind const aborted{tconn::handshake::in_flight, tconn::aftermath::nothing_sent};
    endpoint target;
    int const forgotten = sys.name(handle, name_of::target, to.family(), target);
    if (forgotten == native_error::not_connected) return aborted;
    int error = 0;
    if (forgotten != 0 || sys.connect_error(handle, error) != 0)
      return {tconn::handshake::unknown, tconn::aftermath::unknown};
    return error == 0 ? aborted : left_behind{tconn::handshake::completed, tconn::aftermath::none};
  }

  // A Unix socket is never in flight, and there is no RST: the peer, if it is still there, reads end of file.
  left_behind give_up_unix() const {
    int error = 0;
    bool const has_peer = sys.connect_error(handle, error) == 0 && error == 0 && confirm(false) == 0;
    if (!has_peer) return {tconn::handshake::failed, tconn::aftermath::none};
    return {tconn::handshake::completed, end_connection(on_timeout::close)};
  }

  // The peer may have ended it first; then nothing of ours reaches it.
  tconn::aftermath end_connection(on_timeout how) const {
    if (how == on_timeout::reset)
      return sys.reset(handle) == 0 ? tconn::aftermath::peer_sees_reset : tconn::aftermath::unknown;
    int const gone = sys.shut(handle, shut_direction::both);
    if (gone == native_error::not_connected) return tconn::aftermath::none;
    return gone == 0 ? tconn::aftermath::peer_sees_close : tconn::aftermath::unknown;
  }
};

/// Closes an owned socket that has been given up. What the peer had sent is thrown away first: unread data would make
/// the kernel send a RST behind the FIN.
template <system_calls System>
void close_given_up(System& sys, native_handle handle, aftermath left) {
  constexpr int most_reads = 1024;  // TCP needs one, a Unix socket one for each 4 kB
  for (int reads = 0; left == aftermath::peer_sees_close && reads < most_reads; ++reads) {
    if (sys.discard_received(handle) != 0) break;
  }
  sys.close(handle);
}

}  // namespace detail
}  // namespace v1
}  // namespace tconn
