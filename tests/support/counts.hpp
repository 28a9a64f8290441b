// SPDX-License-Identifier: MIT
// Tests that play thousands of cases tell how many there were, so that nobody has to believe it. ctest hides what a test
// prints that passes; tests/run.sh names a file in the environment, and shows it above ctest's summary.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

namespace support {

/// Prints a line such as "[ COUNT    ] 123456 pairs of faults", and adds it to that file.
inline void tell_count(std::string const& what) {
  std::string const line = "[ COUNT    ] " + what + '\n';
  std::cout << line << std::flush;
  // Tests run side by side: a line that is appended at once stays whole.
  if (char const* const file = std::getenv("TIMED_CONNECT_COUNTS")) std::ofstream(file, std::ios::app) << line;
}

}  // namespace support
