// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <algorithm>
#include <numeric>

namespace soak {
namespace {

/// What the server should have read: nothing, or the byte that we send; and then which end.
struct expectation {
  bool data;
  std::uint8_t ends;
};

expectation expected_of(told what, bool is_unix) {
  constexpr auto closed = seen::end_of_file;
  auto const reset = is_unix ? seen::end_of_file : seen::reset;  // Unix sockets have no RST
  switch (what) {
    case told::connected_closed: return {true, closed};
    case told::connected_reset: return {true, reset};
    case told::peer_sees_close:
    case told::beaten_close:
    case told::let_go: return {false, closed};
    case told::peer_sees_reset:
    case told::beaten_reset: return {false, reset};
    case told::nothing:
    case told::not_begun:
    case told::ended_by_peer:
    case told::silence:
    case told::connected_lost:
    case told::unknown:
    case told::beaten:
    case told::superseded: break;
  }
  return {false, static_cast<std::uint8_t>(seen::end_of_file | seen::reset)};
}

/// A queue that is full when the handshake's last ACK comes throws that away. The kernels repeat it, and what follows it,
/// after longer and longer pauses; or never, after a RST.
bool is_full_of_tcp(place const& at) { return at.manner == manner::full && at.where.family() != AF_UNIX; }

/// What was told asks for a server that has accepted, and it has not.
finding missed(place const& at, finding otherwise) {
  if (at.manner == manner::vanishing) return finding::lost_with_listener;
  return is_full_of_tcp(at) ? finding::half_open : otherwise;
}

finding judge_unseen(told what, place const& at) {
  switch (what) {
    case told::nothing: return finding::never_told;
    case told::connected_closed:
    case told::connected_reset:
    case told::connected_lost: return missed(at, finding::never_accepted);
    case told::peer_sees_close:
    case told::peer_sees_reset: return missed(at, finding::not_as_left);
    default: return finding::as_told;
  }
}

std::string in_words(std::uint8_t seen_of_it) {
  constexpr std::array<std::string_view, 6> names{"accepted", "data",    "end of file",
                                                  "reset",    "dropped", "accepted again"};
  std::string words;
  for (std::size_t bit = 0; bit < names.size(); ++bit) {
    if ((seen_of_it >> bit & 1) != 0) words += ' ' + std::string(names[bit]);
  }
  return words.empty() ? " nothing" : words;
}

}  // namespace

finding judge(told what, std::uint8_t seen_of_it, place const& at) {
  auto const has = [&](std::uint8_t bits) { return (seen_of_it & bits) != 0; };
  if (!has(seen::accepted)) return judge_unseen(what, at);
  if (has(seen::accepted_again)) return finding::accepted_twice;
  if (what == told::nothing || what == told::silence || what == told::not_begun) return finding::accepted_untold;
  if (has(seen::dropped)) return finding::as_told;
  if (what == told::ended_by_peer) return finding::accepted_untold;
  if (what == told::connected_lost) return finding::seen_otherwise;
  auto const expected = expected_of(what, at.where.family() == AF_UNIX);
  if (!has(seen::end_of_file | seen::reset)) return is_full_of_tcp(at) ? finding::half_open : finding::never_ended;
  return has(seen::data) == expected.data && has(expected.ends) ? finding::as_told : finding::seen_otherwise;
}

std::string_view to_string(action by) {
  constexpr std::array<std::string_view, action_count> names{"owned", "borrowed", "start_connect",
                                                             "any",   "all",      "retry"};
  return names[static_cast<std::size_t>(by)];
}

std::string_view to_string(told what) {
  constexpr std::array<std::string_view, told_count> names{"nothing",         "not begun",         "ended by peer",
                                                           "silence",         "peer sees close",   "peer sees reset",
                                                           "unknown",         "connected, closed", "connected, reset",
                                                           "connected, lost", "beaten, closed",    "beaten, reset",
                                                           "beaten",          "superseded",        "let go"};
  return names[static_cast<std::size_t>(what)];
}

std::string_view to_string(finding what) {
  constexpr std::array<std::string_view, finding_count> names{"as told",
                                                              "complete, and lost with a listener that vanished",
                                                              "complete for the client alone, as a queue was full",
                                                              "accepted, and nobody was told",
                                                              "begun, and no outcome was told",
                                                              "told connected, and never accepted",
                                                              "told what the peer sees, and it never saw it",
                                                              "the server saw something else than was told",
                                                              "still open at the server",
                                                              "accepted twice"};
  return names[static_cast<std::size_t>(what)];
}

std::size_t account::count(soak::told what) const {
  auto const add = [&](std::size_t sum, auto const& by) { return sum + by[static_cast<std::size_t>(what)]; };
  return std::accumulate(told.begin(), told.end(), std::size_t{0}, add);
}

account& account::operator+=(account const& other) {
  attempts += other.attempts;
  accepted += other.accepted;
  for (std::size_t by = 0; by < action_count; ++by) {
    for (std::size_t what = 0; what < told_count; ++what) told[by][what] += other.told[by][what];
  }
  for (std::size_t what = 0; what < told_count; ++what) accepted_of[what] += other.accepted_of[what];
  for (std::size_t what = 0; what < finding_count; ++what) findings[what] += other.findings[what];
  faults.insert(faults.end(), other.faults.begin(), other.faults.end());
  return *this;
}

// Only what was written: to a thread sanitizer each atomic that is stored to is an object of its own.
void ledger::clear() {
  std::size_t const written = used_;
  for (std::size_t i = 0; i < written; ++i) {
    lines_[i].what = told::nothing;
    lines_[i].seen_of_it = 0;
  }
  used_ = 0;
}

identity ledger::begin(action by, std::size_t place) {
  std::size_t const taken = used_++;
  auto& begun = lines_[taken];
  begun.by = by;
  begun.place = static_cast<std::uint8_t>(place);
  return first_identity + static_cast<identity>(taken);
}

void ledger::tell(identity who, told what) {
  auto const before = lines_[who - first_identity].what.exchange(what);
  if (before != told::nothing) ++told_again_;
}

void ledger::see(identity who, std::uint8_t what) {
  if (who - first_identity >= used_) return see_stranger();
  auto& seen_of_it = lines_[who - first_identity].seen_of_it;
  auto const before = seen_of_it.fetch_or(what);
  if ((before & what & seen::accepted) != 0) seen_of_it |= seen::accepted_again;
}

account ledger::settle(std::span<place const> places) const {
  constexpr std::size_t most_in_words = 10;
  account sum;
  sum.attempts = used_;
  for (std::size_t i = 0; i < used_; ++i) {
    auto const& one = lines_[i];
    told const what = one.what;
    std::uint8_t const seen_of_it = one.seen_of_it;
    auto const& at = places[one.place];
    auto const found = judge(what, seen_of_it, at);
    std::size_t const accepted = (seen_of_it & seen::accepted) != 0 ? 1 : 0;
    sum.accepted += accepted;
    sum.accepted_of[static_cast<std::size_t>(what)] += accepted;
    ++sum.told[static_cast<std::size_t>(one.by)][static_cast<std::size_t>(what)];
    ++sum.findings[static_cast<std::size_t>(found)];
    if (!is_fault(found) || sum.faults.size() == most_in_words) continue;
    sum.faults.push_back(std::string(to_string(found)) + ": " + std::string(to_string(one.by)) + " to " + at.name +
                         ", told " + std::string(to_string(what)) + ", seen" + in_words(seen_of_it));
  }
  return sum;
}

}  // namespace soak
