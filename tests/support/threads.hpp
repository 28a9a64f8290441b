// SPDX-License-Identifier: MIT
// How many threads there are.
#pragma once

#include "support/os.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace support {

/// The same, once a thread has come and gone: with the first one a sanitizer starts another of its own. /proc shows one
/// that was joined for a moment longer, so the least of some readings counts.
inline auto settled_thread_count() {
  std::thread([] {}).join();
  auto least = thread_count();
  for (int readings = 0; readings < 10; ++readings) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    least = std::min(least, thread_count());
  }
  return least;
}

}  // namespace support
