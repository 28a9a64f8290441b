// SPDX-License-Identifier: MIT
// One attempt: is it connected, and how is it given up? Giving up decides first and tells after. Whoever reads the
// state and then closes can lie, because the handshake may complete in between. On Linux shutdown(SHUT_RD) decides
// under the kernel's own lock: it aborts a socket in SYN_SENT in silence and leaves an established one alone
// (af_inet.c, inet_shutdown). Whatever state is read after it is the one that the wire shows.
#pragma once

#include <timed_connect/handshake.hpp>
#include <timed_connect/options.hpp>
#include <timed_connect/system.hpp>

#include <cstdint>

namespace tconn {
inline namespace v1 {
namespace detail {

/// What is told of an attempt that did not end in a connection.
struct left_behind {
  tconn::handshake handshake = tconn::handshake::not_started;
  tconn::aftermath aftermath = tconn::aftermath::none;
  unsigned syn_retransmits = 0;
};

/// How an attempt stands.
enum class stage : unsigned char {
  not_started,   // nothing is in flight, see the error
  in_flight,     // the SYN is unanswered
  connected,     // there is a peer
  refused_late,  // there is a peer, but only the last look has found it and it is not wanted
  failed,        // the system says that the attempt is over, see the error
  broken,        // a call has failed and we cannot go on, see the error; the attempt may still be in flight
  not_ours,      // a borrowed descriptor that is connected, or on its way, to somebody else
};

struct outcome {
  stage at;
  int error = 0;  // see code_of()
};

/// One connect on one socket, our own or the caller's, as the logic sees it. It owns nothing.
template <system_calls System, bool Borrowed = false>
struct attempt {
  static constexpr bool borrowed = Borrowed;

  System& sys;
  endpoint const& to;
  native_handle handle = no_handle;
  bool may_be_older = false;  // a borrowed one whose connection, if there is one, another call may have begun
  unsigned char false_alarms = 0;

  /// A kernel may wake up for nothing (Darwin does, https://go.dev/issue/14548). Without a state nothing says so, and what
  /// lasts is no false alarm.
  static constexpr unsigned char most_false_alarms = 3;

  /// After a readiness. SO_ERROR is read once. Where the system tells the state, that is the judge: SO_ERROR also gives
  /// an ICMP error that came while the kernel was busy with the socket, and with which the attempt goes on (tcp_ipv4.c,
  /// tcp_v4_err: sk_err_soft); and what is half open has a peer already (RFC 9293, 3.5). An error of 0 counts only with
  /// a peer, as poll() says "writable" of sockets that were never connected too.
  outcome look() {
    int error = 0;
    if (int const unreadable = sys.connect_error(handle, error)) return {stage::broken, unreadable};
    tcp_state const state = state_behind(error);
    switch (state) {
      case tcp_state::syn_sent:
      case tcp_state::syn_received: discard_reports(); return {stage::in_flight};  // woken for nothing
      case tcp_state::established:
      case tcp_state::ended: return confirm(may_be_older);  // an error of a packet that was lost is no verdict
      case tcp_state::closed:
      case tcp_state::unknown: break;
    }
    if (error != 0) return {stage::failed, error};
    outcome const seen = confirm(may_be_older);
    bool const has_no_peer = seen.at == stage::broken && seen.error == native_error::not_connected;
    bool const may_go_on = state == tcp_state::unknown && false_alarms < most_false_alarms;
    if (!has_no_peer || !may_go_on) return seen;
    ++false_alarms;
    return {stage::in_flight};
  }

  /// Whether there is a peer. A connection that may be older than this call must have reached the endpoint that was
  /// asked for. One that the peer has reset a moment ago has no peer any more, but a reason.
  outcome confirm(bool is_to_be_compared) const {
    endpoint peer;
    if (int const error = sys.name(handle, name_of::peer, to.family(), peer)) return without_peer(error);
    if (borrowed && is_to_be_compared && !is_whom_we_ask_for(peer))
      return {stage::not_ours, native_error::is_connected};
    return {stage::connected};
  }

  /// A peer's name could not be read. Where there is no peer any more there may be a reason since SO_ERROR was read.
  outcome without_peer(int error) const {
    int reason = 0;
    bool const may_have_reason = error == native_error::not_connected;
    bool const has_reason = may_have_reason && sys.connect_error(handle, reason) == 0 && reason != 0;
    return has_reason ? outcome{stage::failed, reason} : outcome{stage::broken, error};
  }

  /// For the wildcard address the kernel takes the socket's own, or loopback (tcp_ipv4.c, tcp_v4_connect).
  bool is_whom_we_ask_for(endpoint const& peer) const {
    if (to.reaches(peer)) return true;
    endpoint own;
    return to.is_wildcard() && to.port() == peer.port() && sys.name(handle, name_of::local, to.family(), own) == 0 &&
           own.has_the_address_of(peer);
  }

  /// Whether our side has ended the connection before, as giving up by `close` does: it has a peer, and is dead.
  bool is_ended() const { return is_inet(to.family()) && facts().state == tcp_state::ended; }

  /// Whether there is nothing left of it: both sides have ended it, or one at once.
  bool is_closed() const { return facts().state == tcp_state::closed; }

  /// Whether TCP has connected the socket to itself, which happens when the ephemeral port is the one asked for: 0, or
  /// why that cannot be seen.
  int find_self_connect(bool& is_connected_to_itself) const {
    is_connected_to_itself = false;
    if (!is_inet(to.family())) return 0;
    std::uint16_t port = 0;
    if (int const error = sys.local_port(handle, port)) return error;
    if (port != to.port()) return 0;
    endpoint local;
    endpoint peer;
    if (int const error = sys.name(handle, name_of::local, to.family(), local)) return error;
    if (int const error = sys.name(handle, name_of::peer, to.family(), peer)) return error;
    is_connected_to_itself = local == peer;
    return 0;
  }

  /// Ends a connection to itself in a way that only the socket itself hears; false if it cannot. A borrowed one keeps no
  /// error of that.
  bool end_self_connect() const {
    bool const is_over = sys.disconnect(handle) == 0 || (!borrowed && sys.reset_on_close(handle) == 0);
    int left_by_the_reset = 0;
    if (borrowed) sys.connect_error(handle, left_by_the_reset);
    return is_over;
  }

  /// Throws away the reports of errors that wait beside SO_ERROR.
  void discard_reports() const {
    constexpr int most_reports = 8;
    for (int reports = 0; reports < most_reports && sys.discard_report(handle) == 0; ++reports) {
    }
  }

  /// How far it is, with nothing given up.
  left_behind state(tconn::aftermath left) const {
    tcp_facts const seen = facts();
    return {told(seen.state), left, seen.syn_retransmits};
  }

  /// Ends the attempt, by FIN (close) or RST (reset) if the handshake was complete and by silence if not, and tells
  /// which it was. One that is connected to itself has nobody to tell; `may_be_to_itself` is false where that was looked at
  /// before. The socket itself stays open. Copies of the descriptor, in a forked child say, hold nothing back.
  left_behind give_up(on_timeout how, bool may_be_to_itself = true) const {
    if (to.family() == AF_UNIX) return give_up_unix();
    tcp_facts const before = facts();  // the abort resets the kernel's count of SYNs
    if (before.state == tcp_state::closed) return closed_by_peer(before);
    int const decided = sys.shut(handle, shut_direction::receive);
    tcp_facts const after = facts();
    if (after.state == tcp_state::closed) return decided == 0 ? who_closed_it(before, after) : closed_by_peer(before);
    if (may_be_to_itself && was_to_itself())
      return {tconn::handshake::failed, tconn::aftermath::none, after.syn_retransmits};
    // In SYN_RECV, between the halves of a simultaneous open, SHUT_RD decides nothing, and a FIN would wait for the
    // peer's ACK (tcp.c, tcp_shutdown): only a RST ends it.
    bool const is_half_open = after.state == tcp_state::syn_received;
    if (how == on_timeout::reset || is_half_open) return reset(after);
    tconn::aftermath const effect = finish();
    if (told(after.state) == tconn::handshake::completed) return {told(after.state), effect, after.syn_retransmits};
    return {tconn::handshake::unknown, tconn::aftermath::unknown, after.syn_retransmits};  // a call has failed
  }

 private:
  /// The state once SO_ERROR has given this. A RST sets SO_ERROR before the state, and reading the one waits for nobody
  /// (tcp_input.c, tcp_reset; sock.c, sk_getsockopt). TCP_INFO takes the state first and the socket's lock after (tcp.c,
  /// tcp_get_info): the first one waits until what has set the error has done its work, the second one sees it.
  tcp_state state_behind(int error) const {
    tcp_state const seen = facts().state;
    bool const may_be_over = error != 0 && seen != tcp_state::closed && seen != tcp_state::unknown;
    return may_be_over ? facts().state : seen;
  }

  /// All unknown where the system does not say.
  tcp_facts facts() const {
    tcp_facts seen;
    sys.tcp(handle, seen);
    return seen;
  }

  static constexpr tconn::handshake told(tcp_state state) {
    switch (state) {
      case tcp_state::closed: return tconn::handshake::failed;
      case tcp_state::syn_sent:
      case tcp_state::syn_received: return tconn::handshake::in_flight;
      case tcp_state::established:
      case tcp_state::ended: return tconn::handshake::completed;
      case tcp_state::unknown: break;
    }
    return tconn::handshake::unknown;
  }

  // Ends it, if it is connected to itself.
  bool was_to_itself() const {
    bool is_to_itself = false;
    return find_self_connect(is_to_itself) == 0 && is_to_itself && end_self_connect();
  }

  // Our shutdown has found the socket open, and now it is closed: by that shutdown, in SYN_SENT, or by a RST of the
  // peer since. Our abort forgets whom the socket was on its way to and a RST does not. Multipath TCP never forgets; but
  // there our abort leaves no error, and it is not silent, as it sends a RST for the SYN.
  left_behind who_closed_it(tcp_facts const& before, tcp_facts const& after) const {
    unsigned const repeated = before.syn_retransmits;
    endpoint target;
    int const forgotten = sys.name(handle, name_of::target, to.family(), target);
    if (forgotten == native_error::not_connected)
      return {tconn::handshake::in_flight, tconn::aftermath::nothing_sent, repeated};
    int error = 0;
    if (forgotten != 0 || sys.connect_error(handle, error) != 0)
      return {tconn::handshake::unknown, tconn::aftermath::unknown, repeated};
    if (error == 0) return {tconn::handshake::in_flight, tconn::aftermath::unknown, repeated};
    return closed_since(after, repeated);
  }

  // By a RST of the peer's after it had opened; an unacknowledged SYN says that it was half open until then.
  static left_behind closed_since(tcp_facts const& after, unsigned repeated) {
    bool const was_complete = after.syn_acknowledged;
    return {was_complete ? tconn::handshake::completed : tconn::handshake::failed, tconn::aftermath::none, repeated};
  }

  static left_behind closed_by_peer(tcp_facts const& before) {
    return {tconn::handshake::failed, tconn::aftermath::none, before.syn_retransmits};
  }

  // A Unix socket is never in flight, and there is no RST: the peer, if it is still there, reads end of file.
  left_behind give_up_unix() const {
    int error = 0;
    if (sys.connect_error(handle, error) != 0) return {tconn::handshake::unknown, tconn::aftermath::unknown};
    outcome const seen = error != 0 ? outcome{stage::failed, error} : confirm(false);
    if (seen.at == stage::connected) return {tconn::handshake::completed, finish()};
    bool const has_no_peer = seen.at == stage::failed || seen.error == native_error::not_connected;
    if (has_no_peer) return {tconn::handshake::failed, tconn::aftermath::none};
    return {tconn::handshake::unknown, tconn::aftermath::unknown};
  }

  // The peer may have ended it first; then nothing of ours reaches it.
  tconn::aftermath finish() const {
    int const gone = sys.shut(handle, shut_direction::both);
    if (gone == native_error::not_connected) return tconn::aftermath::none;
    return gone == 0 ? tconn::aftermath::peer_sees_close : tconn::aftermath::unknown;
  }

  // disconnect() answers 0 whether or not there was anything left to reset, and whether a half-open handshake has
  // completed meanwhile. So arrivals are marked: if the socket was open after the mark and nothing has come since, that
  // is the state which the RST has met.
  left_behind reset(tcp_facts const& opened) const {
    bool const is_marked = sys.mark_arrivals(handle) == 0;
    // A RST that came just before the mark may be at work still. TCP_INFO takes the state first and the socket's lock
    // after (tcp.c, tcp_get_info): the first one waits until the RST has done its work, the second one sees it.
    if (is_marked) facts();
    tcp_facts const last = is_marked ? facts() : opened;
    if (last.state == tcp_state::closed) return closed_since(last, opened.syn_retransmits);
    bool const is_gone = sys.disconnect(handle) == 0;
    bool has_arrived = false;
    bool is_certain = is_gone && is_marked && sys.has_arrived(handle, has_arrived) == 0 && !has_arrived;
    bool const is_complete = told(last.state) == tconn::handshake::completed;
    // Our RST leaves ECONNRESET. Anything else has ended it before us, an ICMP error between the halves of a
    // simultaneous open say (tcp_ipv4.c, tcp_v4_err).
    int error = 0;
    is_certain = is_certain && sys.connect_error(handle, error) == 0;
    if (is_certain && error != native_error::connection_reset) return closed_since(last, opened.syn_retransmits);
    if (is_certain && (is_complete || last.state == tcp_state::syn_received))
      return {told(last.state), tconn::aftermath::peer_sees_reset, opened.syn_retransmits};
    auto const effect = is_gone ? tconn::aftermath::unknown : reset_without_disconnect();
    if (is_complete) return {tconn::handshake::completed, effect, opened.syn_retransmits};
    return {tconn::handshake::unknown, tconn::aftermath::unknown, opened.syn_retransmits};
  }

  // A borrowed descriptor is not closed, so without disconnect() there is no RST for it, and it gets a FIN.
  tconn::aftermath reset_without_disconnect() const {
    if (borrowed) return finish();
    return sys.reset_on_close(handle) == 0 ? tconn::aftermath::peer_sees_reset : tconn::aftermath::unknown;
  }
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
