// SPDX-License-Identifier: MIT
// A race that is being run: which attempt begins when, who has won, and what becomes of the others.
#pragma once

#include <timed_connect/detail/drive.hpp>
#include <timed_connect/race_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {

namespace detail {

/// RFC 8305, section 4: the order that was given, but the families take turns, and the first one's family begins.
inline std::vector<std::size_t> interleaved(std::span<endpoint const> all) {
  std::vector<std::pair<int, std::deque<std::size_t>>> families;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto const is_its = [&](auto const& one) { return one.first == all[i].family(); };
    auto found = std::find_if(families.begin(), families.end(), is_its);
    if (found == families.end()) found = families.insert(found, {all[i].family(), {}});
    found->second.push_back(i);
  }
  std::vector<std::size_t> order;
  while (order.size() < all.size()) {
    for (auto& [family, left] : families) {
      if (left.empty()) continue;
      order.push_back(left.front());
      left.pop_front();
    }
  }
  return order;
}

/// A race that is being run.
template <system_calls System>
class race {
 public:
  using owner = typename System::owner;

  race(System& sys, std::span<endpoint const> to, time_point began, time_point until, race_options const& options)
      : sys_(sys),
        to_(to),
        order_(interleaved(to)),
        began_(began),
        until_(until),
        next_start_(began),
        options_(options) {}

  basic_connect_result<owner> run() {
    for (;;) {
      start_what_is_due();
      if (connected_ != nullptr) {
        auto won = finish();
        if (won) return won;
        continue;
      }
      bool const is_last = next_ == order_.size() || sys_.now() >= until_;
      if (is_last && std::none_of(lanes_.begin(), lanes_.end(), is_alive)) return fail();
      if (int const error = wait()) end(error);
    }
  }

 private:
  /// One attempt.
  struct lane {
    lane(System& sys, endpoint const& to, connect_options const& options, time_point now, time_point until,
         std::size_t place)
        : connecting(sys, to, options, until), began(now), rank(place) {}

    owned_connect<System> connecting;
    time_point began;
    std::size_t rank;  // which of order_; a second attempt has that of the first
    time_point hedge_at = never;
    bool came_to_the_end = false;
    std::optional<attempt_failure> failure{};
  };

  static constexpr std::chrono::nanoseconds shortest_stagger = std::chrono::milliseconds{10};

  static bool is_alive(lane const& one) { return !one.connecting.is_over(); }
  bool is_cancelled() const { return options_.each.cancel != nullptr && options_.each.cancel->requested(); }

  // Second attempts beside those that are unanswered; and the next endpoint, when its time has come or the one before
  // has failed. Nothing begins when one is connected; and after the deadline, or when the race is cancelled, nothing but
  // the very first attempt, so that there is something to tell.
  void start_what_is_due() {
    auto now = sys_.now();
    auto const may_start = [&] { return connected_ == nullptr && (lanes_.empty() || !is_cancelled()); };
    std::size_t const started_before = lanes_.size();
    for (std::size_t i = 0; i < started_before && now < until_ && may_start(); ++i) {
      if (!is_alive(lanes_[i]) || lanes_[i].hedge_at > now) continue;
      lanes_[i].hedge_at = never;
      start(lanes_[i].rank, now);
      now = sys_.now();
    }
    while (next_ < order_.size() && now >= next_start_ && (now < until_ || lanes_.empty()) && may_start()) {
      auto const pace =
          options_.stagger.count() == 0 ? options_.stagger : (std::max)(options_.stagger, shortest_stagger);
      next_start_ = saturated_sum(now, pace);
      if (auto* const started = start(next_, now)) {
        started->hedge_at = saturated_sum(now, options_.hedge_after);
        ++next_;
      } else {
        next_start_ = saturated_sum(now, place_pause);
      }
      now = sys_.now();
    }
  }

  // Null if there is no descriptor left for it while other attempts have one.
  lane* start(std::size_t rank, time_point now) {
    auto const own_end = earlier(until_, saturated_sum(now, options_.attempt_limit));
    auto const is_beside_others = std::any_of(lanes_.begin(), lanes_.end(), is_alive);
    auto& started = lanes_.emplace_back(sys_, to_[order_[rank]], options_.each, now, fixed(own_end, now), rank);
    started.connecting.begin();
    if (is_beside_others && is_out_of_places(started.connecting.seen())) {
      lanes_.pop_back();
      return nullptr;
    }
    settle(started);
    return &started;
  }

  // What has failed, or used up its own time, is given up now. The next endpoint begins when all that was tried of this
  // one has ended.
  void settle(lane& one) {
    if (is_alive(one)) return;
    if (one.connecting.seen().at == stage::connected) {
      connected_ = &one;
      return;
    }
    one.came_to_the_end = sys_.now() >= until_;
    fail(one, one.connecting.conclude(options_.each.on_timeout, one.began).error());
  }

  void fail(lane& one, basic_connect_failure<owner> const& why) {
    one.failure = remembered(why);
    auto const is_beside_it = [&](lane const& other) { return other.rank == one.rank && is_alive(other); };
    if (std::none_of(lanes_.begin(), lanes_.end(), is_beside_it)) next_start_ = long_past;
  }

  // Until something is ready or due, and lets what is alive go on. The error that ends the race; 0 if none does.
  int wait() {
    auto until = next_ < order_.size() ? earlier(next_start_, until_) : never;
    entries_.clear();
    for (auto const& one : lanes_) {
      if (!is_alive(one)) continue;
      until = earlier(until, earlier(one.connecting.wakes_at(), one.hedge_at));
      auto const handle = one.connecting.watched();
      if (handle != no_handle) entries_.push_back(platform::writable(handle));
    }
    auto const* const cancel = options_.each.cancel;
    if (cancel != nullptr) entries_.push_back(platform::readable(cancel->native_handle()));
    auto const now = sys_.now();
    int const woken = sys_.wait(entries_.data(), entries_.size(), until);
    if (woken != 0) {
      for (auto& entry : entries_) entry.revents = 0;
    }
    if (!is_woken(woken)) return woken;
    if (cancel != nullptr && entries_.back().revents != 0) return own_error(errc::cancelled);
    go_on(now);
    return 0;
  }

  // What is ready is in time if the wait for it began in time.
  void go_on(time_point waited_from) {
    std::size_t next_entry = 0;
    for (auto& one : lanes_) {
      if (!is_alive(one)) continue;
      bool const is_watched = one.connecting.watched() != no_handle;
      bool const is_ready = is_watched && entries_[next_entry++].revents != 0;
      one.connecting.go_on(is_ready && waited_from < one.connecting.wakes_at());
      settle(one);
      if (connected_ != nullptr) return;
    }
  }

  void end(int error) {
    ended_by_ = error;
    next_ = order_.size();
    for (auto& one : lanes_) {
      if (!is_alive(one)) continue;
      one.connecting.end(error);
      settle(one);
      one.came_to_the_end = true;
    }
  }

  // The winner is handed over, and the others are given up; unless it cannot be handed over, then the race goes on.
  basic_connect_result<owner> finish() {
    lane& winner = *std::exchange(connected_, nullptr);
    auto won = winner.connecting.conclude(options_.each.on_timeout, winner.began);
    if (!won) {
      fail(winner, won.error());
      return won;
    }
    for (auto& one : lanes_) one.connecting.lose(options_.losers);
    return won;
  }

  // The race is told by its first attempt that came to the end of it; else by the first that had an error; else all
  // have used up their own time.
  basic_connect_result<owner> fail() {
    auto const weight = [&](lane const& one) {
      bool const has_no_error = one.failure->code == errc::deadline_exceeded;
      if (one.came_to_the_end && (has_no_error || ended_by_ != 0)) return 2;
      return has_no_error ? 0 : 1;
    };
    auto const lighter = [&](lane const& a, lane const& b) { return weight(a) < weight(b); };
    auto const& told = *std::max_element(lanes_.begin(), lanes_.end(), lighter)->failure;
    basic_connect_failure<owner> failed{
        told.code,    told.where, told.handshake, told.aftermath, told.syn_retransmits, sys_.now() - began_,
        std::nullopt, {}};
    if (ended_by_ != 0)
      failed.code = code_of(ended_by_);
    else if (next_ < order_.size())
      failed.code = make_error_code(errc::deadline_exceeded);
    failed.attempts.reserve(lanes_.size());
    for (auto const& one : lanes_) failed.attempts.push_back(*one.failure);
    return failed;
  }

  System& sys_;
  std::span<endpoint const> to_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
  time_point began_;
  time_point until_;
  time_point next_start_;
  race_options const& options_;
  std::deque<lane> lanes_{};
  lane* connected_ = nullptr;
  int ended_by_ = 0;
  std::vector<poll_entry> entries_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
