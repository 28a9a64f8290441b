// SPDX-License-Identifier: MIT
// What a picture of the handshake race shows: one trace, with what the reader must know to understand it. ladder.hpp
// draws it as text and svg.hpp for a browser; rows.hpp decides what both of them show, and in which words.
#pragma once

#include "wire/lab/trace.hpp"

#include <chrono>
#include <string>

namespace wire {

/// One trace, and what is written around it.
struct picture {
  std::string name;   ///< The stem of its file's name, "gap-close". It is the prefix of the identifiers in the SVG.
  std::string title;  ///< One line: what the picture is about.
  trace shown{};      ///< What is drawn, in its own order.
  /// The deadline, counted from a moment "call", or else from the first connect(). max() is "never", and a trace with a moment "deadline" knows better.
  std::chrono::nanoseconds limit = std::chrono::nanoseconds::max();
  std::string told{};    ///< What the client was told: "completed, peer_sees_close". Nothing is shown if it is empty.
  std::string policy{};  ///< What it was to do at the deadline: "close". Nothing is shown if it is empty.
};

}  // namespace wire
