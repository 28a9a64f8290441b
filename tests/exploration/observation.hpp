// SPDX-License-Identifier: MIT
// What was asked of the library, what happened while it worked, and what it told. In plain words and numbers: the oracle
// judges by this alone, and nothing here is the library's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace exploration {

using moment = std::int64_t;  ///< Nanoseconds since the world began.

enum class what : unsigned char {
  // Packets of a socket.
  sent_syn,
  sent_syn_ack,  ///< Half of a simultaneous open.
  sent_ack,      ///< The handshake is complete.
  sent_fin,      ///< Our side has ended.
  sent_rst,      ///< Our side has reset it.
  turned_away,   ///< The kernel has answered by RST what no attempt wants.
  came_syn_ack,
  came_syn,
  came_rst,
  came_unreachable,
  came_data,
  came_fin,
  // What happens to the program.
  false_alarm,  ///< poll() will report a socket for nothing.
  time_passed,  ///< While the program was not waiting.
  signal,
  cancellation,
  place_freed,      ///< The Unix listener has a place in its backlog.
  place_taken,      ///< And has none.
  descriptors_out,  ///< No more can be opened.
  descriptors_back,
  // What the library asks, and is answered.
  wait_ready,           ///< A wait on this socket, or no wait at all (until <= began), which found it ready.
  wait_silent,          ///< The same, which did not.
  connect_done,         ///< connect() has answered 0.
  connect_interrupted,  ///< connect() has answered that a signal came.
  no_port,              ///< connect() has answered that no local port is free, and has begun nothing.
  connect_other,        ///< connect() has answered anything else.
  connected_to_itself,  ///< By the connect() before: nobody else hears of it.
  error_read,           ///< SO_ERROR, which is in `value`.
  peer_named,           ///< getpeername() knows the peer.
  shut_down,            ///< shutdown() has answered 0.
  give_up,              ///< The program asks to give it up now.
  closed,
  call,  ///< Anything else.
};

struct step {
  what happened{};
  int socket = -1;  ///< -1: none in particular.
  moment at = 0;
  moment began = 0;  ///< Of a wait.
  moment until = 0;  ///< Of a wait.
  int value = 0;
};

enum class policy : unsigned char { close, reset, keep };
enum class reason : unsigned char {
  none,
  deadline,
  cancelled,
  refused,
  reset,
  aborted,
  unreachable,
  no_descriptor,
  backlog_full,
  broken_pipe,
  self_connect,
  no_port,
  interrupted,
  other
};
enum class shake : unsigned char { not_started, in_flight, completed, failed, unknown };
enum class left : unsigned char { none, nothing_sent, peer_sees_close, peer_sees_reset, kept, unknown };

struct request {
  policy how{};
  bool accept_late = true;
  bool borrowed = false;
  bool unix_socket = false;
  moment deadline = 0;
  bool is_one_of_many = false;  ///< Of a race or a batch: what all have together is judged there.
  bool may_try_again = true;    ///< There is a budget for it.
};

/// How much is told of one attempt.
enum class extent : unsigned char { all, aftermath, nothing };

/// What was told of one attempt.
struct verdict {
  extent is_told{};
  bool connected = false;
  reason why = reason::none;
  std::string code{};  ///< In words, for a reader.
  shake handshake{};
  left aftermath{};
  unsigned syn_retransmits = 0;
  moment elapsed = 0;
  bool has_pending = false;
  int where = -1;  ///< Which of the endpoints, counted from 0; -1: none of them.
};

/// What the same descriptor, or what was kept, does afterwards.
enum class afterwards : unsigned char { not_tried, connects, fails };

struct observation {
  request asked{};
  std::vector<step> steps{};
  int socket = -1;  ///< The attempt's; -1 if none was opened.
  verdict told{};
  moment ended = 0;
  std::size_t steps_at_end = 0;  ///< How many there were when the call returned; the others came later.
  std::size_t open_after = 0;    ///< Descriptors, beside those that were lent.
  std::size_t open_at_last = 0;  ///< The same when the result was gone too.
  bool lent_is_open = true;
  bool mode_is_as_it_was = true;  ///< Of what was lent; of a socket that was handed over: as asked for.
  bool options_were_kept = true;  ///< By what was kept.
  int error_left = 0;             ///< SO_ERROR of what was lent.
  bool report_left = false;       ///< An ICMP error is queued there beside it.
  int stray_closes = 0;
  int blocked = 0;  ///< Calls that would have blocked without a limit.
  afterwards then = afterwards::not_tried;
  int syns_for_it = 0;                   ///< Attempts that were begun for it.
  std::vector<int> earlier_sockets{};    ///< Of tries before this one.
  bool is_given_back_to_itself = false;  ///< What was lent or kept, and then given back, is connected to itself.
  bool replacement_is_intact = true;     ///< What was moved to the place of the attempt is as it was.
};

/// One of several attempts.
struct one_of_many {
  int socket = -1;  ///< -1: none was opened.
  verdict told{};
  int handed_over = -1;  ///< The socket that came with the result, connected or kept; -1: none.
  bool mode_is_as_asked = true;
  int times_told = -1;       ///< To the hook of a batch; -1: there was none.
  moment elapsed_told = -1;  ///< Then.
};

/// Several attempts by one call.
struct observation_of_many {
  request asked{};
  bool is_race = false;
  policy losers{};
  moment stagger = 0;      ///< How long after one attempt of a race the next one begins.
  moment hedge_after = 0;  ///< When a second one begins; 0: never.
  std::vector<step> steps{};
  std::vector<one_of_many> attempts{};  ///< Of a batch: one for each endpoint. Of a race: those that it tells of.
  std::vector<int> sockets{};           ///< In the order in which they were opened.
  std::vector<int> targets{};           ///< Which endpoint each of them is for.
  std::size_t max_in_flight = 0;        ///< Of a batch; 0: all at once.
  verdict told{};                       ///< Of the race as a whole.
  int winner = -1;
  bool mode_is_as_asked = true;  ///< Of the winner.
  std::size_t endpoints = 0;
  moment ended = 0;
  std::size_t steps_at_end = 0;
  std::size_t open_after = 0;
  std::size_t open_at_last = 0;
  int stray_closes = 0;
  int blocked = 0;
};

}  // namespace exploration
