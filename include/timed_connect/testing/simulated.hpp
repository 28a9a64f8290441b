// SPDX-License-Identifier: MIT
// The System that lives in a simulated world: the same primitives as the native one, answered by the model of
// world.hpp. timed_connect(to, 250ms, {}, simulated{&net}) runs the library's real code, without a socket and without
// real time.
#pragma once

#include <timed_connect/system.hpp>
#include <timed_connect/testing/world.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tconn {
inline namespace v1 {
namespace testing {

/// A handle to a world; every primitive of system_calls is answered by it, and written to its log. Allocates.
class simulated {
 public:
  using owner = simulated;  ///< The sockets know their world.

  /// The world must outlive every system, socket and pending connection that refers to it.
  explicit simulated(world* net) noexcept : net_(net) {}

  ///@{
  /// What each does stands at the concept system_calls.
  time_point now() const { return net_->now(); }

  int open(native_handle& opened, int family, bool multipath) const {
    net_->enter("open");
    if (net_->is_out_of_descriptors()) {
      net_->record([&] { return "open = " + answer(native_error::too_many_open); });
      return native_error::too_many_open;
    }
    opened = net_->create(family);
    net_->record([&] { return "open " + std::to_string(opened) + (multipath ? " (multipath)" : ""); });
    return 0;
  }

  void close(native_handle handle) const {
    net_->enter("close");
    net_->record([&] { return "close " + std::to_string(handle); });
    auto* const s = net_->find(handle);
    auto* const queue = net_->find_queue(handle);
    if (queue != nullptr) queue->open = false;
    if (s == nullptr && queue == nullptr) ++net_->stray_closes_;
    if (s == nullptr) return;
    for (auto& one : net_->queues_) one.watched.erase(handle);
    bool const established = s->state == tcp_state::established || s->state == tcp_state::syn_received;
    if (established && (s->unread || s->lingers))
      net_->packet(*s, "> RST");
    else if (established && !s->fin_sent)
      net_->packet(*s, "> FIN");
    s->open = false;
    s->state = tcp_state::closed;
    s->next_syn = detail::never;
  }

  int kind(native_handle handle, int& family, int& type) const {
    return with("kind", handle, [&](simulated_socket& s) { return family = s.family, type = s.type, 0; });
  }
  int blocking(native_handle handle, bool& is_blocking) const {
    return with("blocking", handle, [&](simulated_socket& s) { return is_blocking = s.blocking, 0; });
  }
  int set_blocking(native_handle handle, bool blocking) const {
    return with(mode_call_name(blocking), handle, [&](simulated_socket& s) { return s.blocking = blocking, 0; });
  }
  int set_option(native_handle handle, socket_option option, int) const {
    return with("set_option", handle,
                [&](simulated_socket&) { return net_->lacking_.contains(option) ? native_error::unknown_option : 0; });
  }
  int bind(native_handle handle, endpoint const& local) const {
    return with("bind", handle, [&](simulated_socket& s) { return s.local = s.from = local, 0; });
  }
  int bind_to_interface(native_handle handle, std::string_view) const {
    return with("bind_to_interface", handle,
                [&](simulated_socket&) { return net_->plain_posix_ ? native_error::unknown_option : 0; });
  }

  int start_connect(native_handle handle, endpoint const& to) const {
    net_->enter("start_connect");
    auto* const s = net_->find(handle);
    int const error = s == nullptr ? native_error::bad_handle : connect(*s, to);
    net_->record(
        [&] { return "start_connect " + std::to_string(handle) + ' ' + to.to_string() + " = " + answer(error); });
    if (s != nullptr) net_->advance(net_->now());  // a peer that answers after 0 ms has answered
    return error;
  }

  bool second_connect_proves(int family) const { return !net_->plain_posix_ && detail::is_inet(family); }
  static constexpr bool can_wait_on(native_handle) { return true; }

  int wait(poll_entry* entries, std::size_t count, time_point until) const {
    net_->enter("wait");
    int const woken = wait_for(entries, count, until);
    net_->record([&] {
      std::string line = "wait";
      for (auto* entry = entries; entry != entries + count; ++entry) {
        if (!is_cancellation(*entry)) line += ' ' + std::to_string(entry->fd);
      }
      return line + " = " + answer(woken);
    });
    return woken;
  }

  int open_queue(native_handle& queue) const {
    net_->enter("open_queue");
    int const error = net_->plain_posix_              ? native_error::not_supported
                      : net_->is_out_of_descriptors() ? native_error::too_many_open
                                                      : 0;
    if (error == 0) {
      net_->queues_.emplace_back();
      queue = static_cast<native_handle>(net_->queues_.size() - 1) + world::first_queue;
    }
    net_->record([&] { return "open_queue = " + answer(error); });
    return error;
  }
  int watch(native_handle queue, native_handle handle, std::uint32_t token) const {
    return with("watch", handle, [&](simulated_socket&) {
      auto* const watcher = net_->find_queue(queue);
      if (watcher != nullptr) watcher->watched[handle] = token;
      return watcher != nullptr ? 0 : native_error::bad_handle;
    });
  }
  int take_ready(native_handle queue, std::uint32_t* tokens, std::size_t& count) const {
    net_->enter("take_ready");
    std::size_t taken = 0;
    auto* const watcher = net_->find_queue(queue);
    if (watcher != nullptr) {
      std::erase_if(watcher->watched, [&](auto const& one) {
        bool const taken_now = taken < count && is_ready(one.first);
        if (taken_now) tokens[taken++] = one.second;
        return taken_now;
      });
    }
    count = taken;
    net_->record([&] { return "take_ready = " + std::to_string(taken); });
    return watcher != nullptr ? 0 : native_error::bad_handle;
  }

  int connect_error(native_handle handle, int& error) const {
    return with("connect_error", handle, [&](simulated_socket& s) { return error = std::exchange(s.error, 0), 0; });
  }

  int local_port(native_handle handle, std::uint16_t& port) const {
    return with("local_port", handle, [&](simulated_socket& s) { return port = s.local.port(), 0; });
  }

  int name(native_handle handle, name_of which, int, endpoint& named) const {
    return with(call_name(which), handle, [&](simulated_socket& s) {
      if (which == name_of::local) return named = s.local, 0;
      if (which == name_of::target && net_->plain_posix_) return native_error::not_supported;
      bool const has_peer = s.state == tcp_state::established || s.state == tcp_state::syn_received;
      bool const known = which == name_of::peer ? has_peer : s.has_target;
      if (known) named = s.target;
      return known ? 0 : native_error::not_connected;
    });
  }

  int shut(native_handle handle, shut_direction direction) const {
    return with(call_name(direction), handle, [&](simulated_socket& s) {
      if (s.state == tcp_state::closed) return s.family == AF_UNIX ? 0 : native_error::not_connected;
      if (s.state == tcp_state::syn_sent) {
        if (!net_->plain_posix_) net_->disconnect(s);
        return net_->plain_posix_ ? native_error::not_connected : 0;
      }
      if (direction == shut_direction::both) net_->finish(s);
      return 0;
    });
  }

  int disconnect(native_handle handle) const {
    return with("disconnect", handle, [&](simulated_socket& s) {
      if (net_->plain_posix_) return native_error::not_supported;
      return net_->disconnect(s), 0;
    });
  }
  int mark_arrivals(native_handle handle) const {
    return with("mark_arrivals", handle, [&](simulated_socket& s) {
      if (net_->plain_posix_) return native_error::not_supported;
      return s.arrived = false, 0;
    });
  }
  int has_arrived(native_handle handle, bool& arrived) const {
    return with("has_arrived", handle, [&](simulated_socket& s) {
      if (net_->plain_posix_) return native_error::not_supported;
      return arrived = s.arrived, 0;
    });
  }
  int reset_on_close(native_handle handle) const {
    return with("reset_on_close", handle, [&](simulated_socket& s) { return s.lingers = true, 0; });
  }

  int discard_received(native_handle handle) const {
    return with("discard_received", handle,
                [&](simulated_socket& s) { return std::exchange(s.unread, false) ? 0 : native_error::try_again; });
  }

  int discard_report(native_handle handle) const {
    return with("discard_report", handle,
                [&](simulated_socket& s) { return std::exchange(s.reported, false) ? 0 : native_error::try_again; });
  }

  int tcp(native_handle handle, tcp_facts& facts) const {
    return with("tcp", handle, [&](simulated_socket& s) {
      if (net_->plain_posix_ || !detail::is_inet(s.family)) return native_error::unknown_option;
      ///@}
      bool const is_ended = s.state == tcp_state::established && s.fin_sent;
      facts = {is_ended ? tcp_state::ended : s.state, s.syn_retransmits, s.acknowledged};
      return 0;
    });
  }

 private:
  template <class Call>
  int with(std::string_view name, native_handle handle, Call&& call) const {
    net_->enter(name);
    auto* const s = net_->find(handle);
    int const error = s == nullptr ? native_error::bad_handle : call(*s);
    net_->record(
        [&] { return std::string(name) + ' ' + std::to_string(handle) + (error == 0 ? "" : " = " + answer(error)); });
    return error;
  }

  static std::string answer(int error) {
    if (error == 0) return "0";
    if (error == native_error::in_progress) return "in progress";
    if (error == native_error::timed_out) return "timed out";
    if (error == native_error::interrupted) return "interrupted";
    return detail::native_code(error).message();
  }

  int connect(simulated_socket& s, endpoint const& to) const {
    if (s.blocking) ++net_->blocked_;
    bool const is_interrupted = std::exchange(net_->interrupts_connect_, false);
    if (is_interrupted && s.family == AF_UNIX && s.state == tcp_state::closed) return native_error::interrupted;
    int const answered = connect_undisturbed(s, to);
    bool const would_wait = answered == native_error::in_progress || answered == native_error::already;
    return is_interrupted && would_wait ? native_error::interrupted : answered;
  }

  int connect_undisturbed(simulated_socket& s, endpoint const& to) const {
    bool const is_scripted = !net_->at_once_.empty() || !net_->backlog_.empty() || !net_->scripts_.empty();
    auto const key = is_scripted ? to.to_string() : std::string();
    auto const answers = net_->at_once_.find(key);
    bool const is_new = s.state == tcp_state::closed && !s.connecting;
    if (answers != net_->at_once_.end() && !answers->second.empty() && is_new) {
      int const error = answers->second.front();
      answers->second.pop_front();
      if (error == 0 || error == native_error::in_progress || error == native_error::interrupted) begin(s, to);
      if (error == 0) establish(s);
      return error;
    }
    switch (s.state) {
      case tcp_state::syn_sent:
      case tcp_state::syn_received: return native_error::already;
      case tcp_state::established: return std::exchange(s.connecting, false) ? 0 : native_error::is_connected;
      default: break;
    }
    if (std::exchange(s.connecting, false)) {  // an attempt has failed and this is its verdict
      s.has_target = false;
      int const error = std::exchange(s.error, 0);
      return error != 0 ? error : native_error::connection_aborted;
    }
    if (s.family == AF_UNIX) {
      auto const full = net_->backlog_.find(key);
      if (full == net_->backlog_.end()) return native_error::refused;
      if (net_->now() < full->second) return native_error::try_again;
      begin(s, to);
      establish(s);
      return 0;
    }
    if (net_->is_out_of_ports(s, to)) return native_error::address_not_available;
    begin(s, to);
    net_->send_syn(s);
    if (s.local == to) {  // a SYN that meets its own socket: the simultaneous open of RFC 9293, 3.5
      establish(s);
      return native_error::in_progress;
    }
    for (auto const& [what, after] : net_->next_script(key)) s.coming.emplace_back(net_->now() + after, what);
    return native_error::in_progress;
  }

  void begin(simulated_socket& s, endpoint const& to) const {
    s.state = tcp_state::syn_sent;
    s.connecting = s.has_target = true;
    s.target = to;
    s.error = 0;
    s.syn_retransmits = 0;
    s.acknowledged = s.arrived = s.peer_finished = false;
    s.coming.clear();
    // A port that was not asked for goes back when the attempt is over.
    if (s.from.port() == 0 && detail::is_inet(to.family()))
      s.local = net_->with_port(s.from.valid() ? s.from : to, net_->take_port());
  }
  static void establish(simulated_socket& s) {
    s.state = tcp_state::established;
    s.acknowledged = s.arrived = true;
    s.next_syn = detail::never;
    if (s.family == AF_UNIX) s.connecting = false;
  }

  /// A cancellation is the one real thing in this world.
  static bool is_cancellation(poll_entry const& entry) {
    return entry.events != detail::platform::writable(0).events && entry.fd < world::first_queue;
  }

  bool is_due(native_handle handle) const {
    auto const* const s = net_->find(handle);
    bool const in_flight = s != nullptr && (s->state == tcp_state::syn_sent || s->state == tcp_state::syn_received);
    return !in_flight || s->reported || s->alarmed;
  }
  bool is_ready(native_handle handle) const {
    bool const is = is_due(handle);
    if (auto* const s = net_->find(handle)) s->alarmed = false;
    return is;
  }
  bool is_ready(poll_entry& entry) const {
    if (is_cancellation(entry)) return detail::platform::poll(&entry, 1, std::chrono::nanoseconds{0}) == 0;
    auto const* const queue = net_->find_queue(entry.fd);
    auto const any_of = [&](simulated_queue const& all) {
      return std::any_of(all.watched.begin(), all.watched.end(), [&](auto const& one) { return is_due(one.first); });
    };
    bool const ready = queue != nullptr ? any_of(*queue) : is_ready(entry.fd);
    entry.revents = ready ? entry.events : short{0};
    return ready;
  }

  int wait_for(poll_entry* entries, std::size_t count, time_point until) const {
    auto const ready = [&] {
      bool is_any = false;
      for (auto* entry = entries; entry != entries + count; ++entry) is_any = is_ready(*entry) || is_any;
      return is_any;
    };
    auto const signal = net_->next_signal();
    for (;;) {
      if (ready()) return 0;
      if (until <= net_->now()) return native_error::timed_out;
      auto const next = detail::earlier(detail::earlier(net_->next_event(), until), signal);
      if (next == detail::never) {  // nothing can end this wait
        ++net_->blocked_;
        return native_error::not_supported;
      }
      net_->advance(next);
      if (ready()) return 0;
      if (signal <= net_->now()) return native_error::interrupted;
    }
  }

  world* net_;
};

static_assert(system_calls<simulated>);

}  // namespace testing
}  // namespace v1
}  // namespace tconn
