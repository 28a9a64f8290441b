// SPDX-License-Identifier: MIT
#include "exploration/single.hpp"

#include "exploration/plain.hpp"

#include <optional>

namespace exploration {

using namespace std::chrono_literals;
using tconn::testing::happening;
using tconn::testing::simulated;
using tconn::testing::world;

namespace {

tconn::endpoint target(single const& asked) {
  bool const is_ipv6 = asked.by == single::way::pending || asked.by == single::way::borrowed_nonblocking;
  static auto const local = *tconn::endpoint::parse("unix:/run/x.sock");
  static auto const v6 = *tconn::endpoint::parse("[2001:db8::1]:80");
  static auto const v4 = *tconn::endpoint::parse("192.0.2.1:80");
  return asked.unix_socket ? local : is_ipv6 ? v6 : v4;
}

using pending_one = tconn::basic_pending_connection<simulated>;

class player {
 public:
  player(single const& asked, choices& chooser, bool with_log)
      : asked_(asked), to_(target(asked)), directs_(net_, chooser, allowed()), sys_(&net_, directs_) {
    if (!with_log) net_.is_quiet();
    if (asked_.unix_socket) net_.backlog_full_until(to_, 100h);
    options_.on_timeout = asked_.how;
    options_.accept_late = asked_.accept_late;
    options_.nonblocking = asked_.nonblocking && !is_borrowed();
    options_.cancel = cancel_;
    seen_.asked = {plain(asked_.how), asked_.accept_late, is_borrowed(), asked_.unix_socket, asked_.limit.count()};
    seen_.asked.may_try_again = asked_.by < single::way::pending;
  }

  played play() {
    switch (asked_.by) {
      case single::way::owned: owned(); break;
      case single::way::borrowed:
      case single::way::borrowed_nonblocking: borrowed(); break;
      case single::way::pending: pending(); break;
      case single::way::abandoned: abandoned(); break;
      case single::way::destroyed: destroyed(); break;
      case single::way::replaced: replaced(); break;
    }
    seen_.open_at_last = net_.open_sockets() - lent_;
    seen_.steps = directs_.take_steps();
    seen_.stray_closes = net_.stray_closes();
    seen_.blocked = net_.blocked();
    return {std::move(seen_), net_.log()};
  }

 private:
  bool is_borrowed() const {
    return asked_.by == single::way::borrowed || asked_.by == single::way::borrowed_nonblocking;
  }
  bool is_cancelled() const { return cancel_ != nullptr && cancel_->requested(); }
  limits allowed() {
    if (asked_.cancellable) cancel_ = &(asked_.cancels != nullptr ? *asked_.cancels : own_).unrequested();
    return {.events = asked_.events,
            .tick = asked_.tick,
            .end = (asked_.limit + asked_.tick).count(),
            .simultaneous_open = asked_.simultaneous_open,
            .fins = asked_.fins,
            .bad_luck = asked_.bad_luck,
            .descriptors_run_out = asked_.descriptors_run_out,
            .cancel = cancel_,
            .listener = asked_.unix_socket ? &to_ : nullptr};
  }

  // The call has returned: from here on nothing happens any more.
  template <class Result>
  void end(Result const& result, tconn::native_handle handle) {
    seen_.told = plain(result);
    seen_.told.elapsed += call_began_;
    if (!result && result.error().where == to_) seen_.told.where = 0;
    end(handle);
  }
  void end(tconn::native_handle handle) {
    directs_.stop();
    seen_.ended = directs_.now();
    seen_.steps_at_end = directs_.steps().size();
    seen_.open_after = net_.open_sockets() - lent_;
    seen_.socket = handle;
  }

  void owned() {
    auto result = tconn::timed_connect(to_, asked_.limit, options_, sys_);
    end(result, directs_.last_socket());
    seen_.earlier_sockets = directs_.sockets();
    if (seen_.socket != -1) seen_.earlier_sockets.pop_back();
    if (result) {
      judge_mode(*result);
    } else if (result.error().pending) {
      resume(*result.error().pending);
    }
  }

  void pending() {
    auto started = tconn::start_connect(to_, options_, sys_);
    if (!started) {
      seen_.asked.deadline = directs_.now();
      return end(started, directs_.last_socket());
    }
    // A look, a wait that keeps it, and one that ends it.
    call_began_ = directs_.begin_call();
    if (auto const looked = started->try_finish(sys_)) return tell_found(*looked, *started);
    call_began_ = directs_.begin_call();
    auto const kept = started->wait(world::start + asked_.limit / 2, tconn::on_timeout::keep, sys_);
    bool const goes_on = !kept && kept.error().code == tconn::errc::deadline_exceeded;
    if (goes_on) {
      call_began_ = directs_.begin_call();
      return tell(started->wait(world::start + asked_.limit, asked_.how, sys_), *started);
    }
    seen_.asked.how = policy::keep;
    seen_.asked.deadline = asked_.limit.count() / 2;
    tell(kept, *started);
  }

  void abandoned() {
    seen_.asked.deadline = 0;  // nothing waits
    auto started = begun();
    if (!started) return;
    directs_.note(what::give_up, directs_.sockets().back());
    tconn::aftermath const told = started->abandon(asked_.how);
    end_without_result(extent::aftermath);
    seen_.told.aftermath = plain(told);
    seen_.told.has_pending = static_cast<bool>(*started);
    if (told == tconn::aftermath::kept) resume(*started);
  }

  // Another attempt, of which nobody knows, takes its place: this one ends as if it were destroyed.
  void replaced() {
    seen_.asked.deadline = 0;
    seen_.asked.how = policy::close;
    static auto const there = *tconn::endpoint::parse("192.0.2.99:99");
    directs_.pause();
    std::optional<pending_one> other =
        *tconn::start_connect(there, {.accept_late = false, .nonblocking = true}, simulated(&net_));
    directs_.go_on();
    lent_ = 1;  // the other
    auto const handle = other->native_handle();
    auto started = begun();
    if (started) {
      directs_.note(what::give_up, directs_.sockets().back());
      *started = std::move(*other);
      end_without_result(extent::nothing);
      seen_.replacement_is_intact = !*other && started->native_handle() == handle && started->where() == there;
      if (seen_.replacement_is_intact) judge_replacement(*started);
    }
    started.reset();
    other.reset();
    lent_ = 0;
  }
  void judge_replacement(pending_one& other) {
    auto const handle = other.native_handle();
    answer(handle);
    bool const is_late = !other.wait(0s, tconn::on_timeout::keep, simulated(&net_));
    auto const result = other.wait(1h, tconn::on_timeout::close, simulated(&net_));
    bool const is_as_asked = result && result->native_handle() == handle && !net_.is_blocking(handle);
    seen_.replacement_is_intact = is_late && is_as_asked;
  }

  void destroyed() {
    seen_.asked.deadline = 0;
    seen_.asked.how = policy::close;
    {
      auto const started = begun();
      if (!started) return;
      directs_.note(what::give_up, directs_.sockets().back());
    }
    end_without_result(extent::nothing);
  }

  // What is to be given up: begun, looked at once, and in flight then. Otherwise that is the end of it.
  std::optional<pending_one> begun() {
    auto started = tconn::start_connect(to_, options_, sys_);
    if (!started) {
      end(started, directs_.last_socket());
      return std::nullopt;
    }
    call_began_ = directs_.begin_call();
    if (auto const looked = started->try_finish(sys_)) {
      tell_found(*looked, *started);
      return std::nullopt;
    }
    return std::move(*started);
  }

  void end_without_result(extent told) {
    seen_.told.is_told = told;
    end(directs_.sockets().back());
    seen_.told.elapsed = seen_.ended;
  }

  // What a look without a deadline has found is never late.
  void tell_found(tconn::basic_connect_result<simulated> const& result, pending_one& pending) {
    seen_.asked.accept_late = true;
    tell(result, pending);
  }

  // What is kept stays where it is.
  void tell(tconn::basic_connect_result<simulated> const& result, pending_one& pending) {
    end(result, directs_.sockets().back());
    if (result) return judge_mode(*result);
    seen_.told.has_pending = static_cast<bool>(pending);
  }

  void borrowed() {
    bool const blocking = asked_.by == single::way::borrowed;
    auto const mine = net_.lend(to_.family(), blocking);
    lent_ = 1;
    directs_.opened(mine);
    auto const result = tconn::timed_connect(mine, to_, asked_.limit, options_, sys_);
    end(result, mine);
    seen_.lent_is_open = net_.socket_at(mine).open;
    seen_.mode_is_as_it_was = net_.is_blocking(mine) == blocking;
    if (result) return;
    bool const is_kept = result.error().aftermath == tconn::aftermath::kept;
    if (!is_kept) seen_.is_given_back_to_itself = is_to_itself(mine);
    if (!is_kept) simulated(&net_).connect_error(mine, seen_.error_left);
    seen_.report_left = !is_kept && net_.socket_at(mine).reported;
    if (is_kept) answer(mine);
    if (asked_.unix_socket)
      net_.backlog_full_until(to_, 0h);
    else
      net_.on_syn(to_, {tconn::testing::syn_ack(1ms)});
    follow_up([&] {
      bool const connects = tconn::timed_connect(mine, to_, 1h, {}, simulated(&net_)).has_value();
      seen_.is_given_back_to_itself = seen_.is_given_back_to_itself || (connects && is_to_itself(mine));
      return connects;
    });
  }

  bool is_to_itself(int handle) const {
    auto const& s = net_.socket_at(handle);
    return s.state == tconn::tcp_state::established && s.family != AF_UNIX && s.local == s.target;
  }

  void judge_mode(tconn::basic_socket<simulated> const& connected) {
    seen_.mode_is_as_it_was = net_.is_blocking(connected.native_handle()) != options_.nonblocking;
  }

  // What was kept goes on as it was asked for.
  void resume(pending_one& kept) {
    if (is_cancelled()) return;  // it would be cancelled again
    if (cancel_ != nullptr) return cancel(kept);
    answer(seen_.socket);
    follow_up([&] { return goes_on(kept); });
  }
  void cancel(pending_one& kept) {
    cancel_->request();
    auto const result = kept.wait(1h, tconn::on_timeout::keep, simulated(&net_));
    seen_.options_were_kept = !result && result.error().code == tconn::errc::cancelled;
  }
  bool goes_on(pending_one& kept) {
    auto result = kept.wait(0s, tconn::on_timeout::keep, simulated(&net_));
    bool const is_late = !result && result.error().code == tconn::errc::deadline_exceeded;
    if (is_late) result = kept.wait(1h, tconn::on_timeout::close, simulated(&net_));
    if (!result) return false;
    bool const is_blocking = net_.is_blocking(result->native_handle());
    seen_.is_given_back_to_itself = is_to_itself(result->native_handle());
    seen_.options_were_kept = is_late != options_.accept_late && is_blocking != options_.nonblocking;
    return true;
  }

  // The peer answers what is still in flight.
  void answer(int handle) {
    auto const state = net_.socket_at(handle).state;
    if (state == tconn::tcp_state::syn_sent || state == tconn::tcp_state::syn_received)
      net_.deliver(handle, happening::syn_ack);
  }

  template <class Call>
  void follow_up(Call const& call) {
    std::size_t const before = directs_.steps().size();
    seen_.then = call() ? afterwards::connects : afterwards::fails;
    for (std::size_t i = before; i < directs_.steps().size(); ++i)
      seen_.syns_for_it += directs_.steps()[i].happened == what::sent_syn ? 1 : 0;
  }

  single const& asked_;
  tconn::endpoint to_;
  world net_{};
  cancellations own_{};
  tconn::cancellation* cancel_ = nullptr;
  director directs_;
  explored sys_;
  tconn::connect_options options_{};
  std::size_t lent_ = 0;
  moment call_began_ = 0;  // the last one's
  observation seen_{};
};

}  // namespace

played play(single const& asked, choices& chooser, bool with_log) { return player(asked, chooser, with_log).play(); }

}  // namespace exploration
