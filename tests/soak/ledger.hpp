// SPDX-License-Identifier: MIT
// What becomes of every attempt, written down by both sides: what its caller was told, and what the server has seen of
// it. Every attempt has an identity, which is in the address that it connects from, so that both write in one line.
#pragma once

#include <timed_connect/endpoint.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace soak {

using identity = std::uint32_t;

/// What a server does with those who come.
enum class manner : std::uint8_t {
  live,       ///< Accepts at once.
  slow,       ///< Accepts now and then.
  full,       ///< Its accept queue is full, but for a moment now and then.
  vanishing,  ///< Goes away now and then, with all that it has accepted, and comes back at the same address.
  refusing,   ///< Nobody listens.
};

/// Where attempts go to.
struct place {
  tconn::endpoint where{};
  soak::manner manner = manner::live;
  std::string name{};
};

/// The calls that attempts are made by.
enum class action : std::uint8_t { owned, borrowed, started, race, batch, retried };
constexpr std::size_t action_count = 6;

/// What the caller of one attempt was told of it, or what it did with the socket that it was given.
enum class told : std::uint8_t {
  nothing,           ///< Not yet.
  not_begun,         ///< Refused, or nothing was ever in flight; aftermath none.
  ended_by_peer,     ///< It failed in another way, or was complete and is over; aftermath none.
  silence,           ///< aftermath nothing_sent
  peer_sees_close,   ///< So the aftermath says.
  peer_sees_reset,   ///< So the aftermath says.
  unknown,           ///< So the aftermath says.
  connected_closed,  ///< Connected; it has sent a byte, and ended it by FIN.
  connected_reset,   ///< Connected; it has sent a byte, and ended it by RST.
  connected_lost,    ///< Connected, and found ended by the server.
  beaten_close,      ///< Another attempt of its race has won; given up by `close`.
  beaten_reset,      ///< The same by `reset`.
  beaten,            ///< The same by either of the two.
  superseded,        ///< A later attempt of its call was connected.
  let_go,            ///< In flight when its owner closed it, or destroyed it.
};
constexpr std::size_t told_count = 15;

/// What a server has seen of one connection: a set of these.
namespace seen {
inline constexpr std::uint8_t accepted = 1;
inline constexpr std::uint8_t data = 2;
inline constexpr std::uint8_t end_of_file = 4;
inline constexpr std::uint8_t reset = 8;
inline constexpr std::uint8_t dropped = 16;  ///< By the server itself.
inline constexpr std::uint8_t accepted_again = 32;
}  // namespace seen

/// How what was told and what was seen go together.
enum class finding : std::uint8_t {
  as_told,
  lost_with_listener,  ///< Complete, but not accepted when the listener vanished. TCP cannot tell the client.
  half_open,           ///< Complete for the client alone: the accept queue was full when its ACK came.
  accepted_untold,     ///< Accepted, and nobody was told.
  never_told,          ///< Begun, and no outcome.
  never_accepted,      ///< Told connected, and never accepted.
  not_as_left,         ///< Told what the peer sees, and the peer has never seen the connection.
  seen_otherwise,      ///< The server saw other data, or another end, than it should have.
  never_ended,         ///< The server's connection is still open.
  accepted_twice,      ///< Two connections from one attempt.
};
constexpr std::size_t finding_count = 10;

std::string_view to_string(action);
std::string_view to_string(told);
std::string_view to_string(finding);

/// Whether the finding is as it must not be.
constexpr bool is_fault(finding what) { return what >= finding::accepted_untold; }

finding judge(told what, std::uint8_t seen_of_it, place const& at);

/// The sum of a ledger.
struct account {
  std::size_t attempts = 0;
  std::size_t accepted = 0;
  std::array<std::array<std::size_t, told_count>, action_count> told{};
  std::array<std::size_t, told_count> accepted_of{};  ///< How many of those that were told so.
  std::array<std::size_t, finding_count> findings{};
  std::vector<std::string> faults{};  ///< The first few in words.

  /// How many of a finding there are.
  std::size_t count(finding what) const { return findings[static_cast<std::size_t>(what)]; }
  /// How many attempts were told so.
  std::size_t count(soak::told what) const;
  account& operator+=(account const& other);
};

/// Any thread may write in it; each side writes its own half of a line.
class ledger {
 public:
  /// Identities begin where the servers' own addresses have ended, with that of what fills a queue.
  static constexpr identity filler = 1 << 16;
  static constexpr identity first_identity = filler + 1;

  explicit ledger(std::size_t capacity) : capacity_(capacity), lines_(new line[capacity + reserve]) {}

  /// All lines are empty again.
  void clear();
  /// Whether no new attempts should be made.
  bool is_full() const { return used_ >= capacity_; }
  std::size_t size() const { return used_; }

  identity begin(action by, std::size_t place);
  void tell(identity who, told what);
  void see(identity who, std::uint8_t what);
  /// A server has accepted a connection whose address is no attempt's.
  void see_stranger() { ++strangers_; }

  /// Holds what was told against what was seen.
  account settle(std::span<place const> places) const;
  /// How often something was told of an attempt of which something had been told.
  std::size_t told_again() const { return told_again_; }
  std::size_t strangers() const { return strangers_; }

 private:
  struct line {
    action by{};
    std::uint8_t place = 0;
    std::atomic<told> what{told::nothing};
    std::atomic<std::uint8_t> seen_of_it{0};
  };
  static constexpr std::size_t reserve = 1 << 14;  // for the attempts of calls that have begun when it is full

  std::size_t capacity_;
  std::unique_ptr<line[]> lines_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> told_again_{0};
  std::atomic<std::size_t> strangers_{0};
};

}  // namespace soak
