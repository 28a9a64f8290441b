// SPDX-License-Identifier: MIT
// Whose turn it is to begin in a batch, and when: in the order given and at the pace asked for, as soon as there is a
// descriptor and, where ports have run out, a local port.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/port_waiters.hpp>
#include <timed_connect/endpoint.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace tconn {
inline namespace v1 {
namespace detail {

/// One whose turn it is.
struct turn {
  std::uint32_t index;  // its place in the list
  bool was_waiting;     // for a local port
};

/// See above.
class turns {
 public:
  /// So many may begin in a second; 0: at once.
  turns(std::span<endpoint const> to, time_point began, std::size_t pace)
      : count_(static_cast<std::uint32_t>(to.size())), next_begin_(began), waiters_(to) {
    if (pace != 0) distance_ = std::chrono::nanoseconds{std::chrono::nanoseconds{std::chrono::seconds{1}} / pace};
  }

  /// When the next may begin; the clock's last moment where nobody is left.
  time_point due() const {
    bool const is_any_left = out_of_places_ || next_ < count_;
    auto const due = earlier(is_any_left ? place_at_ : never, (std::max)(place_at_, waiters_.due()));
    return (std::max)(due, next_begin_);
  }

  /// The next, when it is due. Those that wait for a port and those that have not begun take turns. Nobody, if that one
  /// has to go behind others that wait for a port.
  std::optional<turn> take(time_point now) {
    bool const is_waiters_turn = next_ == count_ || !waiters_were_last_;
    bool const was_waiting = !out_of_places_ && is_waiters_turn && waiters_.due() <= now;
    waiters_were_last_ = was_waiting;
    auto const index = take_next(was_waiting);
    if (!was_waiting && waiters_.add_behind_others(index)) return std::nullopt;
    if (distance_.count() != 0) next_begin_ = saturated_sum((std::max)(next_begin_, now - longest_catch_up), distance_);
    return turn{index, was_waiting};
  }

  /// It has a port.
  void has_begun(std::uint32_t index) { waiters_.has_begun(index); }
  /// Whether this batch itself can have used up the ports to this one's peer.
  bool may_have_used_up_the_ports(std::uint32_t index) { return waiters_.may_have_used_up_the_ports(index); }
  /// Whether ports have run out for anybody yet.
  bool knows_of_lack_of_ports() const { return waiters_.knows_of_lack(); }

  /// There was no descriptor for it, and all wait behind it.
  void wait_for_a_place(std::uint32_t index, time_point due) {
    place_at_ = due;
    out_of_places_ = index;
  }
  /// There was no local port for it, and those to the same peer wait behind it.
  void wait_for_a_port(turn const& its, time_point due) { waiters_.add(its.index, due, its.was_waiting); }

  /// A descriptor, and a port of this one's peer, have become free.
  void make_room(std::uint32_t index) {
    place_at_ = long_past;
    waiters_.wake(index);
  }

  /// Calls `leave` with each that has not begun; none of them will.
  template <class Leave>
  void leave_the_rest(Leave&& leave) {
    if (out_of_places_) leave(*std::exchange(out_of_places_, std::nullopt));
    while (!waiters_.empty()) leave(waiters_.take());
    while (next_ < count_) leave(next_++);
  }

 private:
  std::uint32_t take_next(bool from_waiters) {
    if (from_waiters) return waiters_.take();
    return out_of_places_ ? *std::exchange(out_of_places_, std::nullopt) : next_++;
  }

  static constexpr std::chrono::nanoseconds longest_catch_up = std::chrono::milliseconds{10};

  std::uint32_t count_;
  std::chrono::nanoseconds distance_{0};
  time_point next_begin_;
  time_point place_at_ = long_past;
  std::uint32_t next_ = 0;
  std::optional<std::uint32_t> out_of_places_{};
  port_waiters waiters_;
  bool waiters_were_last_ = false;
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
