// SPDX-License-Identifier: MIT
// Waiting for many sockets: by a queue of the system's where that pays and there is one, else by giving wait() all of
// them each time.
#pragma once

#include <timed_connect/cancellation.hpp>
#include <timed_connect/detail/drive.hpp>
#include <timed_connect/system.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Sockets by tokens; a token stands for one socket at a time. A socket that has been reported is not watched any more.
template <system_calls System>
class ready_set {
 public:
  /// `most` is how many there will be: for fewer than a few dozen, poll() costs less than telling a queue of each.
  ready_set(System& sys, std::size_t most) : sys_(sys), wants_queue_(most >= least_for_queue) {}
  ready_set(ready_set const&) = delete;
  ready_set& operator=(ready_set const&) = delete;
  ~ready_set() { close_queue(); }

  static constexpr std::size_t least_for_queue = 64;

  /// Whether sockets have to be given to add() once, and not to list() before each wait.
  bool has_queue() {
    if (wants_queue_ && queue_ == no_handle) {
      if (sys_.open_queue(queue_) != 0 || !sys_.can_wait_on(queue_)) give_queue_up();
    }
    return wants_queue_;
  }

  /// If the queue takes no more, there is none from now on, and all sockets have to be listed.
  void add(native_handle handle, std::uint32_t token) {
    if (sys_.watch(queue_, handle, token) != 0) give_queue_up();
  }

  void begin_list() {
    entries_.clear();
    tokens_.clear();
  }
  void list(native_handle handle, std::uint32_t token) {
    entries_.push_back(platform::writable(handle));
    tokens_.push_back(token);
  }

  /// Waits once, for what was added or listed and for the cancellation, and calls `ready` with each token that is. The
  /// error that ends everything: errc::cancelled, or what wait() has; 0 if there is none.
  template <class Ready>
  int wait(cancellation const* cancel, time_point until, Ready&& ready) {
    if (queue_ != no_handle) entries_.push_back(platform::readable(queue_));
    if (cancel != nullptr) entries_.push_back(platform::readable(cancel->native_handle()));
    int const woken = sys_.wait(entries_.data(), entries_.size(), until);
    if (!is_woken(woken)) return woken;
    if (woken != 0) return 0;
    if (cancel != nullptr && entries_.back().revents != 0) return own_error(errc::cancelled);
    if (queue_ != no_handle) return take(ready);
    std::size_t next_entry = 0;
    for (auto const token : tokens_) {
      if (entries_[next_entry++].revents != 0) ready(token);
    }
    return 0;
  }

 private:
  // All that are ready are taken before any of them is looked at: what becomes ready meanwhile was not reported by this
  // wait. begin_list() has made room for them.
  template <class Ready>
  int take(Ready&& ready) {
    constexpr std::size_t most_at_once = 64;
    for (std::size_t count = most_at_once; count == most_at_once;) {
      std::size_t const taken = tokens_.size();
      tokens_.resize(taken + most_at_once);
      int const error = sys_.take_ready(queue_, tokens_.data() + taken, count);
      tokens_.resize(taken + (error == 0 ? count : 0));
      if (!is_woken(error)) return error;
      if (error != 0) break;
    }
    for (auto const token : tokens_) ready(token);
    return 0;
  }

  void give_queue_up() {
    wants_queue_ = false;
    close_queue();
  }
  void close_queue() {
    if (queue_ != no_handle) sys_.close(queue_);
    queue_ = no_handle;
  }

  System& sys_;
  bool wants_queue_;
  native_handle queue_ = no_handle;
  std::vector<poll_entry> entries_{};
  std::vector<std::uint32_t> tokens_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
