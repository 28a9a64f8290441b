// SPDX-License-Identifier: MIT
#include "exploration/many.hpp"

#include "exploration/plain.hpp"

#include <timed_connect/batch.hpp>
#include <timed_connect/race.hpp>

#include <algorithm>

namespace exploration {

using tconn::testing::world;

namespace {

/// Of both families in turn.
tconn::endpoint made_target(std::size_t number) {
  bool const is_ipv6 = number % 2 == 0;
  std::string const last = std::to_string(number);
  return *tconn::endpoint::parse(is_ipv6 ? "[2001:db8::" + last + "]:80" : "192.0.2." + last + ":80");
}

tconn::endpoint const& target(std::size_t number) {
  static std::vector<tconn::endpoint> made;
  while (made.size() < number) made.push_back(made_target(made.size() + 1));
  return made[number - 1];
}

class player {
 public:
  player(many const& asked, choices& chooser, bool with_log)
      : asked_(asked), directs_(net_, chooser, allowed()), sys_(&net_, directs_) {
    if (!with_log) net_.is_quiet();
    for (std::size_t i = 1; i <= asked_.endpoints; ++i) to_.push_back(target(i));
    each_.accept_late = asked_.accept_late;
    each_.nonblocking = asked_.nonblocking;
    each_.cancel = cancel_;
    seen_.asked = {plain(asked_.how), asked_.accept_late, false, false, asked_.limit.count(), true};
    seen_.endpoints = to_.size();
  }

  many_played play() {
    if (asked_.by == many::way::race)
      race();
    else
      batch();
    seen_.open_at_last = net_.open_sockets();
    seen_.steps = directs_.take_steps();
    seen_.sockets = directs_.sockets();
    for (int const handle : seen_.sockets) seen_.targets.push_back(target_of(handle));
    seen_.stray_closes = net_.stray_closes();
    seen_.blocked = net_.blocked();
    return {std::move(seen_), net_.log()};
  }

 private:
  limits allowed() {
    if (asked_.cancellable) cancel_ = &(asked_.cancels != nullptr ? *asked_.cancels : own_).unrequested();
    return {.events = asked_.events,
            .tick = asked_.tick,
            .end = (asked_.limit + asked_.tick).count(),
            .fins = asked_.fins,
            .descriptors_run_out = asked_.descriptors_run_out,
            .cancel = cancel_};
  }

  // The call has returned: from here on nothing happens any more.
  void end() {
    directs_.stop();
    seen_.ended = directs_.now();
    seen_.steps_at_end = directs_.steps().size();
    seen_.open_after = net_.open_sockets();
  }

  void race() {
    tconn::race_options options{.each = each_, .stagger = asked_.stagger, .losers = asked_.how};
    if (asked_.hedge_after.count() != 0) options.hedge_after = asked_.hedge_after;
    auto const result = tconn::timed_connect_any(to_, asked_.limit, options, sys_);
    end();
    seen_.is_race = true;
    seen_.losers = plain(asked_.how);
    seen_.asked.how = policy::close;
    seen_.stagger = asked_.stagger.count();
    seen_.hedge_after = asked_.hedge_after.count();
    seen_.told = plain(result);
    if (result) {
      seen_.winner = result->native_handle();
      seen_.mode_is_as_asked = is_in_the_mode_asked_for(seen_.winner);
      return;
    }
    seen_.told.where = place_of(result.error().where);
    auto const& attempts = result.error().attempts;
    for (std::size_t i = 0; i < attempts.size() && i < directs_.sockets().size(); ++i)
      seen_.attempts.push_back({directs_.sockets()[i], told_of(attempts[i])});
  }

  verdict told_of(tconn::attempt_failure const& one) const {
    return {extent::all,
            false,
            plain(one.code),
            one.code.message(),
            plain(one.handshake),
            plain(one.aftermath),
            one.syn_retransmits,
            one.elapsed.count(),
            false,
            place_of(one.where)};
  }

  void batch() {
    each_.on_timeout = asked_.how;
    tconn::batch_options options{.each = each_, .max_in_flight = asked_.max_in_flight};
    struct told_by_hook {
      int times = 0;
      moment elapsed = -1;
    };
    std::vector<told_by_hook> heard(to_.size());
    auto const hear = [&](tconn::batch_event& one) {
      ++heard[one.index].times;
      heard[one.index].elapsed = one.elapsed.count();
    };
    if (asked_.has_hook) options.on_result = hear;
    auto const results = tconn::timed_connect_all(to_, asked_.limit, options, sys_);
    end();
    seen_.max_in_flight = asked_.max_in_flight;
    for (std::size_t i = 0; i < results.size(); ++i) {
      auto& one = seen_.attempts.emplace_back(result_of(results[i], to_[i]));
      if (!asked_.has_hook) continue;
      one.times_told = heard[i].times;
      one.elapsed_told = heard[i].elapsed;
    }
  }

  template <class Result>
  one_of_many result_of(Result const& result, tconn::endpoint const& to) const {
    one_of_many one{socket_to(to), plain(result)};
    if (result) {
      one.handed_over = result->native_handle();
      one.mode_is_as_asked = is_in_the_mode_asked_for(one.handed_over);
      return one;
    }
    one.told.where = place_of(result.error().where);
    if (result.error().pending) one.handed_over = result.error().pending->native_handle();
    return one;
  }

  bool is_in_the_mode_asked_for(int handle) const { return net_.is_blocking(handle) != asked_.nonblocking; }
  int place_of(tconn::endpoint const& to) const {
    auto const found = std::find(to_.begin(), to_.end(), to);
    return found == to_.end() ? -1 : static_cast<int>(found - to_.begin());
  }
  int target_of(int handle) const { return place_of(net_.socket_at(handle).target); }
  int socket_to(tconn::endpoint const& to) const {
    for (int const handle : directs_.sockets()) {
      if (net_.socket_at(handle).target == to) return handle;
    }
    return -2;  // none
  }

  many const& asked_;
  world net_{};
  cancellations own_{};
  tconn::cancellation* cancel_ = nullptr;
  director directs_;
  explored sys_;
  std::vector<tconn::endpoint> to_{};
  tconn::connect_options each_{};
  observation_of_many seen_{};
};

}  // namespace

many_played play(many const& asked, choices& chooser, bool with_log) { return player(asked, chooser, with_log).play(); }

}  // namespace exploration
