// SPDX-License-Identifier: MIT
// Packets that nobody would send. First, any bytes as a packet: what the lab reads in it is held against RFC 791, 8200
// and 9293, and what it writes must be read as the same. Then the bytes as a peer's game with the kernel's own TCP: which
// packets it throws at the client, right and wrong, before which of the library's calls. The oracle of the exploration
// judges what the library tells. It is given what the wire and the kernel show: after each packet the socket's state is
// looked at, so the kernel itself says whether the packet has counted.
//
// A clock that goes only while the library waits, and then at once, spares the waiting: no input takes longer than its
// system calls do.
#include "fuzz/target.hpp"

#include "exploration/oracle.hpp"
#include "exploration/plain.hpp"
#include "support/descriptors.hpp"
#include "wire/lab/packet.hpp"
#include "wire/lab/tun_device.hpp"

#include <timed_connect/connect.hpp>
#include <timed_connect/testing/intercepted.hpp>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using exploration::moment;
using exploration::what;
using fuzz::require;
using wire::bytes;
using wire::segment;

using octets = std::span<std::uint8_t const>;

// ---- the parser ----

constexpr std::size_t v6_header = 40;

unsigned word(octets in, std::size_t at) { return (unsigned{in[at]} << 8U) | in[at + 1]; }

/// Where the TCP header begins and where the packet ends, if it is plainly TCP: no fragment, no extension headers.
std::optional<std::pair<std::size_t, std::size_t>> plain_tcp(octets packet) {
  constexpr std::uint8_t tcp = 6;
  if (packet.size() < v6_header) return std::nullopt;  // what is so short cannot hold both headers
  if (packet[0] >> 4U == 4) {
    bool const is_fragment = (word(packet, 6) & 0x3fffU) != 0;
    if (packet[9] != tcp || is_fragment) return std::nullopt;
    return std::pair<std::size_t, std::size_t>{(packet[0] & 0xfU) * 4U, word(packet, 2)};
  }
  if (packet[0] >> 4U != 6 || packet[6] != tcp) return std::nullopt;
  return std::pair<std::size_t, std::size_t>{v6_header, v6_header + word(packet, 4)};
}

void examine_bytes(octets packet) {
  constexpr std::size_t shortest_tcp = 20;
  auto const read = wire::read_segment(packet);
  if (auto const plain = plain_tcp(packet)) {
    auto const [begin, end] = *plain;
    require(end <= packet.size() || !read, "a packet that is cut off is no segment", "");
    bool const is_whole = begin >= shortest_tcp && end <= packet.size() && begin + shortest_tcp <= end;
    std::size_t const header = is_whole ? (packet[begin + 12] >> 4U) * 4U : 0;
    if (is_whole && read) {
      require(header >= shortest_tcp && begin + header <= end, "a segment has a whole header", "");
      require(read->from.port() == word(packet, begin) && read->to.port() == word(packet, begin + 2), "its ports", "");
      require(read->sequence == (word(packet, begin + 4) << 16U | word(packet, begin + 6)), "its number", "");
      require(read->acknowledgment == (word(packet, begin + 8) << 16U | word(packet, begin + 10)), "its ACK", "");
      require(read->length == end - begin - header, "how much it carries", "");
    }
  }
  // From 0.0.0.0 libtins writes nothing: it looks for an address of this machine.
  if (!read || read->from.to_string().starts_with("0.0.0.0:")) return;
  auto const again = wire::read_segment(wire::write_segment(*read));
  require(again.has_value(), "what is written can be read", read->name());
  require(again->from == read->from && again->to == read->to && again->flags == read->flags &&
              again->sequence == read->sequence && again->acknowledgment == read->acknowledgment &&
              again->length == read->length,
          "what is written is read as it was", read->name());
}

// ---- the game ----

/// What the bytes say, one after another; zeros at the end.
class script {
 public:
  explicit script(octets of) : left_(of) {}
  bool is_over() const { return left_.empty(); }
  std::uint8_t next() {
    if (left_.empty()) return 0;
    auto const first = left_.front();
    left_ = left_.subspan(1);
    return first;
  }
  std::uint32_t offset() { return static_cast<std::uint32_t>(static_cast<std::int8_t>(next())); }
  bytes rest(std::size_t most) {
    auto const taken = left_.first(std::min(most, left_.size()));
    left_ = left_.subspan(taken.size());
    return {taken.begin(), taken.end()};
  }

 private:
  octets left_;
};

/// The input's first byte.
struct shape {
  explicit shape(unsigned of)
      : how(static_cast<tconn::on_timeout>(of % 4 % 3)),
        accept_late((of & 4U) == 0),
        borrowed((of & 8U) != 0),
        nonblocking((of & 16U) != 0),
        family((of & 32U) != 0 ? AF_INET6 : AF_INET),
        has_time((of & 64U) == 0) {}
  tconn::on_timeout how;
  bool accept_late;
  bool borrowed;
  bool nonblocking;  ///< A borrowed descriptor.
  int family;
  bool has_time;
};

constexpr std::uint16_t server_port = 8765;
constexpr std::uint32_t own_first = 1000;
constexpr tconn::time_point start{1h};

/// The peer, and the clock. It takes down what it sees, as the oracle wants it.
class game {
 public:
  game(wire::tun_device& device, script moves, int family)
      : device_(device), where_(wire::address_of(family, 2, server_port)), moves_(moves) {
    next_move();
  }
  game(game const&) = delete;
  game& operator=(game const&) = delete;

  tconn::endpoint const& where() const { return where_; }
  tconn::time_point now() const { return start + elapsed_; }
  moment elapsed() const { return elapsed_.count(); }
  void pass_until(tconn::time_point until) {
    if (until > now()) elapsed_ = until - start;
  }

  /// What a call finds done. The descriptor is the one that is looked at from now on.
  void before_call() {
    drain(/*is_reaction*/ false);
    if (std::exchange(is_to_be_answered_, false)) deliver(wire::write_segment(correct(wire::syn | wire::ack)));
    for (; has_move_ && calls_left_ == 0; next_move()) move();
    if (has_move_) --calls_left_;
    note(what::call, -1);
  }
  /// In a wait that finds nothing: whether something has come.
  bool during_wait() {
    drain(/*is_reaction*/ false);
    if (!has_move_ || waits_for_a_call_) return false;
    move();
    next_move();
    return true;
  }
  void look_at(int handle) { handle_ = handle; }

  void note(what happened, int socket = 0, int value = 0) {
    if (is_active_) steps_.push_back({happened, socket, elapsed(), 0, 0, value});
  }
  void note_wait(bool is_ready, moment began, moment until) {
    if (is_active_) steps_.push_back({is_ready ? what::wait_ready : what::wait_silent, 0, elapsed(), began, until});
  }

  /// The call has returned. From now on whoever sends a SYN is answered, and what is written down are SYNs.
  void end() {
    drain(/*is_reaction*/ false);
    is_active_ = false;
    has_move_ = false;
  }
  /// Answers what is still in flight.
  void answer() {
    segment made = correct(wire::syn | wire::ack);
    if (state() == TCP_SYN_RECV) made = correct(wire::ack);
    if (state() == TCP_SYN_SENT || state() == TCP_SYN_RECV) deliver(wire::write_segment(made));
  }
  /// Ends what the kernel still has of the connections, so that the next input finds nothing.
  void clear() {
    handle_ = -1;
    for (auto const& [client, wanted] : clients_) {
      segment const reset{where_, client, wire::rst, wanted, 0, 0};
      write(wire::write_segment(reset));
    }
    while (device_.read()) {
    }
  }

  std::vector<exploration::step> const& steps() const { return steps_; }
  int syns_since_the_end() const { return syns_since_the_end_; }
  bool could_complete() const { return has_syn_come_ && has_ack_come_; }
  bool was_ended_by_icmp() const { return ended_by_icmp_; }
  bool was_ended_after_fin() const { return ended_after_fin_; }
  std::string const& log() const { return log_; }

 private:
  enum class kind : unsigned char {
    syn_ack,
    rst,
    unreachable,
    syn,
    ack,
    data,
    fin,
    any_segment,
    again,
    cut_off,
    changed,
    any_bytes,
    time,
    count
  };

  int state() const {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (handle_ < 0 || ::getsockopt(handle_, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
    return info.tcpi_state;
  }

  void next_move() {
    constexpr int most_moves = 32;
    has_move_ = !moves_.is_over() && moves_made_++ < most_moves;
    auto const code = moves_.next();
    kind_ = static_cast<kind>((code & 0xfU) % static_cast<unsigned>(kind::count));
    calls_left_ = (code >> 4U) & 7U;
    waits_for_a_call_ = (code & 128U) != 0;
  }

  void move() {
    if (kind_ == kind::time) {
      elapsed_ += 4ms;
      return note(what::time_passed, -1);
    }
    if (client_) deliver(packet());
  }

  bytes packet() {
    switch (kind_) {
      case kind::syn_ack: return wrong(correct(wire::syn | wire::ack));
      case kind::rst: return wrong(correct(wire::rst | (has_spoken_ ? 0U : wire::ack)));
      case kind::unreachable: return unreachable();
      case kind::syn: return wrong(correct(wire::syn));
      case kind::ack: return wrong(correct(wire::ack));
      case kind::fin: return wrong(correct(wire::fin | wire::ack));
      case kind::data: {
        auto made = correct(wire::psh | wire::ack);
        made.length = moves_.next();
        return wrong(made);
      }
      case kind::any_segment: {
        auto made = correct(moves_.next() & 63U);
        made.length = moves_.next();
        return wrong(made);
      }
      case kind::again: return last_;
      case kind::cut_off: {
        auto cut = last_;
        if (!cut.empty()) cut.resize(moves_.next() % cut.size());
        return cut;
      }
      case kind::changed: return changed();
      default: return moves_.rest(moves_.next());
    }
  }

  /// A segment with the numbers that are right by now.
  segment correct(unsigned flags) const {
    segment made{where_, *client_, flags, wanted_ != 0 ? wanted_ : own_first, 0, 0};
    if ((flags & wire::syn) != 0) made.sequence = own_first;
    if ((flags & wire::rst) != 0 && !has_spoken_) made.sequence = 0;
    if ((flags & wire::ack) != 0) made.acknowledgment = client_next_;
    return made;
  }
  bytes wrong(segment made) {
    made.sequence += moves_.offset();
    made.acknowledgment += moves_.offset();
    return wire::write_segment(made);
  }
  bytes unreachable() {
    auto made = wire::write_unreachable(syn_, syn_packet_);
    std::size_t const message = where_.family() == AF_INET ? 20 : v6_header;
    auto const type = moves_.next();
    change(made, message, static_cast<std::uint8_t>(type & 31U), message + 2);
    change(made, message + 1, moves_.next(), message + 2);
    return made;
  }
  bytes changed() {
    auto made = last_;
    if (made.empty()) return made;
    std::size_t const tcp = where_.family() == AF_INET ? 20 : v6_header;
    std::size_t const at = moves_.next() % made.size();
    change(made, at, moves_.next(), at < tcp && tcp == 20 ? 10 : tcp + 16);
    return made;
  }
  /// Changes a byte, and the checksum as RFC 1624 does.
  static void change(bytes& in, std::size_t at, std::uint8_t by, std::size_t checksum) {
    if (at >= in.size()) return;
    std::size_t const even = at & ~std::size_t{1};
    bool const is_summed = even + 1 < in.size() && checksum + 1 < in.size() && even != checksum;
    unsigned const before = is_summed ? word(in, even) : 0;
    in[at] ^= by;
    if (!is_summed) return;
    unsigned sum = (~word(in, checksum) & 0xffffU) + (~before & 0xffffU) + word(in, even);
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = (sum & 0xffffU) + (sum >> 16U);
    in[checksum] = static_cast<std::uint8_t>(~sum >> 8U);
    in[checksum + 1] = static_cast<std::uint8_t>(~sum);
  }

  void write(bytes const& packet) const {
    // The kernel refuses what is no IP packet at all.
    [[maybe_unused]] auto const written = ::write(device_.descriptor(), packet.data(), packet.size());
  }

  void deliver(bytes packet) {
    drain(/*is_reaction*/ false);
    int const before = state();
    auto const read = wire::read_segment(packet);
    bool const is_to_client = read && client_ && read->from == where_ && read->to == *client_;
    if (is_to_client && (read->flags & wire::rst) == 0) {
      has_syn_come_ = has_syn_come_ || (read->flags & wire::syn) != 0;
      // Half open, Linux is content with an ACK of what was sent before the SYN (tcp_input.c, tcp_ack).
      bool const is_in_window = read->acknowledgment - syn_.sequence <= 1;
      has_ack_come_ = has_ack_come_ || ((read->flags & wire::ack) != 0 && is_in_window);
    }
    log_ += "< " + (read ? read->name() : std::to_string(packet.size()) + " bytes");
    write(packet);
    int const after = state();
    log_ += "  " + std::to_string(before) + " -> " + std::to_string(after) + '\n';
    note(what_came(before, after, read));
    if (after == TCP_ESTABLISHED || after == TCP_CLOSE_WAIT) has_spoken_ = true;
    bool const completes =
        (before == TCP_SYN_SENT || before == TCP_SYN_RECV) && (after == TCP_ESTABLISHED || after == TCP_CLOSE_WAIT);
    if (completes) note(what::sent_ack);
    last_ = std::move(packet);
    drain(/*is_reaction*/ true);
  }

  what what_came(int before, int after, std::optional<segment> const& read) {
    if (after == before || after == 0) return what::came_data;
    if (after == TCP_SYN_RECV) has_spoken_ = true;
    if (after == TCP_SYN_RECV) return what::came_syn;
    if (after != TCP_CLOSE) return before == TCP_SYN_SENT ? what::came_syn_ack : what::came_data;
    ended_by_icmp_ = !read;
    ended_after_fin_ = before == TCP_CLOSE_WAIT;
    return read ? what::came_rst : what::came_unreachable;
  }

  /// Takes what the kernel has sent: of itself, as the library asked it to, or in answer to a packet.
  void drain(bool is_reaction) {
    while (auto packet = device_.read()) {
      auto const read = wire::read_segment(*packet);
      if (!read || read->to != where_) continue;
      take(*read, *std::move(packet), is_reaction);
    }
  }

  void take(segment const& got, bytes packet, bool is_reaction) {
    bool const is_syn = (got.flags & (wire::syn | wire::ack | wire::rst)) == wire::syn;
    bool const is_first = is_syn && (!client_ || *client_ != got.from);
    if (is_first) {
      client_ = got.from;
      syn_ = got;
      syn_packet_ = std::move(packet);
      client_next_ = got.next();
      wanted_ = 0;
      has_spoken_ = false;
      clients_.emplace_back(got.from, 0);
    }
    if (!client_ || *client_ != got.from) return;  // of an input before this one
    log_ += "> " + got.name() + (is_reaction ? " (in answer)\n" : "\n");
    if ((got.flags & wire::rst) == 0) {
      if (static_cast<std::int32_t>(got.next() - client_next_) > 0) client_next_ = got.next();
      if ((got.flags & wire::ack) != 0) clients_.back().second = wanted_ = got.acknowledgment;
    }
    if (is_syn) {
      note(what::sent_syn);
      bool const is_the_next = is_first && !is_active_;
      is_to_be_answered_ = is_to_be_answered_ || is_the_next;
      syns_since_the_end_ += is_the_next ? 1 : 0;
    } else if ((got.flags & wire::rst) != 0) {
      note(is_reaction ? what::turned_away : what::sent_rst);
    } else if ((got.flags & wire::syn) != 0) {
      // Half open, the kernel repeats its SYN as a SYN-ACK.
      note(std::exchange(has_sent_syn_ack_, true) ? what::sent_syn : what::sent_syn_ack);
    } else if ((got.flags & wire::fin) != 0) {
      note(what::sent_fin);
    }
  }

  wire::tun_device& device_;
  tconn::endpoint where_;
  script moves_;
  kind kind_{};
  unsigned calls_left_ = 0;
  bool waits_for_a_call_ = false;
  int moves_made_ = 0;
  bool has_move_ = false;
  bool is_active_ = true;
  int handle_ = -1;
  std::chrono::nanoseconds elapsed_{0};
  std::optional<tconn::endpoint> client_{};
  segment syn_{};
  bytes syn_packet_{};
  bytes last_{};
  std::uint32_t client_next_ = 0;
  std::uint32_t wanted_ = 0;
  bool has_spoken_ = false;
  bool has_sent_syn_ack_ = false;
  bool has_syn_come_ = false;
  bool has_ack_come_ = false;
  bool ended_by_icmp_ = false;
  bool ended_after_fin_ = false;
  bool is_to_be_answered_ = false;
  int syns_since_the_end_ = 0;
  std::vector<std::pair<tconn::endpoint, std::uint32_t>> clients_{};
  std::vector<exploration::step> steps_{};
  std::string log_{};
};

struct announcer {
  game* to;
  int operator()(std::string_view) const {
    to->before_call();
    return 0;
  }
};

/// The native system, with the game's clock, in whose waits the peer moves.
class played : public tconn::testing::intercepted<tconn::native_system, announcer> {
 public:
  explicit played(game& by) : intercepted({}, announcer{&by}), by_(&by) {}

  tconn::time_point now() const { return by_->now(); }
  int open(tconn::native_handle& opened, int family, bool multipath) const {
    int const answer = intercepted::open(opened, family, multipath);
    if (answer == 0) by_->look_at(opened);
    return answer;
  }
  void close(tconn::native_handle handle) const {
    intercepted::close(handle);
    by_->look_at(-1);
  }
  int start_connect(tconn::native_handle handle, tconn::endpoint const& to) const {
    int const answer = intercepted::start_connect(handle, to);
    by_->note(answer == 0 ? what::connect_done : what::connect_other, 0, answer);
    return answer;
  }
  int connect_error(tconn::native_handle handle, int& error) const {
    int const answer = intercepted::connect_error(handle, error);
    by_->note(what::error_read, 0, error);
    return answer;
  }
  int name(tconn::native_handle handle, tconn::name_of which, int family, tconn::endpoint& named) const {
    int const answer = intercepted::name(handle, which, family, named);
    if (which == tconn::name_of::peer && answer == 0) by_->note(what::peer_named);
    return answer;
  }
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const {
    by_->before_call();
    moment const began = by_->elapsed();
    auto const look = [&] { return native_system::wait(entries, count, tconn::detail::long_past); };
    int answer = look();
    while (answer == tconn::native_error::timed_out && until > now() && by_->during_wait()) answer = look();
    if (answer == tconn::native_error::timed_out) by_->pass_until(until);
    by_->note_wait(answer == 0, began, until <= start ? 0 : (until - start).count());
    return answer;
  }

 private:
  game* by_;
};

/// One connect in the game.
class match {
 public:
  match(wire::tun_device& device, shape const& asked, script moves)
      : asked_(asked), game_(device, moves, asked.family), sys_(game_) {
    options_.on_timeout = asked_.how;
    options_.accept_late = asked_.accept_late;
    auto const limit = asked_.has_time ? std::chrono::nanoseconds{10ms} : 0ns;
    limit_ = limit;
    seen_.asked = {exploration::plain(asked_.how), asked_.accept_late, asked_.borrowed, false, limit.count()};
    seen_.socket = 0;
  }

  void play() {
    auto const began = std::chrono::steady_clock::now();
    auto const before = support::open_descriptors();
    if (asked_.borrowed)
      borrowed();
    else
      owned();
    seen_.open_at_last = support::open_descriptors() - before;
    seen_.steps = game_.steps();
    game_.clear();
    auto broken = exploration::objections(seen_);
    bool const is_complete = std::any_of(seen_.steps.begin(), seen_.steps.end(),
                                         [](auto const& one) { return one.happened == what::sent_ack; });
    if (is_complete && !game_.could_complete()) broken.emplace_back("the lab cannot read what has made a connection");
    // The kernel's clock has gone on: it repeats a SYN after a second, and a FIN sooner.
    bool const was_held_up = std::chrono::steady_clock::now() - began > 150ms;
    if (broken.empty() || was_held_up) return;
    std::string text;
    for (auto const& objection : broken) text += "  promise " + objection + '\n';
    fuzz::give_up("a promise", text + game_.log() + told_);
  }

 private:
  template <class Result>
  void end(Result const& result) {
    game_.end();
    seen_.told = exploration::plain(result);
    if (!result) {
      seen_.told.why = reason_of(result.error().code);
      if (result.error().where == game_.where()) seen_.told.where = 0;
      told_ = result.error().message() + '\n';
    }
    seen_.ended = game_.elapsed();
    seen_.steps_at_end = game_.steps().size();
  }

  // The kernel has more words for it than the simulated world.
  exploration::reason reason_of(std::error_code code) const {
    constexpr std::array of_icmp{ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED, EMSGSIZE,
                                 EOPNOTSUPP,  EHOSTDOWN,    ENONET,      EACCES,       EPROTO};
    bool const is_the_kernels = code.category() == std::system_category();
    auto const is_it = [&](int error) { return error == code.value(); };
    if (is_the_kernels && game_.was_ended_by_icmp() && std::any_of(of_icmp.begin(), of_icmp.end(), is_it))
      return exploration::reason::unreachable;
    if (is_the_kernels && game_.was_ended_after_fin() && code.value() == EPIPE) return exploration::reason::reset;
    return exploration::plain(code);
  }

  void owned() {
    auto const before = support::open_descriptors();
    auto result = tconn::timed_connect(game_.where(), limit_, options_, sys_);
    end(result);
    seen_.open_after = support::open_descriptors() - before;
    if (result) {
      seen_.mode_is_as_it_was = (::fcntl(result->native_handle(), F_GETFL) & O_NONBLOCK) == 0;
    } else if (result.error().pending) {
      game_.answer();
      follow_up([&] { return result.error().pending->wait(1h, tconn::on_timeout::close, sys_).has_value(); });
    }
  }

  void borrowed() {
    int const mode = asked_.nonblocking ? O_NONBLOCK : 0;
    tconn::socket const mine(::socket(asked_.family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::fcntl(mine.native_handle(), F_SETFL, mode);
    game_.look_at(mine.native_handle());
    auto const before = support::open_descriptors();
    auto const result = tconn::timed_connect(mine.native_handle(), game_.where(), limit_, options_, sys_);
    end(result);
    seen_.open_after = support::open_descriptors() - before;
    int const mode_now = ::fcntl(mine.native_handle(), F_GETFL);
    seen_.lent_is_open = mode_now != -1;
    seen_.mode_is_as_it_was = (mode_now & O_NONBLOCK) == mode;
    if (result) return;
    if (result.error().aftermath == tconn::aftermath::kept)
      game_.answer();
    else
      tconn::native_system{}.connect_error(mine.native_handle(), seen_.error_left);
    follow_up([&] { return tconn::timed_connect(mine.native_handle(), game_.where(), 1h, {}, sys_).has_value(); });
  }

  template <class Call>
  void follow_up(Call const& call) {
    seen_.then = call() ? exploration::afterwards::connects : exploration::afterwards::fails;
    seen_.syns_for_it = game_.syns_since_the_end();
  }

  shape const& asked_;
  game game_;
  played sys_;
  std::chrono::nanoseconds limit_{};
  tconn::connect_options options_{};
  exploration::observation seen_{};
  std::string told_ = "connected\n";
};

/// The device, or why there is none. Asked for once.
struct network {
  network() {
    try {
      device = std::make_unique<wire::tun_device>();
    } catch (wire::unavailable const& why) {
      missing = std::string("there is no wire lab: ") + why.what();
      return;
    }
    // What one input teaches the kernel is nothing to the next.
    for (auto const* const name : {"ipv6/conf/all/accept_ra", "ipv6/conf/lab0/accept_ra",
                                   "ipv6/conf/lab0/accept_redirects", "ipv4/conf/lab0/accept_redirects"})
      std::ofstream(std::string("/proc/sys/net/") + name) << 0;
    std::ofstream("/proc/sys/net/ipv4/tcp_no_metrics_save") << 1;
  }
  std::unique_ptr<wire::tun_device> device{};
  std::string missing{};
};

network const& the_network() {
  static network const one;
  return one;
}

}  // namespace

std::string fuzz::what_is_missing() { return the_network().missing; }

/// libFuzzer calls it while the process has one thread.
extern "C" int LLVMFuzzerInitialize(int*, char***);
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  auto const missing = fuzz::what_is_missing();
  if (!missing.empty()) std::cerr << "SKIPPED in part: " << missing << '\n';
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  octets const all(data, size);
  examine_bytes(all);
  auto const& network = the_network();
  if (all.empty() || network.device == nullptr) return 0;
  shape const asked(all.front());
  match(*network.device, asked, script(all.subspan(1))).play();
  return 0;
}
