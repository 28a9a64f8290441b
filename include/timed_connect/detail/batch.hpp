// SPDX-License-Identifier: MIT
// A batch that is being run: attempts begin as their turns come, and outcomes are decided, told and closed in that order.
#pragma once

#include <timed_connect/batch_options.hpp>
#include <timed_connect/detail/drive.hpp>
#include <timed_connect/detail/ready_set.hpp>
#include <timed_connect/detail/turns.hpp>

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
        results_(not_begun(to)),
        began_(began),
        until_(fixed(until, sys.now())),
        options_(options),
        turns_(to, began, until_ == long_past ? 0 : options.pace),
        ready_(sys, options.max_in_flight == 0 ? to.size() : (std::min)(to.size(), options.max_in_flight)) {
    for (auto const& local : options.local_addresses) choices_.emplace_back(options.each).local = local;
    if (choices_.empty()) choices_.push_back(options.each);
  }
  batch(batch const&) = delete;
  batch& operator=(batch const&) = delete;
  /// After an exception of the hook's.
  ~batch() { close_given_up_ones(); }

  results run() {
    if (int const error = check(options_)) leave_the_rest(error);
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

  static results not_begun(std::span<endpoint const> to) {
    results all;
    all.reserve(to.size());
    for (auto const& one : to) all.push_back(failure<owner>(own_error(errc::deadline_exceeded), one, {}, {}));
    return all;
  }

  // ---- beginning ----

  // When the next attempt may begin; never, where none is left or there is no room.
  time_point next_begin() const {
    bool const has_room = options_.max_in_flight == 0 || in_flight_ < options_.max_in_flight;
    return has_room ? turns_.due() : never;
  }

  // So many at a time, so that answers are not left lying while thousands begin.
  void begin_what_is_due() {
    constexpr int most_at_once = 64;
    for (int begun = 0; begun < most_at_once; ++begun) {
      auto const now = sys_.now();
      bool const is_in_time = until_ == long_past || now < until_;
      if (!is_in_time || next_begin() > now) return;
      if (auto const next = turns_.take(now)) begin(*next);
    }
  }

  void begin(turn const& its) {
    auto const slot = free_slot();
    auto& made = lanes_[slot];
    auto const& to = to_[its.index];
    bool lacks_port = false;
    for (std::size_t tried = 0; tried < choices_.size(); ++tried) {
      auto const& options = choice_for(to);
      made.emplace(sys_, to, options, until_, its.index);
      // Known only since ports have run out; until then a new socket is tried at once, as for a single connect.
      if (turns_.knows_of_lack_of_ports() && turns_.may_have_used_up_the_ports(its.index))
        made->connecting.leave_ports_to_the_driver();
      made->connecting.begin();
      bool const has_none = may_be_out_of_ports(to, made->connecting.seen());
      lacks_port = lacks_port || (has_none && made->connecting.has_socket());
      if (!has_none || !options.local) break;
    }
    ++in_flight_;
    if (must_wait_for_a_place(*made, lacks_port, its))
      free(slot);
    else
      follow(slot);
  }

  // The next local address of the endpoint's family.
  connect_options const& choice_for(endpoint const& to) {
    auto& next_choice = next_choice_[to.family() == AF_INET ? 0 : 1];
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      auto const& next = choices_[next_choice++ % choices_.size()];
      if (!next.local || next.local->family() == to.family()) return next;
    }
    return options_.each;
  }

  // Something has run out that an attempt of ours, or somebody else's, may give back. Without a deadline, and with
  // nothing in flight, nobody may ever do so, and it is an error.
  bool must_wait_for_a_place(lane const& one, bool lacks_port, turn const& its) {
    auto const& seen = one.connecting.seen();
    bool const may_wait = until_ != never || in_flight_ > 1;
    // Without time there is nobody to wait for but attempts of our own.
    auto const due = until_ == long_past ? never : saturated_sum(sys_.now(), place_pause);
    if (may_wait && is_out_of_places(seen)) {
      turns_.wait_for_a_place(its.index, due);
      return true;
    }
    bool const has_port = seen.at != stage::not_started && seen.at != stage::broken;
    if (has_port) turns_.has_begun(its.index);
    if (has_port || !may_wait || !lacks_port || !turns_.may_have_used_up_the_ports(its.index)) return false;
    turns_.wait_for_a_port(its, due);
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

  // Null where there is none: what a queue tells may be of one that has gone since.
  lane* lane_at(std::uint32_t slot) { return slot < lanes_.size() && lanes_[slot] ? &*lanes_[slot] : nullptr; }

  void go_on(std::uint32_t slot, bool is_ready) {
    auto* const one = lane_at(slot);
    if (one == nullptr) return;
    one->connecting.go_on(is_ready);
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
    if (!concluded) turns_.make_room(one.index);  // or there will be room as soon as all is told
    conclude(one.index, std::move(concluded));
    free(slot);
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
    auto const count = static_cast<std::uint32_t>(lanes_.size());
    for (std::uint32_t first = 0; first < count; first += group)
      come_to_the_end(first, (std::min)(first + group, count));
    if (until_ != long_past || is_stuck) leave_the_rest(own_error(errc::deadline_exceeded));
  }

  void come_to_the_end(std::uint32_t first, std::uint32_t behind) {
    bool const has_looked = look_at(first, behind);
    for (std::uint32_t slot = first; slot < behind; ++slot) {
      if (!lanes_[slot]) continue;
      auto& one = *lanes_[slot];
      if (!has_looked || one.is_resting) {
        go_on(slot, false);
        continue;
      }
      one.connecting.come_to_the_end(one.is_ready);
      follow(slot);
    }
  }

  // Which of them are ready; false if that cannot be seen for all of them at the same time.
  bool look_at(std::uint32_t first, std::uint32_t behind) {
    ready_.begin_list();
    bool const lists = !ready_.has_queue();
    for (std::uint32_t slot = first; lists && slot < behind; ++slot) {
      if (lanes_[slot] && !lanes_[slot]->is_resting) ready_.list(lanes_[slot]->connecting.watched(), slot);
    }
    auto const note = [&](std::uint32_t slot) {
      if (auto* const one = lane_at(slot)) one->is_ready = true;
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
    turns_.leave_the_rest(
        [&](std::uint32_t index) { conclude(index, failure<owner>(error, to_[index], {}, sys_.now() - began_)); });
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
        all.turns_.make_room(static_cast<std::uint32_t>(event.index));
      }
    } const taken{*this, event};
    options_.on_result(event);
  }

  void close_given_up_ones() {
    for (auto const& one : std::exchange(given_up_, {})) close_given_up(sys_, one.handle, one.left);
  }

  System& sys_;
  std::span<endpoint const> to_;
  results results_;  // made before it is seen how much time is left
  time_point began_;
  time_point until_;
  batch_options const& options_;
  turns turns_;
  ready_set<System> ready_;
  std::vector<connect_options> choices_{};
  std::size_t next_choice_[2]{};
  lanes lanes_{};
  std::vector<std::uint32_t> free_slots_{};
  std::size_t in_flight_ = 0;
  int resting_ = 0;
  std::size_t decided_ = 0;
  std::vector<std::uint32_t> untold_{};
  std::size_t told_ = 0;
  std::vector<given_up> given_up_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
