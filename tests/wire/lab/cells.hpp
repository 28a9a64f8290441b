// SPDX-License-Identifier: MIT
// The handshake race as a table: windows, in which something comes, times what the caller wants done at the deadline.
// For each cell: the packets, what the caller is told, and what the descriptor can do afterwards, over IPv4 and IPv6
// alike, for a socket of the library's own and for one that is borrowed. The tests hold the kernel against it.
#pragma once

#include <timed_connect/options.hpp>

#include "lab.hpp"

#include <chrono>
#include <span>
#include <string>

namespace wire {

/// What must be seen of one cell. Without packets there is no such cell.
struct expectation {
  char const* packets = nullptr;  ///< As trace::packets() gives them, until the caller has its answer and what follows.
  char const* told = nullptr;  ///< "connected"; or the error, handshake, aftermath and how often the SYN was repeated.
  char const* owning = nullptr;    ///< Afterwards, with a socket of the library's own, see report::afterwards.
  char const* borrowed = nullptr;  ///< Afterwards, with a borrowed descriptor.
};

/// What else a cell is played with.
struct circumstances {
  bool accept_late = true;
  std::chrono::milliseconds limit{10};
  std::chrono::milliseconds afterwards{0};  ///< For how long the wire is watched after the answer.
  char const* resume = "send SYN-ACK";      ///< What comes when a kept attempt is waited for again.
};

/// One window, in which something comes. In its script, LAST is the last call that is made: close(), or for a borrowed
/// descriptor set_blocking().
struct window {
  char const* name;
  char const* script;
  expectation close;
  expectation reset;
  expectation keep;
  circumstances with{};

  expectation const& expected(tconn::on_timeout how) const;
};

/// All windows.
std::span<window const> windows();

/// How a cell was played.
struct manner {
  tconn::on_timeout how = tconn::on_timeout::close;
  int family = AF_INET;
  bool borrowed = false;
};

/// What was seen of a cell.
struct report {
  std::string packets{};
  std::string told{};
  /// "carries bytes": both ways. "closed": there is no descriptor any more. "connects anew": to another peer, at once or
  /// once it has been disconnected. "resumes: " and what came of it: the kept attempt was waited for again. Anything
  /// else is the error that it gave.
  std::string afterwards{};
  /// What is wrong with it in itself; empty if nothing is.
  std::string faults{};
  /// The machine stood still for so long that the kernel may have repeated a SYN meanwhile: what was seen shows nothing.
  bool held_up = false;
  trace shown{};
};

/// Plays one cell. Threads may play cells at the same time in one lab.
report play(lab& in, window const& what, manner const& by);

}  // namespace wire
