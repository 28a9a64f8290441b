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
      if (auto* const winner = first_connected()) return finish(*winner);
      bool const is_last = next_ == order_.size() || sys_.now() >= until_;
      if (is_last && std::none_of(lanes_.begin(), lanes_.end(), is_alive)) return fail();
      if (int const error = wait()) end(error);
    }
  }

 private:
  /// One attempt.
  struct lane {
    lane(System& sys, endpoint const& to, connect_options const& options, time_point now, time_point until)
        : connecting(sys, to, options, until), began(now) {}

    owned_connect<System> connecting;
    time_point began;
    time_point hedge_at = never;
    std::optional<attempt_failure> failure{};
  };

  static constexpr std::chrono::nanoseconds shortest_stagger = std::chrono::milliseconds{10};

  static bool is_alive(lane const& one) { return !one.connecting.is_over(); }
  static bool is_connected(lane const& one) { return one.connecting.seen().at == stage::connected; }
  lane* first_connected() {
    auto const found = std::find_if(lanes_.begin(), lanes_.end(), is_connected);
    return found == lanes_.end() ? nullptr : &*found;
  }

  // Second attempts beside those that are unanswered; and the next endpoint, when its time has come or the one before
  // has failed. Nothing begins after the deadline but the very first attempt.
  void start_what_is_due() {
    auto now = sys_.now();
    std::size_t const started_before = lanes_.size();
    for (std::size_t i = 0; i < started_before && now < until_; ++i) {
      if (!is_alive(lanes_[i]) || lanes_[i].hedge_at > now) continue;
      lanes_[i].hedge_at = never;
      start(lanes_[i].connecting.to(), now);
    }
    while (next_ < order_.size() && now >= next_start_ && (now < until_ || lanes_.empty()) && !first_connected()) {
      auto& started = start(to_[order_[next_++]], now);
      started.hedge_at = saturated_sum(now, options_.hedge_after);
      now = sys_.now();
      auto const pace =
          options_.stagger.count() == 0 ? options_.stagger : (std::max)(options_.stagger, shortest_stagger);
      next_start_ = started.failure ? now : saturated_sum(now, pace);
    }
  }

  lane& start(endpoint const& to, time_point now) {
    auto const own_end = earlier(until_, saturated_sum(now, options_.attempt_limit));
    auto& started = lanes_.emplace_back(sys_, to, options_.each, now, fixed(own_end, now));
    started.connecting.begin();
    settle(started);
    return started;
  }

  // What has failed, or used up its own time, is given up now.
  void settle(lane& one) {
    if (is_alive(one) || is_connected(one) || one.failure) return;
    auto const concluded = one.connecting.conclude(options_.each.on_timeout, one.began);
    one.failure = remembered(concluded.error());
    next_start_ = long_past;
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
    int woken = native_error::timed_out;
    if (sys_.now() < until) woken = sys_.wait(entries_.data(), entries_.size(), until);
    if (woken != 0) {
      for (auto& entry : entries_) entry.revents = 0;
    }
    if (!is_woken(woken)) return woken;
    if (cancel != nullptr && entries_.back().revents != 0) return own_error(errc::cancelled);
    go_on();
    return 0;
  }

  void go_on() {
    std::size_t next_entry = 0;
    for (auto& one : lanes_) {
      if (!is_alive(one)) continue;
      bool const is_watched = one.connecting.watched() != no_handle;
      one.connecting.go_on(is_watched && entries_[next_entry++].revents != 0);
      settle(one);
      if (is_connected(one)) return;
    }
  }

  void end(int error) {
    next_ = order_.size();
    for (auto& one : lanes_) {
      if (is_alive(one)) one.connecting.end(error);
      settle(one);
    }
  }

  basic_connect_result<owner> finish(lane& winner) {
    auto won = winner.connecting.conclude(options_.losers, began_);
    for (auto& one : lanes_) one.connecting.lose(options_.losers);
    return won;
  }

  // The race is told by its first attempt that came to the end of it; else by the first that had an error; else all
  // have used up their own time.
  basic_connect_result<owner> fail() {
    bool const is_exceeded = sys_.now() >= until_;
    auto const weight = [&](lane const& one) {
      auto const& code = one.failure->code;
      if (code == errc::cancelled || (is_exceeded && code == errc::deadline_exceeded)) return 2;
      return code == errc::deadline_exceeded ? 0 : 1;
    };
    auto const lighter = [&](lane const& a, lane const& b) { return weight(a) < weight(b); };
    auto const& told = *std::max_element(lanes_.begin(), lanes_.end(), lighter)->failure;
    basic_connect_failure<owner> failed{
        told.code,    told.where, told.handshake, told.aftermath, told.syn_retransmits, sys_.now() - began_,
        std::nullopt, {}};
    if (is_exceeded && next_ < order_.size()) failed.code = errc::deadline_exceeded;
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
  std::vector<poll_entry> entries_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
