// SPDX-License-Identifier: MIT
// Ctrl-C. The first one cancels what is under way, so that it can be told what was left behind; the second one ends the
// program at once, as the first one does before anything is under way.
#pragma once

#include "process.hpp"

#include <timed_connect/cancellation.hpp>

#include <atomic>
#include <csignal>

namespace tconnect {

constexpr int interrupted = 130;

/// Ends every wait: somebody has won, nobody reads the results, or there was an interrupt.
inline tconn::cancellation& stop() {
  static tconn::cancellation all;
  return all;
}

inline std::atomic<bool>& was_interrupted() {
  static std::atomic<bool> was{false};
  return was;
}

/// Who has chosen to ignore interrupts, as nohup(1) does for its programs, goes on ignoring them.
inline void on_interrupt(void (*handler)(int)) {
  if (std::signal(SIGINT, handler) == SIG_IGN) std::signal(SIGINT, SIG_IGN);
}

inline void end_when_interrupted() {
  on_interrupt([](int) { end_at_once(interrupted); });
}

/// Some systems forget a handler when they call it.
inline void cancel_all(int) {
  std::signal(SIGINT, cancel_all);
  if (was_interrupted().exchange(true)) end_at_once(interrupted);
  stop().request();
}

inline void cancel_when_interrupted() {
  stop();  // a handler must not be the first to ask
  was_interrupted();
  on_interrupt(cancel_all);
}

}  // namespace tconnect
