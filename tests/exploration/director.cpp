// SPDX-License-Identifier: MIT
#include "exploration/director.hpp"

#include <cerrno>

namespace exploration {

using tconn::tcp_state;
using tconn::testing::happening;
using tconn::testing::world;

namespace {

bool is_of_a_cancellation(tconn::poll_entry const& entry) {
  return entry.events != tconn::detail::platform::writable(0).events;
}

}  // namespace

director::director(world& net, choices& chooser, limits const& allowed)
    : net_(net), chooser_(chooser), allowed_(allowed), left_(allowed.events) {
  steps_.reserve(64);
  menu_.reserve(16);
  net_.before_call = [this](std::string_view call) {
    if (call != "wait") before(call);  // explored::wait() has done so itself
  };
  net_.on_packet = [this](tconn::native_handle handle, std::string_view packet) { write_down(handle, packet); };
}

void director::write_down(tconn::native_handle handle, std::string_view packet) {
  what const happened = packet == "> SYN"                ? what::sent_syn
                        : packet == "> SYN-ACK"          ? what::sent_syn_ack
                        : packet == "> ACK"              ? what::sent_ack
                        : packet == "> FIN"              ? what::sent_fin
                        : packet == "> RST"              ? (is_delivering_ ? what::turned_away : what::sent_rst)
                        : packet == "< SYN-ACK"          ? what::came_syn_ack
                        : packet == "< SYN"              ? what::came_syn
                        : packet == "< RST"              ? what::came_rst
                        : packet == "< ICMP unreachable" ? what::came_unreachable
                        : packet == "< FIN"              ? what::came_fin
                                                         : what::came_data;
  steps_.push_back({happened, handle, now()});
}

void director::before(std::string_view call) {
  if (!is_active_) return;
  // What the library asks of the socket is written down by `explored`, which knows the answer too.
  do offer_everything(/*in_a_wait*/ false);
  while (choose() != kind::nothing);
  connecting_ = -1;
  steps_.push_back({call == "close" ? what::closed : what::call, -1, now()});
}

void director::looked_at_the_clock() {
  bool const is_first = !std::exchange(has_looked_, true);  // before which nothing has begun
  if (!is_active_ || is_first || left_ == 0 || now() >= allowed_.end) return;
  menu_.clear();
  offer(kind::nothing);
  offer(kind::tick);
  choose();
}

director::in_wait director::during_wait() {
  if (!is_active_) return in_wait::nothing;
  offer_everything(/*in_a_wait*/ true);
  switch (choose()) {
    case kind::nothing: return in_wait::nothing;
    case kind::signal: return in_wait::signal;
    default: return in_wait::something;
  }
}

bool director::interrupts_look() {
  if (!is_active_ || left_ == 0) return false;
  menu_.clear();
  offer(kind::nothing);
  offer(kind::signal);
  return choose() == kind::signal;
}

void director::begin_connect(int handle, tconn::endpoint const& to) {
  auto const& s = net_.socket_at(handle);
  connecting_ = handle;
  to_ = &to;
  begins_ = s.state == tcp_state::closed && !s.connecting;
  has_bad_luck_ = is_interrupted_ = false;
}

void director::end_connect(int handle, int answer) {
  note(answer == 0                                  ? what::connect_done
       : answer == tconn::native_error::interrupted ? what::connect_interrupted
       : begins_ && answer == EADDRNOTAVAIL         ? what::no_port
                                                    : what::connect_other,
       handle, answer);
  auto const& s = net_.socket_at(handle);
  if (!begins_ || s.state == tcp_state::closed) return;
  auto& peer = peer_of(handle);
  peer = {};
  peer.is_ourselves = s.family != AF_UNIX && s.local == s.target;
  if (peer.is_ourselves) note(what::connected_to_itself, handle);
}

director::peer_state& director::peer_of(int handle) {
  auto const place = static_cast<std::size_t>(handle);
  if (peers_.size() <= place) peers_.resize(place + 1);
  return peers_[place];
}

void director::offer_everything(bool in_a_wait) {
  menu_.clear();
  offer(kind::nothing);
  if (left_ == 0) return;
  if (connecting_ != -1) offer_answers();
  for (int const handle : sockets_) offer_packets(handle);
  if (now() < allowed_.end) offer(kind::tick);
  if (in_a_wait) offer(kind::signal);
  if (allowed_.cancel != nullptr && !is_cancelled()) offer(kind::cancel);
  if (allowed_.listener != nullptr) offer(has_place_ ? kind::take_place : kind::free_place);
  if (allowed_.descriptors_run_out) offer(is_out_ ? kind::give_back : kind::run_out);
}

// How connect() answers, where it is not over already.
void director::offer_answers() {
  auto const& s = net_.socket_at(connecting_);
  bool const is_unix = s.family == AF_UNIX;
  bool const in_flight = s.state == tcp_state::syn_sent || s.state == tcp_state::syn_received;
  if (has_bad_luck_) return;
  if (begins_ && !is_unix && allowed_.bad_luck) {
    offer(kind::self_connect, connecting_);
    if (!is_interrupted_) offer(kind::no_port, connecting_);
  }
  if ((begins_ || in_flight) && !is_interrupted_) offer(kind::interrupt, connecting_);
}

// A packet is offered where it can make a difference: the late ones, which no attempt wants any more, among them.
void director::offer_packets(int handle) {
  auto const& s = net_.socket_at(handle);
  if (s.family == AF_UNIX || !s.target.valid()) return;
  auto const& peer = peer_of(handle);
  if (peer.is_ourselves) return;
  bool const in_flight = s.state == tcp_state::syn_sent || s.state == tcp_state::syn_received;
  bool const is_established = s.state == tcp_state::established;
  if (!peer.has_answered) offer(kind::syn_ack, handle);
  if (in_flight || is_established) offer(kind::rst, handle);
  if (in_flight) offer(kind::unreachable, handle);
  if (in_flight && allowed_.simultaneous_open && !peer.has_opened) offer(kind::syn, handle);
  if (is_established && !peer.has_sent_data && !s.peer_finished) offer(kind::data, handle);
  if (is_established && allowed_.fins && !s.peer_finished) offer(kind::fin, handle);
  if (in_flight && !s.alarmed) offer(kind::false_alarm, handle);
}

director::kind director::choose() {
  action const chosen = menu_[chooser_.pick(menu_.size())];
  if (chosen.does == kind::nothing) return kind::nothing;
  --left_;
  carry_out(chosen);
  return chosen.does;
}

void director::deliver(int handle, happening packet) {
  is_delivering_ = true;
  net_.deliver(handle, packet);
  is_delivering_ = false;
}

void director::carry_out(action const& chosen) {
  switch (chosen.does) {
    case kind::nothing: return;
    case kind::syn_ack: peer_of(chosen.socket).has_answered = true; return deliver(chosen.socket, happening::syn_ack);
    case kind::rst: peer_of(chosen.socket).has_answered = true; return deliver(chosen.socket, happening::rst);
    case kind::unreachable: return deliver(chosen.socket, happening::unreachable);
    case kind::syn: peer_of(chosen.socket).has_opened = true; return deliver(chosen.socket, happening::syn);
    case kind::data: peer_of(chosen.socket).has_sent_data = true; return deliver(chosen.socket, happening::data);
    case kind::fin: return deliver(chosen.socket, happening::fin);
    case kind::interrupt: is_interrupted_ = true; return net_.interrupt_next_connect();
    case kind::self_connect: has_bad_luck_ = true; return net_.ephemeral_ports({to_->port()});
    case kind::no_port: has_bad_luck_ = true; return net_.answers_at_once(*to_, EADDRNOTAVAIL);
    case kind::false_alarm:
      net_.deliver(chosen.socket, happening::false_alarm);
      return note(what::false_alarm, chosen.socket);
    case kind::tick: net_.pass(allowed_.tick); return note(what::time_passed, -1);
    case kind::cancel: allowed_.cancel->request(); return note(what::cancellation, -1);
    case kind::signal: return note(what::signal, -1);
    case kind::free_place:
    case kind::take_place:
      has_place_ = chosen.does == kind::free_place;
      net_.backlog_full_until(*allowed_.listener, has_place_ ? std::chrono::nanoseconds{0} : std::chrono::hours{100});
      return note(has_place_ ? what::place_freed : what::place_taken, -1);
    case kind::run_out:
    case kind::give_back:
      is_out_ = chosen.does == kind::run_out;
      net_.descriptor_limit(is_out_ ? (std::max)(net_.open_sockets(), std::size_t{1}) : 0);
      return note(is_out_ ? what::descriptors_out : what::descriptors_back, -1);
  }
}

// The kernel is asked of a cancellation only after its request: before that it is not readable, and asking takes most of
// the time.
int explored::look(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
  bool const is_to_be_asked = count == 0 || !is_of_a_cancellation(entries[count - 1]) || directs_->is_cancelled();
  if (is_to_be_asked) return simulated::wait(entries, count, until);
  entries[count - 1].revents = 0;
  return simulated::wait(entries, count - 1, until);
}

// In the log of the world a wait is a look, and another one after each thing that happens.
int explored::wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
  directs_->before("wait");
  moment const began = directs_->now();
  int answer = 0;
  for (;;) {
    bool const was_active = directs_->is_active();
    answer = look(entries, count, was_active ? simulated::now() : until);
    if (answer != tconn::native_error::timed_out || !was_active) break;
    if (until <= simulated::now()) {
      if (directs_->interrupts_look()) answer = tconn::native_error::interrupted;
      break;
    }
    auto const end = directs_->during_wait();
    if (end == director::in_wait::signal) answer = tconn::native_error::interrupted;
    if (end == director::in_wait::nothing) answer = look(entries, count, until);
    if (end != director::in_wait::something) break;
  }
  moment const asked = until <= tconn::testing::world::start ? 0 : (until - tconn::testing::world::start).count();
  bool has_socket = false;
  for (auto const* entry = entries; entry != entries + count; ++entry) {
    if (is_of_a_cancellation(*entry)) continue;
    has_socket = true;
    directs_->note_wait(answer == 0 && entry->revents != 0, entry->fd, began, asked);
  }
  if (!has_socket) directs_->note_wait(answer == 0, -1, began, asked);
  return answer;
}

}  // namespace exploration
