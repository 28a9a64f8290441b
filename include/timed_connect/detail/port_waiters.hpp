// SPDX-License-Identifier: MIT
// Which endpoints of a batch wait for a local port. Each peer has ports of its own, so each has a line of its own.
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/endpoint.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

namespace tconn {
inline namespace v1 {
namespace detail {

/// Endpoints by their places in a list. Costs nothing until ports have run out for the first time.
class port_waiters {
 public:
  explicit port_waiters(std::span<endpoint const> to) : to_(to), has_begun_(to.size()) {}

  /// An attempt has got a port.
  void has_begun(std::uint32_t index) {
    has_begun_[index] = true;
    if (knows_of_lack()) begun_[place_of(index)] = true;
  }

  /// Whether an attempt at the same endpoint has ever got a port: only then can the batch itself have used up the ports,
  /// and not this host lack the address.
  bool may_have_used_up_the_ports(std::uint32_t index) {
    sort();
    return begun_[place_of(index)];
  }

  /// Whether ports have run out for anybody yet.
  bool knows_of_lack() const { return !sorted_.empty(); }

  /// To the end of its peer's line; to the front, if it was there before. The next try is at `due`.
  void add(std::uint32_t index, time_point due, bool was_first) {
    auto* found = find(index);
    if (found == nullptr) {
      lines_.push_back({place_of(index), due, {}});
      found = &lines_.back();
    }
    found->due = due;
    if (was_first)
      found->waiting.push_front(index);
    else
      found->waiting.push_back(index);
  }
  /// To the end of its peer's line; false if nobody waits for a port to this peer.
  bool add_behind_others(std::uint32_t index) {
    auto* const found = find(index);
    if (found != nullptr) found->waiting.push_back(index);
    return found != nullptr;
  }

  bool empty() const { return lines_.empty(); }
  /// When the first of them may try again; the clock's last moment: there is none.
  time_point due() const {
    return lines_.empty() ? never : std::min_element(lines_.begin(), lines_.end(), is_due_earlier)->due;
  }
  /// The first of the line that is due first.
  std::uint32_t take() {
    auto const found = std::min_element(lines_.begin(), lines_.end(), is_due_earlier);
    auto const index = found->waiting.front();
    found->waiting.pop_front();
    if (found->waiting.empty()) lines_.erase(found);
    return index;
  }
  /// A port of this peer's has become free.
  void wake(std::uint32_t index) {
    if (auto* const found = find(index)) found->due = long_past;
  }

 private:
  struct line {
    std::size_t peer;  // where its equals begin in sorted_
    time_point due;
    std::deque<std::uint32_t> waiting;
  };
  static bool is_due_earlier(line const& a, line const& b) { return a.due < b.due; }

  std::string_view bytes(std::uint32_t index) const {
    return {reinterpret_cast<char const*>(to_[index].data()), static_cast<std::size_t>(to_[index].size())};
  }
  auto in_order() const {
    return [this](std::uint32_t a, std::uint32_t b) { return bytes(a) < bytes(b); };
  }
  void sort() {
    if (!sorted_.empty()) return;
    sorted_.reserve(to_.size());
    while (sorted_.size() < to_.size()) sorted_.push_back(static_cast<std::uint32_t>(sorted_.size()));
    std::sort(sorted_.begin(), sorted_.end(), in_order());
    begun_.resize(to_.size());
    for (auto const index : sorted_) {
      if (has_begun_[index]) begun_[place_of(index)] = true;
    }
  }
  std::size_t place_of(std::uint32_t index) const {
    return static_cast<std::size_t>(std::lower_bound(sorted_.begin(), sorted_.end(), index, in_order()) -
                                    sorted_.begin());
  }
  // The line of its peer, or null.
  line* find(std::uint32_t index) {
    if (lines_.empty()) return nullptr;
    auto const is_its = [peer = place_of(index)](line const& one) { return one.peer == peer; };
    auto const found = std::find_if(lines_.begin(), lines_.end(), is_its);
    return found != lines_.end() ? &*found : nullptr;
  }

  std::span<endpoint const> to_;
  std::vector<bool> has_begun_;
  std::vector<std::uint32_t> sorted_{};
  std::vector<bool> begun_{};  // whether any of a peer's has, at the place where its equals begin
  std::deque<line> lines_{};
};

}  // namespace detail
}  // namespace v1
}  // namespace tconn
