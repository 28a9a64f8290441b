// SPDX-License-Identifier: MIT
// Differences of a few per cent are visible only side by side: in each lap every client does the same thing 25 times, in
// an order drawn anew, and 40 laps make a round. A client's figure for the round is its median, and its ratio is to the
// first client's of the same round. The rows tell the median and the quartiles of that ratio over the rounds.
#pragma once

#include "peers/peer.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

struct client {
  std::string name;
  peers::connect_function connect;
};

/// Where a contest is played.
struct arena {
  tconn::endpoint where;
  /// Clears away, after each lap and untimed, what so many calls have left at the server's side.
  std::function<void(std::size_t calls)> clear_away;
};

struct contest {
  std::string name;
  peers::outcome expected;
  int rounds;
  std::function<arena()> build;
  std::vector<client> clients;      ///< The first one is what the others are compared with.
  std::vector<std::string> rivals;  ///< Clients that each other one is compared with as well.
};

/// An arena with a listener whose connections are accepted and closed after each lap. The kernel completes the
/// handshakes by itself, so that no server runs beside a client.
arena listening(tconn::endpoint const& at, std::size_t clients);

/// Adds a row for each client. The first one that is run plays all rounds, for every client.
void add(contest what);

/// The peers as clients.
void append_peers(std::vector<client>& to);
