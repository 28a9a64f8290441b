// SPDX-License-Identifier: MIT
// The director lets things happen in a simulated world: before every system call of the library, during every wait, and
// whenever it looks at the clock. What happens is chosen, so that one who makes every choice in turn sees all that can
// happen, up to a number of events. All of it is written down for the oracle.
#pragma once

#include "exploration/choices.hpp"
#include "exploration/observation.hpp"

#include <timed_connect/cancellation.hpp>
#include <timed_connect/testing/simulated.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace exploration {

/// What may happen, and how often.
struct limits {
  int events = 4;                                           ///< In one execution.
  std::chrono::nanoseconds tick = std::chrono::seconds{1};  ///< How much time passes at a time.
  moment end = 0;                                           ///< When no more ticks are of interest.
  bool simultaneous_open = false;
  bool fins = false;      ///< The peer ends its side.
  bool bad_luck = false;  ///< connect() connects the socket to itself, or finds no port.
  bool descriptors_run_out = false;
  tconn::cancellation* cancel = nullptr;
  tconn::endpoint const* listener = nullptr;  ///< A Unix one, whose backlog is full or has a place.
};

/// Makes cancellations for one execution after another. One that nobody has requested is as good as new, and to open one
/// takes longer than to play.
class cancellations {
 public:
  /// Until the next call.
  tconn::cancellation& unrequested() {
    if (!one_ || one_->requested()) one_.emplace();
    return *one_;
  }

 private:
  std::optional<tconn::cancellation> one_{};
};

class director {
 public:
  director(tconn::testing::world& net, choices& chooser, limits const& allowed);
  director(director const&) = delete;
  director& operator=(director const&) = delete;

  /// A call of the library begins now: no time passes before it looks at the clock. When that is.
  moment begin_call() {
    has_looked_ = false;
    return now();
  }
  /// Until go_on() nothing happens, and nothing is written down but packets.
  void pause() { is_active_ = false; }
  void go_on() { is_active_ = true; }
  /// From now on nothing happens that was not asked for, and nothing is written down but packets.
  void stop() { is_active_ = false; }
  std::vector<step> const& steps() const { return steps_; }
  /// The same, at the end.
  std::vector<step> take_steps() { return std::move(steps_); }
  /// The sockets in the order in which they were opened.
  std::vector<int> const& sockets() const { return sockets_; }
  /// The last one; -1 if none could be opened after it.
  int last_socket() const { return sockets_.empty() || is_last_missing_ ? -1 : sockets_.back(); }

  // ---- what `explored` tells ----

  void before(std::string_view call);
  void looked_at_the_clock();
  void opened(int handle) {
    sockets_.push_back(handle);
    is_last_missing_ = false;
  }
  void not_opened() { is_last_missing_ = true; }
  void begin_connect(int handle, tconn::endpoint const& to);
  void end_connect(int handle, int answer);
  void note(what happened, int socket, int value = 0) {
    if (is_active_) steps_.push_back({happened, socket, now(), 0, 0, value});
  }
  void note_wait(bool is_ready, int socket, moment began, moment until) {
    if (is_active_) steps_.push_back({is_ready ? what::wait_ready : what::wait_silent, socket, now(), began, until});
  }
  /// Whether something happens now that may end a wait; if not, its time runs out.
  enum class in_wait : unsigned char { nothing, something, signal };
  in_wait during_wait();
  /// Whether a signal comes during a look that has found nothing.
  bool interrupts_look();
  moment now() const { return net_.elapsed().count(); }
  bool is_active() const { return is_active_; }
  bool is_cancelled() const { return allowed_.cancel != nullptr && allowed_.cancel->requested(); }

 private:
  enum class kind : unsigned char {
    nothing,
    syn_ack,
    rst,
    unreachable,
    syn,
    data,
    fin,
    interrupt,
    no_port,
    self_connect,
    false_alarm,
    tick,
    cancel,
    signal,
    free_place,
    take_place,
    run_out,
    give_back
  };
  struct action {
    kind does;
    int socket;
  };
  struct peer_state {
    bool has_answered = false;
    bool has_opened = false;
    bool has_sent_data = false;
    bool is_ourselves = false;
  };

  peer_state& peer_of(int handle);
  void offer_packets(int handle);
  void offer_answers();
  void offer_everything(bool in_a_wait);
  void offer(kind does, int socket = -1) { menu_.push_back({does, socket}); }
  kind choose();
  void carry_out(action const& chosen);
  void deliver(int handle, tconn::testing::happening packet);
  void write_down(tconn::native_handle handle, std::string_view packet);

  tconn::testing::world& net_;
  choices& chooser_;
  limits allowed_;
  int left_;
  bool is_active_ = true;
  bool has_looked_ = false;
  bool is_delivering_ = false;
  bool is_out_ = false;
  bool has_place_ = false;
  bool is_last_missing_ = false;
  // Of the connect() that is being made:
  int connecting_ = -1;
  tconn::endpoint const* to_ = nullptr;
  bool begins_ = false;  // it begins an attempt, and goes on with none
  bool has_bad_luck_ = false;
  bool is_interrupted_ = false;
  std::vector<action> menu_{};
  std::vector<step> steps_{};
  std::vector<int> sockets_{};
  std::vector<peer_state> peers_{};
};

/// The simulated system, directed.
class explored : public tconn::testing::simulated {
 public:
  explored(tconn::testing::world* net, director& directs) : simulated(net), directs_(&directs) {}

  tconn::time_point now() const {
    directs_->looked_at_the_clock();
    return simulated::now();
  }
  int open(tconn::native_handle& opened, int family, bool multipath) const {
    int const error = simulated::open(opened, family, multipath);
    if (error == 0)
      directs_->opened(opened);
    else
      directs_->not_opened();
    return error;
  }
  int start_connect(tconn::native_handle handle, tconn::endpoint const& to) const {
    directs_->begin_connect(handle, to);
    int const answer = simulated::start_connect(handle, to);
    directs_->end_connect(handle, answer);
    return answer;
  }
  int connect_error(tconn::native_handle handle, int& error) const {
    int const answer = simulated::connect_error(handle, error);
    directs_->note(what::error_read, handle, error);
    return answer;
  }
  int name(tconn::native_handle handle, tconn::name_of which, int family, tconn::endpoint& named) const {
    int const answer = simulated::name(handle, which, family, named);
    if (which == tconn::name_of::peer && answer == 0) directs_->note(what::peer_named, handle);
    return answer;
  }
  int shut(tconn::native_handle handle, tconn::shut_direction direction) const {
    int const answer = simulated::shut(handle, direction);
    if (answer == 0) directs_->note(what::shut_down, handle);
    return answer;
  }
  int wait(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const;

 private:
  int look(tconn::poll_entry* entries, std::size_t count, tconn::time_point until) const;

  director* directs_;
};

static_assert(tconn::system_calls<explored>);

}  // namespace exploration
