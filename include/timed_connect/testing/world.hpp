// SPDX-License-Identifier: MIT
// A simulated world: virtual time, sockets that behave as Linux's do, and peers that follow a script. Time passes only
// while somebody waits (and, if calls_take() says so, during each call), so a test of a ten-second timeout takes
// microseconds and its times are exact. The log reads like a packet script:
//
//   world net;
//   net.on_syn(to, {syn_ack(130ms)});
//   auto r = timed_connect(to, 100ms, {}, simulated{&net});
//   net.wire() == "+0ms > SYN 192.0.2.1:80\n" ...
#pragma once

#include <timed_connect/deadline.hpp>
#include <timed_connect/detail/platform.hpp>
#include <timed_connect/endpoint.hpp>
#include <timed_connect/testing/script.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tconn {
inline namespace v1 {
/// Systems to test with: no sockets, no waiting, and errors when they are wanted.
namespace testing {

/// One virtual clock, and the sockets and peers that live by it. Not to be shared between threads.
class world {
 public:
  // ---- the script ----

  /// How the peer at an address behaves. Called again for the same address it tells of the next attempt; the last
  /// script goes on for all that follow. An address without a script is silent.
  void on_syn(endpoint const& peer, std::vector<event> script) {
    scripts_[peer.to_string()].left.push_back(std::move(script));
  }
  /// connect() to this address answers at once, with an error or 0 for connected; once per call, then the script
  /// counts.
  void answers_at_once(endpoint const& peer, int error, int times = 1) {
    for (; times > 0; --times) at_once_[peer.to_string()].push_back(error);
  }
  /// A signal interrupts the next connect(), if it would not be over at once: EINTR. TCP's attempt goes on; that of a Unix
  /// socket has not begun.
  void interrupt_next_connect() { interrupts_connect_ = true; }
  /// A Unix listener whose backlog is full until then: connect() answers EAGAIN before, 0 after.
  void backlog_full_until(endpoint const& peer, std::chrono::nanoseconds since_start) {
    backlog_[peer.to_string()] = start + since_start;
  }
  /// The local ports that connect() will take, in this order; then 40001, 40002, ...
  void ephemeral_ports(std::vector<std::uint16_t> ports) { ports_.assign(ports.begin(), ports.end()); }
  /// Each call but now() takes this long, at its beginning: so an event can be placed between two calls.
  void calls_take(std::chrono::nanoseconds span) { call_span_ = span; }
  /// wait() is interrupted by a signal at every multiple of this.
  void signals_every(std::chrono::nanoseconds span) { signal_span_ = span; }
  /// open() answers EMFILE while so many descriptors are open.
  void descriptor_limit(std::size_t most) { most_open_ = most; }
  /// connect() answers EADDRNOTAVAIL while so many sockets have a connection, or an attempt, from the same local address
  /// to the same peer.
  void ports_per_peer(std::size_t most) { most_ports_ = most; }
  /// The system lacks this option.
  void lacks(socket_option option) { lacking_.insert(option); }
  /// Behave like a POSIX system that is not Linux: no TCP_INFO, no SO_PEERNAME, no reset without a close, and a second
  /// connect() proves nothing.
  void is_plain_posix() { plain_posix_ = true; }
  /// Writes neither log() nor wire(), which takes most of the time: for who plays thousands of worlds.
  void is_quiet() { is_quiet_ = true; }
  /// Called before each primitive with its name: the place to change the script or to deliver() something just there.
  std::function<void(std::string_view)> before_call{};
  /// Called after each packet with the socket that it is from or for, open or closed, and what wire() says of it
  /// ("> SYN", "< RST").
  std::function<void(native_handle, std::string_view)> on_packet{};
  /// Does something when so much time has passed since the world began: a cancellation, say.
  void at(std::chrono::nanoseconds since_start, std::function<void()> action) {
    actions_.emplace(start + since_start, std::move(action));
  }
  /// Lets something happen to a socket now.
  void deliver(native_handle handle, happening what) { happen(sockets_.at(index(handle)), what); }
  /// A socket that belongs to the test, to be borrowed.
  native_handle lend(int family = AF_INET, bool blocking = true, int type = SOCK_STREAM) {
    native_handle const handle = create(family);
    sockets_.back().blocking = blocking;
    sockets_.back().type = type;
    return handle;
  }

  // ---- what came of it ----

  /// The virtual clock; it begins at `start`.
  time_point now() const { return now_; }
  /// Virtual time since the world began.
  std::chrono::nanoseconds elapsed() const { return now_ - start; }
  /// Lets time pass, as if the program did something else.
  void pass(std::chrono::nanoseconds span) { advance(now_ + span); }
  /// Every call and every packet, a line each.
  std::string const& log() const { return log_; }
  /// The packets alone: "> " sent by us, "< " sent by the peer.
  std::string const& wire() const { return wire_; }
  /// How many sockets and queues are open, lent ones included.
  std::size_t open_sockets() const {
    auto const is_open = [](auto const& one) { return one.open; };
    return static_cast<std::size_t>(std::count_if(sockets_.begin(), sockets_.end(), is_open) +
                                    std::count_if(queues_.begin(), queues_.end(), is_open));
  }
  /// The blocking mode of a socket, open or closed.
  bool is_blocking(native_handle handle) const { return sockets_.at(index(handle)).blocking; }
  /// All that there is to know of a socket, open or closed. Throws std::out_of_range for what never was one.
  simulated_socket const& socket_at(native_handle handle) const { return sockets_.at(index(handle)); }
  /// How often a call would have blocked for ever or without a limit: a fault of whoever called it.
  int blocked() const { return blocked_; }
  /// How often a descriptor was closed that was not open.
  int stray_closes() const { return stray_closes_; }

  /// The moment at which every world begins.
  static constexpr time_point start{std::chrono::hours{1}};

 private:
  friend class simulated;
  static constexpr native_handle first_handle = 3;
  static constexpr native_handle first_queue = 1 << 30;  // no socket's, and no real descriptor's

  struct scripts {
    std::deque<std::vector<event>> left{};
    bool played = false;  // the first of them, to the last attempt
  };

  // When Linux 6.5 and later repeats a SYN by default: tcp_syn_linear_timeouts (4), then twice as long each time up to
  // tcp_syn_retries (6) more; see ip-sysctl.rst.
  static constexpr std::chrono::seconds syn_intervals[] = {
      std::chrono::seconds{1},  std::chrono::seconds{1},  std::chrono::seconds{1}, std::chrono::seconds{1},
      std::chrono::seconds{1},  std::chrono::seconds{2},  std::chrono::seconds{4}, std::chrono::seconds{8},
      std::chrono::seconds{16}, std::chrono::seconds{32}, std::chrono::seconds{64}};

  static std::size_t index(native_handle handle) { return static_cast<std::size_t>(handle - first_handle); }
  simulated_socket* find(native_handle handle) {
    if (handle < first_handle || index(handle) >= sockets_.size() || !sockets_[index(handle)].open) return nullptr;
    return &sockets_[index(handle)];
  }
  simulated_queue* find_queue(native_handle handle) {
    if (handle < first_queue) return nullptr;
    auto const at = static_cast<std::size_t>(handle - first_queue);
    return at < queues_.size() && queues_[at].open ? &queues_[at] : nullptr;
  }
  bool is_out_of_descriptors() const { return most_open_ != 0 && open_sockets() >= most_open_; }
  /// The address that a socket goes out from is its own before it has a port.
  bool is_out_of_ports(simulated_socket const& s, endpoint const& to) const {
    auto const uses_one = [&](simulated_socket const& other) {
      return other.open && other.has_target && other.target == to && other.from == s.from;
    };
    return most_ports_ != 0 &&
           std::count_if(sockets_.begin(), sockets_.end(), uses_one) >= static_cast<std::ptrdiff_t>(most_ports_);
  }
  native_handle create(int family) {
    auto& created = sockets_.emplace_back();
    created.family = family;
    created.handle = static_cast<native_handle>(sockets_.size() - 1) + first_handle;
    return created.handle;
  }

  /// What the peer at an address does to the next attempt. A script that was played goes on only while there is no
  /// other.
  std::vector<event> next_script(std::string const& peer) {
    auto const found = scripts_.find(peer);
    if (found == scripts_.end()) return {};
    auto& [left, played] = found->second;
    if (played && left.size() > 1) left.pop_front();
    played = !left.empty();
    return left.empty() ? std::vector<event>{} : left.front();
  }

  std::uint16_t take_port() {
    if (ports_.empty()) return next_port_++;
    std::uint16_t const port = ports_.front();
    ports_.pop_front();
    return port;
  }
  static endpoint with_port(endpoint const& address, std::uint16_t port) {
    sockaddr_storage bytes{};
    std::memcpy(&bytes, address.data(), static_cast<std::size_t>(address.size()));
    if (address.family() == AF_INET)
      reinterpret_cast<sockaddr_in&>(bytes).sin_port = htons(port);
    else
      reinterpret_cast<sockaddr_in6&>(bytes).sin6_port = htons(port);
    return {reinterpret_cast<sockaddr*>(&bytes), address.size()};
  }

  // ---- time ----

  time_point next_signal() const {
    if (signal_span_.count() == 0) return detail::never;
    return start + ((now_ - start) / signal_span_ + 1) * signal_span_;
  }

  std::string stamp() const {
    auto const nanoseconds = (now_ - start).count();
    std::string text = '+' + std::to_string(nanoseconds / 1'000'000);
    if (auto const rest = nanoseconds % 1'000'000; rest != 0) {
      text += '.' + std::to_string(1'000'000 + rest).substr(1);
      text.erase(text.find_last_not_of('0') + 1);
    }
    return text + "ms ";
  }
  template <class Text>
  void record(Text&& text) {
    if (!is_quiet_) log_ += stamp() + text() + '\n';
  }
  void packet(simulated_socket const& s, std::string_view what) {
    if (!is_quiet_) {
      std::string const line = stamp() + std::string(what) + ' ' + s.target.to_string() + '\n';
      log_ += line;
      wire_ += line;
    }
    if (on_packet) on_packet(s.handle, what);
  }

  void enter(std::string_view call) {
    if (call_span_.count() > 0) advance(now_ + call_span_);
    if (before_call) before_call(call);
  }

  /// The next moment at which something happens by itself.
  time_point next_event() const {
    time_point next = actions_.empty() ? detail::never : actions_.begin()->first;
    for (auto const& s : sockets_) {
      if (!s.coming.empty()) next = detail::earlier(next, s.coming.front().first);
      next = detail::earlier(next, s.next_syn);
    }
    return next;
  }

  void advance(time_point to) {
    for (time_point next = next_event(); next <= to && next != detail::never; next = next_event()) {
      if (now_ < next) now_ = next;
      for (auto& s : sockets_) {
        while (!s.coming.empty() && s.coming.front().first <= now_) {
          auto const what = s.coming.front().second;
          s.coming.pop_front();
          happen(s, what);
        }
        if (s.next_syn <= now_) repeat_syn(s);
      }
      while (!actions_.empty() && actions_.begin()->first <= now_) {
        auto const due = actions_.begin();
        auto const action = std::move(due->second);
        actions_.erase(due);
        action();
      }
    }
    if (now_ < to) now_ = to;
  }

  // ---- the kernel's side of one socket ----

  void send_syn(simulated_socket& s) {
    packet(s, "> SYN");
    s.next_syn = now_ + syn_intervals[s.syn_retransmits];
  }
  void repeat_syn(simulated_socket& s) {
    constexpr unsigned most = std::size(syn_intervals) - 1;
    if (s.syn_retransmits == most) return fail(s, native_error::timed_out);
    ++s.syn_retransmits;
    send_syn(s);
  }
  void fail(simulated_socket& s, int error) {
    s.state = tcp_state::closed;
    s.error = error;
    s.next_syn = detail::never;
  }
  /// tcp_shutdown(): FIN, which in SYN_RECV waits for the end of the handshake.
  void finish(simulated_socket& s) {
    if (s.state != tcp_state::established)
      s.fin_due = true;
    else if (!std::exchange(s.fin_sent, true))
      packet(s, "> FIN");
  }
  /// tcp_disconnect(): silent while nobody has heard of us, else RST.
  void disconnect(simulated_socket& s) {
    if (s.state == tcp_state::established || s.state == tcp_state::syn_received) packet(s, "> RST");
    bool const was_idle = s.state == tcp_state::closed;
    fail(s, was_idle ? s.error : native_error::connection_reset);
    s.connecting = s.fin_sent = s.fin_due = s.peer_finished = false;
    s.has_target = false;
  }

  void happen(simulated_socket& s, happening what) {
    switch (what) {
      case happening::false_alarm: s.alarmed = true; return;
      case happening::syn_ack: packet(s, "< SYN-ACK"); break;
      case happening::syn: packet(s, "< SYN"); break;
      case happening::rst: packet(s, "< RST"); break;
      case happening::unreachable: packet(s, "< ICMP unreachable"); break;
      case happening::fin: packet(s, "< FIN"); break;
      case happening::data: packet(s, "< data"); break;
    }
    s.arrived = s.arrived || (s.state != tcp_state::closed && what != happening::unreachable);
    bool const met = s.state == tcp_state::syn_received;
    bool const in_flight = s.state == tcp_state::syn_sent || met;
    bool const established = s.state == tcp_state::established;
    if (what == happening::syn_ack && in_flight) {
      s.state = tcp_state::established;
      s.acknowledged = true;
      s.next_syn = detail::never;
      packet(s, "> ACK");
      if (s.fin_due) finish(s);
    } else if (what == happening::syn && in_flight) {
      s.state = tcp_state::syn_received;
      s.next_syn = detail::never;  // the SYN-ACK that takes its place is not repeated in this world
      packet(s, "> SYN-ACK");
    } else if (what == happening::rst && (in_flight || established)) {
      bool const is_in_close_wait = s.peer_finished && !s.fin_sent;
      fail(s, in_flight && !met ? native_error::refused : is_in_close_wait ? EPIPE : native_error::connection_reset);
    } else if (what == happening::unreachable && in_flight) {
      s.reported = s.family == AF_INET;
      fail(s, native_error::host_unreachable);
    } else if (what == happening::data && established && !s.fin_sent) {
      s.unread = true;
    } else if (what == happening::fin && established) {
      s.peer_finished = true;
    } else if (!in_flight && !established && what != happening::rst && what != happening::unreachable) {
      packet(s, "> RST");  // no socket wants it
    }
  }

  time_point now_ = start;
  std::chrono::nanoseconds call_span_{0};
  std::chrono::nanoseconds signal_span_{0};
  bool interrupts_connect_ = false;
  bool plain_posix_ = false;
  bool is_quiet_ = false;
  std::size_t most_open_ = 0;
  std::size_t most_ports_ = 0;
  int blocked_ = 0;
  int stray_closes_ = 0;
  std::uint16_t next_port_ = 40001;
  std::deque<std::uint16_t> ports_{};
  std::map<std::string, scripts> scripts_{};
  std::map<std::string, std::deque<int>> at_once_{};
  std::map<std::string, time_point> backlog_{};
  std::set<socket_option> lacking_{};
  std::multimap<time_point, std::function<void()>> actions_{};
  std::deque<simulated_socket> sockets_{};
  std::deque<simulated_queue> queues_{};
  std::string log_{};
  std::string wire_{};
};

}  // namespace testing
}  // namespace v1
}  // namespace tconn
