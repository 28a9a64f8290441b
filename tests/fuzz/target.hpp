// SPDX-License-Identifier: MIT
// A fuzz target: bytes that anybody may have made up, and what must hold for all of them. libFuzzer makes them up
// (tests/fuzz.sh), and replay.cpp plays those that are worth keeping in every run of the tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

/// Plays one input; ends the process if something does not hold. The name is libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace fuzz {

/// Why this machine cannot play all of it, which is no fault; empty if it can. Asked before the first input.
std::string what_is_missing();

/// Says what does not hold, and of what, and ends the process.
[[noreturn]] inline void give_up(std::string_view broken, std::string_view of) {
  std::cerr << "BROKEN: " << broken << '\n' << of << '\n' << std::flush;
  std::abort();
}

inline void require(bool holds, std::string_view broken, std::string_view of) {
  if (!holds) give_up(broken, of);
}

}  // namespace fuzz
