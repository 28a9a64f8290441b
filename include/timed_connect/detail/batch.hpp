// SPDX-License-Identifier: MIT
// A batch that is being run: which attempt begins when, and in what order outcomes are decided, told and closed.
#pragma once

#include <timed_connect/batch_options.hpp>
#include <timed_connect/detail/drive.hpp>
#include <timed_connect/detail/port_waiters.hpp>
#include <timed_connect/detail/ready_set.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Whether connect() says what it says when no local port is left, and also where an address cannot be had at all.
inline bool may_be_out_of_ports(endpoint const& to, outcome const& seen) {
  bool const says_so = seen.error == native_error::address_not_available || seen.error == native_error::try_again;
  return seen.at == stage::not_started && says_so && is_inet(to.family());  // a Unix socket's EAGAIN is a full backlog
}

/// A batch that is being run.
template <system_calls System>
class batch {
 public:
  using owner = typename System::owner;
  using results = std::vector<basic_connect_result<owner>>;

  batch(System& sys, std::span<endpoint const> to, time_point began, time_point until, batch_options const& options)
      : sys_(sys),
        to_(to),
        began_(began),
        until_(until),
        next_begin_(began),
        options_(options),
        ready_(sys, options.max_in_flight == 0 ? to.size() : (std::min)(to.size(), options.max_in_flight)),
        waiters_(to) {
    for (auto const& local : options.local_addresses) choices_.emplace_back(options.each).local = local;
    if (choices_.empty()) choices_.push_back(options.each);
  }
  batch(batch const&) = delete;
  batch& operator=(batch const&) = delete;
  /// After an exception of the hook's.
  ~batch() { close_given_up_ones(); }

  results run() {
    results_.reserve(to_.size());
    for (auto const& one : to_) results_.push_back(failure<owner>(own_error(errc::deadline_exceeded), one, {}, {}));
    if (int const error = check(options_)) leave_the_rest(error);
    if (sys_.now() >= until_) until_ = long_past;
    for (begin_what_is_due(); tell_and_close(), decided_ < to_.size(); begin_what_is_due()) {
      if (sys_.now() >= until_)
        come_to_the_end();
      else if (int const error = wait())
        end(error);
      tell_and_close();
    }
    return std::move(results_);
  }

 private:
  /// One attempt in flight.
  struct lane {
    lane(System& sys, endpoint const& to, connect_options const& options, time_point until, std::uint32_t place)
        : connecting(sys, to, options, until), index(place) {}

    owned_connect<System> connecting;
    std::uint32_t index;
    bool is_ready = false;
    bool is_resting = false;
  };
  struct given_up {
    native_handle handle;
    aftermath left;
  };
  using lanes = std::deque<std::optional<lane>>;

  // ---- beginning ----

  // When the next attempt may begin; never, where none is left or there is no room.
  time_point next_begin() const {
    bool const has_room = options_.max_in_flight == 0 || in_flight_ < options_.max_in_flight;
    if (!has_room) return never;
    bool const is_any_left = out_of_places_ || next_ < to_.size();
    auto const due = earlier(is_any_left ? place_at_ : never, (std::max)(place_at_, waiters_.due()));
    return (std::max)(due, next_begin_);
  }

  // So many at a time, so that answers are not left lying while thousands begin.
  void begin_what_is_due() {
    constexpr int most_at_once = 64;
    for (int begun = 0; begun < most_at_once; ++begun) {
      auto const now = sys_.now();
      bool const is_in_time = until_ == long_past || now < until_;
      if (!is_in_time || next_begin() > now) return;
      // Those that wait for a port and those that have not begun take turns.
      bool const is_waiters_turn = next_ == to_.size() || !waiters_were_last_;
      bool const was_waiting = !out_of_places_ && is_waiters_turn && waiters_.due() <= now;
      waiters_were_last_ = was_waiting;
      auto const index = take_next(was_waiting);
      if (!was_waiting && waiters_.add_behind_others(index)) continue;
      if (options_.pace != 0 && until_ != long_past) {
        std::chrono::nanoseconds const distance{std::chrono::nanoseconds{std::chrono::seconds{1}} / options_.pace};
        next_begin_ = saturated_sum((std::max)(next_begin_, now - longest_catch_up), distance);
      }
      begin(index, was_waiting);
    }
  }

  std::uint32_t take_next(bool from_waiters) {
    if (from_waiters) return waiters_.take();
    return out_of_places_ ? *std::exchange(out_of_places_, std::nullopt) : next_++;
  }

  void begin(std::uint32_t index, bool was_waiting) {
    auto const slot = free_slot();
    auto& made = lanes_[slot];
    bool lacks_port = false;
    for (std::size_t tried = 0; tried < choices_.size(); ++tried) {
      auto const& options = choice_for(to_[index]);
      made.emplace(sys_, to_[index], options, until_, index);
      // Known only since ports have run out; until then a new socket is tried at once, as for a single connect.
      if (waiters_.knows_of_lack() && waiters_.may_have_used_up_the_ports(index))
        made->connecting.leave_ports_to_the_driver();
      made->connecting.begin();
      bool const has_none = may_be_out_of_ports(to_[index], made->connecting.seen());
      lacks_port = lacks_port || (has_none && made->connecting.has_socket());
      if (!has_none || !options.local) break;
    }
    ++in_flight_;
    if (must_wait_for_a_place(*made, lacks_port, was_waiting))
      free(slot);
    else
      follow(slot);
  }

  // The next local address of the endpoint's family.
  connect_options const& choice_for(endpoint const& to) {
    auto& turn = turns_[to.family() == AF_INET ? 0 : 1];
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      auto const& next = choices_[turn++ % choices_.size()];
      if (!next.local || next.local->family() == to.family()) return next;
    }
    return options_.each;
  }

  // Something has run out that an attempt of ours, or somebody else's, may give back. Without a deadline, and with
  // nothing in flight, nobody may ever do so, and it is an error.
  bool must_wait_for_a_place(lane const& one, bool lacks_port, bool was_waiting) {
    auto const& seen = one.connecting.seen();
    bool const may_wait = until_ != never || in_flight_ > 1;
    auto const due = saturated_sum(sys_.now(), place_pause);
    if (may_wait && is_out_of_places(seen)) {
      place_at_ = due;
      out_of_places_ = one.index;
      return true;
    }
    bool const has_port = seen.at != stage::not_started && seen.at != stage::broken;
    if (has_port) waiters_.has_begun(one.index);
    if (has_port || !may_wait || !lacks_port || !waiters_.may_have_used_up_the_ports(one.index)) return false;
    waiters_.add(one.index, due, was_waiting);
    return true;
  }

  std::uint32_t free_slot() {
    if (free_slots_.empty()) {
      lanes_.emplace_back();
      return static_cast<std::uint32_t>(lanes_.size() - 1);
    }
    auto const slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }
  void free(std::uint32_t slot) {
    resting_ -= lanes_[slot]->is_resting ? 1 : 0;
    lanes_[slot].reset();
    free_slots_.push_back(slot);
    --in_flight_;
  }

  // ---- going on ----

  int wait() {
    auto until = earlier(until_, next_begin());
    ready_.begin_list();
    bool const lists = !ready_.has_queue();
    for (std::uint32_t slot = 0; (lists || resting_ != 0) && slot < lanes_.size(); ++slot) {
      if (!lanes_[slot]) continue;
      auto const& connecting = lanes_[slot]->connecting;
      until = earlier(until, connecting.wakes_at());
      if (lists && !lanes_[slot]->is_resting) ready_.list(connecting.watched(), slot);
    }
    int const error = ready_.wait(options_.each.cancel, until, [&](std::uint32_t slot) { go_on(slot, true); });
    if (error == 0 && resting_ != 0) go_on_with_those_that_rest();
    return error;
  }

  void go_on(std::uint32_t slot, bool is_ready) {
    if (slot >= lanes_.size() || !lanes_[slot]) return;
    lanes_[slot]->connecting.go_on(is_ready);
    follow(slot);
  }

  // Not at the deadline: then all have their last look before any of them is told.
  void go_on_with_those_that_rest() {
    auto const now = sys_.now();
    if (now >= until_) return;
    for (std::uint32_t slot = 0; slot < lanes_.size(); ++slot) {
      if (lanes_[slot] && lanes_[slot]->is_resting && lanes_[slot]->connecting.wakes_at() <= now) go_on(slot, false);
    }
  }

  // Sees to it that what is under way is heard of again, and that what is over is decided.
  void follow(std::uint32_t slot) {
    auto& one = *lanes_[slot];
    if (one.connecting.is_over()) return decide(slot);
    bool const rests = one.connecting.watched() == no_handle;
    resting_ += (rests ? 1 : 0) - (one.is_resting ? 1 : 0);
    one.is_resting = rests;
    if (!rests && ready_.has_queue()) ready_.add(one.connecting.watched(), slot);
  }

  // ---- the end of one, and of all ----

  void decide(std::uint32_t slot) {
    auto& one = *lanes_[slot];
    // Room is made before, as after the decision nobody but dispose() has the handle.
    if (given_up_.size() == given_up_.capacity()) given_up_.reserve(2 * given_up_.size() + 16);
    auto const dispose = [&](native_handle handle, aftermath left) { given_up_.push_back({handle, left}); };
    auto concluded = one.connecting.conclude(options_.each.on_timeout, began_, dispose);
    if (!concluded) make_room(one.index);
    conclude(one.index, std::move(concluded));
    free(slot);
  }

  // A descriptor, and a port of this peer's, have become free, or will be as soon as all is told.
  void make_room(std::uint32_t index) {
    place_at_ = long_past;
    waiters_.wake(index);
  }

  void conclude(std::uint32_t index, basic_connect_result<owner> concluded) {
    results_[index] = std::move(concluded);
    untold_.push_back(index);
    ++decided_;
  }

  // The deadline is over: one last look for each, in groups, so that giving up follows soon. A call that began after its
  // deadline gives every endpoint its try.
  void come_to_the_end() {
    constexpr std::uint32_t group = 64;
    bool const is_stuck = in_flight_ == 0 && next_begin() > sys_.now();
    bool has_looked = false;
    for (std::uint32_t slot = 0; slot < lanes_.size(); ++slot) {
      if (slot % group == 0)
        has_looked = look_at(slot, (std::min)(slot + group, static_cast<std::uint32_t>(lanes_.size())));
      if (!lanes_[slot]) continue;
      auto& one = *lanes_[slot];
      if (!has_looked || one.is_resting) {
        go_on(slot, false);
        continue;
      }
      one.connecting.come_to_the_end(one.is_ready);
      follow(slot);
    }
    if (until_ != long_past || is_stuck) leave_the_rest(own_error(errc::deadline_exceeded));
  }

  // Which of them are ready; false if that cannot be seen for all of them at the same time.
  bool look_at(std::uint32_t first, std::uint32_t behind) {
    ready_.begin_list();
    bool const lists = !ready_.has_queue();
    for (std::uint32_t slot = first; lists && slot < behind; ++slot) {
      if (lanes_[slot] && !lanes_[slot]->is_resting) ready_.list(lanes_[slot]->connecting.watched(), slot);
    }
    auto const note = [&](std::uint32_t slot) {
      if (slot < lanes_.size() && lanes_[slot]) lanes_[slot]->is_ready = true;
    };
    return ready_.wait(/*cancel*/ nullptr, long_past, note) == 0;
  }

  void end(int error) {
    for (std::uint32_t slot = 0; slot < lanes_.size(); ++slot) {
      if (!lanes_[slot]) continue;
      lanes_[slot]->connecting.end(error);
      decide(slot);
    }
    leave_the_rest(error);
  }

  // What has never begun.
  void leave_the_rest(int error) {
    auto const leave = [&](std::uint32_t index) {
      conclude(index, failure<owner>(error, to_[index], {}, sys_.now() - began_));
    };
    if (out_of_places_) leave(*std::exchange(out_of_places_, std::nullopt));
    while (!waiters_.empty()) leave(waiters_.take());
    for (; next_ < to_.size(); ++next_) leave(next_);
  }

  void tell_and_close() {
    for (auto const index : std::exchange(untold_, {})) {
      ++told_;
      if (options_.on_result) tell(index);
    }
    close_given_up_ones();
  }

  void tell(std::uint32_t index) {
    auto& one = results_[index];
    std::optional<attempt_failure> const failure = one ? std::nullopt : std::optional(remembered(one.error()));
    batch_event event{index,
                      to_[index],
                      failure ? failure->code : std::error_code{},
                      one ? one->native_handle() : no_handle,
                      failure ? &*failure : nullptr,
                      failure ? failure->elapsed : sys_.now() - began_,
                      told_,
                      to_.size()};
    // What the hook has taken is its own, even if it throws.
    struct handover {
      batch& all;
      batch_event& event;
      ~handover() {
        auto& one = all.results_[event.index];
        if (!one || event.connected != no_handle) return;
        one->release();
        all.make_room(static_cast<std::uint32_t>(event.index));
      }
    } const taken{*this, event};
    options_.on_result(event);
  }

  void close_given_up_ones() {
    for (auto const& one : std::exchange(given_up_, {})) close_given_up(sys_, one.handle, one.left);
  }

  static constexpr std::chrono::nanoseconds longest_catch_up = std::chrono::milliseconds{10};

  System& sys_;
  std::span<endpoint const> to_;
  time_point began_;
  time_point until_;
  time_point next_begin_;
  time_point place_at_ = long_past;
  batch_options const& options_;
  ready_set<System> ready_;
  std::vector<connect_options> choices_{};
  std::size_t turns_[2]{};
  std::uint32_t next_ = 0;
  std::optional<std::uint32_t> out_of_places_{};  // all others wait behind it
  port_waiters waiters_;
  bool waiters_were_last_ = false;
  lanes lanes_{};
  std::vector<std::uint32_t> free_slots_{};
  std::size_t in_flight_ = 0;
  int resting_ = 0;
  results results_{};
  std::size_t decided_ = 0;
  std::vector<std::uint32_t> untold_{};
  std::size_t told_ = 0;
  std::vector<given_up> given_up_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
