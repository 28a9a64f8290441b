// SPDX-License-Identifier: MIT
#include "exploration/oracle.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace exploration {

namespace {

/// What became of one socket, as an observer of the wire and of the calls would write it down. Places are places in the
/// list of steps; -1: never.
struct history {
  int syns = 0;
  moment first_syn_at = 0;
  int syns_before_look = 0;
  int late_look = -1;  // the last one after the deadline that has asked for no time: no wait that had begun in time
  int handshake_completed = -1;
  int half_open = -1;
  int ended_by_peer = -1;  // or by an ICMP error
  reason ended_why = reason::none;
  int fin = -1;
  int rst = -1;
  int last_look = -1;      // the last look at the deadline or after it
  int given_up = -1;       // the last wait, or who asks for it: what was decided at the end was decided after it
  int found_ready = -1;    // the last wait, in time, that was ended by readiness
  int proof = -1;          // the first call that shows a connection which is there
  int decided = -1;        // the first shutdown(), which decides how it stands when it is given up
  moment verdict_at = -1;  // the first packet after which it is connected, or over
  int cancelled = -1;
  moment cancelled_at = 0;
  int last_packet_in = -1;
  moment last_idle = 0;  // until when the program did something else
  moment idle = 0;       // at most how long in all
  bool waited_after_cancel = false;
  bool waited_after_verdict = false;
  bool waits_too_long = false;
  bool was_out_of_descriptors = false;
  bool is_to_itself = false;   // and no peer's
  int end_of_peer = -1;        // its FIN
  int tries_in_vain = 0;       // self-connects, and connects that have found no port
  int late_tries_in_vain = 0;  // which came after the deadline
  bool is_in_vain() const { return ended_why == reason::self_connect || ended_why == reason::no_port; }
};

/// The next attempt on the same socket: of the one before it there stays what counts for all of them.
history begun_anew(history const& past) {
  history next;
  next.cancelled = past.cancelled;
  next.cancelled_at = past.cancelled_at;
  next.last_idle = past.last_idle;
  next.idle = past.idle;
  next.waited_after_cancel = past.waited_after_cancel;
  next.waited_after_verdict = past.waited_after_verdict;
  next.waits_too_long = past.waits_too_long;
  next.was_out_of_descriptors = past.was_out_of_descriptors;
  next.tries_in_vain = past.tries_in_vain;
  next.late_tries_in_vain = past.late_tries_in_vain;
  return next;
}

/// The steps of one call.
using steps = std::span<step const>;

bool is_wait(step const& one) { return one.happened == what::wait_ready || one.happened == what::wait_silent; }

/// Whether this is a wait that was to let time pass after that moment, and did. That it ends late is no matter of it.
bool passes_time_after(step const& one, moment since) {
  return is_wait(one) && std::min(one.at, one.until) > std::max(one.began, since);
}

/// Reads the steps of a call for one socket; for the call as a whole, -1, whose waits are those for any socket.
class reader {
 public:
  reader(int socket, moment deadline) : socket_(socket), deadline_(deadline) {}

  history read(steps all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      step const& one = all[i];
      if (past_.verdict_at != -1 && passes_time_after(one, past_.verdict_at)) past_.waited_after_verdict = true;
      bool const is_anothers = one.socket != -1 && one.socket != socket_ && !(socket_ == -1 && is_wait(one));
      if (!is_anothers) follow(one, static_cast<int>(i));
    }
    return past_;
  }

 private:
  void follow(step const& one, int place) {
    switch (one.happened) {
      case what::time_passed:
        past_.idle += one.at - past_.last_idle;
        past_.last_idle = one.at;
        return;
      case what::cancellation:
        past_.cancelled = place;
        past_.cancelled_at = one.at;
        return;
      case what::descriptors_out: is_out_ = true; return;
      case what::descriptors_back: is_out_ = false; return;
      case what::wait_ready:
      case what::wait_silent: return follow_wait(one, place);
      case what::no_port:
      case what::connected_to_itself: return follow_bad_luck(one, place);
      case what::connect_done:
      case what::peer_named:
        if (is_connected_ && past_.proof == -1) past_.proof = place;
        return;
      case what::shut_down:
        if (past_.decided == -1) past_.decided = place;
        return;
      case what::give_up: past_.given_up = place; return;
      case what::call: past_.was_out_of_descriptors = past_.was_out_of_descriptors || is_out_; return;
      default: return follow_packet(one, place);
    }
  }

  void follow_packet(step const& one, int place) {
    switch (one.happened) {
      case what::sent_syn:
        if (past_.is_in_vain()) begin_anew();
        if (past_.syns++ == 0) past_.first_syn_at = one.at;
        return;
      case what::sent_syn_ack: past_.half_open = place; return;
      case what::sent_ack:
        past_.handshake_completed = place;
        if (past_.verdict_at == -1) past_.verdict_at = one.at;
        is_connected_ = true;
        return;
      case what::sent_fin: past_.fin = place; return;
      case what::sent_rst:
        past_.rst = place;
        is_connected_ = false;
        return;
      case what::came_rst:
      case what::came_unreachable: return end_by_peer(one, place);
      case what::came_fin: past_.end_of_peer = place; [[fallthrough]];
      case what::came_syn_ack:
      case what::came_syn:
      case what::came_data: past_.last_packet_in = place; return;
      default: return;
    }
  }

  void end_by_peer(step const& one, int place) {
    past_.last_packet_in = place;
    if (past_.ended_by_peer != -1 || past_.rst != -1) return;
    past_.ended_by_peer = place;
    if (past_.verdict_at == -1) past_.verdict_at = one.at;
    bool const had_met = past_.handshake_completed != -1 || past_.half_open != -1;
    bool const only_peer_has_ended = past_.end_of_peer != -1 && past_.fin == -1;
    past_.ended_why = one.happened == what::came_unreachable ? reason::unreachable
                      : only_peer_has_ended                  ? reason::broken_pipe
                      : had_met                              ? reason::reset
                                                             : reason::refused;
    is_connected_ = false;
  }

  void follow_wait(step const& one, int place) {
    bool const is_look = one.until <= one.began;
    past_.given_up = place;
    if (one.until > deadline_) past_.waits_too_long = true;
    if (one.until <= 0 && one.began >= deadline_) past_.late_look = place;
    if (is_look && one.began >= deadline_) {
      past_.last_look = place;
      past_.syns_before_look = past_.syns;
    }
    if (!is_look && one.happened == what::wait_ready) past_.found_ready = place;
    if (past_.cancelled != -1 && passes_time_after(one, past_.cancelled_at)) past_.waited_after_cancel = true;
  }

  // There is nobody to wait for, and nothing in flight.
  void follow_bad_luck(step const& one, int place) {
    bool const is_to_itself = one.happened == what::connected_to_itself;
    if (!is_to_itself && past_.is_in_vain()) begin_anew();
    past_.is_to_itself = is_to_itself;
    past_.ended_why = is_to_itself ? reason::self_connect : reason::no_port;
    if (is_to_itself) past_.ended_by_peer = place;
    if (is_to_itself) past_.verdict_at = one.at;
    ++past_.tries_in_vain;
    if (one.at >= deadline_) ++past_.late_tries_in_vain;
  }

  void begin_anew() { past_ = begun_anew(past_); }

  int socket_;
  moment deadline_;
  history past_{};
  bool is_connected_ = false;
  bool is_out_ = false;
};

history read(steps all, int socket, moment deadline) { return reader(socket, deadline).read(all); }

/// What was told of one attempt, against what became of it.
class judge {
 public:
  judge(request const& asked, verdict const& told, steps all, int socket)
      : asked_(asked), told_(told), steps_(all), past_(read(all, socket, asked.deadline)) {}

  std::vector<std::string> objections() {
    if (asked_.unix_socket)
      judge_unix();
    else if (told_.connected)
      judge_success();
    else if (past_.is_to_itself)
      judge_self_connect();
    else if (told_.is_told == extent::all)
      judge_failure();
    else if (told_.is_told == extent::aftermath)
      judge_aftermath();
    else
      judge_silence();
    return std::move(objections_);
  }
  history const& past() const { return past_; }

 private:
  void require(bool is_kept, char const* broken) {
    if (!is_kept) objections_.emplace_back(broken);
  }

  // Promise 5.
  void judge_success() {
    require(!past_.is_to_itself, "5: a self-connect was handed out");
    require(past_.handshake_completed != -1, "5: success without a handshake");
    require(past_.proof != -1, "5: success without a proof that there is a peer");
    require(past_.fin == -1 && past_.rst == -1, "5: the connection that was handed over has been ended");
    bool const is_late = past_.late_look != -1 && past_.proof > past_.late_look;
    require(asked_.accept_late || !is_late, "10: a late one was not refused");
  }

  // Promise 5. Nobody else hears of it, so nothing is left behind; unless it is kept, unseen, when it is cancelled.
  void judge_self_connect() {
    require(told_.is_told != extent::all || told_.why == reason::self_connect || told_.why == reason::cancelled,
            "5: a self-connect is told as something else");
    if (told_.is_told == extent::nothing) return;
    bool const is_kept = told_.aftermath == left::kept && told_.why != reason::self_connect;
    require(!is_kept || asked_.how == policy::keep, "9: kept, which is not the policy");
    require(is_kept || told_.aftermath == left::none, "11: a self-connect was left behind");
    bool const is_before_another = told_.why == reason::cancelled && told_.handshake == shake::not_started;
    require(is_kept || is_before_another || told_.is_told != extent::all || told_.handshake == shake::failed,
            "11: of a self-connect the handshake is told");
  }

  // Promise 6. There is nothing in flight, so what counts is whether there was a place whenever it was tried.
  void judge_unix() {
    constexpr moment longest_pause = 2'000'000;
    bool has_place = false;
    bool is_connected = false;
    moment last_try = -1;
    moment woken = 0;
    bool is_late = false;
    for (step const& one : steps_) {
      if (one.happened == what::place_freed || one.happened == what::place_taken)
        has_place = one.happened == what::place_freed;
      bool const is_interrupted = one.happened == what::connect_interrupted;  // then nothing has begun
      if (one.happened == what::connect_done || one.happened == what::connect_other || is_interrupted) {
        require(is_interrupted || (one.happened == what::connect_done) == has_place, "the world itself is wrong");
        require(!is_connected, "6: it was tried again after a success");
        require(last_try == -1 || one.at - last_try <= longest_pause + past_.idle, "6: a pause is too long");
        is_connected = has_place && !is_interrupted;
        is_late = last_try != -1 && woken >= asked_.deadline;
        last_try = one.at;
      }
      if (is_wait(one)) woken = one.at;
    }
    require(told_.connected == is_connected, "6: what was told is not what became of the last try");
    require(!told_.connected || !is_late || asked_.accept_late, "10: a late one was not refused");
    if (told_.connected) return;
    require(told_.handshake == shake::not_started && told_.aftermath == left::none, "6: something is left behind");
    require(told_.syn_retransmits == 0, "6: SYNs are told of a Unix socket");
    if (told_.why == reason::deadline) require(!asked_.accept_late || last_try >= asked_.deadline, "10: no last look");
    if (told_.why == reason::cancelled) require(past_.cancelled != -1, "12: cancelled, and nobody has asked for it");
    require(told_.why != reason::interrupted, "12: a signal has ended it");
    require(told_.why == reason::deadline || told_.why == reason::cancelled, "5: an error without a reason");
  }

  void judge_failure() {
    judge_reason();
    judge_aftermath();
    judge_handshake();
    judge_syns();
  }

  // Promises 4, 10 and 12: why there is no connection.
  void judge_reason() {
    switch (told_.why) {
      case reason::deadline: return judge_last_look();
      case reason::cancelled: require(past_.cancelled != -1, "12: cancelled, and nobody has asked for it"); return;
      case reason::refused:
      case reason::reset:
      case reason::unreachable:
      case reason::broken_pipe:
      case reason::self_connect:
      case reason::no_port: require(told_.why == past_.ended_why, "5: an error that the kernel did not report"); return;
      case reason::no_descriptor:
        require(past_.was_out_of_descriptors, "5: out of descriptors, when there were some");
        return;
      case reason::interrupted: require(false, "12: a signal has ended it"); return;
      default: require(false, "5: an error for which there was no reason");
    }
  }

  // Promise 10. What a wait in time had found is no matter of the last look.
  void judge_last_look() {
    bool const never_began = asked_.is_one_of_many && past_.syns == 0;
    if (never_began) return;
    int const look = past_.last_look;
    int const done = past_.handshake_completed;
    require(look != -1, "10: given up without a last look");
    if (look == -1) return;
    require(past_.ended_by_peer == -1 || past_.ended_by_peer > look, "10: the last look did not see an error");
    bool const was_complete = done != -1 && done < look;
    require(!was_complete || !asked_.accept_late, "10: the last look did not count");
    require(!was_complete || past_.found_ready < done, "10: what a wait had found in time was refused as late");
  }

  // Promises 9 and 11: what is told is what the wire shows.
  void judge_aftermath() {
    bool const is_complete = past_.handshake_completed != -1;
    switch (told_.aftermath) {
      case left::none:
        require(past_.syns == 0 || past_.ended_by_peer != -1, "11: `none`, and the attempt was alive");
        require(past_.fin == -1 && past_.rst == -1, "11: `none`, and something was sent");
        return;
      case left::nothing_sent:
        require(past_.syns > 0 && !is_complete, "11: `nothing_sent`, and the peer has a connection");
        require(past_.fin == -1 && past_.rst == -1, "11: `nothing_sent`, and something was sent");
        require(past_.ended_by_peer == -1, "11: `nothing_sent` of an attempt that had failed");
        break;
      case left::peer_sees_close:
        require(is_complete && past_.fin > past_.handshake_completed, "11: `peer_sees_close` without a FIN");
        require(past_.rst == -1, "9: a RST beside the FIN");
        require(asked_.how == policy::close, "9: `close`, which is not the policy");
        break;
      case left::peer_sees_reset:
        require(past_.rst > past_.handshake_completed, "11: `peer_sees_reset` without a RST");
        require(is_complete || past_.half_open != -1, "11: `peer_sees_reset`, and the peer had heard nothing");
        require(past_.fin == -1, "9: a FIN before the RST");
        require(asked_.how == policy::reset || was_half_open(), "9: `reset`, which is not the policy");
        break;
      case left::kept:
        require(asked_.how == policy::keep, "9: kept, which is not the policy");
        require(past_.syns > 0, "11: kept, and there is nothing to keep");
        require(past_.fin == -1 && past_.rst == -1, "9: kept, and ended all the same");
        return;
      case left::unknown:
        // Only what came while it was given up, or was half open, can make it so.
        require(past_.half_open != -1 || past_.last_packet_in > past_.given_up, "11: `unknown` of what could be known");
        break;
    }
    require(asked_.how != policy::keep || told_.aftermath == left::unknown || past_.half_open != -1,
            "9: not kept, which was the policy");
  }

  // Nothing is told of what was destroyed, but it ends by `close`.
  void judge_silence() {
    bool const is_complete = past_.handshake_completed != -1;
    bool const is_alive = past_.ended_by_peer == -1;
    bool const is_ended = past_.fin != -1 || past_.rst != -1;
    require(!is_complete || !is_alive || is_ended, "4: a connection that nobody has was not ended");
    require(past_.rst == -1 || was_half_open(), "9: destroyed, and ended by a RST");
    require(past_.fin == -1 || is_complete, "9: a FIN without a connection");
  }

  // Between the halves of a simultaneous open only a RST ends it, whatever the policy is.
  bool was_half_open() const {
    bool const completes_later = past_.handshake_completed == -1 || past_.handshake_completed > past_.given_up;
    return past_.half_open != -1 && completes_later;
  }

  void judge_handshake() {
    bool const is_complete = past_.handshake_completed != -1;
    switch (told_.handshake) {
      case shake::not_started:
        require(past_.syns == 0, "11: `not_started`, and there was a SYN");
        require(told_.aftermath == left::none, "11: something is left of what was not started");
        return;
      case shake::in_flight:
        require(past_.syns > 0, "11: `in_flight` without a SYN");
        // What was kept may complete right after its state was read.
        require(!is_complete || told_.aftermath == left::kept, "11: `in_flight`, and the handshake was complete");
        require(past_.ended_by_peer == -1 || told_.aftermath == left::kept, "11: `in_flight` of what had failed");
        return;
      case shake::completed:
        require(is_complete, "11: `completed`, and it was not");
        require(told_.aftermath == left::kept || past_.ended_by_peer == -1 || past_.ended_by_peer > past_.decided,
                "11: `completed` of what had failed");
        return;
      case shake::failed:
        require(past_.ended_by_peer != -1, "11: `failed`, and it was not");
        require(!is_complete || past_.decided == -1 || past_.ended_by_peer < past_.decided,
                "11: `failed`, and it was complete");
        return;
      case shake::unknown:
        require(past_.half_open != -1 || past_.last_packet_in > past_.given_up, "11: `unknown`, and it was known");
        return;
    }
  }

  // Repeated SYNs are counted right before it is given up.
  void judge_syns() {
    auto const repeated = static_cast<int>(told_.syn_retransmits);
    if (past_.syns == 0) return require(repeated == 0, "11: SYNs are told that were not sent");
    require(repeated < past_.syns, "11: more SYNs are told than were sent");
    require(repeated + 1 >= past_.syns_before_look, "11: fewer SYNs are told than were sent");
  }

  request const& asked_;
  verdict const& told_;
  steps steps_;
  history past_;
  std::vector<std::string> objections_{};
};

void append(std::vector<std::string>& to, std::vector<std::string> what) {
  std::move(what.begin(), what.end(), std::back_inserter(to));
}

class judge_of_one {
 public:
  explicit judge_of_one(observation const& seen)
      : seen_(seen),
        told_(seen.told),
        asked_(seen.asked),
        attempt_(seen.asked, seen.told, steps(seen.steps).first(seen.steps_at_end), seen.socket) {}

  std::vector<std::string> objections() {
    judge_time();
    judge_descriptors();
    judge_where();
    judge_tries();
    require(seen_.replacement_is_intact, "4: what was moved to its place is not what it was");
    require(seen_.options_were_kept, "9: what was kept has lost an option");
    append(objections_, attempt_.objections());
    if (!told_.connected) judge_what_comes_then();
    return std::move(objections_);
  }

 private:
  void require(bool is_kept, char const* broken) {
    if (!is_kept) objections_.emplace_back(broken);
  }

  // Promises 1, 2, 3 and 12.
  void judge_time() {
    auto const& past = attempt_.past();
    require(told_.why != reason::deadline || seen_.ended >= asked_.deadline, "1: the deadline came early");
    require(seen_.ended <= std::max(asked_.deadline, past.last_idle), "1: it came late");
    require(!past.waits_too_long, "2: a wait goes beyond the deadline");
    require(seen_.blocked == 0, "3: a call could block for ever");
    require(told_.connected || told_.elapsed == seen_.ended, "1: the time that is told is not the time that it took");
    require(!past.waited_after_cancel, "12: it went on waiting after a cancellation");
    require(!past.waited_after_verdict, "4: it went on waiting after a verdict");
  }

  // Promises 4 and 7.
  void judge_descriptors() {
    bool const holds_one = !asked_.borrowed && (told_.connected || told_.aftermath == left::kept);
    require(seen_.open_after == (holds_one ? 1U : 0U), "7: a descriptor was left open, or is missing");
    require(seen_.open_at_last == 0, "7: the descriptor outlives what owns it");
    require(seen_.stray_closes == 0, "7: a descriptor was closed twice");
    require(seen_.lent_is_open, "7: a borrowed descriptor was closed");
    require(seen_.mode_is_as_it_was, "7: the blocking mode is not as it should be");
    require(told_.has_pending == (!asked_.borrowed && told_.aftermath == left::kept && !told_.connected),
            "4: failure.pending is there, or missing");
  }

  // Promise 5. Each try but the last was bad luck with the port; there are more of them while there is time, up to eight,
  // and none after the deadline but a first one, and one that began when time passed.
  void judge_tries() {
    constexpr int most_tries = 8;
    history const& past = attempt_.past();
    int in_vain = past.tries_in_vain;
    int late = past.late_tries_in_vain + (past.is_in_vain() || past.first_syn_at < asked_.deadline ? 0 : 1);
    for (int const socket : seen_.earlier_sockets) {
      history const earlier = read(steps(seen_.steps).first(seen_.steps_at_end), socket, asked_.deadline);
      require(earlier.is_in_vain(), "5: it was tried again though there was no bad luck");
      in_vain += earlier.tries_in_vain;
      late += earlier.late_tries_in_vain;
    }
    require(!seen_.is_given_back_to_itself, "5: what was given back is connected to itself");
    if (!asked_.may_try_again) return require(in_vain <= 1, "5: it was tried again without a budget");
    require(late <= 1, "5: it was tried again after the deadline");
    bool const is_bad_luck = told_.why == reason::self_connect || told_.why == reason::no_port;
    bool const has_time = seen_.ended < asked_.deadline && past.cancelled == -1;
    require(!is_bad_luck || !has_time || in_vain >= most_tries, "5: bad luck was not tried again within the budget");
  }

  // Nothing more is told of what was abandoned.
  void judge_where() {
    if (told_.connected || told_.is_told != extent::all) return;
    require(told_.where == 0, "4: a failure tells of another endpoint");
  }

  // The descriptor can connect again unless it was ended by FIN; what is kept goes on.
  void judge_what_comes_then() {
    auto const& past = attempt_.past();
    bool const was_reset_since = past.fin != -1 && past.ended_by_peer > past.fin;  // by the peer, behind our back
    if (was_reset_since) return;
    require(seen_.error_left == 0, "7: SO_ERROR was left behind");
    require(!seen_.report_left, "7: the report of an error was left behind");
    if (seen_.then == afterwards::not_tried) return;
    bool const connects = seen_.then == afterwards::connects;
    if (told_.aftermath == left::kept) {
      if (past.is_to_itself) return;  // a borrowed one is begun anew, and of another it is told
      bool const is_dead = past.ended_by_peer != -1;
      require(connects == !is_dead, "9: what was kept does not go on");
      require(!connects || seen_.syns_for_it == 0, "9: what was kept was begun anew");
      return;
    }
    bool const is_ended = past.fin != -1;
    require(connects == !is_ended, is_ended ? "9: what was ended by FIN connects again" : "9: it cannot connect again");
  }

  observation const& seen_;
  verdict const& told_;
  request const& asked_;
  judge attempt_;
  std::vector<std::string> objections_{};
};

/// Whether each of several attempts begins when it can, and all is over when all are: whenever a wait lets time pass, it is
/// asked who had begun by then, and what was known.
class judge_of_pace {
 public:
  judge_of_pace(observation_of_many const& seen, steps all) : seen_(seen), steps_(all), targets_(seen.endpoints) {
    for (std::size_t i = 0; i < seen.sockets.size(); ++i) attempts_.push_back({seen.sockets[i], seen.targets[i]});
  }

  std::vector<std::string> objections() {
    for (step const& one : steps_) {
      if (one.happened == what::wait_ready || one.happened == what::wait_silent)
        judge_wait(one);
      else if (auto* const found = attempt_on(one.socket))
        follow(one, *found);
    }
    return std::move(objections_);
  }
  bool has_begun_all() const { return begun_ == targets_.size(); }

 private:
  struct attempt {
    int socket;
    int target;
    bool has_begun = false;
    bool is_connected = false;
    bool is_over = false;
    bool is_alive() const { return has_begun && !is_connected && !is_over; }
  };
  struct target {
    int attempts = 0;
    moment first_at = 0;
  };

  void require(bool is_kept, char const* broken) {
    if (!is_kept) objections_.emplace_back(broken);
  }
  attempt* attempt_on(int socket) {
    auto const found =
        std::find_if(attempts_.begin(), attempts_.end(), [&](auto& one) { return one.socket == socket; });
    return found == attempts_.end() ? nullptr : &*found;
  }
  template <class Predicate>
  auto count(Predicate&& is_it) const {
    return static_cast<std::size_t>(std::count_if(attempts_.begin(), attempts_.end(), is_it));
  }
  std::size_t in_flight() const {
    return count([](attempt const& one) { return one.is_alive(); });
  }
  bool is_any_alive_to(int to) const {
    return count([&](attempt const& one) { return one.target == to && one.is_alive(); }) != 0;
  }

  void follow(step const& one, attempt& of) {
    switch (one.happened) {
      case what::sent_syn:
        if (!std::exchange(of.has_begun, true)) begin(of.target, one.at);
        return;
      case what::sent_ack:
        of.is_connected = true;
        verdict_at_ = one.at;
        return;
      case what::came_rst:
      case what::came_unreachable:
        if (of.is_over) return;
        of.is_over = true;
        of.is_connected = false;
        verdict_at_ = one.at;
        if (!is_any_alive_to(of.target)) failed_at_ = one.at;
        return;
      default: return;
    }
  }
  void begin(int to, moment at) {
    auto& begun = targets_[static_cast<std::size_t>(to)];
    failed_at_ = -1;
    if (begun.attempts++ != 0) return;
    begun.first_at = last_begun_at_ = at;
    ++begun_;
  }

  void judge_wait(step const& wait) {
    bool const is_over = has_begun_all() && in_flight() == 0;
    require(!is_over || !passes_time_after(wait, verdict_at_), "4: it went on waiting after the last verdict");
    if (seen_.is_race)
      judge_wait_of_race(wait);
    else
      judge_wait_of_batch(wait);
  }
  void judge_wait_of_batch(step const& wait) {
    bool const has_room = seen_.max_in_flight == 0 || in_flight() < seen_.max_in_flight;
    require(has_begun_all() || !has_room || !passes_time_after(wait, verdict_at_),
            "2: there was room for another, and none began");
  }
  void judge_wait_of_race(step const& wait) {
    bool const is_won = count([](attempt const& one) { return one.is_connected; }) != 0;
    require(!is_won || !passes_time_after(wait, verdict_at_), "4: it went on waiting when one was connected");
    judge_second_attempts(wait);
    if (has_begun_all()) return;
    bool const has_failed = failed_at_ != -1;
    require(!has_failed || !passes_time_after(wait, failed_at_), "2: after a failure the next did not begin at once");
    constexpr moment shortest_stagger = 10'000'000;
    moment const stagger = seen_.stagger == 0 ? 0 : std::max(seen_.stagger, shortest_stagger);
    require(!passes_time_after(wait, last_begun_at_ + stagger), "2: the next attempt began too late");
  }
  void judge_second_attempts(step const& wait) {
    if (seen_.hedge_after == 0) return;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      bool const awaits_one = targets_[i].attempts == 1 && is_any_alive_to(static_cast<int>(i));
      require(!awaits_one || !passes_time_after(wait, targets_[i].first_at + seen_.hedge_after),
              "2: no second attempt began when it was due");
    }
  }

  observation_of_many const& seen_;
  steps steps_;
  std::vector<attempt> attempts_{};
  std::vector<target> targets_;
  std::size_t begun_ = 0;
  moment last_begun_at_ = 0;
  moment verdict_at_ = 0;
  moment failed_at_ = -1;
  std::vector<std::string> objections_{};
};

// Each attempt is judged as if it were alone, and then what they have together.
class judge_of_many {
 public:
  explicit judge_of_many(observation_of_many const& seen)
      : seen_(seen), steps_(steps(seen.steps).first(seen.steps_at_end)) {}

  std::vector<std::string> objections() {
    for (std::size_t i = 0; i < seen_.attempts.size(); ++i) judge_one(seen_.attempts[i], i);
    judge_time();
    judge_who_has_begun();
    require(seen_.stray_closes == 0, "7: a descriptor was closed twice");
    require(seen_.open_at_last == 0, "7: a descriptor outlives what owns it");
    if (seen_.is_race)
      judge_race();
    else
      judge_batch();
    return std::move(objections_);
  }

 private:
  void require(bool is_kept, char const* broken) {
    if (!is_kept) objections_.emplace_back(broken);
  }
  history past_of(int socket) const { return read(steps_, socket, seen_.asked.deadline); }

  void judge_one(one_of_many const& one, std::size_t place) {
    judge attempt(seen_.asked, one.told, steps_, one.socket);
    append(objections_, attempt.objections());
    moment const began = seen_.is_race ? attempt.past().first_syn_at : 0;
    bool const is_early = one.told.why == reason::deadline && began + one.told.elapsed < seen_.asked.deadline;
    require(!is_early, "1: the deadline of one came early");
    bool const was_held_up = attempt.past().last_idle != 0 || attempt.past().was_out_of_descriptors;
    bool const may_begin_at_once = !seen_.is_race && seen_.max_in_flight == 0;
    require(attempt.past().syns > 0 || !may_begin_at_once || was_held_up || attempt.past().cancelled != -1,
            "2: one never began, and there was nothing to wait for");
    bool const is_handed_over = one.told.connected || one.told.aftermath == left::kept;
    require(seen_.is_race || !is_handed_over || one.handed_over == one.socket, "4: a result holds another's socket");
    require(one.mode_is_as_asked, "7: the blocking mode is not as it should be");
    if (one.times_told != -1) judge_what_the_hook_heard(one, attempt.past());
    if (one.told.connected) return;
    int const asked_for = seen_.is_race ? target_of(one.socket) : static_cast<int>(place);
    require(one.told.where == asked_for || asked_for == -1, "4: a failure tells of another endpoint");
    judge_elapsed(one.told, attempt.past());
  }

  // A success is told after it was proved, and a failure with the time that it took.
  void judge_what_the_hook_heard(one_of_many const& one, history const& past) {
    require(one.times_told == 1, "4: the hook did not hear of it once");
    bool const is_proved = one.told.connected && past.proof != -1;
    moment const earliest = is_proved ? steps_[static_cast<std::size_t>(past.proof)].at : one.told.elapsed;
    moment const latest = one.told.connected ? seen_.ended : one.told.elapsed;
    require(one.elapsed_told >= earliest && one.elapsed_told <= latest, "1: the hook heard of another time");
  }

  // The time of one is counted from its own beginning in a race, from that of the call in a batch.
  void judge_elapsed(verdict const& told, history const& past) {
    moment const began = seen_.is_race ? past.first_syn_at : 0;
    moment const longest = seen_.ended - began + (seen_.is_race ? past.idle : 0);
    require(told.elapsed >= 0 && told.elapsed <= longest, "1: the time that is told of one is not its own");
    bool const is_by_a_packet = told.why == reason::refused || told.why == reason::reset ||
                                told.why == reason::unreachable || told.why == reason::broken_pipe;
    moment const decided_at = is_by_a_packet ? past.verdict_at : told.why == reason::cancelled ? past.cancelled_at : 0;
    require(began + told.elapsed >= decided_at, "1: less time is told of one than it took");
  }

  int target_of(int socket) const {
    auto const found = std::find(seen_.sockets.begin(), seen_.sockets.end(), socket);
    return found == seen_.sockets.end() ? -1 : seen_.targets[static_cast<std::size_t>(found - seen_.sockets.begin())];
  }

  // Without descriptors nobody begins when it is due.
  void judge_who_has_begun() {
    history const past = past_of(-1);
    if (past.was_out_of_descriptors) return;
    judge_of_pace pace(seen_, steps_);
    append(objections_, pace.objections());
    bool const ends_early =
        !seen_.is_race || seen_.told.connected || seen_.told.why == reason::deadline || past.cancelled != -1;
    require(ends_early || pace.has_begun_all(), "4: the race ended before all were tried");
  }

  void judge_time() {
    history const past = past_of(-1);
    require(seen_.ended <= std::max(seen_.asked.deadline, past.last_idle), "1: it came late");
    require(!past.waits_too_long, "2: a wait goes beyond the deadline");
    require(!past.waited_after_cancel, "12: it went on waiting after a cancellation");
    require(seen_.blocked == 0, "3: a call could block for ever");
  }

  void judge_batch() {
    require(seen_.attempts.size() == seen_.endpoints, "4: not one result for each endpoint");
    auto const holds_one = [](one_of_many const& one) {
      return one.told.connected || one.told.aftermath == left::kept;
    };
    auto const held = std::count_if(seen_.attempts.begin(), seen_.attempts.end(), holds_one);
    require(seen_.open_after == static_cast<std::size_t>(held), "7: a descriptor was left open, or is missing");
  }

  void judge_race() {
    require(seen_.open_after == (seen_.told.connected ? 1U : 0U), "7: a descriptor was left open, or is missing");
    judge_pace();
    if (seen_.told.connected) return judge_losers();
    require(seen_.told.why != reason::deadline || seen_.ended >= seen_.asked.deadline, "1: the deadline came early");
    require(seen_.told.elapsed == seen_.ended, "1: the time that is told is not the time that it took");
    require(seen_.attempts.size() == seen_.sockets.size() || past_of(-1).was_out_of_descriptors,
            "4: the failure does not tell of every attempt");
    judge_what_is_told();
  }

  // The race tells of an attempt that ended as it did.
  void judge_what_is_told() {
    auto const any = [&](auto&& is_it) { return std::any_of(seen_.attempts.begin(), seen_.attempts.end(), is_it); };
    auto const is_of_the_same = [&](one_of_many const& one) { return one.told.where == seen_.told.where; };
    auto const says_the_same = [&](one_of_many const& one) { return one.told.why == seen_.told.why; };
    bool const ends_by_itself = seen_.told.why == reason::deadline || seen_.told.why == reason::cancelled;
    bool const is_said = any(says_the_same);
    require(is_said || ends_by_itself, "4: the race tells of an error that no attempt had");
    require(any(is_of_the_same), "4: the race tells of an endpoint that it did not try");
    // A cancellation may come when some have reached the deadline already.
    bool const is_certain = is_said && seen_.told.why != reason::cancelled;
    require(!is_certain || any([&](one_of_many const& one) { return says_the_same(one) && is_of_the_same(one); }),
            "4: the race tells of another endpoint than its error");
    auto const left_the_same = [&](one_of_many const& one) {
      return one.told.handshake == seen_.told.handshake && one.told.aftermath == seen_.told.aftermath &&
             one.told.syn_retransmits == seen_.told.syn_retransmits;
    };
    require(any([&](one_of_many const& one) { return is_of_the_same(one) && left_the_same(one); }),
            "11: what the race tells was left behind by none of its attempts");
  }

  // Who is beaten is ended by the policy for losers, and who has come to the deadline by the policy for that, `close`.
  void judge_losers() {
    for (int const socket : seen_.sockets) {
      history const past = past_of(socket);
      if (socket == seen_.winner) {
        require(past.handshake_completed != -1 && past.proof != -1, "5: success without a proof");
        require(past.fin == -1 && past.rst == -1, "5: the winner has been ended");
        require(seen_.asked.accept_late || past.late_look == -1 || past.proof < past.late_look,
                "10: a late one was not refused");
        require(seen_.mode_is_as_asked, "7: the blocking mode is not as it should be");
        continue;
      }
      bool const is_connected = past.handshake_completed != -1 && past.ended_by_peer == -1;
      bool const is_ended = past.rst != -1 || past.fin != -1;
      require(!is_connected || is_ended, "9: a loser was not ended");
      require(past.handshake_completed != -1 || !is_ended, "9: a loser was ended that had no connection");
      require(past.fin == -1 || past.rst == -1, "9: a loser was ended twice");
      bool const came_to_the_deadline = past.last_look != -1;  // by which policy it has ended then, only it knows
      bool const by_reset = seen_.losers == policy::reset;
      require(came_to_the_deadline || (by_reset ? past.fin : past.rst) == -1, "9: a loser was not ended by its policy");
    }
  }

  // The next one begins when its time has come, or another has failed; a second one to the same endpoint when the hedge
  // is due. Time that passes between the look at the clock and the SYN makes the distance between two SYNs smaller.
  void judge_pace() {
    for (std::size_t i = 1; i < seen_.sockets.size(); ++i) {
      history const now = past_of(seen_.sockets[i]);
      for (std::size_t before = 0; before < i && now.syns != 0; ++before) {
        history const past = past_of(seen_.sockets[before]);
        if (past.syns == 0) continue;
        if (past.ended_by_peer != -1) break;
        bool const is_hedge = seen_.targets[i] == seen_.targets[before];
        if (!is_hedge && is_second(before)) continue;
        moment const due = is_hedge ? seen_.hedge_after : seen_.stagger;
        require(now.first_syn_at - past.first_syn_at + past.idle >= due, "2: the next attempt began too early");
        if (is_hedge) break;
      }
    }
  }

  bool is_second(std::size_t socket) const {
    auto const end = seen_.targets.begin() + static_cast<std::ptrdiff_t>(socket);
    return std::find(seen_.targets.begin(), end, *end) != end;
  }

  observation_of_many const& seen_;
  steps steps_;
  std::vector<std::string> objections_{};
};

}  // namespace

std::vector<std::string> objections(observation const& seen) { return judge_of_one(seen).objections(); }
std::vector<std::string> objections(observation_of_many const& seen) { return judge_of_many(seen).objections(); }

}  // namespace exploration
